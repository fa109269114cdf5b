"""Questions about what happened around an export: sessions, journeys, alarms, rights, and what came afterwards."""

from typing import Any

import pandas as pd

from ..analysis.surroundings import PHISHING, is_phishing, matters
from ..analysis.words import duration, listed, moment
from ..safe import text
from ..schema import CONSOLE, DOWNLOAD, REQUEST, SIGN_ON, is_done, is_sign, meaning_of_result, types_of
from .answers import (
    MFA,
    NO_STEPS,
    Answer,
    Query,
    decide,
    outcome,
    person,
    questions,
    step_of,
    this_record,
    trusted,
    unanswerable,
)
from .evidence import HOUR, PUSHES, Evidence, Taking, busiest, within

_CONTAINMENT, _RIGHTS, _QUIET = types_of("containment"), types_of("rights"), types_of("quiet")

TELLING = (REQUEST, DOWNLOAD, *_CONTAINMENT, *_RIGHTS, *types_of("matters"))
"""The kinds of events that the questions look at."""

_MACHINE = ("browser", "os", "raw_user_agent")

_ADDRESS = ("ip_address", "country", "as_number")

_NAMES = {
    **{"ip_address": "IP address", "country": "country", "as_number": "network", "browser": "browser"},
    **{"os": "operating system", "raw_user_agent": "user agent", "dt_hash": "device"},
}

_BURST, _BURST_WITHIN = 3, pd.Timedelta("10min")
"""How many refused pushes or codes within how long are a burst: a user who mistypes needs one or two."""

_OPENED_BEFORE = 2 * 24 * HOUR

_NO_OTHERS = "No sign-in events in this log: it holds exports and feedback only."


def no_admin_console(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether the Admin Console had not been opened in the session that asked for it or took it."""
    if not taking.steps:
        return NO_STEPS
    opened = {event: _not_opened(event, evidence) for event in taking.steps}
    answer, shown = decide({event: never for event, (never, _) in opened.items()})
    words = (f"{step_of(event)}: {opened[event][1]}" for event in shown)
    token = "done with an API token, which needs no console" if any(one.api_token_id for one in shown) else ""
    fetch = Query((CONSOLE, SIGN_ON), _session(shown[0]))
    return Answer(answer, f"{'; '.join(words)}.", token, tuple(event.uuid for event in shown), fetch)


def _not_opened(event: Any, evidence: Evidence) -> tuple[bool | None, str]:
    """Return whether the console was not opened in the session of an event before it, and why that is so."""
    if not (event.external_session_id or event.root_session_id) or event.published is None:
        return None, "its session is not reported"
    inside = evidence.inside(event)
    if len(opened := inside[evidence.consoles[inside]]):
        lag = pd.Timedelta(event.published.to_datetime64() - evidence.times[opened[-1]])
        where = ", before the session went on at another address and browser" if _moved_since(event, evidence) else ""
        return False, f"the Admin Console was opened {duration(lag)} before{where}"
    if evidence.only_analytics:
        return None, "no sign-in events in this log"
    if CONSOLE not in evidence.types:
        return None, "no Admin Console events in this log"
    if not evidence.sign_ins[inside].any() and event.published - _OPENED_BEFORE < evidence.start:
        return None, "its session may have begun before the log"
    return True, f"no Admin Console opened before it in its session ({len(inside)} events)"


def console_elsewhere(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether the Admin Console had been opened elsewhere, before the session changed hands."""
    if not taking.steps:
        return NO_STEPS
    opened = {event: _not_opened(event, evidence) for event in taking.steps}
    moved = {
        event: _moved_since(event, evidence) if never is False else never and False
        for event, (never, _) in opened.items()
    }
    answer, shown = decide(moved)
    why = f"{'; '.join(f'{step_of(event)}: {opened[event][1]}' for event in shown)}."
    return Answer(answer, why, "", tuple(event.uuid for event in shown), Query((CONSOLE, SIGN_ON), _session(shown[0])))


def _moved_since(event: Any, evidence: Evidence) -> bool | None:
    """Return whether its session went on elsewhere, with another browser, after the console was last opened in it."""
    inside = evidence.inside(event)
    opening = evidence.frame.iloc[inside[evidence.consoles[inside]][-1]]
    if event.ip_address is None or pd.isna(opening["ip_address"]):
        return None
    since = within(_hand_overs(event, evidence), opening["published"], event.published)
    return bool(since) and event.ip_address != opening["ip_address"]


def around_risk(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether a detection, a change of session, or one of factors, tokens, rights or policies is near."""
    steps = [event for event in taking.steps if event.actor_id and event.published is not None]
    if not steps and (nothing := unanswerable(taking.last)):
        return nothing
    near = {one.uuid: words for event in steps for one, words in _neighbours(event, evidence)}
    if near:
        return Answer("yes", f"Within an hour: {listed(near.values())}.", "", (steps[-1].uuid, *near))
    fetch = Query(("user.risk.", "user.session.", "user.mfa.", "system.api_token.", "policy."), _person(steps[-1]))
    if evidence.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (steps[-1].uuid,), fetch)
    if edge := evidence.edge(steps[0], steps[-1], HOUR):
        return Answer("unknown", f"Nothing found within an hour, but {edge}.", "", (steps[-1].uuid,), fetch)
    return Answer("no", f"Nothing of the kind within an hour by or about {person(steps[-1])}.", "", (steps[-1].uuid,))


def _neighbours(event: Any, evidence: Evidence) -> list[tuple[Any, str]]:
    """Return what matters within an hour of an event, by or about its actor or in its session, and why and when."""
    near = within(evidence.by_person.get(event.actor_id, []), event.published - HOUR, event.published + HOUR)
    neighbours = [(one, PHISHING) for one in near if is_phishing(one.outcome_reason)]
    if run := _refused_in_a_row(near):
        neighbours.append((run[-1], f"{len(run)} pushes or codes refused within 10 min"))
    neighbours += _settings_from_there(event, evidence)
    changes = [one for one in _hand_overs(event, evidence) if abs(one.published - event.published) <= HOUR]
    neighbours += [(one, "the session goes on at another address and browser") for one in changes]
    counted = [one for one in near if one not in run and (is_done(one.outcome_result) or is_sign(one.event_type))]
    neighbours += [
        (one, why) for one in counted if (why := matters(one.event_type)) and not one.event_type.startswith(_QUIET)
    ]
    return [
        (one, f"{why} ({text(one.event_type)}, {_lag(one, event)} the {step_of(event)})") for one, why in neighbours
    ]


def _refused_in_a_row(near: list[Any]) -> list[Any]:
    """Return the pushes or codes that were refused within minutes, if they are a burst."""
    pushes = [one for one in near if one.event_type in PUSHES and not is_phishing(one.outcome_reason)]
    refused = [one for one in pushes if one.event_type != MFA or meaning_of_result(one.outcome_result) == "refused"]
    run = max((busiest(refused, one, _BURST_WITHIN) for one in refused), key=len, default=[])
    return run if len(run) >= _BURST else []


def _settings_from_there(event: Any, evidence: Evidence) -> list[tuple[Any, str]]:
    """Return what others changed from the address of an event that is new for its person; offices share addresses."""
    if evidence.is_new(event, "ip_address") is not True:
        return []
    changes = within(evidence.settings.get(event.ip_address, []), event.published - HOUR, event.published + HOUR)
    others = [one for one in changes if one.actor_id != event.actor_id and is_done(one.outcome_result)]
    return [(one, f"{matters(one.event_type)} by {person(one)} from the same address") for one in others]


def travel(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether somebody moved faster than people can, within an hour of asking or taking."""
    steps = [event for event in taking.steps if event.actor_id and event.published is not None]
    if not steps and (nothing := unanswerable(taking.last)):
        return nothing
    legs = {leg.to_uuid: leg for event in steps for leg in _legs(event, evidence)}
    if legs:
        ends = tuple(uuid for leg in legs.values() for uuid in (leg.from_uuid, leg.to_uuid))
        proxied = any(leg.from_is_proxy or leg.to_is_proxy for leg in legs.values())
        against = "an end of it is flagged as a proxy" if proxied else ""
        return Answer("yes", f"{listed(map(_leg, legs.values()))}.", against, ends)
    if evidence.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (steps[-1].uuid,), Query(("user.session.start",), _actor(steps[-1])))
    if unplaced := [event for event in steps if None in (event.country, event.ip_address)]:
        why = f"The {'address' if unplaced[0].country else 'place'} is not reported."
        return Answer("unknown", why, "", (unplaced[0].uuid,), this_record(unplaced[0]))
    return Answer("no", f"No impossible journey of {person(steps[-1])} within an hour.", "", (steps[-1].uuid,))


def _legs(event: Any, evidence: Evidence) -> list[Any]:
    return within(evidence.legs.get(event.actor_id, []), event.published - HOUR, event.published + HOUR)


def _leg(leg: Any) -> str:
    """Return who went from where to where, how far and how fast, in words."""
    places = f"{text(leg.from_country or 'a place')} to {text(leg.to_country or 'a place')}"
    lag = duration(leg.published - leg.from_at, 2)
    return f"{person(leg)}: {places}, {leg.km:,.0f} km in {lag} (by {leg.basis})"


def session_changed(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether the session went on at another address and with another browser at once."""
    steps = [event for event in taking.steps if event.external_session_id]
    shown = tuple(event.uuid for event in steps)
    if hands := {one.uuid: one for event in steps for one in _hand_overs(event, evidence)}:
        words = (f"{moment(one.published)} UTC: {_changed(one)} changed" for one in hands.values())
        ends = tuple(uuid for one in hands.values() for uuid in (one.previous_uuid, one.uuid))
        against = ", ".join(trusted(taking.last))
        return Answer("yes", f"{'. '.join(words)}.", against, ends)
    if evidence.only_analytics and steps:
        return Answer("unknown", _NO_OTHERS, "", shown, Query((), _session(steps[-1])))
    if gap := next((event for event in taking.steps if not _comparable(event)), None):
        return Answer("unknown", "Session, address or browser is not reported.", "", shown, this_record(gap))
    if not steps and (nothing := unanswerable(taking.last)):
        return nothing
    return Answer("no", f"Address and browser never changed together.{_smaller(steps, evidence)}", "", shown)


def _changed(change: Any) -> str:
    """Return in words what changed within a session."""
    names = [_NAMES.get(name, name) for name in change.moved.split()]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _comparable(event: Any) -> bool:
    client = event.ip_address and (event.raw_user_agent or event.browser)
    return bool(event.external_session_id and client and event.published is not None)


def _smaller(steps: list[Any], evidence: Evidence) -> str:
    """Return in words the changes of sessions that are not counted."""
    changes = {one.uuid: one for event in steps for one in evidence.changes.get(event.external_session_id, [])}
    kinds = sorted({one.explained_by or _moved(one) for one in changes.values()})
    return f" Smaller changes: {len(changes)} ({listed(kinds)})." if changes else ""


def _moved(change: Any) -> str:
    """Return in words what moved although the browser stayed; a jump to another country is named with both ends."""
    if "country" in change.moved.split():
        return f"the country jumped from {text(change.from_country)} to {text(change.to_country)}, the browser stayed"
    return f"{change.moved.split()[0]} alone"


def _hand_overs(event: Any, evidence: Evidence) -> list[Any]:
    """Return the unexplained changes of a session in which both address and browser moved."""
    changes = evidence.changes.get(event.external_session_id, [])
    moved = [(one, set(one.moved.split())) for one in changes if one.explained_by is None]
    return [one for one, names in moved if names & set(_MACHINE) and names & set(_ADDRESS)]


def rights(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether this person got or used admin rights in the log, beside the export."""
    event = taking.last
    if nothing := unanswerable(event):
        return nothing
    tried = evidence.of_kind(event.actor_id, _RIGHTS)
    if used := [one for one in tried if is_done(one.outcome_result)]:
        words = (f"{text(one.event_type)} at {one.published:%Y-%m-%d %H:%M}" for one in used)
        return Answer("yes", f"{person(event)}: {listed(words)}.", "", tuple(one.uuid for one in used))
    if tried:
        return _attempts("Tried", tried)
    if evidence.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (event.uuid,), Query(_RIGHTS, _person(event)))
    return Answer("no", f"No admin right given to or used by {person(event)} in this log.", "", (event.uuid,))


def contained(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether sessions were cleared, or password, factors, tokens or the account were reset afterwards."""
    event = taking.last
    if nothing := unanswerable(event):
        return nothing
    tried = _closings(event, evidence)
    if closings := [one for one in tried if is_done(one.outcome_result)]:
        words = (f"{text(one.event_type)} after {duration(one.published - event.published)}" for one in closings)
        return Answer("yes", f"{listed(words)}.", "", (event.uuid, *(one.uuid for one in closings)))
    if tried:
        return _attempts("Tried", tried)
    if evidence.only_analytics:
        return Answer("unknown", _NO_OTHERS, "", (event.uuid,), Query(_CONTAINMENT, _person(event)))
    until = duration(evidence.end - event.published, 2)
    return Answer("no", f"No such event in the {until} that the log continues.", "", (event.uuid,))


def _closings(event: Any, evidence: Evidence) -> list[Any]:
    """Return what revoked the access of who did something afterwards, in the order of time; a sign-out does not."""
    revoked = evidence.of_kind(event.actor_id, _CONTAINMENT)
    return [one for one in revoked if one.target_user_id in (None, event.actor_id) and one.published > event.published]


def _attempts(verb: str, tried: list[Any]) -> Answer:
    """Return no about what was only tried and refused, unknown where it is not decided."""
    words = listed(f"{text(one.event_type)}, {outcome(one)}, at {one.published:%Y-%m-%d %H:%M}" for one in tried)
    undecided = any(meaning_of_result(one.outcome_result) == "undecided" for one in tried)
    answer, uuids = "unknown" if undecided else "no", tuple(one.uuid for one in tried)
    return Answer(answer, f"{verb}: {words}.", "", uuids, this_record(tried[-1]))


def _lag(one: Any, event: Any) -> str:
    lag = one.published - event.published
    return f"{duration(abs(lag))} {'before' if lag.total_seconds() < 0 else 'after'}"


def _session(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("authenticationContext.externalSessionId", event.external_session_id),)


def _actor(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("actor.id", event.actor_id),)


def _person(event: Any) -> tuple[tuple[str, str | None], ...]:
    return (("actor.id", event.actor_id), ("target.id", event.actor_id))


ABOUT_SURROUNDINGS = questions(
    no_admin_console, console_elsewhere, session_changed, travel, around_risk, rights, contained
)
