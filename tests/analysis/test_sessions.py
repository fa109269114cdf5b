"""Sessions: what moved within one, what explains it, and what was done afterwards."""

import json
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from oktakit.analysis.actors import OKTA_CLIENTS
from oktakit.analysis.sessions import CHANGE_COLUMNS, SESSION_COLUMNS, correlate_sessions, find_session_changes
from records import event, events, uuid

SAMPLES = Path(__file__).parents[2] / "sample_logs"
OSLO = {"ip": "192.0.2.1", "country": "Norway", "asn": 64496, "proxy": False}
AWAY = {"ip": "203.0.113.9", "country": "Romania", "asn": 64508, "proxy": True}
CHROME = {"browser": "CHROME", "os": "Mac OS X", "agent": "Mozilla/5.0 Chrome", "dt": "d1"}
FIREFOX = {"browser": "FIREFOX", "os": "Linux", "agent": "Mozilla/5.0 Firefox", "dt": "d2"}


def act(number, minute, kind="user.authentication.sso", session="s1", by="ada", user="User", **client):
    """Return an event of one session at 08:`minute`, from Oslo with Chrome where nothing else is said."""
    have = OSLO | CHROME | {"client_id": None, "uri": None} | client
    agent = {"rawUserAgent": have["agent"], "browser": have["browser"], "os": have["os"]}
    place = {"country": have["country"]}
    return event(
        number,
        kind,
        f"2026-03-02T08:{minute:02}:00.000Z",
        actor={"id": by, "type": user, "alternateId": f"{by}@example.com"},
        client={"ipAddress": have["ip"], "userAgent": agent, "geographicalContext": place, "id": have["client_id"]},
        authenticationContext={"externalSessionId": session, "rootSessionId": session},
        securityContext={"asNumber": have["asn"], "isProxy": have["proxy"]},
        debugContext={"debugData": {"dtHash": have["dt"], "requestUri": have["uri"]}},
        target=[{"id": "t", "type": "AppInstance", "displayName": client.get("app")}],
    )


def job(number, minute, kind="analytics.reports.export.generate", session="s1"):
    """Return an event of Okta's system that has no client."""
    nobody = dict.fromkeys(("ip", "country", "asn", "proxy", "browser", "os", "agent", "dt"))
    return act(number, minute, kind, session, "system", "SystemPrincipal", **nobody)


HIJACK = [
    act(1, 0, "user.session.start"),
    act(2, 10, "user.session.context.change", **AWAY, **FIREFOX),
    act(3, 12, "analytics.reports.export.request", **AWAY, **FIREFOX),
    job(4, 13),
    act(5, 14, "analytics.reports.export.download", **AWAY, **FIREFOX),
]


def explained(*records):
    """Return what moved and what explains it, for every change."""
    found = find_session_changes(events(*records))
    reasons = [None if pd.isna(reason) else reason for reason in found["explained_by"]]
    return list(zip(found["moved"], reasons, strict=True))


def test_a_session_that_moves_is_one_change_with_what_followed():
    """Everything moves once; the request and the download after it are counted, the job between is no client."""
    found = find_session_changes(events(*HIJACK))
    row = found.iloc[0]
    assert (len(found), row["session"], row["actor_id"]) == (1, "s1", "ada")
    assert (row["previous_uuid"], row["uuid"], row["after"]) == (uuid(1), uuid(2), pd.Timedelta("10min"))
    assert row["moved"] == "ip_address as_number country os browser raw_user_agent dt_hash is_proxy"
    assert (row["from_ip_address"], row["to_ip_address"]) == ("192.0.2.1", "203.0.113.9")
    assert (row["from_country"], row["to_country"]) == ("Norway", "Romania")
    assert (row["from_as_number"], row["to_as_number"]) == (64496, 64508)
    assert (row["from_browser"], row["to_browser"], row["from_os"], row["to_os"]) == (
        *("CHROME", "FIREFOX"),
        *("Mac OS X", "Linux"),
    )
    assert (row["from_dt_hash"], row["to_dt_hash"]) == ("d1", "d2")
    assert (row["from_is_proxy"], row["to_is_proxy"]) == (False, True)
    assert (row["requests_after"], row["downloads_after"], row["feedback_after"]) == (1, 1, 0)
    assert pd.isna(row["explained_by"])


def test_what_was_done_counts_from_the_change_itself_and_in_its_session_only():
    """A download that is the change counts; one before it and one of another session do not."""
    download = "analytics.reports.export.download"
    found = find_session_changes(events(act(1, 0, download), act(2, 1, download, **AWAY), act(3, 2, download, "s2")))
    assert list(found["downloads_after"]) == [1]


def test_a_session_that_stays_has_no_change():
    """The same client throughout, and another session elsewhere, move nothing."""
    assert explained(act(1, 0), act(2, 5), act(3, 6, session="s2", **AWAY, **FIREFOX)) == []


@pytest.mark.parametrize("unknown", [None, "unknown", "UNKNOWN", "null", ""])
def test_what_is_not_known_never_moved(unknown):
    """A value that is missing or says so moves neither when it comes nor when it goes."""
    blank = dict.fromkeys(("country", "os", "browser", "agent", "dt"), unknown) | {"asn": None, "proxy": None}
    assert explained(act(1, 0), act(2, 1, **blank), act(3, 2)) == []
    assert explained(act(1, 0), act(2, 1, ip=unknown), act(3, 2)) == []


@pytest.mark.parametrize("session", [None, "unknown", "null", "", "Unknown "])
def test_events_without_a_session_are_no_session(session):
    """A storm of sentinels makes neither a session nor a change."""
    records = [act(1, 0, session=session), act(2, 1, session=session, **AWAY, **FIREFOX)]
    assert explained(*records) == []
    assert correlate_sessions(events(*records)).empty


def test_okta_s_own_agent_is_explained_and_hides_nothing():
    """Okta's integration is a row of its own; the theft behind it is still compared with the owner before it."""
    own = {"ip": "198.51.100.7", "agent": "Okta-Integrations", "browser": "UNKNOWN", "os": "Unknown", "dt": None}
    quiet = explained(act(1, 0), act(2, 1, **own), act(3, 2))
    assert quiet == [("ip_address raw_user_agent", "okta_agent")]
    found = find_session_changes(events(act(1, 0), act(2, 1, **own), act(3, 2, **AWAY)))
    assert list(found["explained_by"].isna()) == [False, True]
    assert list(found["previous_uuid"]) == [uuid(1), uuid(1)]


@pytest.mark.parametrize("own", [{"client_id": OKTA_CLIENTS[0]}, {"user": "SystemPrincipal", "by": "system"}])
def test_okta_s_client_and_system_are_explained(own):
    """The client id of the Admin Console and the system actor are Okta's, whatever the agent."""
    assert explained(act(1, 0), act(2, 1, ip="198.51.100.7", **own), act(3, 2)) == [("ip_address", "okta_agent")]


@pytest.mark.parametrize("grant", [{"kind": "app.oauth2.as.token.grant.access_token"}, {"uri": "/oauth2/v1/authorize"}])
def test_two_hashes_of_one_oauth_flow_are_explained(grant):
    """Only the hash differs, on one address and agent, around an OAuth grant."""
    assert explained(act(1, 0), act(2, 1, dt="d9", **grant)) == [("dt_hash", "oauth_flow")]
    assert explained(act(1, 0, **grant), act(2, 1, dt="d9")) == [("dt_hash", "oauth_flow")]


def test_another_hash_is_not_explained_without_oauth_or_at_another_address():
    """A new device without OAuth, or OAuth from another address or agent, stays open."""
    oauth = {"uri": "/oauth2/v1/token"}
    assert explained(act(1, 0), act(2, 1, dt="d9")) == [("dt_hash", None)]
    assert explained(act(1, 0), act(2, 1, dt="d9", ip="192.0.2.2", **oauth)) == [("ip_address dt_hash", None)]
    assert explained(act(1, 0), act(2, 1, dt="d9", agent="curl", **oauth)) == [("raw_user_agent dt_hash", None)]
    assert explained(act(1, 0, agent=None), act(2, 1, dt="d9", agent=None, **oauth)) == [("dt_hash", None)]


def test_one_address_in_another_place_is_explained():
    """The place database changed its mind about the address; a new browser on top is not explained by that."""
    moved = {"country": "Sweden", "asn": 64497, "proxy": True}
    assert explained(act(1, 0), act(2, 1, **moved)) == [("as_number country is_proxy", "same_address")]
    both = explained(act(1, 0), act(2, 1, browser="EDGE", **moved))
    assert both == [("as_number country browser is_proxy", None)]


def test_a_kiosk_is_explained():
    """Two people on one machine, in one session or beside each other, move only the hash."""
    assert explained(act(1, 0), act(2, 1, by="bo", dt="d9")) == [("dt_hash", "kiosk")]
    beside = act(3, 2, session="s2", by="bo", dt="d9")
    assert explained(act(1, 0), act(2, 1, dt="d9"), beside) == [("dt_hash", "kiosk")]
    elsewhere = act(3, 2, session="s2", by="bo", dt="d9", ip="192.0.2.77")
    assert explained(act(1, 0), act(2, 1, dt="d9"), elsewhere) == [("dt_hash", None)]
    assert explained(act(1, 0), act(2, 1, by="bo", dt="d9", **AWAY))[0][1] is None


def test_a_log_without_addresses_still_shows_the_other_moves():
    """Where a session has no address at all, its other values are compared."""
    assert explained(act(1, 0, ip=None), act(2, 1, ip=None, country="Romania")) == [("country", None)]


def test_a_session_is_told_on_one_row():
    """Counts of everything distinct, of proxies, exports and console openings; the owner is not Okta's system."""
    console = act(7, 15, "policy.evaluate_sign_on", app="Okta Admin Console")
    other = act(8, 16, "policy.evaluate_sign_on", app="Mail")
    opened = act(9, 17, "user.session.access_admin_app")
    system = job(10, 0, "policy.entity_risk.evaluate") | {"published": "2026-03-02T07:59:00.000Z"}
    row = correlate_sessions(events(system, *HIJACK, console, other, opened)).iloc[0]
    assert dict(row.drop(["first", "last"])) == {
        "session": "s1",
        "root_sessions": 1,
        "actor_id": "ada",
        "actor_alternate_id": "ada@example.com",
        "events": 9,
        "ip_addresses": 2,
        "networks": 2,
        "countries": 2,
        "user_agents": 2,
        "dt_hashes": 2,
        "proxy": 3,
        "requests": 1,
        "downloads": 1,
        "feedback": 0,
        "admin_console": 2,
        "changes": 2,
    }
    assert row["first"] == pd.Timestamp("2026-03-02T07:59Z")
    assert row["last"] == pd.Timestamp("2026-03-02T08:17Z")


def test_explained_changes_do_not_count():
    """`changes` leaves out what is explained; a session of Okta's system is its own."""
    sessions = correlate_sessions(events(act(1, 0), act(2, 1, country="Sweden"), job(3, 2, session="trs1")))
    assert list(sessions["changes"]) == [0, 0]
    assert list(sessions["actor_id"]) == ["ada", "system"]
    assert list(sessions["ip_addresses"]) == [1, 0]


@pytest.mark.parametrize("helper", [correlate_sessions, find_session_changes])
def test_order_and_engine_make_no_difference(helper):
    """Newest first, shuffled, Polars and lazy Polars give the same frame; the input is left as it was."""
    log = ok.read_log(SAMPLES / "stolen_report.jsonl").events
    before, wanted = log.copy(deep=True), helper(log)
    polars = pl.from_pandas(log)
    for other in (log[::-1], log.sample(frac=1, random_state=1), polars, polars.lazy()):
        pd.testing.assert_frame_equal(helper(other), wanted)
    pd.testing.assert_frame_equal(log, before)


@pytest.mark.parametrize(
    ("helper", "columns"), [(correlate_sessions, SESSION_COLUMNS), (find_session_changes, CHANGE_COLUMNS)]
)
def test_an_empty_log_gives_the_same_columns(helper, columns):
    """Names and types are those of a full answer; a missing column is named."""
    log = events(*HIJACK)
    assert tuple(helper(log)) == columns
    pd.testing.assert_frame_equal(helper(log[:0]), helper(log)[:0])
    with pytest.raises(ok.ColumnError, match="dt_hash"):
        helper(log.drop(columns="dt_hash"))


def test_the_planted_hijack_is_found():
    """The stolen session of the sample is found with its countries, addresses and uuids."""
    log = ok.read_log(SAMPLES / "stolen_report.jsonl").events
    truth = json.loads((SAMPLES / "truth" / "stolen_report.json").read_text())
    fact = next(fact for fact in truth["planted"] if fact["kind"] == "hijack")
    found = find_session_changes(log)
    row = found[found["uuid"] == fact["uuids"]["context_change"]].iloc[0]
    assert (row["session"], row["actor_id"]) == (fact["session"], fact["user_id"])
    assert [row["from_country"], row["to_country"]] == fact["countries"]
    assert [row["from_ip_address"], row["to_ip_address"]] == fact["ip_addresses"]
    assert (row["requests_after"], pd.isna(row["explained_by"])) == (1, True)
    sessions = correlate_sessions(log).set_index("session").loc[fact["session"]]
    assert (sessions["countries"], sessions["admin_console"]) == (2, 0)


def test_a_quiet_week_has_no_unexplained_change_before_an_export():
    """Sixty people at their usual work give no session that changed and was then used for an export."""
    found = find_session_changes(ok.read_log(SAMPLES / "quiet_week.jsonl.gz").events)
    after = found["requests_after"] + found["downloads_after"] + found["feedback_after"]
    assert found[found["explained_by"].isna() & (after > 0)].empty
