"""Guilty patterns and their innocent twins, with what should be answered about them.

Each pattern brings people of its own with their whole working life, so that many can stand side by side in one log.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from ..schema import DOWNLOAD, FEEDBACK
from . import activities as deeds
from .activities import Pattern
from .days import START_DAY, Planted, console, minutes, roughen, sign_in
from .events import Event
from .people import KIOSK, PLACES, Person

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
_ALONE = "no_admin_console"
_SILENCED = "self_given dismissed_high feedback_from_risky_place export_after_feedback"
_UNDECIDED = "feedback_from_risky_place contradicted"
_JUDGING = (deeds.judge_one, deeds.judge_many, deeds.judge_twice)
_USUAL = Pattern(deeds.export_own)
PATTERNS: Final = {
    "theft": Pattern(
        deeds.collect_later, True, 2, 10, f"{_ALONE} taken_by_other other_place proxy travel", traits="loud far proxy"
    ),
    "assistant": Pattern(deeds.collect_later, False, 2, 10, "taken_by_other", "other_place", traits="loud"),
    "hijack": Pattern(deeds.move_session, True, yes=f"{_ALONE} session_changed around_risk travel", traits="loud vpn"),
    "vpn_flip": Pattern(deeds.move_session, yes="proxy", open="around_risk", traits="loud vpn"),
    "script": Pattern(deeds.send_program, True, yes="session_changed other_place around_risk travel"),
    "okta_agent": Pattern(deeds.send_program),
    "impossible_travel": Pattern(deeds.export_own, True, hour=13, yes=f"{_ALONE} travel", traits="far"),
    "flight": Pattern(deeds.export_own, hour=13, traits="far away"),
    "one_stranger": Pattern(deeds.export_own, True, 3, yes=f"{_ALONE} proxy", open="bulk", traits="proxy"),
    "kiosk": Pattern(deeds.export_own, False, 3, open="bulk", agent=KIOSK),
    "shared_office": Pattern(deeds.export_own, False, 3, open="bulk"),
    "stolen_night": Pattern(deeds.export_own, True, hour=26, yes=f"{_ALONE} off_hours"),
    "night_shift": Pattern(deeds.export_own, hour=26, begins=22),
    "awakened": Pattern(deeds.export_own, True, yes=f"{_ALONE} first_export", traits="loud", runs=0),
    "new_joiner": Pattern(deeds.export_own, open="off_hours", unknown="first_export", traits="loud", first=14, runs=0),
    "haul": Pattern(deeds.export_many, True, yes=f"{_ALONE} bulk", open=_LOUD),
    "month_end": Pattern(deeds.export_many, open=_LOUD, runs=6),
    "tampering": Pattern(deeds.change_rights, True, 3, yes=f"{_ALONE} around_risk"),
    "helpdesk": Pattern(deeds.change_rights, False, 3),
    "copied": Pattern(deeds.collect_later, True, yes=f"{_ALONE} repeated other_place"),
    "collected_again": Pattern(deeds.collect_later, yes="repeated", open="other_place"),
    "silenced": Pattern(deeds.judge_one, True, 2, yes=_SILENCED, traits="proxy"),
    "reviewer": Pattern(deeds.judge_one, False, 2),
    "unseen": Pattern(deeds.judge_one, False, 2, 11, "judged_missing", _UNDECIDED, "dismissed_high", "hidden"),
    "waved_through": Pattern(deeds.judge_many, True, 3, 9, "burst"),
    "steady_reviewer": Pattern(deeds.judge_many, False, 3, 9),
    "contradicted": Pattern(deeds.judge_twice, True, 3, yes="contradicted dismissed_high"),
    "agreed": Pattern(deeds.judge_twice, False, 3),
}
"""What can be planted: a guilty pattern, then its innocent twins."""


def plant_pattern(rng: Random, kind: str, people: Sequence[Person], *, days: int = 28, pace: int = 10) -> Planted:
    """Return the events of one of `PATTERNS` with the working life of its people, and the truth about it.

    From the same chance, a pattern and its twin do the same at the same time. The people do nothing else in the log,
    and all live where the first one does. Habits show in 28 `days` with ten events, the `pace`, on each. The truth
    names the `subjects` (uuids of downloads or feedback) and what to `expect` of every one of them: question and
    answer, without what the planted facts do not decide.

    >>> from oktakit.samples.people import staff
    >>> events, facts = plant_pattern(Random(1), "assistant", staff(Random(1), 2))
    >>> facts["guilty"], facts["expect"]["taken_by_other"], facts["expect"]["proxy"]
    (False, 'yes', 'no')
    """
    pattern, day = PATTERNS[kind], rng.choice((days - 5, days - 4))
    cast = [person._replace(home=people[0].home) for person in people[: pattern.people]]
    deed = pattern.plant(rng, cast, _moment(rng, cast[0], day, pattern.hour), pattern)
    habits = [pattern, *[_USUAL] * (len(cast) - 1)]
    lives = [_life(rng, one, day, habit, (days, pace)) for one, habit in zip(cast, habits, strict=True)]
    subjects = _subjects(deed, pattern.plant in _JUDGING)
    facts = {
        "kind": kind,
        "guilty": pattern.guilty,
        "people": [person.login for person in cast],
        "subjects": [event["uuid"] for event in subjects],
        "sessions": [*dict.fromkeys(event["authenticationContext"]["externalSessionId"] for event in subjects)],
        "expect": {name: said for name, said in _expected(pattern).items() if days >= 28 or name not in BY_HABIT},
        "uuids": {"planted": [event["uuid"] for event in deed]},
    }
    return [*(event for life in lives for event in life), *deed], facts


def _moment(rng: Random, person: Person, day: int, hour: int) -> datetime:
    """Return a moment in the first half of an hour, told by the clock where the person lives."""
    return START_DAY + timedelta(days=day, hours=hour - PLACES[person.home].utc_offset) + minutes(rng, 0, 30)


def _subjects(deed: list[Event], judging: bool) -> list[Event]:
    """Return what a deed is about: the last download of each report, or the last word on each detection."""
    kind, key = (FEEDBACK, "eventUuid") if judging else (DOWNLOAD, "jobid")
    return [*{event["debugContext"]["debugData"][key]: event for event in deed if event["eventType"] == kind}.values()]


def _expected(pattern: Pattern) -> dict[str, str]:
    asked = ABOUT_FEEDBACK if pattern.plant in _JUDGING else ABOUT_EXPORTS
    loud = _LOUD if "loud" in pattern.traits else ""
    answers = {"no": asked, "yes": f"{pattern.yes} {loud}", "unknown": pattern.unknown}
    said = {name: answer for answer, names in answers.items() for name in names.split()}
    return {name: answer for name, answer in said.items() if name not in pattern.open.split()}


def _life(rng: Random, person: Person, day: int, habit: Pattern, size: tuple[int, int]) -> list[Event]:
    """Return the workdays of somebody whose deed is on `day`, in the order of time."""
    gone = range(day, day + 3) if "away" in habit.traits else ()
    workdays = [today for today in range(habit.first, size[0]) if today % 7 < 5 and today not in gone]
    events = [event for today in workdays for event in _workday(rng, person, today, habit, day - today, size[1])]
    return [roughen(rng, event) for event in events]


def _workday(rng: Random, person: Person, today: int, habit: Pattern, ahead: int, pace: int) -> list[Event]:
    """Return a sign-in, apps hour by hour, and exports on the weekday of the deed, which is so many days ahead."""
    at, login = _moment(rng, person, today, habit.begins), deeds.own(rng, person)
    hours = [at + timedelta(hours=10 * run / pace) + minutes(rng, 1, 29) for run in range(pace)]
    events = [*sign_in(rng, at, login), *(deeds.use(rng, hour, login) for hour in hours)]
    if "vpn" in habit.traits:
        events.append(deeds.use(rng, at + timedelta(hours=8, minutes=59), deeds.over_vpn(login)))
    if habit.runs and ahead in (7, 14, 21):
        noon = at + timedelta(hours=3)
        events += [console(rng, noon, login), *deeds.batch(rng, noon, login, habit.runs)]
    return events
