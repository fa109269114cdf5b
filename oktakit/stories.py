"""Stories planted in ordinary days: each function returns new events and the truth about them.

Truth is written down from what was planted, never from what an analysis found.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from .cast import LAPTOPS, PLACES, REPORTS, STRANGER, Job, Login, Origin, Person
from .ordinary import (
    START_DAY,
    Facts,
    Judge,
    Planted,
    Scene,
    console,
    detection,
    mail,
    minutes,
    office,
    plant_feedback,
    sign_in,
    step,
)
from .schema import DOWNLOAD, GENERATE, REQUEST
from .synth import CONTEXT, RISK, Event, device_hash, make_event, new_job, new_session, user

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# day, level and type of a detection, who was judged, is it in the log, who said what; people are places in the staff
VERDICTS: Final = (
    (2, "HIGH", RISK, 4, True, ((0, "true_positive", "Confirmed with the user by phone"),)),
    (4, "LOW", RISK, 2, True, ((1, "false_positive", None),)),
    (8, "MEDIUM", RISK, 4, True, ((0, "false_positive", "New laptop"),)),
    (14, "HIGH", RISK, 1, True, ((0, "true_positive", None), (2, "false_positive", "Known VPN"))),
    (17, "HIGH", RISK, 2, True, ((2, "false_positive", "This was me"),)),
    (22, "LOW", CONTEXT, 0, True, ((1, "false_negative", "Should have been HIGH"),)),
    (25, "MEDIUM", RISK, 1, False, ((0, "true_positive", None),)),
)


def enter(rng: Random, at: datetime, login: Login, *, opened: bool = True) -> list[Event]:
    """Return a sign-in and, if it is `opened`, the opening of the Admin Console, shortly before the moment `at`."""
    events = [*sign_in(rng, at - minutes(rng, 6, 20), login), console(rng, at - minutes(rng, 2, 5), login)]
    return events if opened else events[:-1]


def at_console(rng: Random, at: datetime, person: Person) -> tuple[Login, list[Event]]:
    """Return a session in the office at home, and its events up to the Admin Console."""
    login = Login(person, office(person.home), LAPTOPS[0], new_session(rng))
    return login, enter(rng, at, login)


def plant_export(
    rng: Random, job: Job, asked: tuple[datetime, Login], taken: Sequence[tuple[datetime, Login]], *, innocent: bool
) -> Planted:
    """Return a report that is asked for, made as a job, announced by mail, and collected once or more."""
    (asked_at, asker), (first_at, taker) = asked, taken[0]
    made_at = asked_at + minutes(rng, 4, 9)
    start = [step(rng, asked_at, REQUEST, asker, job, scope=True), step(rng, made_at, GENERATE, None, job)]
    told, collected = mail(rng, made_at, asker.person), [step(rng, at, DOWNLOAD, login, job) for at, login in taken]
    facts = {
        "kind": "export",
        "innocent": innocent,
        "job_id": job.id,
        "report_id": job.report.id,
        "report_name": job.report.name,
        "export_columns": job.report.columns,
        "export_filter": job.filter,
        **_who("requested", asker),
        **_who("downloaded", taker),
        "downloads": len(taken),
        "taken_by_other": taker.person != asker.person,
        "generated_linked_by": "job_id",
        "downloaded_linked_by": "job_id",
        "downloaded_confidence": "exact",
        "request_to_generate_seconds": (made_at - asked_at).total_seconds(),
        "generate_to_download_seconds": (first_at - made_at).total_seconds(),
        "request_to_download_seconds": (first_at - asked_at).total_seconds(),
        "uuids": {
            **dict(zip(("request", "generate"), (event["uuid"] for event in start), strict=True)),
            "mail": told["uuid"],
            "downloads": [event["uuid"] for event in collected],
        },
    }
    return [*start, told, *collected], facts


def _who(step: str, login: Login) -> Facts:
    person, origin, _, session = login
    return {
        f"{step}_by": person.login,
        f"{step}_by_id": person.id,
        f"{step}_from": origin.ip,
        f"{step}_country": origin.place.country,
        f"{step}_is_proxy": origin.is_proxy,
        f"{step}_proxy_services": [*origin.tunnels, *origin.categories],
        f"{step}_session": session,
        f"{step}_dt_hash": device_hash(login),
    }


def plant_hijack(rng: Random, at: datetime, owner: Login, thief: Login) -> Planted:
    """Return what Okta notices when `thief` uses the session of `owner`: the change, the risk, the policy."""
    trace = {"traceId": f"{rng.getrandbits(128):032x}"}
    moved = {"previousIpAddress": owner.origin.ip, "newIpAddress": thief.origin.ip, "causes": "[ipAddress.change]"}
    change = detection(rng, at, thief, "HIGH", CONTEXT, {**moved, **trace})
    risk = detection(rng, at + timedelta(seconds=2), thief, "HIGH", RISK, trace)
    then = at + timedelta(seconds=3)
    policy = make_event(rng, then, "policy.entity_risk.evaluate", None, target=user(owner.person), debug=trace)
    facts = {
        "kind": "hijack",
        "user": owner.person.login,
        "user_id": owner.person.id,
        "session": owner.session,
        "countries": [owner.origin.place.country, thief.origin.place.country],
        "ip_addresses": [owner.origin.ip, thief.origin.ip],
        "risk_level": "HIGH",
        "admin_console_opened": False,
        "uuids": {"context_change": change["uuid"], "detection": risk["uuid"], "policy": policy["uuid"]},
    }
    return [change, risk, policy], facts


def plant_theft(rng: Random, scene: Scene) -> list[Planted]:
    """Return a stolen session that asks for a report, another account that takes it abroad, and a silenced alarm."""
    settled = [shift for shift in scene.free if shift.login.origin.place.city == shift.login.person.home]
    start, victim = rng.choice([shift for shift in settled if 0 < (shift.start - START_DAY).days < 5])
    taker = rng.choice([other.login.person for other in settled if other.login.person.home != victim.person.home])
    far = PLACES["São Paulo" if "Singapore" in (victim.person.home, taker.home) else "Singapore"]
    host = Origin("203.0.113.24", PLACES["Bucharest"], 64508, "Example Hosting")
    thief = victim._replace(origin=host, agent=STRANGER)
    vpn = Origin("203.0.113.77", far, 64510, "Example Transit", tunnels=("VPN",))
    proxy = Origin("203.0.113.78", far, 64510, "Example Transit", is_proxy=True, categories=("Proxy",))
    abroad = Login(taker, vpn, STRANGER, new_session(rng))
    stolen_at = start + minutes(rng, 110, 140)
    asked_at = stolen_at + minutes(rng, 6, 14)
    taken_at = asked_at + minutes(rng, 235, 255)
    taken = [(taken_at, abroad), (taken_at + minutes(rng, 20, 30), abroad._replace(origin=proxy))]
    hijack = plant_hijack(rng, stolen_at, victim, thief)
    job = new_job(rng, REPORTS[1])._replace(filter=None)
    export = plant_export(rng, job, (asked_at, thief), taken, innocent=False)
    dismissal = Judge(taken_at + minutes(rng, 6, 12), abroad, "false_positive", "Expected, the user is travelling")
    silence = plant_feedback(rng, hijack[0][1], victim.person, [dismissal])
    return [(sign_in(rng, taken_at - minutes(rng, 3, 6), abroad), {}), hijack, export, silence]


def plant_handover(rng: Random, asker: Person, taker: Person, at: datetime, after: timedelta) -> Planted:
    """Return a report that is asked for at the moment `at` and collected `after` that, both in the office at home."""
    (asking, asked), (taking, entered) = at_console(rng, at, asker), at_console(rng, at + after, taker)
    job = new_job(rng, REPORTS[2])
    events, facts = plant_export(rng, job, (at, asking), [(at + after, taking)], innocent=True)
    return [*asked, *entered, *events], facts


def plant_orphan(rng: Random, scene: Scene) -> Planted:
    """Return a download in the first admin session of the log whose request is older than the log."""
    start, login = scene.free[0]
    at, job = start + minutes(rng, 4, 9), new_job(rng, REPORTS[3])
    taken = step(rng, at, DOWNLOAD, login, job)
    facts = {"kind": "orphan", "job_id": job.id, "orphan_reason": "request_before_window", **_who("downloaded", login)}
    return [console(rng, at - minutes(rng, 1, 2), login), taken], {**facts, "uuids": {"download": taken["uuid"]}}


def plant_verdict(rng: Random, people: Sequence[Person], case: tuple[Any, ...]) -> Planted:
    """Return a detection and what admins say about it, each in a session of their own; `case` is a row of VERDICTS."""
    day, level, kind, subject, in_log, judges = case
    at = START_DAY + day * DAY + 14 * HOUR + minutes(rng, 0, 30)
    judged, events = at_console(rng, at, people[subject])
    alarm = detection(rng, at, judged, level, kind)
    said: list[Judge] = []
    for hours, (giver, label, reason) in enumerate(judges, 1):
        when = at + hours * HOUR + minutes(rng, 0, 40)
        login, entered = at_console(rng, when, people[giver])
        events, said = events + entered, [*said, Judge(when, login, label, reason)]
    spoken, facts = plant_feedback(rng, alarm, judged.person, said)
    return [*events, *([alarm] if in_log else []), *spoken], {**facts, "judged_in_log": in_log}
