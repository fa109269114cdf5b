"""Is the log complete enough to say so? Gaps, edges, what was read, and signs that events are missing."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import narwhals.stable.v2 as nw
import pandas as pd

from .frames import TEXT, collect, table
from .log import Log
from .schema import ANALYTICS
from .triage import DETECTIONS

COVERAGE_COLUMNS: Final = ("aspect", "complete", "why", "first", "last", "count")
RETENTION: Final = pd.Timedelta("90D")
LINK: Final = pd.Timedelta("30D")
EXPECTED: Final = 20
"""How many events hours without any need at other times before they are called a gap."""
_WEEK = 7 * 24
_SIGN_IN = ("user.session.start", "user.authentication.sso", "policy.evaluate_sign_on")
_LIMITS = ("system.org.rate_limit.", "system.operation.rate_limit.")
_NEEDED_BY = {
    "sign-ins": (_SIGN_IN, "sessions, hours, journeys and first times"),
    "admin console": (("user.session.access_admin_app",), "exports without the Admin Console"),
    "detections": (DETECTIONS, "verdicts and what they judged"),
}

Row = tuple[str, str, str, Any, Any, int]


def summarize_coverage(log: Any) -> pd.DataFrame:
    """Return one row per aspect in which a log can be incomplete, and one per gap in it.

    Parameters
    ----------
    log : Log, or frame with the columns of `log.events`
        What `read_log` returned, or its events alone, which do not tell what was dropped while reading.

    Returns
    -------
    DataFrame
        `aspect complete why first last count`. `complete` is yes, no or unknown; `first` and `last` are the UTC times
        between which it holds, `count` the events or records it is about. The aspects: span (does it reach back as far
        as a mailed link is good for), retention, gap (one row per gap, or one for all hours), sign-ins, admin console
        and detections (are the events there that the checks need), rate limits, rejected and duplicates.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Okta keeps the System Log for 90 days and mailed links for 30. A gap is judged by the log's own rhythm: by the
    same hours of other weeks, or of other days of the same kind where the log is no longer than three weeks.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> coverage = summarize_coverage(read_log(make_log("assistant").records))
    >>> coverage.set_index("aspect").loc[["span", "gap", "sign-ins"], "complete"].tolist()
    ['no', 'yes', 'yes']
    """
    events = log.events if isinstance(log, Log) else log
    frame = table(events, "summarize_coverage", ("event_type",))
    hours, types = _per_hour(frame), _per_type(frame)
    found = [*_spans(hours), *_gaps(hours), *_kinds(types), _limits(types), *_read(log)]
    typed = pd.DataFrame(found, columns=list(COVERAGE_COLUMNS)).astype({"count": "int64"})
    for name in ("first", "last"):
        typed[name] = pd.to_datetime(typed[name], utc=True).dt.as_unit("us")
    return typed.astype({"aspect": TEXT, "complete": TEXT, "why": TEXT})


def _per_hour(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return for each hour of the log how many events it has, the first and the last; hours without any are missing."""
    timed = frame.filter(~nw.col("published_us").is_null())
    hours = timed.select("published_us", hour=nw.col("published_us") // 3_600_000_000)
    counts = hours.group_by("hour").agg(
        events=nw.len(), first_us=nw.col("published_us").min(), last_us=nw.col("published_us").max()
    )
    return collect(counts).astype({"hour": "int64", "events": "int64"}).set_index("hour").sort_index()


def _per_type(frame: nw.LazyFrame[Any]) -> dict[str, int]:
    counts = collect(frame.group_by("event_type").agg(events=nw.len())).dropna()
    return dict(zip(counts["event_type"], counts["events"].astype(int), strict=True))


def _spans(hours: pd.DataFrame) -> Iterator[Row]:
    """Return whether the log reaches back far enough, and until when its beginning can be fetched again."""
    if hours.empty:
        yield ("span", "unknown", "No event has a time.", None, None, 0)
        return
    first, last, count = hours["first"].min(), hours["last"].max(), int(hours["events"].sum())
    days = (last - first) / pd.Timedelta("1D")
    reach = "reaches back" if last - first >= LINK else "does not reach back"
    why = f"{days:.1f} days: {reach} the 30 days for which a mailed link is good."
    yield ("span", "yes" if last - first >= LINK else "no", why, first, last, count)
    kept = f"Okta keeps 90 days: the beginning of this log can be fetched again until {first + RETENTION:%Y-%m-%d}."
    yield ("retention", "unknown", f"{kept} What lies before it may have existed.", first, last, count)


def _gaps(hours: pd.DataFrame) -> Iterator[Row]:
    """Return the hours without events that had many at all other times."""
    if hours.empty:
        return
    everything = hours["events"].reindex(range(hours.index[0], hours.index[-1] + 1), fill_value=0)
    empty = everything.index[everything == 0].tolist()
    runs = [[hour for _, hour in run] for _, run in groupby(enumerate(empty), key=lambda one: one[1] - one[0])]
    found = [(run, usual) for run in runs if (usual := _usual(everything, run)) >= EXPECTED]
    for run, usual in found:
        first, last = hours["last"][run[0] - 1], hours["first"][run[-1] + 1]
        why = f"No event in {len(run)} hours, which as a rule have {usual} or more at other times."
        yield ("gap", "no", why, first, last, 0)
    if not found:
        busy = float(everything.mean()) * 24 >= EXPECTED
        told = "No hours are empty that are busy at other times." if busy else "Too few events a day to see a gap."
        yield ("gap", "yes" if busy else "unknown", told, hours["first"].min(), hours["last"].max(), 0)


def _usual(everything: pd.Series, run: list[int]) -> int:
    """Return how many events the same hours had on three of four other weeks, or days of a short log; 0 if unknown."""
    begin, end = everything.index[0], everything.index[-1]
    step = _WEEK if len(everything) > 3 * _WEEK else 24
    shifts = range(-((run[0] - begin) // step) * step, end - run[-1] + 1, step)
    starts = [run[0] + shift for shift in shifts if shift and (step == _WEEK or _is_alike(run, shift))]
    totals = sorted(int(everything.loc[start : start + len(run) - 1].sum()) for start in starts)
    return totals[len(totals) // 4] if len(totals) > 1 else 0


def _is_alike(run: list[int], shift: int) -> bool:
    """Return whether hours stay workdays or weekends when they are moved."""
    days = ((run[0] // 24, (run[0] + shift) // 24), (run[-1] // 24, (run[-1] + shift) // 24))
    return all(((one + 3) % 7 > 4) == ((other + 3) % 7 > 4) for one, other in days)


def _kinds(types: dict[str, int]) -> Iterator[Row]:
    """Return whether the events are there without which some questions stay open."""
    narrow = set(types) <= set(ANALYTICS)
    reason = ": the log holds exports and feedback only" if narrow else ""
    reason = ": the log holds exports and feedback only" if narrow else ""
    for aspect, (kinds, use) in _NEEDED_BY.items():
        count = sum(types.get(kind, 0) for kind in kinds)
        why = f"{count:,} events" if count else f"No events{reason}"
        complete = "yes" if count else "no" if narrow else "unknown"
        yield (aspect, complete, f"{why}. Needed for {use}.", None, None, count)


def _limits(types: dict[str, int]) -> Row:
    """Return whether Okta reports that requests were refused, which collectors suffer from, too."""
    count = sum(number for kind, number in types.items() if kind.startswith(_LIMITS))
    if count:
        return (
            "rate limits",
            "no",
            f"{count:,} events about rate limits: a collector may have been refused.",
            None,
            None,
            count,
        )
    if set(types) <= set(ANALYTICS):
        return ("rate limits", "unknown", "The log holds exports and feedback only.", None, None, 0)
    return ("rate limits", "yes", "No event about rate limits.", None, None, 0)


def _read(log: Any) -> Iterator[Row]:
    """Return what reading dropped, where the account is at hand."""
    if not isinstance(log, Log):
        for aspect in ("rejected", "duplicates"):
            yield (aspect, "unknown", "Pass the Log, not its events, to count them.", None, None, 0)
        return
    total = log.sources[["rejected", "duplicates"]].sum()
    rejected, again = int(total["rejected"]), int(total["duplicates"])
    why = f"{rejected:,} records could not be read." if rejected else "Every record could be read."
    yield ("rejected", "no" if rejected else "yes", why, None, None, rejected)
    yield ("duplicates", "yes", f"{again:,} repeated records were dropped.", None, None, again)
