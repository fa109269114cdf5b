"""Malicious patterns and their benign twins, with what should be answered about them.

Each pattern brings people of its own with their whole working life, so that many can stand side by side in one log.
"""

import tomllib
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Final

from ..schema import DOWNLOAD, FEEDBACK
from . import activities
from .activities import Pattern, office_login, over_vpn, use
from .days import START_DAY, Planted, console, minutes, roughen, sign_in
from .events import Record
from .people import PLACES, Person
from .stories import tell

ABOUT_EXPORTS: Final = (
    "taken_by_other other_place no_admin_console unfiltered sensitive_report proxy off_hours first_export repeated "
    "around_risk bulk travel session_changed"
)
ABOUT_FEEDBACK: Final = (
    "self_given dismissed_high contradicted burst feedback_from_risky_place export_after_feedback judged_missing"
)
BY_HABIT: Final = ("off_hours", "first_export", "bulk")
"""Questions that only a month of habits decides."""
_LOUD = "unfiltered sensitive_report"
_USUAL = Pattern("export_own")
PATTERNS: Final = {
    name: Pattern(**fields)
    for table in ("patterns.toml", "stories.toml")
    for name, fields in tomllib.loads((files(__package__) / table).read_text(encoding="utf-8")).items()
}
"""What can be planted: a malicious pattern, then its benign twins."""


def plant_pattern(rng: Random, kind: str, people: Sequence[Person], *, days: int = 28, pace: int = 10) -> Planted:
    """Return the events of one of `PATTERNS` with the working life of its people, and the truth about it.

    From the same chance, a pattern and its twin do the same at the same time. The people do nothing else in the log,
    and all live where the first one does. Habits show in 28 `days` with ten events, the `pace`, on each. The truth
    names the `subjects` (uuids of downloads or feedback) and what to `expect` of every one of them: question and
    answer, without what the planted facts do not decide.

    >>> from oktakit.samples.people import staff
    >>> events, facts = plant_pattern(Random(1), "assistant", staff(Random(1), 2))
    >>> facts["malicious"], facts["expect"]["taken_by_other"], facts["expect"]["proxy"]
    (False, 'yes', 'no')
    """
    pattern, day = PATTERNS[kind], rng.choice((days - 5, days - 4))
    cast = [person._replace(home=people[0].home) for person in people[: pattern.people]]
    at = _moment(rng, cast[0], day, pattern.hour)
    plant = tell if pattern.steps else getattr(activities, pattern.plant)
    planted = plant(rng, cast, at, pattern)
    habits = [pattern, *[_USUAL] * (len(cast) - 1)]
    lives = [_life(rng, one, day, habit, (days, pace)) for one, habit in zip(cast, habits, strict=True)]
    subjects, answers = _subjects(planted, pattern), _expected(pattern)
    facts = {
        "kind": kind,
        "malicious": pattern.malicious,
        "people": [person.login for person in cast],
        "subjects": [event["uuid"] for event in subjects],
        "sessions": [*dict.fromkeys(event["authenticationContext"]["externalSessionId"] for event in subjects)],
        "expect": {name: answer for name, answer in answers.items() if days >= 28 or name not in BY_HABIT},
        "uuids": {"planted": [event["uuid"] for event in planted]},
    }
    return [*(event for life in lives for event in life), *planted], facts


def _moment(rng: Random, person: Person, day: int, hour: int) -> datetime:
    """Return a moment in the first half of an hour, told by the clock where the person lives."""
    return START_DAY + timedelta(days=day, hours=hour - PLACES[person.home].utc_offset) + minutes(rng, 0, 30)


def _judges(pattern: Pattern) -> bool:
    """Return whether a pattern is about feedback, not about exports."""
    return any(step[2] == "feedback" for step in pattern.steps)


def _subjects(planted: list[Record], pattern: Pattern) -> list[Record]:
    """Return what a pattern is about: the last download of each report, or the last verdict on each detection."""
    kind, key = (FEEDBACK, "eventUuid") if _judges(pattern) else (DOWNLOAD, "jobid")
    return [*{one["debugContext"]["debugData"][key]: one for one in planted if one["eventType"] == kind}.values()]


def _expected(pattern: Pattern) -> dict[str, str]:
    """Return the answers that the planted facts decide, by question."""
    loud = _LOUD if "loud" in pattern.traits else ""
    questions = ABOUT_FEEDBACK if _judges(pattern) else ABOUT_EXPORTS
    keys = {"no": questions, "yes": f"{pattern.yes} {loud}", "unknown": pattern.unknown}
    answers = {name: answer for answer, names in keys.items() for name in names.split()}
    return {name: answer for name, answer in answers.items() if name not in pattern.open.split()}


def _life(rng: Random, person: Person, day: int, habit: Pattern, size: tuple[int, int]) -> list[Record]:
    """Return the workdays of somebody whose activity is on `day`, in the order of time."""
    gone = range(day, day + 3) if "away" in habit.traits else ()
    workdays = [today for today in range(habit.first, size[0]) if today % 7 < 5 and today not in gone]
    events = [event for today in workdays for event in _workday(rng, person, today, habit, day - today, size[1])]
    return [roughen(rng, event) for event in events]


def _workday(rng: Random, person: Person, today: int, habit: Pattern, ahead: int, pace: int) -> list[Record]:
    """Return a sign-in, apps hour by hour, and exports on the weekday of the activity, which is so many days ahead."""
    at, login = _moment(rng, person, today, habit.begins), office_login(rng, person)
    hours = [at + timedelta(hours=10 * run / pace) + minutes(rng, 1, 29) for run in range(pace)]
    events = [*sign_in(rng, at, login), *(use(rng, hour, login) for hour in hours)]
    if "vpn" in habit.traits:
        events.append(use(rng, at + timedelta(hours=8, minutes=59), over_vpn(login)))
    if habit.runs and ahead in (7, 14, 21):
        noon = at + timedelta(hours=3)
        events += [console(rng, noon, login), *activities.batch(rng, noon, login, habit.runs)]
    return events
