"""Is the log complete enough to say so? Gaps, edges, what was read, and signs that events are missing."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..log.keys import TEXT
from ..log.log import Events, Log, events_of
from ..safe import text
from ..schema import ANALYTICS, types_of
from .engines import collect, table
from .words import duration, listed

COVERAGE_COLUMNS: Final = ("aspect", "complete", "why", "first", "last", "count")
LATE: Final = pd.Timedelta("1h")
RETENTION: Final = pd.Timedelta("90D")
LINK: Final = pd.Timedelta("30D")
EXPECTED: Final = 20
"""How many events hours without any need at other times before they are called a gap."""
_WEEK = 7 * 24
_NEEDED_BY = {
    "sign-ins": ("sign_in", "sessions, hours, journeys and first times"),
    "admin console": ("console", "exports without the Admin Console"),
    "detections": ("detection", "verdicts and what they judged"),
}

Row = tuple[str, str, str, Any, Any, int]


def summarize_coverage(log: Events) -> pd.DataFrame:
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
        and detections (are the events there that the checks need), rate limits, organizations (are the events those of
        one), ingest lag (was any received more than an hour after it happened, so that the last ones may be on their
        way), rejected and duplicates.

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
    events = events_of(log)
    frame = table(events, "summarize_coverage", ("event_type", "organization", "received"))
    hours, types = _per_hour(frame), _per(frame, "event_type")
    total = sum(types.values())
    rows = [*_spans(hours, total), *_gaps(hours), *_kinds(types), _limits(types)]
    rows += [_organizations(_per(frame, "organization"), total), _lag(frame, total), *_read(log)]
    typed = pd.DataFrame(rows, columns=list(COVERAGE_COLUMNS)).astype({"count": "int64"})
    for name in ("first", "last"):
        typed[name] = pd.to_datetime(typed[name], utc=True).dt.as_unit("us")
    return typed.astype({"aspect": TEXT, "complete": TEXT, "why": TEXT})


def _per_hour(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return for each hour with events how many it has, the first and the last; what a wrong clock said has no hour."""
    timed = frame.filter(~nw.col("published_us").is_null())
    hours = timed.select("published_us", hour=nw.col("published_us") // 3_600_000_000)
    counts = hours.group_by("hour").agg(
        events=nw.len(), first_us=nw.col("published_us").min(), last_us=nw.col("published_us").max()
    )
    return collect(counts).astype({"hour": "int64", "events": "int64"}).set_index("hour").sort_index()


def _per(frame: nw.LazyFrame[Any], column: str) -> dict[str, int]:
    """Return how many events have each value of a column, the most frequent first."""
    counts = collect(frame.group_by(column).agg(events=nw.len())).dropna()
    counts = counts.sort_values(["events", column], ascending=[False, True])
    return dict(zip(counts[column], counts["events"].astype(int), strict=True))


def _spans(hours: pd.DataFrame, total: int) -> Iterator[Row]:
    """Return whether the log reaches back far enough, and until when its beginning can be fetched again."""
    if hours.empty:
        yield ("span", "unknown", "No event has a time that can be right.", None, None, 0)
        return
    first, last, count = hours["first"].min(), hours["last"].max(), int(hours["events"].sum())
    days = (last - first) / pd.Timedelta("1D")
    complete = "yes" if last - first >= LINK else "no"
    why = f"The log covers {days:.1f} days; download links stay valid for {LINK.days}."
    why += " A request may lie before the log." if complete == "no" else ""
    why += f" {total - count:,} events more have no time that can be right." if total > count else ""
    yield ("span", complete, why, first, last, count)
    kept = f"Okta keeps 90 days: the beginning of this log can be fetched again until {first + RETENTION:%Y-%m-%d}."
    yield ("retention", "unknown", f"{kept} What lies before it may have existed.", first, last, count)


def _gaps(hours: pd.DataFrame) -> Iterator[Row]:
    """Return the hours without events that had many at all other times."""
    if hours.empty:
        return
    runs = [range(before + 1, after) for before, after in pairwise(hours.index) if after > before + 1]
    gaps = [(run, usual) for run in runs if (usual := _usual(hours["events"], run)) >= EXPECTED]
    for run, usual in gaps:
        first, last = hours["last"][run[0] - 1], hours["first"][run[-1] + 1]
        why = f"No event in {len(run)} hours, which as a rule have {usual} or more at other times."
        yield ("gap", "no", why, first, last, 0)
    if not gaps:
        busy = int(hours["events"].sum()) * 24 / (hours.index[-1] - hours.index[0] + 1) >= EXPECTED
        full = "No gaps found: no hours are empty that are busy at other times."
        words = full if busy else "Too few events a day to see a gap."
        yield ("gap", "yes" if busy else "unknown", words, hours["first"].min(), hours["last"].max(), 0)


def _usual(counts: pd.Series, run: range) -> int:
    """Return how many events the same hours had on three of four other weeks, or days of a short log; 0 if unknown."""
    begin, end = counts.index[0], counts.index[-1]
    step = _WEEK if end - begin >= 3 * _WEEK else 24
    shifts = range(-((run[0] - begin) // step) * step, end - run[-1] + 1, step)
    alike = [shift for shift in shifts if shift and (step == _WEEK or _is_alike(run, shift))]
    starts, sums = run[0] + np.array(alike, dtype="int64"), np.append(0, counts.cumsum())
    totals = sorted(sums[counts.index.searchsorted(starts + len(run))] - sums[counts.index.searchsorted(starts)])
    return int(totals[len(totals) // 4]) if len(totals) > 1 else 0


def _is_alike(run: range, shift: int) -> bool:
    """Return whether hours stay workdays or weekends when they are moved."""
    days = ((run[0] // 24, (run[0] + shift) // 24), (run[-1] // 24, (run[-1] + shift) // 24))
    return all(((one + 3) % 7 > 4) == ((other + 3) % 7 > 4) for one, other in days)


def _kinds(types: dict[str, int]) -> Iterator[Row]:
    """Return whether the events are there without which some questions stay open."""
    narrow = set() < set(types) <= set(ANALYTICS)
    reason = ": the log holds exports and feedback only" if narrow else ""
    for aspect, (group, use) in _NEEDED_BY.items():
        count = sum(number for kind, number in types.items() if kind.startswith(types_of(group)))
        why = f"{count:,} events" if count else f"No events{reason}"
        complete = "yes" if count else "no" if narrow else "unknown"
        yield (aspect, complete, f"{why}. Needed for {use}.", None, None, count)


def _limits(types: dict[str, int]) -> Row:
    """Return whether Okta reports that requests were refused, which collectors suffer from, too."""
    count = sum(number for kind, number in types.items() if kind.startswith(types_of("rate_limit")))
    if count:
        complete, why = "no", f"{count:,} events about rate limits: a collector may have been refused."
    elif set(types) <= set(ANALYTICS):
        complete, why = "unknown", "The log holds exports and feedback only."
    else:
        complete, why = "yes", "No event about rate limits."
    return ("rate limits", complete, why, None, None, count)


def _organizations(named: dict[str, int], events: int) -> Row:
    """Return whether all events are from one organization, as far as their deliveries name it."""
    count = sum(named.values())
    listing = listed((f"{text(name)} ({number:,})" for name, number in named.items()), 5)
    listing += f"; {events - count:,} events name none." if count < events else "."
    if len(named) > 1:
        hint = f'Look at one at a time: events[events["organization"] == {text(next(iter(named)))!r}].'
        complete, why = "no", f"{len(named)} organizations: {listing} {hint}"
    elif named:
        complete, why = "yes" if count == events else "unknown", f"One organization: {listing}"
    else:
        complete, why = "unknown", "The log does not say which Okta org it comes from."
    return ("organizations", complete, why, None, None, count)


def _lag(frame: nw.LazyFrame[Any], events: int) -> Row:
    """Return how long after they happened events were received, as far as their deliveries say."""
    timed = frame.filter(~nw.col("received").is_null(), ~nw.col("published_us").is_null())
    times = collect(timed.select("received", "published_us"))
    if times.empty:
        return ("ingest lag", "unknown", "The log does not say when each event was received.", None, None, 0)
    lag = pd.to_datetime(times["received"], utc=True) - times["published"]
    late, early = int((lag > LATE).sum()), int((lag < pd.Timedelta(0)).sum())
    span = f"{duration(lag.median())} after they happened in the median, {duration(lag.max())} at most"
    why = f"{len(lag):,} of {events:,} events say when they were received: {span}, {late:,} more than an hour."
    if early:
        why += f" {early:,} were received before they happened, by up to {duration(-lag.min())}: a clock is wrong."
    complete = "no" if late else "yes" if len(lag) == events and not early else "unknown"
    return ("ingest lag", complete, why, times["published"].min(), times["published"].max(), len(lag))


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
