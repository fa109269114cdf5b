"""People with a month of ordinary work behind them, so that what is not ordinary shows."""

from records import event
from records import events as read

REQUEST, GENERATE, DOWNLOAD = (f"analytics.reports.export.{step}" for step in ("request", "generate", "download"))
FEEDBACK = "analytics.feedback.provide"
OFFICE = {"ip": "192.0.2.10", "country": "Norway", "network": 64496, "lat": 59.9, "lon": 10.7, "is_proxy": False}
SERVER = {"ip": "203.0.113.9", "country": "Romania", "network": 64508, "lat": 44.4, "lon": 26.1, "is_proxy": False}
LAPTOP = {"browser": "CHROME", "os": "Windows 10", "rawUserAgent": "Chrome/145"}
STRANGER = {"browser": "FIREFOX", "os": "Linux", "rawUserAgent": "Firefox/148"}


def act(number, event_type, at, who="ann", *, session=None, origin=OFFICE, agent=LAPTOP, debug=None, **fields):
    """Return what somebody does in 2026-03; `at` is a time as `20T09:30`."""
    session = session or f"{who}-{at[:2]}"
    spot = {"country": origin["country"], "geolocation": {"lat": origin["lat"], "lon": origin["lon"]}}
    common = {
        "actor": {"id": who, "type": "User", "alternateId": f"{who}@example.com"},
        "client": {"ipAddress": origin["ip"], "userAgent": agent, "geographicalContext": spot},
        "securityContext": {"asNumber": origin["network"], "isProxy": origin["is_proxy"]},
        "authenticationContext": {"externalSessionId": session, "rootSessionId": session},
        "debugContext": {"debugData": {**origin.get("debug", {}), **(debug or {})}},
        "outcome": {"result": "SUCCESS"},
    }
    return event(number, event_type, f"2026-03-{at}:00.000Z", **common | fields)


def about(who):
    """Return the target list that names a user."""
    return [{"id": who, "type": "User", "alternateId": f"{who}@example.com"}]


def report(name="okta-usage", detail=None):
    """Return the target list that names a report."""
    return [{"id": name, "type": "Report", "displayName": name.replace("-", " ").title(), "detailEntry": detail}]


def life(start, who, days=range(1, 29)):
    """Return workdays from eight to ten; the console is opened at nine, three minutes past."""
    times = (("08:00", "user.session.start"), ("09:03", "user.session.access_admin_app"), ("10:20", "user.session.end"))
    return [
        act(start + 10 * day + turn, kind, f"{day:02}T{at}", who)
        for day in days
        for turn, (at, kind) in enumerate(times)
    ]


def job(start, day, who="ann", taken_by=None, key="j", times=("09:10", "09:12", "09:20"), **fields):
    """Return a request, a generation by Okta's system without a client, and a download."""
    scope = {"filter": 'status eq "ACTIVE"', "columns": "a,b", "exportType": "CSV"}
    debug, (asked, made, taken) = {"jobid": f"{key}{day}"}, (f"{day:02}T{at}" for at in times)
    system = {"actor": {"id": "system", "type": "SystemPrincipal", "alternateId": "system@okta.com"}}
    return [
        act(start, REQUEST, asked, who, debug=debug, target=report(detail=scope), **fields),
        event(
            start + 1,
            GENERATE,
            f"2026-03-{made}:00.000Z",
            **system,
            transaction={"type": "JOB"},
            target=report(),
            debugContext={"debugData": debug},
            outcome={"result": "SUCCESS"},
        ),
        act(start + 2, DOWNLOAD, taken, taken_by or who, debug=debug, target=report(), **fields),
    ]


def changed(records, number, **fields):
    """Return the records with one event changed; a field in two parts, `client__ipAddress`, lies one level down."""
    found = []
    for record in records:
        if int(record["uuid"][-12:]) == number:
            for path, value in fields.items():
                outer, _, inner = path.partition("__")
                record = {**record, outer: {**record[outer], inner: value} if inner else value}
        found.append(record)
    return found


def events(*records):
    """Return the events table of some records, in which everybody has one device."""
    return read(*map(with_device, records))


def with_device(record):
    """Return a record with the device hash of who did it."""
    debug = (record.get("debugContext") or {}).get("debugData")
    who = (record.get("actor") or {}).get("id")
    if debug is None or not who or who == "system":
        return record
    return {**record, "debugContext": {"debugData": {"dtHash": f"{who}-laptop", **debug}}}
