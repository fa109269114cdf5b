"""Questions about what happened around an export: sessions, journeys, alarms, rights, and what came afterwards."""

from bisect import bisect_right
from functools import cache
from typing import Any

from .answers import Answer, Question, combine, duration, listed, person, this_record
from .around import MATTERS
from .case import HOUR, Case, Taking, within
from .queries import Query
from .safe import text
from .schema import DOWNLOAD, REQUEST

CONSOLE = "user.session.access_admin_app"
EVALUATE = "policy.evaluate_sign_on"
SIGN_IN = ("user.session.start", EVALUATE, "user.authentication.")
CLOSED = (
    *("user.session.end", "user.session.clear", "user.session.expire", "user.authentication.universal_logout"),
    *("user.account.reset_password", "user.account.update_password", "user.account.expire_password"),
    *("user.mfa.factor.reset_all", "user.mfa.factor.deactivate", "user.lifecycle.suspend", "user.lifecycle.deactivate"),
    *("system.api_token.revoke", "app.oauth2.token.revoke", "app.oauth2.as.token.revoke"),
)
"""What ends an access: sessions, passwords, factors, accounts, tokens."""
_QUIET = ("report export", "verdict on a detection", "rate limit: events may be missing", "sessions ended")
_ROUTINE = ("policy.rule.action.execute", "event_hook.delivery", "policy.entity_risk.evaluate")
RIGHTS = (
    *("user.account.privilege.", "group.privilege.", "iam.", "system.api_token.", "app.oauth2.client."),
    *("policy.lifecycle.", "policy.rule.", "zone.", "system.idp.", "system.log_stream."),
)
_MACHINE = ("browser", "os", "raw_user_agent")
_ADDRESS = ("ip_address", "country", "as_number")
_OPENED_BEFORE = 2 * 24 * HOUR
_NEITHER = "Neither request nor download is known."
_NO_OTHERS = "No sign-in events in this log: it holds exports and feedback only."


def no_admin_console(taking: Taking, case: Case) -> Answer:
    """Return whether the Admin Console had not been opened in the session that asked for it or took it."""
    if not taking.steps:
        return Answer("unknown", _NEITHER, fetch=Query((REQUEST, DOWNLOAD)))
    found = {event.uuid: _not_opened(event, case) for event in taking.steps}
    answer = combine(said for said, _ in found.values())
    wanted = {"yes": True, "unknown": None}.get(answer, False)
    shown = [event for event in taking.steps if found[event.uuid][0] is wanted]
    words = (f"{event.event_type.rsplit('.', 1)[-1]}: {found[event.uuid][1]}" for event in shown)
    token = "done with an API token, which needs no console" if any(one.api_token_id for one in shown) else ""
    fetch = Query((CONSOLE, EVALUATE), _session(shown[0]))
    return Answer(answer, f"{'; '.join(words)}.", token, tuple(event.uuid for event in shown), fetch)


def _not_opened(event: Any, case: Case) -> tuple[bool | None, str]:
    """Return whether the console was not opened in the session of an event before it, and why that is so."""
    if not (event.external_session_id or event.root_session_id) or event.published is None:
        return None, "its session is not reported"
    session = case.inside(event)
    inside = session[: bisect_right(session, event.published, key=lambda one: one.published)]
    opened = next((one for one in reversed(inside) if _is_console(one)), None)
    if opened:
        return False, f"the Admin Console was opened {duration(event.published - opened.published)} before"
    if case.only_analytics:
        return None, "no sign-in events in this log"
    if CONSOLE not in case.types:
        return None, "no Admin Console events in this log"
    if not any(one.event_type.startswith(SIGN_IN) for one in inside) and event.published - _OPENED_BEFORE < case.start:
        return None, "its session may have begun before the log"
    return True, f"no Admin Console opened before it in its session ({len(inside)} events)"


def _is_console(event: Any) -> bool:
    return event.event_type == CONSOLE or (
        event.event_type == EVALUATE and "Okta Admin Console" in (event.targets or "")
    )


def around_risk(taking: Taking, case: Case) -> Answer:
    """Return whether a detection, a change of session, or one of factors, tokens, rights or policies is near."""
    steps = [event for event in taking.steps if event.actor_id and event.published is not None]
    if not steps:
        return Answer("unknown", _NEITHER, fetch=Query((REQUEST, DOWNLOAD)))
    near = {one.uuid: told for event in steps for one, told in _neighbours(event, case)}
    if near:
        return Answer("yes", f"Within an hour: {listed(near.values())}.", "", (steps[-1].uuid, *near))
    fetch = Query(("user.risk.", "user.session.", "user.mfa.", "system.api_token.", "policy."), _person(steps[-1]))
    if case.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (steps[-1].uuid,), fetch)
    if edge := case.edge(steps[0], steps[-1], HOUR):
        return Answer("unknown", f"Nothing found within an hour, but {edge}.", "", (steps[-1].uuid,), fetch)
    return Answer("no", f"Nothing of the kind within an hour by or about {person(steps[-1])}.", "", (steps[-1].uuid,))


def _neighbours(event: Any, case: Case) -> list[tuple[Any, str]]:
    """Return what matters within an hour of an event, by or about its actor or in its session, and why and when."""
    near = within(case.by_person.get(event.actor_id, []), event.published - HOUR, event.published + HOUR)
    changes = [case.by_uuid[one.uuid] for one in _hand_overs(event, case) if abs(one.at - event.published) <= HOUR]
    found = [(one, "the session goes on at another address and browser") for one in changes]
    found += [(one, why) for one in near if (why := matters(one.event_type)) is not None]
    step = event.event_type.rsplit(".", 1)[-1]
    return [(one, f"{why} ({text(one.event_type)}, {_lag(one, event)} the {step})") for one, why in found]


@cache
def matters(event_type: str) -> str | None:
    """Return why events of a type are worth a look beside an export, if they are.

    >>> matters("system.api_token.create"), matters("user.session.start")
    ('API token created or changed', None)
    """
    if event_type.startswith(_ROUTINE):
        return None
    found = MATTERS.get(max((start for start in MATTERS if event_type.startswith(start)), key=len, default=""))
    return None if found in _QUIET else found


def travel(taking: Taking, case: Case) -> Answer:
    """Return whether somebody moved faster than people can, within an hour of asking or taking."""
    steps = [event for event in taking.steps if event.actor_id and event.published is not None]
    if not steps:
        return Answer("unknown", _NEITHER, fetch=Query((REQUEST, DOWNLOAD)))
    legs = {leg.to_uuid: leg for event in steps for leg in _legs(event, case)}
    if legs:
        ends = tuple(uuid for leg in legs.values() for uuid in (leg.from_uuid, leg.to_uuid))
        proxied = any(leg.from_is_proxy or leg.to_is_proxy for leg in legs.values())
        against = "an end of it is flagged as a proxy" if proxied else ""
        return Answer("yes", f"{listed(map(_leg, legs.values()))}.", against, ends)
    if case.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (steps[-1].uuid,), Query(("user.session.start",), _actor(steps[-1])))
    if unplaced := [event for event in steps if event.country is None]:
        return Answer("unknown", "The place is not reported.", "", (unplaced[0].uuid,), this_record(unplaced[0]))
    return Answer("no", f"No impossible journey of {person(steps[-1])} within an hour.", "", (steps[-1].uuid,))


def _legs(event: Any, case: Case) -> list[Any]:
    return [leg for leg in case.legs.get(event.actor_id, []) if abs(leg.to_at - event.published) <= HOUR]


def _leg(leg: Any) -> str:
    places = f"{text(leg.from_country or 'a place')} to {text(leg.to_country or 'a place')}"
    speed = "in no time" if leg.hours == 0 else f"in {leg.hours:.1f} h, {leg.kmh:,.0f} km/h"
    return f"{places}, {leg.km:,.0f} km {speed} (by {leg.basis})"


def session_changed(taking: Taking, case: Case) -> Answer:
    """Return whether the session went on at another address and with another browser at once."""
    steps = [event for event in taking.steps if event.external_session_id]
    shown = tuple(event.uuid for event in steps)
    if hands := {one.uuid: one for event in steps for one in _hand_overs(event, case)}:
        words = (f"{one.at:%Y-%m-%d %H:%M:%S}: {one.moved.replace(' ', ', ')}" for one in hands.values())
        ends = tuple(uuid for one in hands.values() for uuid in (one.previous_uuid, one.uuid))
        return Answer("yes", f"Changed at {listed(words)}.", "", ends)
    if case.only_analytics and steps:
        return Answer("unknown", _NO_OTHERS, "", shown, Query((), _session(steps[-1])))
    if not any(event.ip_address and (event.raw_user_agent or event.browser) for event in steps):
        fetch = this_record(taking.last) if taking.last else Query((REQUEST, DOWNLOAD))
        return Answer("unknown", "Session, address or browser is not reported.", "", shown, fetch)
    return Answer("no", f"Address and browser never changed together.{_smaller(steps, case)}", "", shown)


def _smaller(steps: list[Any], case: Case) -> str:
    """Return in words the changes of sessions that are not counted."""
    found = {one.uuid: one for event in steps for one in case.changes.get(event.external_session_id, [])}
    kinds = sorted({one.explained_by or f"{one.moved.split()[0]} alone" for one in found.values()})
    return f" Smaller changes: {len(found)} ({listed(kinds)})." if found else ""


def _hand_overs(event: Any, case: Case) -> list[Any]:
    """Return the unexplained changes of a session in which both address and browser moved."""
    changes = case.changes.get(event.external_session_id, [])
    moved = [(one, set(one.moved.split())) for one in changes if one.explained_by is None]
    return [one for one, names in moved if names & set(_MACHINE) and names & set(_ADDRESS)]


def rights(taking: Taking, case: Case) -> Answer:
    """Return whether this person got or used admin rights in the log, beside the export."""
    event = taking.last
    if event is None or not event.actor_id:
        return Answer("unknown", "Nobody is named.", fetch=Query(RIGHTS))
    if found := case.of_kind(event.actor_id, RIGHTS):
        words = (f"{text(one.event_type)} at {one.published:%Y-%m-%d %H:%M}" for one in found)
        return Answer("yes", f"{person(event)}: {listed(words)}.", "", tuple(one.uuid for one in found))
    if case.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (event.uuid,), Query(RIGHTS, _person(event)))
    return Answer("no", f"No admin right given to or used by {person(event)} in this log.", "", (event.uuid,))


def contained(taking: Taking, case: Case) -> Answer:
    """Return whether the session was ended, or password, factors, tokens or the account were reset afterwards."""
    event = taking.last
    if event is None or not event.actor_id or event.published is None:
        return Answer("unknown", "Nobody is named.", fetch=Query(CLOSED))
    closed = within(case.of_kind(event.actor_id, CLOSED), event.published, case.end)
    found = [one for one in closed if one.published > event.published and _is_about(one, event)]
    if found:
        words = (f"{text(one.event_type)} after {duration(one.published - event.published)}" for one in found)
        return Answer("yes", f"{listed(words)}.", "", (event.uuid, *(one.uuid for one in found)))
    if case.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (event.uuid,), Query(CLOSED, _person(event)))
    until = duration(case.end - event.published)
    return Answer("no", f"Nothing of the kind in the log, which ends {until} later.", "", (event.uuid,))


def _is_about(one: Any, event: Any) -> bool:
    """Return whether what was closed is the access of an event: the end of another session is not."""
    if one.event_type != "user.session.end":
        return one.target_user_id in (None, event.actor_id)
    return bool(one.external_session_id and one.external_session_id == event.external_session_id)


def watched(taking: Taking, case: Case) -> Answer:
    """Return whether request or download match what the analyst watches for."""
    found = {event.uuid: case.watched[event.uuid] for event in taking.steps if event.uuid in case.watched}
    if found:
        return Answer("yes", f"{listed(text(told) for told in found.values())}.", "", tuple(found))
    return Answer("no", "Nothing that is watched for.", "", tuple(event.uuid for event in taking.steps))


def _lag(one: Any, event: Any) -> str:
    lag = one.published - event.published
    return f"{duration(abs(lag))} {'before' if lag.total_seconds() < 0 else 'after'}"


def _session(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("authenticationContext.externalSessionId", event.external_session_id),)


def _actor(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("actor.id", event.actor_id),)


def _person(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("actor.id", event.actor_id), ("target.id", event.actor_id))


ABOUT_SURROUNDINGS = (
    Question(
        "no_admin_console",
        "Was the Admin Console never opened in that session?",
        no_admin_console,
        "A mailed link works without the console; programs with an API token never open it.",
        "Sigma's rule on the password health report: in the support breach of October 2023 no console had been opened",
    ),
    Question(
        "session_changed",
        "Did the session go on at another address and browser?",
        session_changed,
        "Remote desktops and privacy browsers; a VPN alone moves only the address and is not counted.",
        "Okta's detection catalogue and Panther: address and agent both change within one session",
        placed=True,
    ),
    Question(
        "travel",
        "Did somebody travel faster than people can?",
        travel,
        "VPNs, phone networks and wrong places of addresses look like journeys.",
        "Consecutive events of one person, more than 900 km/h and 300 km apart",
        placed=True,
    ),
    Question(
        "around_risk",
        "Is a detection, or a change of session, factors, tokens, rights or policies near?",
        around_risk,
        "People enrol new factors and do their admin work; slight detections are frequent.",
        "Panther's session audit: the hour around; Okta's event catalogue",
    ),
    Question(
        "rights",
        "Did this person get or use admin rights?",
        rights,
        "Most who may export reports are admins and do admin work.",
        "Okta's event catalogue: roles, tokens, clients, policies, zones, log streams",
    ),
    Question(
        "contained",
        "Was the access closed afterwards?",
        contained,
        "People sign out and change passwords themselves: a yes need not be anybody's response.",
        "Okta's event catalogue: sessions, passwords, factors, tokens",
    ),
)
WATCHED = Question(
    "watched",
    "Does it match what is watched for?",
    watched,
    "A list of others' bad addresses grows old; offices and providers share addresses.",
    "The analyst's own list",
    placed=True,
)
