"""Questions about what is usual for somebody: hours, first times, amounts. Too few days before leave them open."""

from bisect import bisect_left
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from ..safe import text
from ..schema import DOWNLOAD, REQUEST
from .answers import Answer, Query, person, questions, step_of, unanswerable
from .evidence import HOUR, Evidence, Taking, Tally, busiest, key_of

DAYS = 5
"""How many earlier days of somebody it takes to speak of usual hours."""

ACTIVE = 3
"""On how many of them something has to be done in an hour that is usual."""

BULK = 5
"""From so many exports within one hour on, it may be bulk."""

_DAY = pd.Timedelta("1D")


def off_hours(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether it was done at an hour at which this person had hardly ever done anything."""
    event = taking.last
    if nothing := unanswerable(event):
        return nothing
    local = event.published.tz_convert(evidence.timezone)
    active, earlier = _active(evidence.hours.get(event.actor_id, np.array([], int)), local)
    story = f"{person(event)} at {local:%H:%M} {evidence.timezone.key}: active within an hour of that on {active} of "
    why = f"{story}{earlier} earlier days."
    if active < ACTIVE and (evidence.only_analytics or earlier < DAYS):
        reason = "The log holds no sign-in events" if evidence.only_analytics else "Too few to tell (cold start)"
        fetch = Query((), (("actor.id", event.actor_id),))
        return Answer("unknown", f"{why} {reason}.", "", (event.uuid,), fetch)
    return Answer("no" if active >= ACTIVE else "yes", why, "", (event.uuid,))


def _active(hours: Any, local: Any) -> tuple[int, int]:
    """Return on how many days before a moment something was done within an hour of its clock time, and at all."""
    now = int(local.tz_localize(None).timestamp()) // 3600
    before = hours[: hours.searchsorted(now - local.hour)]
    near = before[(before - now + 1) % 24 <= 2]
    return _days(near), _days(before)


def _days(hours: Any) -> int:
    """Return in how many days some hours lie; they are in order."""
    return int(np.count_nonzero(np.diff(hours // 24))) + (len(hours) > 0)


def first_export(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether this person had never exported a report before, as far as the log reaches."""
    event = taking.last
    if nothing := unanswerable(event):
        return nothing
    steps = [step for step in taking.steps if step.actor_id == event.actor_id and step.published is not None]
    begun = min(step.published for step in steps)
    done = evidence.exported.get(event.actor_id, [])
    if earlier := bisect_left(done, begun, key=lambda one: one.published):
        times = max(Counter(one.event_type for one in done[:earlier]).values())  # a request and its download are one
        why = f"{person(event)} exported {times} time{'s' * (times > 1)} before"
        return Answer("no", f"{why}, first at {done[0].published:%Y-%m-%d %H:%M}.", "", (event.uuid, done[0].uuid))
    story = f"{person(event)}: no earlier export since the log begins at {evidence.start:%Y-%m-%d %H:%M}"
    if evidence.only_analytics or evidence.is_cold(event):
        return Answer("unknown", f"{story}, {evidence.cold} (cold start).", "", (event.uuid,), _exports(event))
    return Answer("yes", f"{story}.", "", (event.uuid,))


def bulk(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether person or address exported far more within an hour than ever before."""
    event = taking.last
    if nothing := unanswerable(event):
        return nothing
    keys = {person(event): event.actor_id, f"the address {text(event.ip_address)}": event.ip_address}
    runs = {name: _busiest(evidence.tallies.get(key_of(key, event)), event) for name, key in keys.items() if key}
    words = [f"{name}: {now} within an hour, {usual} at most before" for name, (now, usual, _) in runs.items() if now]
    why = "; ".join(words) or "not counted, because it was refused or is Okta's own doing"
    loud = [name for name, (now, usual, _) in runs.items() if now >= max(BULK, 2 * usual)]
    if loud and (evidence.only_analytics or evidence.is_cold(event)) and not any(runs[name][1] for name in loud):
        why = f"{why}. Nothing to compare with: {evidence.cold}."
        return Answer("unknown", why, "", (event.uuid,), _exports(event))
    shown = runs[loud[0]][2] if loud else (event.uuid,)
    return Answer("yes" if loud else "no", f"By {step_of(event)}s: {why}.", "", shown)


def _busiest(tally: Tally | None, event: Any) -> tuple[int, int, tuple[str, ...]]:
    """Return the most exports in an hour around an event, the most in any hour until the day before, and the first."""
    near = busiest(tally.events, event, HOUR) if tally else []
    return len(near), tally.usual(event.published - _DAY) if tally else 0, tuple(one.uuid for one in near)


def _exports(event: Any) -> Query:
    return Query((REQUEST, DOWNLOAD), (("actor.id", event.actor_id),))


ABOUT_HABITS = questions(off_hours, first_export, bulk)
