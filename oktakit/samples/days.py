"""Ordinary days of a made-up company: sign-ins, apps, own report exports, slight detections and their feedback."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final, NamedTuple

from ..schema import CONSOLE, DOWNLOAD, FEEDBACK, GENERATE, REQUEST, SIGN_ON
from .events import RISK, Record, app, make_event, new_job, new_session, report, target, user
from .people import AGENTS, LAPTOPS, PLACES, REPORTS, Job, Login, Origin, Person, stable_id

Facts = dict[str, Any]
Planted = tuple[list[Record], Facts]
START_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
ENDINGS: Final = ("now", "later", "now", "twice", "now", "failed", "now", "later", "lost")
KEYS: Final = tuple({3: "jobId", 6: "", 12: "jobId"}.get(run, "jobid") for run in range(20))


class Shift(NamedTuple):
    """One session of one person, from `start` on; the last event comes within nine hours."""

    start: datetime
    login: Login


class Scene(NamedTuple):
    """Ordinary events and report runs, and the admins' sessions that never opened the Admin Console."""

    events: list[Record]
    exports: list[Facts]
    free: list[Shift]


class Judge(NamedTuple):
    """Who gives feedback, when, what and why."""

    at: datetime
    login: Login
    label: str
    reason: str | None = None


def minutes(rng: Random, low: float, high: float) -> timedelta:
    """Return a random time between `low` and `high` minutes."""
    return timedelta(milliseconds=int(rng.uniform(low, high) * 60_000))


def step(
    rng: Random,
    at: datetime,
    event_type: str,
    login: Login | None,
    job: Job,
    *,
    scope: bool = False,
    failed: bool = False,
) -> Record:
    """Return the event of a report being asked for, made or collected; `scope` is whether columns and filter show.

    Without a login the report is made by Okta itself.
    """
    ends = {REQUEST: "async_csv_download_schedule", DOWNLOAD: f"download/{job.id}.csv"} if job.key else {}
    uri = f"/reports/{job.report.path}/{ends.get(event_type, 'csv_download')}"
    detail = {"columns": job.report.columns, "filter": job.filter, "exportType": "CSV"} if scope else None
    outcome = ("FAILURE", "Report generation timed out") if failed else ("SUCCESS", None)
    what = report(job, detail)
    return make_event(rng, at, event_type, login, uri=uri, target=what, debug=job.debug, outcome=outcome)


def console(rng: Random, at: datetime, login: Login) -> Record:
    """Return the event of somebody opening the Admin Console."""
    return make_event(rng, at, CONSOLE, login, target=app("Okta Admin Console"))


def mail(rng: Random, at: datetime, person: Person) -> Record:
    """Return the event of Okta sending somebody an e-mail."""
    return make_event(rng, at, "system.email.delivery", None, target=user(person))


def detection(
    rng: Random, at: datetime, login: Login, level: str, kind: str = RISK, debug: dict[str, str] | None = None
) -> Record:
    """Return the event of Okta noticing a risk in the session of `login`; `kind` is its event type."""
    name, unusual = "Session Influenced User Risk", "POSITIVE" if level == "HIGH" else "NEGATIVE"
    data = {
        "risk": f"{{previousLevel=LOW, level={level}, detectionName={name}, reasons=New IP, issuer=OKTA}}",
        "behaviors": f"{{New IP=POSITIVE, New Country={unusual}, New Device={unusual}, Velocity={unusual}}}",
        "threatSuspected": "true" if level == "HIGH" else "false",
        "traceId": f"{rng.getrandbits(128):032x}",
        "externalSessionId": login.session or "unknown",
    }
    event = make_event(rng, at, kind, login, target=user(login.person), debug={**data, **(debug or {})})
    risk = {"level": level, "previousLevel": "LOW", "reasons": ["New IP"], "detectionName": name, "issuer": "OKTA"}
    return {**event, "securityContext": {**event["securityContext"], "risk": risk}}


def plant_feedback(rng: Random, judged: Record, about: Person, judges: Sequence[Judge]) -> Planted:
    """Return what admins say about one detection; the detection itself is not among the events."""
    events = []
    for judge in judges:
        why = {"reason": judge.reason} if judge.reason else {}
        debug = {"eventUuid": judged["uuid"], "eventType": judged["eventType"], "label": judge.label, **why}
        events.append(make_event(rng, judge.at, FEEDBACK, judge.login, target=user(about), debug=debug))
    facts = {
        "kind": "feedback",
        "about": about.login,
        "about_id": about.id,
        "judged_uuid": judged["uuid"],
        "judged_type": judged["eventType"],
        "judged_risk_level": judged["securityContext"]["risk"]["level"],
        "judged_in_log": True,
        "contradicted": {judge.label for judge in judges} >= {"true_positive", "false_positive"},
        "self_feedback": any(judge.login.person == about for judge in judges),
        "given_by": [judge.login.person.login for judge in judges],
        "labels": [judge.label for judge in judges],
        "uuids": {"feedback": [event["uuid"] for event in events]},
    }
    return events, facts


def sign_in(rng: Random, at: datetime, login: Login) -> list[Record]:
    """Return a sign-in with its policy and its second factor; it takes nine seconds."""
    policy = [
        target("PolicyEntity", stable_id("00p", "default"), "Default Policy", detail={"policyType": "OktaSignOn"}),
        target("PolicyRule", stable_id("0pr", "default"), "Default Rule", detail={"policyRuleFactorMode": "2FA"}),
    ]
    debug = {"risk": "{level=LOW}", "threatSuspected": "false", "behaviors": "{New IP=NEGATIVE, New Country=NEGATIVE}"}
    factor = [target("AuthenticatorEnrollment", stable_id("lae", login.person.login), "Okta Verify")]
    steps: tuple[tuple[int, str, list[Record], dict[str, str], tuple[str, str | None]], ...] = (
        (0, "user.session.start", user(login.person), {}, ("SUCCESS", None)),
        (1, SIGN_ON, policy, debug, ("ALLOW", None)),
        (9, "user.authentication.auth_via_mfa", user(login.person) + factor, {}, ("SUCCESS", None)),
    )
    return [
        make_event(rng, at + timedelta(seconds=after), kind, login, target=to, debug=data, outcome=outcome)
        for after, kind, to, data, outcome in steps
    ]


def office(city: str) -> Origin:
    """Return the address of the office, or of the hotel where there is no office, in a city."""
    net = list(PLACES).index(city)
    return Origin(f"192.0.2.{10 + 20 * net}", PLACES[city], 64496 + net, "Example Office Networks", f"Office {city}")


def _home(number: int, city: str) -> Origin:
    """Return the home of one person; every seventh is IPv6, every ninth behind a private VPN."""
    net, tunnels = list(PLACES).index(city), ("VPN",) if number % 9 == 8 else ()
    ip = f"2001:db8:0:{net}::{number + 1:x}" if number % 7 == 4 else f"198.51.100.{10 + number % 240}"
    return Origin(ip, PLACES[city], 64503, "Example Home Broadband", tunnels=tunnels)


def _city(person: Person, day: int, trip: int | None) -> str | None:
    """Return where somebody is that day: at home, in Lisbon for two days, or nowhere while on the way."""
    phase = -1 if trip is None else day - trip
    return {0: None, 1: "Lisbon", 2: "Lisbon", 3: None}.get(phase, person.home)


def _shifts(rng: Random, days: int, people: Sequence[Person], presence: float) -> list[Shift]:
    trips, shifts = {5: 0, 10: 1}, []  # the sixth and the eleventh person travel
    for day in range(days):
        for number, person in enumerate(people):
            city = _city(person, day, trips.get(number))
            if city and rng.random() < presence * (0.12 if day % 7 > 4 else 1):
                shifts += _day(rng, day, number, person, city)
    return shifts


def _day(rng: Random, day: int, number: int, person: Person, city: str) -> list[Shift]:
    morning = START_DAY + timedelta(days=day, hours=8 - PLACES[city].utc_offset) + minutes(rng, 0, 90)
    home, prefix = _home(number, city), "102" if number % 4 == 3 else "idx"
    laptop = Login(person, rng.choice((office(city), home)), LAPTOPS[number % 3], new_session(rng, prefix))
    shifts = [Shift(morning, laptop)]
    if rng.random() < 0.3:
        phone = Login(person, home, AGENTS["phone"], new_session(rng, prefix))
        shifts.append(Shift(morning + minutes(rng, 30, 60), phone))
    return shifts


def _routine(rng: Random, shift: Shift, busy: int) -> list[Record]:
    """Return a session's ordinary events: sign-in, apps, sometimes a typing error before and a sign-out after."""
    (start, login), apps = shift, ("Example Mail", "Example Wiki", "Example Payroll", "Example Board")
    events = sign_in(rng, start, login)
    if rng.random() < 0.08:
        bad, before = ("FAILURE", "INVALID_CREDENTIALS"), start - timedelta(seconds=20)
        events.append(make_event(rng, before, "user.session.start", login._replace(session=None), outcome=bad))
    for _ in range(rng.randint(1, busy)):
        at = start + minutes(rng, 1, 480)
        events.append(make_event(rng, at, "user.authentication.sso", login, target=app(rng.choice(apps))))
    if rng.random() < 0.4:
        events.append(make_event(rng, start + timedelta(hours=8, minutes=30), "user.session.end", login))
    return events


def _chores(rng: Random, shift: Shift) -> list[Record]:
    """Return what Okta does for somebody now and then, and the enrolment of a new factor."""
    at, person = shift.start + minutes(rng, 60, 300), shift.login.person
    events = [make_event(rng, at, "application.user_membership.add", None, target=user(person) + app("Example Board"))]
    if rng.random() < 0.3:
        events.append(make_event(rng, at, "user.mfa.factor.activate", shift.login, target=user(person)))
    return events


def _ordinary_export(rng: Random, run: int, shift: Shift, later: Shift | None) -> Planted:
    """Return a report collected by who asked for it: at once, in a later session, twice, or not at all."""
    (start, login), ending = shift, ENDINGS[run % len(ENDINGS)]
    job = new_job(rng, rng.choice(REPORTS), KEYS[run % len(KEYS)])
    at, by = start + minutes(rng, 10, 240), login if run % 10 in (1, 4, 8) or not job.key else None
    made_at = at + minutes(rng, 0.2, 2)
    asked = step(rng, at, REQUEST, login, job, scope=rng.random() < 0.5)
    made = step(rng, made_at, GENERATE, by, job, failed=ending == "failed")
    taken = [(made_at + minutes(rng, 0.1, 1), login)] if ending in ("now", "twice") else []
    if ending == "twice":
        taken.append((made_at + minutes(rng, 5, 90), login))
    if ending == "later" and later:
        taken.append((later.start + minutes(rng, 5, 60), later.login))
    collected = [step(rng, when, DOWNLOAD, who, job) for when, who in taken]
    mails = [mail(rng, made_at, login.person)] if ending in ("later", "lost") else []
    facts = {
        "job_id": job.id if job.key else None,
        "report_id": job.report.id,
        "requested_by": login.person.login,
        "generate_result": made["outcome"]["result"],
        "uuids": {
            "request": asked["uuid"],
            "generate": made["uuid"],
            "downloads": [one["uuid"] for one in collected],
        },
    }
    return [console(rng, at - minutes(rng, 0.5, 5), login), asked, made, *mails, *collected], facts


def _small_alarms(rng: Random, shifts: Sequence[Shift], admins: Sequence[Shift]) -> list[Record]:
    """Return slight detections, each dismissed by another admin in a later session, if there is one."""
    events = []
    for shift in shifts[7::40]:
        alarm = detection(rng, shift.start + minutes(rng, 5, 50), shift.login, "LOW")
        later = islice((one for one in admins if one.start > shift.start + timedelta(hours=1)), 100)
        judges = [
            Judge(one.start + minutes(rng, 10, 60), one.login, "false_positive")
            for one in later
            if one.login.person != shift.login.person
        ]
        events += [alarm, *plant_feedback(rng, alarm, shift.login.person, judges[:1])[0]]
    return events


def roughen(rng: Random, event: Record) -> Record:
    """Return the event with what real logs lack now and then: a place, a session, a word about proxies."""
    roll = rng.random()
    if event["transaction"]["type"] == "JOB" or roll > 0.12:
        return event
    if roll < 0.01:
        hops = [{**hop, "geographicalContext": None} for hop in event["request"]["ipChain"]]
        return {**event, "client": {**event["client"], "geographicalContext": None}, "request": {"ipChain": hops}}
    if roll < 0.03 and event["eventType"] != CONSOLE:  # its session is the evidence that an export began in the console
        session = {"externalSessionId": "unknown", "rootSessionId": None}
        return {**event, "authenticationContext": {**event["authenticationContext"], **session}}
    return {**event, "securityContext": {**event["securityContext"], "isProxy": None}}


def background(rng: Random, days: int, people: Sequence[Person], *, busy: int = 3, presence: float = 1.0) -> Scene:
    """Return `days` ordinary days: sign-ins, apps, policies, own report exports, slight detections and their feedback.

    `busy` is the largest number of apps opened in one session, `presence` the share of workdays people are there.
    """
    shifts = _shifts(rng, days, people, presence)
    admins = [shift for shift in shifts if shift.login.person.is_admin and shift.login.agent.name != "phone"]
    at_work = [shift for number, shift in enumerate(admins) if number % 3]
    events = [event for shift in shifts for event in _routine(rng, shift, busy)]
    events += [event for shift in shifts[::25] for event in _chores(rng, shift)]
    exports: list[Facts] = []
    for run, shift in enumerate(at_work):
        later = next((one for one in islice(at_work, run + 1, None) if one.login.person == shift.login.person), None)
        made, facts = _ordinary_export(rng, run, shift, later)
        events += made
        exports.append(facts)
    events += _small_alarms(rng, shifts, at_work)
    return Scene([roughen(rng, event) for event in events], exports, admins[::3])
