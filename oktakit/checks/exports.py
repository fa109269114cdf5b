"""The verdict card of every export: fixed questions, answered yes, no or unknown, with evidence for and against."""

from collections.abc import Iterator
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.exports import correlate_exports
from ..analysis.labels import read_sensitivities
from ..frames import first_known, known_only, rows
from ..schema import DOWNLOAD, REQUEST
from .about_habits import ABOUT_HABITS
from .about_jobs import ABOUT_JOB
from .about_surroundings import ABOUT_SURROUNDINGS, TELLING
from .answers import WATCHED, ask, to_card
from .evidence import JOURNEYS, Case, Taking, collect_case, rows_of

EXPORT_QUESTIONS = (*ABOUT_JOB, *ABOUT_SURROUNDINGS, *ABOUT_HABITS)
_PEOPLE = ("actor_id", "target_user_id", "external_session_id", "root_session_id")


def check_exports(
    events: Any, *, known: Any = None, watch: Any = None, timezone: str = "UTC", sensitivities: Any = None
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
    steps = rows(events, "check_exports", ("actor_type", *_PEOPLE), nw.col("event_type").is_in((REQUEST, DOWNLOAD)))
    levels = tuple(read_sensitivities(sensitivities).itertuples(index=False, name=None))
    told = {"timezone": timezone, "known": known, "watch": watch, "reports": levels}
    case = collect_case(events, "check_exports", known_only(steps, _PEOPLE), TELLING, JOURNEYS, **told)
    asked = (*EXPORT_QUESTIONS, *([] if watch is None else WATCHED))
    return to_card(
        (taking.uuids[-1], question, ask(question, taking, case))
        for taking in _takings(correlate_exports(events), case)
        for question in asked
    )


def _takings(exports: pd.DataFrame, case: Case) -> Iterator[Taking]:
    """Return the rows of the ledger with their events, and the turn of each download of one job."""
    exports = exports.drop_duplicates([f"{step}_uuid" for step in ("requested", "generated", "downloaded")])
    job = first_known(exports, "requested_uuid", "generated_uuid", "job_id", "downloaded_uuid")
    order = exports.assign(job=job).sort_values(["downloaded_at", "downloaded_uuid"])
    turns = (order.groupby("job").cumcount() + 1).reindex(exports.index)
    for export, turn in zip(rows_of(exports), turns, strict=True):
        asked, taken = (case.by_uuid.get(uuid) for uuid in (export.requested_uuid, export.downloaded_uuid))
        uuids = (export.requested_uuid, export.generated_uuid, export.downloaded_uuid)
        steps = tuple(filter(None, (asked, taken)))
        yield Taking(export, asked, taken, int(turn), steps, tuple(filter(None, uuids)))
