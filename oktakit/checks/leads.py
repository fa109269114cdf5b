"""What needs a look, first: exports, verdicts and sessions that belong to one story are one row, in one sentence."""

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.engines import first_known, rows
from ..analysis.exports import correlate_exports
from ..analysis.feedback import correlate_feedback
from ..analysis.sessions import find_session_changes
from ..analysis.words import listed, zone
from ..log.keys import TEXT, known_only
from ..log.log import Events, events_of
from ..safe import text
from ..schema import DOWNLOAD, FEEDBACK, REQUEST, is_done
from .answers import Answer, person, to_checklist
from .evidence import grouped, rows_of
from .exports import check_exports
from .feedback import check_feedback
from .headline import PEOPLE, headline, report
from .surroundings import ABOUT_SURROUNDINGS

LEVELS: Final = ("needs a look", "worth knowing", "ordinary")
LEAD_COLUMNS: Final = (
    *("level", "headline", "first", "last", "people", "reports", "reasons", "against", "open", "next"),
    *("exports", "feedback", "evidence"),
)
FACTS: Final = 3
"""So many things that make a story strange are in its headline; all are among the reasons."""

_ENOUGH = 20
"""In a log with fewer exports nobody can say what is rare."""
_DAY = pd.Timedelta("1D")
_NEVER = pd.Timestamp(0, tz="UTC")
_SETS = ("yes", "any", "unknown")
_TIES = ("external_session_id", "dt_hash", "actor_id")
_ABOUT = ("export", "feedback", "session")
_STEPS = ("requested_uuid", "downloaded_uuid")
_ADDRESS = {"ip_address", "country", "as_number"}
_BROWSER = {"browser", "os", "raw_user_agent"}
_TOLD = (
    *("event_type", "actor_alternate_id", "target_user_id", "target_user_alternate_id", *_TIES),
    *("ip_address", "country", "is_proxy", "ip_categories", "report_name", "report_id", "outcome_result"),
)


class Rule(NamedTuple):
    """Answers that make an export, a verdict or a session worth a look.

    `yes` must all be yes, of `any` at least one, and `unknown` must be unknown. Where more than the part `rare` of the
    exports of a log has them, they are the habit of that log, and count one level less.
    """

    about: str
    yes: frozenset[str]
    any: frozenset[str]
    unknown: frozenset[str]
    level: str
    rare: str
    says: str
    next: str
    source: str

    def fits(self, one: "Subject") -> bool:
        """Return whether the answers about a subject are such."""
        yes = one.said("yes")
        some = not self.any or self.any & yes
        return bool(self.about == one.about and some and self.yes <= yes and self.unknown <= one.said("unknown"))


class Subject(NamedTuple):
    """An export with all its downloads, a verdict, or a session that changed hands.

    `uuids` are those by which the tables of checks name it, `row` is that of `correlate_exports` and the like, and of
    several downloads the answer that is yes counts.
    """

    about: str
    uuids: tuple[str, ...]
    row: Any
    events: tuple[Any, ...]
    answers: tuple[Any, ...]

    def said(self, answer: str) -> frozenset[str]:
        """Return the questions that are answered so."""
        return frozenset(one.key for one in self.answers if one.answer == answer)

    @property
    def times(self) -> list[Any]:
        """Return when it happened, in the order of time; without any it stands before all others."""
        events = self.events[-1:] if self.about == "session" else self.events
        return sorted(event.published for event in events if event.published is not None) or [_NEVER]


@cache
def lead_rules() -> tuple[Rule, ...]:
    """Return the table of rules."""
    with resources.files("oktakit.checks").joinpath("lead_rules.csv").open(encoding="utf-8") as file:
        table: list[dict[str, Any]] = [*csv.DictReader(file)]
    return tuple(Rule(**row | {name: frozenset(row[name].split()) for name in _SETS}) for row in table)


def find_leads(events: Events, *, known: Any = None, watch: Any = None, timezone: str = "UTC") -> pd.DataFrame:
    """Return one row per story that needs a look or is worth knowing, and a last row about everything else.

    Exports of one job, verdicts and sessions that changed hands are one story where they share an event, or within a
    day a session, a device or a person. The level follows from the rules in `oktakit/checks/lead_rules.csv`, each with
    its source; there is no score. A decisive question that nothing answers, beside other signs, needs a look, too.

    Parameters
    ----------
    events : Log or frame with the columns of `log.events`
        A log, pandas, Polars or any lazy table that narwhals knows.
    known, watch : str, Path or DataFrame, optional
        What the analyst knows and watches for, as `value label`: see `check_exports`.
    timezone : str
        Whose clock tells the usual hours and the times in sentences, such as "Europe/Oslo".

    Returns
    -------
    DataFrame
        `level headline first last people reports reasons against open next exports feedback evidence`: what needs a
        look, then what is worth knowing, each by time. `reasons`, `against`, `open` (what is unknown and would decide,
        with the filter that fetches it) and `next` are sentences, one a line; `exports`, `feedback` and `evidence` are
        uuids, blank-separated. The last row is always there, with the level "ordinary": its headline says whether
        nothing needs a look, and in one sentence what was not chosen.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `known`, `watch` or `timezone` cannot be used.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> leads = find_leads(read_log(make_log("assistant").records))
    >>> leads["level"].tolist()
    ['worth knowing', 'worth knowing', 'ordinary']
    >>> leads["headline"][1][:68]
    'Current Assignments, requested by hugo.tan@example.com from Norway ('
    """
    frame, clock = events_of(events), zone(timezone)
    options = {"known": known, "watch": watch}
    cards = [check_exports(frame, timezone=timezone, **options), check_feedback(frame, **options), _hand_overs(frame)]
    subjects = _subjects(frame, pd.concat(cards))
    levels = _levels(subjects)
    chosen = [one for one in subjects if levels[one.uuids] < len(LEVELS) - 1]
    leads = [_lead(story, min(levels[one.uuids] for one in story), subjects, clock) for story in _stories(chosen)]
    leads.sort(key=lambda lead: (LEVELS.index(lead["level"]), lead["first"], lead["headline"]))
    others = [one for one in subjects if levels[one.uuids] == len(LEVELS) - 1]
    rest = _rest(others, [lead["level"] for lead in leads])
    table = pd.DataFrame([*leads, rest], columns=[*LEAD_COLUMNS])
    times = {name: pd.to_datetime(table[name], utc=True).dt.as_unit("us") for name in ("first", "last")}
    times = {name: at.mask(at == _NEVER) for name, at in times.items()}
    return table.astype({name: TEXT for name in LEAD_COLUMNS if name not in times}).assign(**times)


def _hand_overs(frame: Any) -> pd.DataFrame:
    """Return the card of the sessions in which both address and browser moved and nothing explains it."""
    question = next(one for one in ABOUT_SURROUNDINGS if one.key == "session_changed")
    rows = [row for row in rows_of(find_session_changes(frame)) if row.explained_by is None]
    both = [row for row in rows if _ADDRESS & {*row.moved.split()} and _BROWSER & {*row.moved.split()}]
    why = "It went on at another address with another browser."
    return to_checklist((row.uuid, question, Answer("yes", why, "", (row.previous_uuid, row.uuid))) for row in both)


def _subjects(frame: Any, card: pd.DataFrame) -> list[Subject]:
    """Return everything that may need a look, with its events and answers."""
    exports, feedback = correlate_exports(frame), correlate_feedback(frame).drop_duplicates("feedback_uuid")
    named = pd.concat([*(exports[name] for name in _STEPS), card["subject"], card["evidence"].str.split().explode()])
    core = known_only(rows(frame, "find_leads", _TOLD, nw.col("uuid").is_in(sorted(named.dropna().unique()))), _TIES)
    by_uuid = {one.uuid: one for one in rows_of(core.drop_duplicates("uuid"))}
    answers = grouped((one.subject, one) for one in rows_of(card))
    job = first_known(exports, "requested_uuid", "generated_uuid", "job_id", "downloaded_uuid")
    jobs = grouped(zip(job, rows_of(exports), strict=True)).values()
    several = [_export(downloads, answers, by_uuid) for downloads in jobs]
    for row in rows_of(feedback):
        verdict = answers.pop(row.feedback_uuid)
        verdict += [] if row.judged_risk_level == "LOW" else _closer(verdict, "burst", "burst_above_low")
        several.append(Subject("feedback", (row.feedback_uuid,), row, (by_uuid[row.feedback_uuid],), tuple(verdict)))
    for uuid, change in answers.items():
        events = tuple(by_uuid[one] for one in change[0].evidence.split())
        several.append(Subject("session", (uuid,), None, events, tuple(change)))
    return several


def _export(downloads: list[Any], answers: dict[str, list[Any]], by_uuid: dict[str, Any]) -> Subject:
    """Return an export with all its downloads."""
    uuids = dict.fromkeys(one.downloaded_uuid or one.generated_uuid or one.requested_uuid for one in downloads)
    steps = dict.fromkeys(getattr(one, step) for step in _STEPS for one in downloads)
    same = grouped((answer.key, answer) for uuid in uuids for answer in answers.pop(uuid)).values()
    merged = [min(one, key=lambda answer: ("yes", "unknown", "no").index(answer.answer)) for one in same]
    requested = downloads[0].requested_uuid
    console = _closer(merged, "no_admin_console", "no_console_at_request")
    at_request = [one for one in console if requested in one.evidence.split()]
    events = tuple(by_uuid[uuid] for uuid in steps if uuid)
    return Subject("export", tuple(uuids), downloads[0], events, tuple(merged + at_request))


def _closer(answers: list[Any], key: str, closer: str) -> list[Any]:
    """Return the answer to a question once more, if it is a yes, under a key that says more than the question."""
    return [one._replace(key=closer) for one in answers if (one.key, one.answer) == (key, "yes")]


def _levels(subjects: list[Subject]) -> dict[tuple[str, ...], int]:
    """Return the place in `LEVELS` of every subject."""
    levels = dict.fromkeys((one.uuids for one in subjects), len(LEVELS) - 1)
    exports = sum(one.about == "export" for one in subjects)
    for rule in (rule for rule in lead_rules() if rule.level in LEVELS):
        fitting = [one.uuids for one in subjects if rule.fits(one)]
        is_habit = exports >= _ENOUGH and len(fitting) > float(rule.rare or 1) * exports
        levels |= {uuids: min(LEVELS.index(rule.level) + is_habit, levels[uuids]) for uuids in fitting}
    return levels


def _stories(subjects: list[Subject]) -> Iterator[list[Subject]]:
    """Return the subjects that belong together, each story in the order of time."""
    groups = {one.uuids: [one] for one in subjects}
    for tie, tied in grouped((tie, one) for one in subjects for tie in _ties(one)).items():
        for one, other in pairwise(sorted(tied, key=lambda one: one.times[0])):
            group, more = groups[one.uuids], groups[other.uuids]
            if group is not more and (tie in _uuids(one) or other.times[0] - one.times[-1] <= _DAY):
                group += more
                groups |= dict.fromkeys((each.uuids for each in more), group)
    for story in {id(group): group for group in groups.values()}.values():
        yield sorted(story, key=lambda one: (one.times, one.uuids))


def _ties(one: Subject) -> set[str]:
    """Return what ties a subject to others: sessions, devices, people and the events of its answers."""
    judged = {event.target_user_id for event in one.events if one.about == "feedback"}
    return {*(getattr(event, name) for event in one.events for name in _TIES), *judged, *_uuids(one)} - {None}


def _uuids(one: Subject) -> list[str]:
    """Return the events that an answer rests on, but for those that are there for weeks, such as rights."""
    strange = (answer for answer in one.answers if answer.answer == "yes" and answer.key not in ("rights", "contained"))
    return " ".join(answer.evidence for answer in strange).split()


def _lead(story: list[Subject], level: int, subjects: list[Subject], clock: ZoneInfo) -> dict[str, Any]:
    """Return the row of a story."""
    story = sorted(story, key=lambda one: _ABOUT.index(one.about))
    events = [event for one in story for event in one.events]
    fitting = [rule for rule in lead_rules() if any(map(rule.fits, story))]
    deciding = (rule.yes | rule.any | rule.unknown for rule in fitting if rule.level in LEVELS)
    decisive = frozenset(chain.from_iterable(deciding))
    rules = [rule for rule in fitting if rule.level in LEVELS or rule.yes & decisive or not rule.says]
    answers = sorted((answer for one in story for answer in one.answers), key=lambda one: one.key not in decisive)
    yes = [one for one in answers if one.answer == "yes"]
    strange = [one for one in yes if one.key in decisive]
    open_ = [one for one in answers if one.answer == "unknown" and one.key in decisive]
    names = _names(events)
    facts = dict.fromkeys(rule.says for rule in rules if rule.says)
    evidence = [*(event.uuid for event in events), *" ".join(one.evidence for one in strange).split()]
    uuids = {about: [uuid for one in story if one.about == about for uuid in one.uuids] for about in _ABOUT}
    return {
        "level": LEVELS[level],
        "headline": headline(story, [*facts][:FACTS], clock),
        "first": min(one.times[0] for one in story),
        "last": max(one.times[-1] for one in story),
        **names,
        "reasons": _lines([*_reasons(yes), _share(story, subjects, decisive)]),
        "against": _lines([*(one.against for one in yes), *(one.innocent for one in strange)]),
        "open": _lines(f"{one.question} {one.why}" + f" Fetch: {one.fetch}" * bool(one.fetch) for one in open_),
        "next": _lines(rule.next.format_map(names) for rule in rules),
        "exports": " ".join(uuids["export"]),
        "feedback": " ".join(uuids["feedback"]),
        "evidence": " ".join(dict.fromkeys(evidence)),
    }


def _names(events: list[Any]) -> dict[str, str]:
    """Return who and what a story is about, in words, by the names that the table of rules has for them."""
    kinds = {"askers": REQUEST, "takers": DOWNLOAD, "judges": FEEDBACK}
    done = [one for one in events if is_done(one.outcome_result)]
    proxied = (one for one in events if one.is_proxy or one.ip_categories)
    several = {
        "people": map(person, events),
        **{name: [person(one) for one in done if one.event_type == kind] for name, kind in kinds.items()},
        "judged": (text(one.target_user_alternate_id or "?") for one in events if one.event_type == FEEDBACK),
        "reports": (report(one) for one in events if one.event_type in (REQUEST, DOWNLOAD)),
        "addresses": (text(one.ip_address) for one in proxied if one.ip_address),
    }
    return {name: listed(words, PEOPLE) for name, words in several.items()}


def _reasons(answers: list[Any]) -> Iterator[str]:
    """Return every question that is answered with yes, and why."""
    for same in grouped((one.key, one) for one in answers).values():
        more = len({one.why for one in same}) - 1
        yield f"{same[0].question} Yes: {same[0].why}" + f" ({more} more like this.)" * bool(more)


def _share(story: list[Subject], subjects: list[Subject], decisive: frozenset[str]) -> str:
    """Return how many exports of the log have the answers of the first one of a story, in words."""
    exports = [one for one in subjects if one.about == story[0].about == "export"]
    alike = [one for one in exports if story[0].said("yes") & decisive <= one.said("yes")]
    return f"{len(alike)} of {len(exports)} exports in this log have these answers." if exports else ""


def _lines(sentences: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(filter(None, sentences)))


def _rest(subjects: list[Subject], levels: list[str]) -> dict[str, str]:
    """Return the last row: whether nothing needs a look, and what was not chosen."""
    exports = [one for one in subjects if one.about == "export"]
    open_ = sum("taken_by_other" in one.said("unknown") for one in exports)
    answers = [answer.answer for one in subjects for answer in one.answers]
    other, verdicts = "other " * bool(levels), len(subjects) - len(exports)
    sentences = ["Nothing needs a look."] * (LEVELS[0] not in levels)
    if exports:
        cannot = f"; of {open_} it cannot be told" if open_ else ""
        several = f"{len(exports)} {other}export{'s' * (len(exports) != 1)}"
        sentences.append(f"{several}: none was taken by anybody but the person who requested it{cannot}.")
    if verdicts:
        sentences.append(f"{verdicts} {other}verdict{'s' * (verdicts != 1)} on detections.")
    sentences.append(f"{answers.count('unknown')} of {len(answers)} answers about them could not be determined.")
    if not subjects:
        sentences[-1] = f"There are no {other}exports and no {other}verdicts in this log."
    return {"level": LEVELS[-1], "headline": " ".join(sentences)}
