"""The questions an analyst asks of an export, each answered yes, no or unknown, with evidence for and against."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from .exports import correlate_exports
from .safe import text
from .schema import SENTINELS

CHECK_COLUMNS = ("subject", "question", "answer", "why", "against", "evidence", "innocent", "source")


class Answer(NamedTuple):
    """The answer to one question about one subject: yes, no or unknown, what says so, and what speaks against it."""

    answer: str
    why: str
    against: str = ""


class Question(NamedTuple):
    """A question, how it is answered for one export, what innocent reasons there may be, and where it comes from."""

    name: str
    ask: Callable[[Any], Answer]
    innocent: str
    source: str


def check_exports(events: Any) -> pd.DataFrame:
    """Return one row per export and question, answered yes, no or unknown.

    Parameters
    ----------
    events : frame with the columns of `log.events`
        pandas, Polars or any lazy table that narwhals knows.

    Returns
    -------
    DataFrame
        `subject question answer why against evidence innocent source`. `subject` is the uuid of the download, or of the
        request or generation where there is none; `evidence` are the uuids that the answer rests on, blank-separated.
        A "yes" states a fact, not a fault: `against` and `innocent` belong to it.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> card = check_exports(read_log(make_log("assistant").records).events)
    >>> int((card["answer"] == "yes").sum())
    1
    """
    rows = [
        _row(export, question) for export in correlate_exports(events).itertuples(index=False) for question in EXPORTS
    ]
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _row(export: Any, question: Question) -> tuple[str, ...]:
    given = question.ask(export)
    uuids = [uuid for uuid in (export.requested_uuid, export.generated_uuid, export.downloaded_uuid) if pd.notna(uuid)]
    return (uuids[-1], question.name, *given, " ".join(uuids), question.innocent, question.source)


def taken_by_other(export: Any) -> Answer:
    """Return whether somebody else than the requester downloaded the report."""
    if pd.isna(export.downloaded_uuid):
        return Answer("no", f"{_report(export)}: nobody downloaded it ({export.state}).")
    if pd.isna(export.requested_uuid):
        return Answer("unknown", f"{_report(export)}: downloaded by {_who(export, 'downloaded')}, {_orphan(export)}.")
    link = f"linked by {export.downloaded_linked_by} ({export.downloaded_confidence})"
    story = f"{_report(export)}: requested by {_who(export, 'requested')}, downloaded by {_who(export, 'downloaded')}"
    lag = f" {duration(export.request_to_download)} later; {link}."
    if pd.isna(export.taken_by_other):
        return Answer("unknown", f"{story}{lag} That link does not prove that it was the same job.")
    return Answer("yes" if export.taken_by_other else "no", story + lag, _alike(export))


def _report(export: Any) -> str:
    name = export.report_name if pd.notna(export.report_name) else export.report_id
    return text(name) if pd.notna(name) else "A report that the log does not name"


def _who(export: Any, step: str) -> str:
    """Return who did a step and from where, in words."""
    by, by_id, country, ip, proxy, services = (getattr(export, f"{step}_{name}") for name in _PLACE)
    person = text(by) if pd.notna(by) else text(by_id) if pd.notna(by_id) else "somebody the log does not name"
    place = text(country) if pd.notna(country) else "country not reported"
    address = text(ip) if pd.notna(ip) else "address not reported"
    via = "proxy not reported" if pd.isna(proxy) else "flagged as a proxy" if proxy else "not flagged as a proxy"
    via += f", known as {text(services)}" if pd.notna(services) else ""
    return f"{person} ({place}, {address}, {via})"


_PLACE = ("by", "by_id", "country", "from", "is_proxy", "ip_categories")
_ORPHANS = {
    "request_before_window": "but its request may lie before the log begins",
    "request_not_in_log": "but its request is not in the log, which reaches back far enough",
    "no_job_id": "but the record names no export job to look for",
    "report_unknown": "but the record names no report to look for",
}


def _orphan(export: Any) -> str:
    return _ORPHANS[export.orphan_reason]


def _alike(export: Any) -> str:
    """Return what request and download have in common, which speaks against a theft."""
    pairs = {"country": "country", "from": "address", "session": "session"}
    found = [
        f"same {word}" for name, word in pairs.items() if _equal(export, f"requested_{name}", f"downloaded_{name}")
    ]
    return ", ".join(found)


def _equal(export: Any, one: str, other: str) -> bool:
    first, second = getattr(export, one), getattr(export, other)
    return bool(pd.notna(first) and first == second and str(first).lower() not in SENTINELS)


def duration(lag: pd.Timedelta) -> str:
    """Return a time span in words, to the second.

    >>> duration(pd.Timedelta("1 days 04:12:07")), duration(pd.Timedelta("-1s")), duration(pd.Timedelta("0s"))
    ('1 d 4 h 12 min 7 s', '-1 s', '0 s')
    """
    parts = abs(lag).components
    words = zip((parts.days, parts.hours, parts.minutes, parts.seconds), ("d", "h", "min", "s"), strict=True)
    spoken = " ".join(f"{number} {unit}" for number, unit in words if number) or "0 s"
    return f"-{spoken}" if lag < pd.Timedelta(0) else spoken


EXPORTS = (
    Question(
        "Did somebody else take it?",
        taken_by_other,
        "An assistant or a colleague collects reports for others; a shared mailbox receives the link.",
        "Okta's event catalogue: the actor of a download may not be the user that requested generation",
    ),
)
