"""Guilty patterns and their innocent twins, with what should be answered about them.

Each pattern brings people of its own with their whole working life, so that many can stand side by side in one log.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Final, NamedTuple

from .cast import KIOSK, Person
from .deeds import (
    Deed,
    Plot,
    batch,
    change_rights,
    collect_again,
    collect_for_other,
    export_many,
    export_own,
    judge_many,
    judge_one,
    judge_twice,
    moment,
    move_session,
    own,
    send_program,
    use,
    vpn,
)
from .ordinary import Planted, console, minutes, roughen, sign_in
from .synth import Event

ABOUT_EXPORTS: Final = (
    "taken_by_other other_place no_admin_console unfiltered sensitive_report proxy off_hours first_export repeated "
    "around_risk bulk travel session_changed"
)
ABOUT_FEEDBACK: Final = (
    "self_given dismissed_high contradicted burst feedback_from_risky_place export_after_feedback judged_missing"
)
BY_HABIT: Final = ("off_hours", "first_export", "bulk")
"""Questions that only a month of habits decides."""


class Habit(NamedTuple):
    """How somebody works: from which hour and day on, exports in each of three weeks, a VPN every day, a journey."""

    hour: int = 8
    first: int = 0
    runs: int = 1
    vpn: bool = False
    away: bool = False


class Pattern(NamedTuple):
    """A deed, the answers about it that are not a plain no, and the habit of the first person.

    `open` are questions that the planted facts do not decide.
    """

    plot: Plot
    yes: str = ""
    open: str = ""
    unknown: str = ""
    habit: Habit = Habit()
    asks: str = ABOUT_EXPORTS


_LOUD = "unfiltered sensitive_report "
_ALONE = "no_admin_console "
_VPN = Habit(vpn=True)
_SILENCED = "self_given dismissed_high feedback_from_risky_place export_after_feedback"
PATTERNS: Final = {
    "theft": Pattern(
        Plot(collect_for_other, True, 2, 10, loud=True, proxy=True),
        _ALONE + _LOUD + "taken_by_other other_place proxy travel",
    ),
    "assistant": Pattern(Plot(collect_for_other, False, 2, 10, loud=True), _LOUD + "taken_by_other", "other_place"),
    "hijack": Pattern(
        Plot(move_session, True, loud=True), _ALONE + _LOUD + "session_changed around_risk travel", habit=_VPN
    ),
    "vpn_flip": Pattern(Plot(move_session, False, loud=True), _LOUD + "proxy", "around_risk", habit=_VPN),
    "script": Pattern(Plot(send_program, True), "session_changed other_place around_risk travel"),
    "okta_agent": Pattern(Plot(send_program, False)),
    "impossible_travel": Pattern(Plot(export_own, True, hour=13, far=True), _ALONE + "travel"),
    "flight": Pattern(Plot(export_own, False, hour=13, far=True), habit=Habit(away=True)),
    "one_stranger": Pattern(Plot(export_own, True, 3, proxy=True), _ALONE + "proxy", "bulk"),
    "kiosk": Pattern(Plot(export_own, False, 3, agent=KIOSK), "", "bulk"),
    "shared_office": Pattern(Plot(export_own, False, 3), "", "bulk"),
    "stolen_night": Pattern(Plot(export_own, True, hour=26), _ALONE + "off_hours"),
    "night_shift": Pattern(Plot(export_own, False, hour=26), habit=Habit(hour=22)),
    "awakened": Pattern(Plot(export_own, True, loud=True), _ALONE + _LOUD + "first_export", habit=Habit(runs=0)),
    "new_joiner": Pattern(
        Plot(export_own, False, loud=True), _LOUD, "off_hours", "first_export", Habit(first=14, runs=0)
    ),
    "haul": Pattern(Plot(export_many, True), _ALONE + "bulk", _LOUD),
    "month_end": Pattern(Plot(export_many, False), "", _LOUD, habit=Habit(runs=6)),
    "tampering": Pattern(Plot(change_rights, True, 3), _ALONE + "around_risk"),
    "helpdesk": Pattern(Plot(change_rights, False, 3)),
    "copied": Pattern(Plot(collect_again, True), _ALONE + "repeated other_place"),
    "collected_again": Pattern(Plot(collect_again, False), "repeated", "other_place"),
    "silenced": Pattern(Plot(judge_one, True, 2, proxy=True), _SILENCED, asks=ABOUT_FEEDBACK),
    "reviewer": Pattern(Plot(judge_one, False, 2), asks=ABOUT_FEEDBACK),
    "unseen": Pattern(
        Plot(judge_one, False, 2, hidden=True),
        "judged_missing",
        "feedback_from_risky_place contradicted",
        "dismissed_high",
        asks=ABOUT_FEEDBACK,
    ),
    "waved_through": Pattern(Plot(judge_many, True, 3, 9), "burst", asks=ABOUT_FEEDBACK),
    "steady_reviewer": Pattern(Plot(judge_many, False, 3, 9), asks=ABOUT_FEEDBACK),
    "contradicted": Pattern(Plot(judge_twice, True, 3), "contradicted dismissed_high", asks=ABOUT_FEEDBACK),
    "agreed": Pattern(Plot(judge_twice, False, 3), asks=ABOUT_FEEDBACK),
}
"""What can be planted: a guilty pattern, then its innocent twins."""


def plant_pattern(rng: Random, kind: str, people: Sequence[Person], *, days: int = 28, pace: int = 10) -> Planted:
    """Return the events of a pattern with the working life of its people, and the truth about it.

    Parameters
    ----------
    rng : Random
        Where chance comes from. From the same state a pattern and its twin do the same at the same time.
    kind : str
        One of `PATTERNS`.
    people : sequence of Person
        At least as many as the pattern takes, who do nothing else in the log; all live where the first one does.
    days, pace : int, optional
        Days of the log, and events of a working day. Habits show in 28 days with ten a day.

    Returns
    -------
    list of dict, dict
        The events; and `kind`, `guilty`, `people`, `subjects` (uuids of downloads or feedback) and their `sessions`,
        `expect` (question and answer, for every subject; what the planted facts do not decide is left out) and `uuids`
        of what was planted.

    Examples
    --------
    >>> from oktakit.cast import staff
    >>> events, facts = plant_pattern(Random(1), "assistant", staff(Random(1), 2))
    >>> facts["guilty"], facts["expect"]["taken_by_other"], facts["expect"]["proxy"]
    (False, 'yes', 'no')
    """
    pattern, day = PATTERNS[kind], rng.choice((days - 5, days - 4))
    cast = [person._replace(home=people[0].home) for person in people[: pattern.plot.people]]
    deed = pattern.plot.plant(rng, cast, day, pattern.plot)
    habits = [pattern.habit, *[Habit()] * (len(cast) - 1)]
    lives = [_life(rng, one, day, habit, (days, pace)) for one, habit in zip(cast, habits, strict=True)]
    facts = {
        "kind": kind,
        "guilty": pattern.plot.guilty,
        "people": [person.login for person in cast],
        "subjects": deed.subjects,
        "sessions": _sessions(deed),
        "expect": {name: said for name, said in _expected(pattern).items() if days >= 28 or name not in BY_HABIT},
        "uuids": {"planted": [event["uuid"] for event in deed.events]},
    }
    return [*(event for life in lives for event in life), *deed.events], facts


def _sessions(deed: Deed) -> list[str]:
    """Return the sessions of the subjects, in their order."""
    ids = {event["uuid"]: event["authenticationContext"]["externalSessionId"] for event in deed.events}
    return [*dict.fromkeys(ids[uuid] for uuid in deed.subjects)]


def _expected(pattern: Pattern) -> dict[str, str]:
    answers = {"no": pattern.asks, "yes": pattern.yes, "unknown": pattern.unknown}
    said = {name: answer for answer, names in answers.items() for name in names.split()}
    return {name: answer for name, answer in said.items() if name not in pattern.open.split()}


def _life(rng: Random, person: Person, day: int, habit: Habit, size: tuple[int, int]) -> list[Event]:
    """Return the workdays of somebody whose deed is on `day`, in the order of time."""
    gone = range(day, day + 3) if habit.away else ()
    workdays = [today for today in range(habit.first, size[0]) if today % 7 < 5 and today not in gone]
    events = [event for today in workdays for event in _workday(rng, person, today, habit, day - today, size[1])]
    return [roughen(rng, event) for event in events]


def _workday(rng: Random, person: Person, today: int, habit: Habit, ahead: int, pace: int) -> list[Event]:
    """Return a sign-in, apps hour by hour, and exports on the weekday of the deed, which is so many days ahead."""
    at, login = moment(rng, person, today, habit.hour), own(rng, person)
    hours = [at + timedelta(hours=10 * run / pace) + minutes(rng, 1, 29) for run in range(pace)]
    events = [*sign_in(rng, at, login), *(use(rng, hour, login) for hour in hours)]
    if habit.vpn:
        events.append(use(rng, at + timedelta(hours=8, minutes=59), login._replace(origin=vpn(person))))
    if habit.runs and ahead in (7, 14, 21):
        noon = at + timedelta(hours=3)
        events += [console(rng, noon, login), *batch(rng, noon, login, habit.runs).events]
    return events
