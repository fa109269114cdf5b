"""The verdict card of every export: fixed questions, answered yes, no or unknown, with evidence for and against."""

from collections.abc import Callable, Iterator
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.engines import first_known, rows
from ..analysis.exports import correlate_exports
from ..analysis.labels import plain, read_sensitivities
from ..analysis.places import address_of, country_key
from ..analysis.words import duration, listed, proxy_words
from ..log.keys import known_only
from ..log.log import Events
from ..safe import text
from ..schema import DOWNLOAD, REQUEST, is_done, is_sentinel, meaning_of_result
from .answers import (
    Answer,
    Query,
    answer_all,
    combine,
    decide,
    means,
    outcome,
    person,
    place,
    questions,
    this_record,
    trusted,
)
from .clients import ABOUT_CLIENTS
from .evidence import JOURNEYS, Evidence, Taking, collect_evidence, rows_of
from .habits import ABOUT_HABITS
from .surroundings import ABOUT_SURROUNDINGS, TELLING

_PLACES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("country", "country", country_key),
    ("network", "as_number", int),
    ("session", "external_session_id", str),
)
"""What may have moved between request and download: the word, the column, the form in which it is compared."""

WIDE = 10
"""From so many columns on, an export is as good as the whole table."""


def taken_by_other(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether somebody else than the requester downloaded the report."""
    export, uuids = taking.export, taking.uuids
    if taking.attempt:
        why = f"{_report(export)}: {_who(export, 'downloaded')} tried to download it: {outcome(taking.attempt)}."
        undecided = meaning_of_result(taking.attempt.outcome_result) == "undecided"
        return Answer("unknown" if undecided else "no", why, evidence=uuids, fetch=this_record(taking.attempt))
    if export.downloaded_uuid is None:
        return Answer("no", f"{_report(export)}: nobody downloaded it ({export.state}).", evidence=uuids)
    if export.requested_uuid is None:
        why = f"{_report(export)}: downloaded by {_who(export, 'downloaded')}, {_ORPHANS[export.orphan_reason]}."
        return Answer("unknown", why, evidence=uuids, fetch=_request(taking))
    link = f"linked by {export.downloaded_linked_by} ({export.downloaded_confidence})"
    story = f"{_report(export)}: requested by {_who(export, 'requested')}, downloaded by {_who(export, 'downloaded')}"
    lag = f" {duration(export.request_to_download)} later; {link}."
    if export.taken_by_other is None:
        return Answer("unknown", f"{story}{lag} {_doubt(taking)}", evidence=uuids, fetch=_request(taking))
    details = "".join(means(event, evidence) for event in taking.steps)
    alike = ", ".join([*_alike(export), *trusted(taking.taken)])
    return Answer("yes" if export.taken_by_other else "no", f"{story}{lag}{details}", alike, uuids)


def _doubt(taking: Taking) -> str:
    """Return as a sentence why it is not known whether request and download are of the same person."""
    if taking.export.downloaded_linked_by == "report":
        return "That link does not prove that it was the same job."
    if taking.asked and not is_done(taking.asked.outcome_result):
        return f"The request was not done: {outcome(taking.asked)}."
    people = (("requester", taking.asked), ("downloader", taking.taken))
    lacking = [name for name, step in people if step and not step.actor_id]
    return f"The {lacking[0]} has no id." if lacking else "The steps of this job do not agree with each other."


def other_place(taking: Taking, _: Evidence) -> Answer:
    """Return whether country, network or session of the download are not those of the request."""
    asked, taken, uuids = taking.asked, taking.taken, taking.uuids
    if taken is None:
        return Answer("no", _NOT_TAKEN[bool(taking.attempt)], evidence=uuids)
    if asked is None or taking.export.downloaded_confidence == "low":
        return Answer("unknown", "The request is not known for certain.", evidence=uuids, fetch=_request(taking))
    moved = _moved(asked, taken)
    answer, why = combine(moved.values()), f"Requested from {place(asked)}; downloaded from {place(taken)}."
    names = {value: [name for name, is_other in moved.items() if is_other is value] for value in (True, False, None)}
    heads = {"yes": f"Another {listed(names[True])}.", "unknown": f"Not reported: {listed(names[None])}.", "no": ""}
    alike = [f"same {name}" for name in names[False]]
    alike += ["same person"] if asked.actor_id and asked.actor_id == taken.actor_id else []
    alike += trusted(taken)
    return Answer(answer, f"{heads[answer]} {why}".strip(), listed(alike, 6), uuids, this_record(taken))


def _moved(asked: Any, taken: Any) -> dict[str, bool | None]:
    """Return what differs; what a database says about one and the same address does not."""
    pairs = {name: (getattr(asked, column), getattr(taken, column), form) for name, column, form in _PLACES}
    moved = {name: None if None in both else form(both[0]) != form(both[1]) for name, (*both, form) in pairs.items()}
    if asked.ip_address and taken.ip_address and address_of(asked.ip_address) == address_of(taken.ip_address):
        return {**moved, "country": False, "network": False}
    return moved


def unfiltered(taking: Taking, _: Evidence) -> Answer:
    """Return whether the export had no filter, or so many columns that it is the whole table."""
    asked, uuids = taking.asked, taking.uuids
    if asked is None:
        return Answer("unknown", "The request, which tells the filter, is not known.", "", uuids, _request(taking))
    if not (asked.export_filter or asked.export_columns or asked.export_type):
        why = "The request does not tell filter and columns; Okta records them since 2025."
        return Answer("unknown", why, "", uuids, this_record(asked))
    columns = [name for name in (asked.export_columns or "").split(",") if name.strip()]
    names = f": {listed((text(name.strip()) for name in columns), 5)}" * bool(columns)
    scope = f"Filter: {text(asked.export_filter)}." if asked.export_filter else "No filter was set: all are included."
    why = f"{scope} {len(columns)} columns{names}."
    return Answer("yes" if not asked.export_filter or len(columns) >= WIDE else "no", why, "", uuids)


def sensitive_report(taking: Taking, evidence: Evidence) -> Answer:
    """Return whether the report is one whose loss hurts."""
    export, uuids = taking.export, taking.uuids
    names = [plain(name) for name in (export.report_name, export.report_id) if name is not None]
    match = next((one for one in evidence.reports if any(plain(one[0]) in name for name in names)), None)
    if match is None:
        why = f"{_report(export)} is not in the table of reports: add it with its level."
        return Answer("unknown", why, "", uuids, None if names else Query((), (("uuid", uuids[-1]),)))
    _, level, reason = match
    return Answer("yes" if level == "high" else "no", f"{_report(export)}: {level} sensitivity, {reason}.", "", uuids)


def proxy(taking: Taking, _: Evidence) -> Answer:
    """Return whether the report was asked for or taken through a proxy, by anything that the records say."""
    steps = taking.steps
    if not steps:
        return Answer("unknown", "Neither request nor download is known.", "", taking.uuids, _request(taking))
    answer, shown = decide({event: is_proxied(event) for event in steps})
    words = "; ".join(f"{_VERBS[event.event_type]} {evidence_of_proxy(event)}" for event in steps)
    return Answer(answer, f"{words}.", "", tuple(event.uuid for event in shown), this_record(shown[0]))


def is_proxied(event: Any) -> bool | None:
    """Return whether anything in an event calls its address a proxy, None where nothing says so or not."""
    return True if event.ip_categories else event.is_proxy


def evidence_of_proxy(event: Any) -> str:
    """Return everything that an event says about proxies, side by side."""
    where = f"from {text(event.ip_address or 'an address that is not reported')}"
    if not event.ip_categories:
        return f"{where}: {_FLAGS[event.is_proxy]}"
    services = proxy_words(event.ip_categories, event.is_proxy)
    flag = {True: "and flags as a proxy", False: "although its proxy flag is off", None: "proxy flag not reported"}
    return f"{where}, which Okta knows as {services}, {flag[event.is_proxy]}"


def repeated(taking: Taking, _: Evidence) -> Answer:
    """Return whether the same file had been downloaded before."""
    export, uuids = taking.export, taking.uuids
    if taking.taken is None:
        return Answer("no", _NOT_TAKEN[bool(taking.attempt)], "", uuids)
    if export.job_id is None and export.downloaded_confidence != "exact":
        why = "The record names no export job, so downloads of one file cannot be counted."
        return Answer("unknown", why, "", uuids, this_record(taking.taken))
    turn = f"Download {taking.turn} of {export.downloads} in this log"
    return Answer("yes" if taking.turn > 1 else "no", f"{turn}, by {person(taking.taken)}.", "", uuids)


_FLAGS = {True: "flagged as a proxy", False: "not flagged as a proxy", None: "proxy not reported"}

_NOT_TAKEN = {False: "Nobody downloaded it.", True: "The download was not done: an attempt counts as none."}

_VERBS = {REQUEST: "requested", DOWNLOAD: "downloaded"}


def _request(taking: Taking) -> Query:
    return Query((REQUEST,), (("target.id", taking.export.report_id),))


def _report(export: Any) -> str:
    return text(export.report_name or export.report_id or "A report that the log does not name")


def _who(export: Any, step: str) -> str:
    """Return who did a step and from where, in words."""
    by, by_id, country, ip, flag, services = (getattr(export, f"{step}_{name}") for name in _PLACE)
    name = text(by or by_id or "somebody the log does not name")
    via = _FLAGS[flag] + (f", known as {proxy_words(services, flag)}" if services else "")
    return f"{name} ({text(country or 'country not reported')}, {text(ip or 'address not reported')}, {via})"


_PLACE = ("by", "by_id", "country", "from", "is_proxy", "ip_categories")

_ORPHANS = {
    "request_before_window": "but its request may lie before the log begins",
    "request_not_in_log": "but its request is not in the log, which reaches back far enough",
    "no_job_id": "but the record names no export job to look for",
    "report_unknown": "but the record names no report to look for",
}


def _alike(export: Any) -> list[str]:
    """Return what request and download have in common, which speaks against a theft."""
    return [f"same {word}" for name, (word, form) in _ALIKE.items() if _equal(export, name, form)]


_ALIKE: dict[str, tuple[str, Callable[[str], str]]] = {
    "country": ("country", country_key),
    "from": ("address", address_of),
    "session": ("session", str),
}
"""What request and download may share: the word for it, and the form in which it is compared."""


def _equal(export: Any, name: str, form: Callable[[str], str]) -> bool:
    first, second = getattr(export, f"requested_{name}"), getattr(export, f"downloaded_{name}")
    return not (None in (first, second) or is_sentinel(first)) and form(first) == form(second)


ABOUT_JOB = questions(taken_by_other, other_place, unfiltered, sensitive_report, proxy, repeated)

EXPORT_QUESTIONS = (*ABOUT_JOB, *ABOUT_SURROUNDINGS, *ABOUT_CLIENTS, *ABOUT_HABITS)

_TIES = ("actor_id", "target_user_id", "external_session_id", "root_session_id", "dt_hash", "ip_address")


def check_exports(
    events: Events, *, known: Any = None, watch: Any = None, timezone: str = "UTC", sensitivities: Any = None
) -> pd.DataFrame:
    """Return one row per export and question, answered yes, no or unknown.

    Parameters
    ----------
    events : frame with the columns of `log.events`
        pandas, Polars or any lazy table that narwhals knows.
    known : str, Path or DataFrame, optional
        What the analyst knows, as `value label`: offices, VPNs, trusted programs. It speaks against a yes.
    watch : str, Path or DataFrame, optional
        What the analyst watches for, as `value label`. It adds a question.
    timezone : str
        Whose clock tells the usual hours, such as "Europe/Oslo".
    sensitivities : str, Path or DataFrame, optional
        Reports and how sensitive they are, as `pattern level reason`, instead of the table that comes with the package.

    Returns
    -------
    DataFrame
        `subject key question answer why against evidence innocent source fetch fetch_splunk fetch_kql`, as texts.
        `subject` is the uuid of the download, or of the request or generation where there is none; `evidence` are the
        uuids that the answer rests on, blank-separated; `fetch` is, beside an unknown, the System Log filter that would
        bring what is missing, and the same for Splunk and for Sentinel. A "yes" states a fact, not a fault: `against`
        and `innocent` belong to it.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `known`, `watch`, `sensitivities` or `timezone` cannot be used.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> card = check_exports(read_log(make_log("assistant").records).events)
    >>> card.loc[card["key"] == "taken_by_other", "answer"].value_counts().to_dict()
    {'no': 17, 'yes': 1}
    """
    steps = rows(events, "check_exports", ("actor_type", *_TIES), nw.col("event_type").is_in((REQUEST, DOWNLOAD)))
    levels = tuple(read_sensitivities(sensitivities).itertuples(index=False, name=None))
    options = {"timezone": timezone, "known": known, "watch": watch, "reports": levels}
    evidence = collect_evidence(events, "check_exports", known_only(steps, _TIES), TELLING, JOURNEYS, **options)
    takings = ((taking.uuids[-1], taking) for taking in _takings(correlate_exports(events), evidence))
    return answer_all(takings, EXPORT_QUESTIONS, evidence, watch)


def _takings(exports: pd.DataFrame, evidence: Evidence) -> Iterator[Taking]:
    """Return the rows of the ledger with their events, and the turn of each download of one job."""
    ends = [f"{step}_uuid" for step in ("requested", "generated", "downloaded")]
    exports = known_only(exports.drop_duplicates(ends), ["job_id"])
    job = first_known(exports, "requested_uuid", "generated_uuid", "job_id", "downloaded_uuid")
    order = exports.assign(job=job).sort_values(["downloaded_at", "downloaded_uuid"])
    done = order["downloaded_uuid"].notna() & ~order["state"].isin(["download refused", "download undecided"])
    turns = done.groupby(order["job"]).cumsum().reindex(exports.index)
    for export, turn in zip(rows_of(exports), turns, strict=True):
        asked, taken = (evidence.by_uuid.get(uuid) for uuid in (export.requested_uuid, export.downloaded_uuid))
        uuids = (export.requested_uuid, export.generated_uuid, export.downloaded_uuid)
        steps = tuple(filter(None, (asked, taken)))
        attempt = taken if taken and not is_done(taken.outcome_result) else None
        taken = None if attempt else taken
        yield Taking(export, asked, taken, int(turn), steps, tuple(filter(None, uuids)), attempt)
