"""The verdict card of every piece of feedback: did somebody silence a detection?"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.engines import rows
from ..analysis.feedback import correlate_feedback
from ..analysis.words import duration, listed
from ..log.keys import bare_uuid, known_only, uuid_spellings
from ..log.log import Events
from ..safe import text
from ..schema import DOWNLOAD, FEEDBACK, REQUEST, is_done, is_sentinel
from .answers import (
    Answer,
    Query,
    answer_all,
    combine,
    means,
    outcome,
    person,
    place,
    questions,
    this_record,
    trusted,
)
from .clients import shared_device
from .evidence import Evidence, busiest, collect_evidence, rows_of, within
from .exports import evidence_of_proxy, is_proxied

BURST: Final = 5
BURST_WITHIN: Final = pd.Timedelta("10min")
_DAY = pd.Timedelta("1D")
_SESSION = re.compile(r'"external_?session_?id"\s*:\s*"([^"]*)"', re.IGNORECASE)
_PEOPLE = ("actor_id", "target_user_id", "external_session_id", "root_session_id", "dt_hash", "judged_uuid")
_LEVELS = ("LOW", "MEDIUM", "HIGH")


class Verdict(NamedTuple):
    """A row of `correlate_feedback`, its event, and the judged event if the log has it."""

    row: Any
    given: Any
    judged: Any

    @property
    def steps(self) -> tuple[Any, ...]:
        """Return the event in which a person did something."""
        return (self.given,)

    @property
    def void(self) -> Answer | None:
        """Return the answer to every question about feedback that was refused or not decided: it is no verdict."""
        if is_done(self.given.outcome_result):
            return None
        why = f"{person(self.given)} tried to judge a detection about {_about(self.row)}: {outcome(self.given)}."
        answer = "no" if self.row.verdict == "refused" else "unknown"
        return Answer(answer, f"{why} That is no verdict.", "", (self.given.uuid,), this_record(self.given))


def check_feedback(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per verdict and question, answered yes, no or unknown.

    Parameters
    ----------
    events : frame with the columns of `log.events`
        pandas, Polars or any lazy table that narwhals knows.
    known : str, Path or DataFrame, optional
        What the analyst knows, as `value label`: offices, VPNs, trusted programs. It speaks against a yes.
    watch : str, Path or DataFrame, optional
        What the analyst watches for, as `value label`. It adds a question.

    Returns
    -------
    DataFrame
        The columns of `check_exports`. `subject` is the uuid of the feedback. A "yes" states a fact, not a fault.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `known` or `watch` cannot be used.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> card = check_feedback(read_log(make_log("stolen_report").records).events)
    >>> card.loc[card["key"] == "dismissed_high", "answer"].value_counts().to_dict()
    {'no': 2, 'yes': 1}
    """
    given = rows(events, "check_feedback", ("actor_type", *_PEOPLE), nw.col("event_type") == FEEDBACK)
    core = known_only(given, _PEOPLE)
    options = {"known": known, "watch": watch, "judged": uuid_spellings(core["judged_uuid"].dropna())}
    evidence = collect_evidence(events, "check_feedback", core, (REQUEST, DOWNLOAD, FEEDBACK), **options)
    verdicts = ((one.row.feedback_uuid, one) for one in _verdicts(correlate_feedback(events), evidence))
    return answer_all(verdicts, FEEDBACK_QUESTIONS, evidence, watch)


def _verdicts(feedback: pd.DataFrame, evidence: Evidence) -> Iterator[Verdict]:
    for row in rows_of(feedback.drop_duplicates("feedback_uuid")):
        yield Verdict(row, evidence.by_uuid[row.feedback_uuid], evidence.by_uuid.get(row.judged_uuid))


def self_given(verdict: Verdict, _: Evidence) -> Answer:
    """Return whether the judge is the person whom the detection is about."""
    row, given = verdict.row, verdict.given
    why = f"{person(given)} judged a detection about {_about(row)}: {text(row.label or '?')}."
    if row.self_feedback is None:
        return Answer("unknown", f"{why} One of the two has no id.", "", (given.uuid,), this_record(given))
    return Answer("yes" if row.self_feedback else "no", why, "", (given.uuid,))


def dismissed_high(verdict: Verdict, _: Evidence) -> Answer:
    """Return whether a detection of the highest level was called a false alarm."""
    row, given = verdict.row, verdict.given
    if row.label is None:
        return Answer("unknown", "The verdict is not reported.", "", (given.uuid,), this_record(given))
    if row.verdict == "other":
        return Answer("unknown", f"The label {text(row.label)} is not understood.", "", (given.uuid,), _judged(row))
    if row.verdict != "dismissed":
        return Answer("no", f"The verdict is {text(row.label)}.", "", (given.uuid,))
    if str(row.judged_risk_level).upper() not in _LEVELS:
        missing = "its level is not reported" if row.judged_in_log else "the detection is not in this log"
        return Answer("unknown", f"Dismissed, but {missing}.", "", (given.uuid,), _judged(row))
    reason = f", because: {text(row.reason)}" if row.reason else ", without a reason"
    name = text(row.judged_detection or "detection")
    why = f"{text(row.judged_risk_level)} {name} about {_about(row)} dismissed{_after(row)}{reason}."
    high = row.judged_risk_level.upper() == "HIGH"
    return Answer("yes" if high else "no", why, "", (row.judged_uuid, given.uuid))


def contradicted(verdict: Verdict, evidence: Evidence) -> Answer:
    """Return whether somebody said the opposite about the same detection."""
    row, given = verdict.row, verdict.given
    if row.contradicted is None:
        return Answer("unknown", "The record does not name the detection.", "", (given.uuid,), this_record(given))
    verdicts = evidence.by_judged.get(bare_uuid(row.judged_uuid), [])
    words = (f"{text(one.feedback_label or '?')} by {person(one)}" for one in verdicts)
    uuids = tuple(one.uuid for one in verdicts)
    return Answer("yes" if row.contradicted else "no", f"Said about this detection: {listed(words, 5)}.", "", uuids)


def burst(verdict: Verdict, evidence: Evidence) -> Answer:
    """Return whether the same admin gave many verdicts within minutes."""
    given = verdict.given
    if given.actor_id is None or given.published is None:
        return Answer("unknown", "Judge or time is not reported.", "", (given.uuid,), this_record(given))
    acts = evidence.by_actor.get(given.actor_id, [])
    verdicts = [one for one in acts if one.event_type == FEEDBACK and is_done(one.outcome_result)]
    run = busiest(verdicts, given, BURST_WITHIN) or [given]
    why = f"{len(run)} by {person(given)} within {duration(BURST_WITHIN)}."
    return Answer("yes" if len(run) >= BURST else "no", why, "", tuple(one.uuid for one in run))


def feedback_from_risky_place(verdict: Verdict, evidence: Evidence) -> Answer:
    """Return whether it came through a proxy, from a country new for the judge, or out of the judged session."""
    given, judged = verdict.given, verdict.judged
    risks = {
        "through a proxy": is_proxied(given),
        "from a country new for this person": evidence.is_new(given, "country"),
        "out of the session that was judged": _is_judged_session(given, judged),
    }
    answer = combine(risks.values())
    words = {
        label: listed(name for name, risk in risks.items() if risk is value)
        for label, value in (("yes", True), ("unknown", None))
    }
    head = {"yes": f"Given {words['yes']}: ", "unknown": f"Not known whether {words['unknown']}: "}.get(answer, "")
    why = f"{head}{place(given)}; {evidence_of_proxy(given)}.{means(given, evidence)}"
    uuids = (given.uuid, *([judged.uuid] if judged else []))
    return Answer(answer, why, ", ".join(trusted(given)), uuids, this_record(given))


def _is_judged_session(given: Any, judged: Any) -> bool | None:
    """Return whether the verdict was given in the session that the detection is about."""
    if judged is None or not (given.external_session_id or given.root_session_id):
        return None
    suspected = {judged.external_session_id, judged.root_session_id, judged_session(judged)} - {None}
    sessions = {given.external_session_id, given.root_session_id} - {None}
    return bool(suspected & sessions) if suspected else None


def judged_session(judged: Any) -> str | None:
    """Return the session that a detection names in its debug data; its own may be the system's."""
    match = _SESSION.search(judged.debug_data or "")
    return match[1] if match and not is_sentinel(match[1]) else None


def export_after_feedback(verdict: Verdict, evidence: Evidence) -> Answer:
    """Return whether the judge or the judged asked for or took a report within a day after it."""
    row, given = verdict.row, verdict.given
    people = [one for one in (given.actor_id, row.about_user_id) if one and not is_sentinel(one)]
    if not people or given.published is None:
        return Answer("unknown", "People or time are not reported.", "", (given.uuid,), this_record(given))
    exports = {one.uuid: one for who in people for one in _exports_of(who, given, evidence)}
    if exports:
        words = (f"{text(one.report_name or one.report_id or 'a report')} by {person(one)}" for one in exports.values())
        first = min(one.published for one in exports.values())
        why = f"{listed(words)}, first {duration(first - given.published)} after the verdict."
        return Answer("yes", why, "", (given.uuid, *exports))
    fetch = Query((REQUEST, DOWNLOAD), tuple(("actor.id", one) for one in people))
    gaps = {"one of the two has no id": len(people) < 2, "this log holds feedback only": evidence.types == {FEEDBACK}}
    gaps["the log ends too early"] = evidence.end < given.published + _DAY
    if short := next((gap for gap, is_there in gaps.items() if is_there), None):
        return Answer("unknown", f"No export found within a day, but {short}.", "", (given.uuid,), fetch)
    return Answer("no", f"No export by {person(given)} or {_about(row)} within a day after it.", "", (given.uuid,))


def _exports_of(person_id: str, given: Any, evidence: Evidence) -> list[Any]:
    """Return what somebody asked for or took within a day after a verdict."""
    later = within(evidence.by_actor.get(person_id, []), given.published, given.published + _DAY)
    return [one for one in later if one.event_type in (REQUEST, DOWNLOAD) and is_done(one.outcome_result)]


def judged_missing(verdict: Verdict, evidence: Evidence) -> Answer:
    """Return whether the log lacks the detection that was judged."""
    row, given = verdict.row, verdict.given
    if row.judged_uuid is None or not given.judged_uuid:
        return Answer("unknown", "The record does not name the detection.", "", (given.uuid,), this_record(given))
    if row.judged_in_log:
        return Answer("no", f"{text(row.judged_type)}{_after(row)}.", "", (row.judged_uuid, given.uuid))
    if evidence.only_analytics:
        why = "This log holds exports and feedback only: detections were not asked for."
        return Answer("unknown", why, "", (given.uuid,), _judged(row))
    return Answer("yes", f"No event of this log has the uuid {text(row.judged_uuid)}.", "", (given.uuid,))


def _about(row: Any) -> str:
    return text(row.about_user or row.about_user_id or "somebody not named")


def _after(row: Any) -> str:
    return "" if row.time_to_verdict is None else f" after {duration(row.time_to_verdict)}"


def _judged(row: Any) -> Query:
    return Query((), (("uuid", row.judged_uuid or row.feedback_uuid),))


FEEDBACK_QUESTIONS: Final = questions(
    self_given,
    dismissed_high,
    contradicted,
    burst,
    feedback_from_risky_place,
    shared_device,
    export_after_feedback,
    judged_missing,
)
