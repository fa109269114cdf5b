"""Questions about what is usual for somebody: hours, first times, amounts. Too few days before leave them open."""

from typing import Any

import pandas as pd

from .answers import Answer, Question, person, this_record
from .case import BASELINE, HOUR, MINIMUM, Case, Taking, Tally, busiest, key_of
from .queries import Query
from .safe import text
from .schema import DOWNLOAD, REQUEST

DAYS = 5
"""How many earlier days of somebody it takes to speak of usual hours."""
ACTIVE = 3
"""On how many of them something has to be done in an hour that is usual."""
BULK = 5
"""From so many exports within one hour on, it may be bulk."""
_DAY = pd.Timedelta("1D")


def off_hours(taking: Taking, case: Case) -> Answer:
    """Return whether it was done at an hour at which this person had hardly ever done anything."""
    event = taking.last
    if blank := _blank(event):
        return blank
    local = event.published.tz_convert(case.timezone)
    near = {(local.hour + shift) % 24 for shift in (-1, 0, 1)}
    earlier = [hours for day, hours in case.days.get(event.actor_id, {}).items() if day < local.date()]
    active = sum(not near.isdisjoint(hours) for hours in earlier)
    story = f"{person(event)} at {local:%H:%M} {case.timezone.key}: active within an hour of that on {active} of "
    why = f"{story}{len(earlier)} earlier days."
    if active < ACTIVE and (case.only_analytics or len(earlier) < DAYS):
        reason = "The log holds no sign-in events" if case.only_analytics else "Too few to tell (cold start)"
        fetch = Query((), (("actor.id", event.actor_id),))
        return Answer("unknown", f"{why} {reason}.", "", (event.uuid,), fetch)
    return Answer("no" if active >= ACTIVE else "yes", why, "", (event.uuid,))


def first_export(taking: Taking, case: Case) -> Answer:
    """Return whether this person had never exported a report before, as far as the log reaches."""
    event = taking.last
    if blank := _blank(event):
        return blank
    own = [step for step in taking.steps if step.actor_id == event.actor_id and step.published is not None]
    begun = min(step.published for step in own)
    done = [one for one in case.of_kind(event.actor_id, (REQUEST, DOWNLOAD)) if one.actor_id == event.actor_id]
    earlier = [one for one in done if one.published < begun]
    if earlier:
        why = f"{person(event)} exported {len(earlier)} times before, first at {earlier[0].published:%Y-%m-%d %H:%M}."
        return Answer("no", why, "", (event.uuid, earlier[0].uuid))
    story = f"{person(event)}: no earlier export since the log begins at {case.start:%Y-%m-%d %H:%M}"
    if case.only_analytics or case.is_cold(event):
        return Answer("unknown", f"{story}, {_cold(case)} (cold start).", "", (event.uuid,), _exports(event))
    return Answer("yes", f"{story}.", "", (event.uuid,))


def bulk(taking: Taking, case: Case) -> Answer:
    """Return whether person or address exported far more within an hour than ever before."""
    event = taking.last
    if blank := _blank(event):
        return blank
    keys = {person(event): event.actor_id, f"the address {text(event.ip_address)}": event.ip_address}
    found = {name: _busiest(case.tallies.get(key_of(key, event)), event) for name, key in keys.items() if key}
    words = [f"{name}: {now} within an hour, {usual} at most before" for name, (now, usual, _) in found.items() if now]
    why, step = f"{'; '.join(words)}.", event.event_type.rsplit(".", 1)[-1]
    loud = [name for name, (now, usual, _) in found.items() if now >= max(BULK, 2 * usual)]
    if loud and (case.only_analytics or case.is_cold(event)) and not any(found[name][1] for name in loud):
        return Answer("unknown", f"{why} Nothing to compare with: {_cold(case)}.", "", (event.uuid,), _exports(event))
    shown = found[loud[0]][2] if loud else (event.uuid,)
    return Answer("yes" if loud else "no", f"By {step}s: {why}", "", shown)


def _busiest(tally: Tally | None, event: Any) -> tuple[int, int, tuple[str, ...]]:
    """Return the most exports in an hour around an event, the most in any hour until the day before, and the first."""
    near = busiest(tally.events, event, HOUR) if tally else []
    return len(near), tally.usual(event.published - _DAY) if tally else 0, tuple(one.uuid for one in near)


def _blank(event: Any) -> Answer | None:
    """Return why nothing can be said about an event, if so."""
    if event is None:
        return Answer("unknown", "Neither request nor download is known.", fetch=Query((REQUEST, DOWNLOAD)))
    if event.actor_id is None or event.published is None:
        missing = "actor" if event.actor_id is None else "time"
        return Answer("unknown", f"The {missing} is not reported.", "", (event.uuid,), this_record(event))
    return None


def _cold(case: Case) -> str:
    if case.only_analytics:
        return "which holds no sign-in events"
    return f"with fewer than {MINIMUM} events of this person in its first {BASELINE.days} days, or not past them"


def _exports(event: Any) -> Query:
    return Query((REQUEST, DOWNLOAD), (("actor.id", event.actor_id),))


ABOUT_HABITS = (
    Question(
        "off_hours",
        "Was it outside this person's hours?",
        off_hours,
        "Night shifts, month ends, journeys and holidays move hours.",
        "Panther's unusual hours: an hour is usual when something was done in it on three days",
    ),
    Question(
        "first_export",
        "Was it this person's first export?",
        first_export,
        "New tasks and new colleagues have a first time.",
        "Elastic's rules on new terms: seven days of baseline",
    ),
    Question(
        "bulk",
        "Was it one of many within an hour?",
        bulk,
        "Month ends and audits take many reports; an office shares its address.",
        "Twice the busiest hour before, and five at least: small numbers carry no z-score",
    ),
)
