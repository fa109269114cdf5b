"""Counts: by country, by network, by person. What was not reported is a row or a column of its own."""

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..log.keys import done
from ..log.keys import known as stated
from ..log.log import Events
from ..schema import DOWNLOAD, FEEDBACK, REQUEST
from .engines import collect, table
from .labels import LABELLED, count_labels, told_by

_DISTINCT = {
    "actors": "actor_id",
    "ip_addresses": "ip_address",
    "sessions": "external_session_id",
    "countries": "country",
}
_COUNTS = {
    "events": nw.lit(True),
    "requests": (nw.col("event_type") == REQUEST) & done(),
    "downloads": (nw.col("event_type") == DOWNLOAD) & done(),
    "feedback": (nw.col("event_type") == FEEDBACK) & done(),
    "proxy": nw.col("is_proxy"),
    "not_proxy": ~nw.col("is_proxy"),
    "proxy_not_reported": nw.col("is_proxy").is_null(),
}
_PROXY = ("proxy", "not_proxy", "proxy_not_reported")


def summarize_geo(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per country: who acted from there, how often, through proxies or not, and when.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `country events actors ip_addresses sessions downloads feedback proxy not_proxy proxy_not_reported first last`,
        most events first. Events without a country (server-side jobs have none) are one row whose country is missing.
        `first` and `last` are UTC. What was refused or not decided counts in `events` alone, not as a download.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> summarize_geo(read_log(make_log("assistant").records).events).columns[:3].tolist()
    ['country', 'events', 'actors']
    """
    counts = ("events", "actors", "ip_addresses", "sessions", "downloads", "feedback", *_PROXY)
    return _summarize(events, "summarize_geo", ["country"], counts, told_by(known, watch))


def summarize_proxy(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per network and proxy evidence: Okta's flag beside everything else that the record says.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `as_number as_org is_proxy ip_categories events actors ip_addresses countries downloads first last`, most
        events first. `is_proxy` has three values: missing means that the log does not say. `ip_categories` is evidence
        from other fields and can disagree with it.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> summarize_proxy(read_log(make_log("assistant").records).events).columns[:4].tolist()
    ['as_number', 'as_org', 'is_proxy', 'ip_categories']
    """
    by = ["as_number", "as_org", "is_proxy", "ip_categories"]
    counts = ("events", "actors", "ip_addresses", "countries", "downloads")
    return _summarize(events, "summarize_proxy", by, counts, told_by(known, watch))


def summarize_actors(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per actor: what they did, from how many places, and when.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `actor_alternate_id actor_id actor_type events requests downloads feedback countries ip_addresses sessions
        first last`, most events first.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> summarize_actors(read_log(make_log("assistant").records).events).columns[:3].tolist()
    ['actor_alternate_id', 'actor_id', 'actor_type']
    """
    by = ["actor_alternate_id", "actor_id", "actor_type"]
    counts = ("events", "requests", "downloads", "feedback", "countries", "ip_addresses", "sessions")
    return _summarize(events, "summarize_actors", by, counts, told_by(known, watch))


def _summarize(
    events: Events, helper: str, by: list[str], counts: tuple[str, ...], tables: dict[str, Any]
) -> pd.DataFrame:
    """Return counts by some columns; a column of its own marks what is missing, so that aggregations stay simple."""
    distinct = {name: _DISTINCT[name] for name in counts if name in _DISTINCT}
    sums = [name for name in counts if name in _COUNTS]
    frame = table(events, helper, ("uuid", "event_type", "outcome_result", "is_proxy", *by, *distinct.values()))
    parts = [stated(column).alias(f"_{name}") for name, column in distinct.items()]
    parts += [_COUNTS[name].fill_null(False).cast(nw.Int64).alias(name) for name in sums]
    frame = frame.select(*by, "published_us", *parts)
    frame = frame.with_columns(*(nw.col(f"_{name}").is_null().cast(nw.Int64).alias(f"{name}_gap") for name in distinct))
    summary = collect(
        frame.group_by(*by).agg(
            *(nw.col(f"_{name}").n_unique().alias(name) for name in distinct),
            *(nw.col(f"{name}_gap").max() for name in distinct),
            *(nw.col(name).sum() for name in sums),
            first_us=nw.col("published_us").min(),
            last_us=nw.col("published_us").max(),
        )
    )
    summary = summary.assign(**{name: summary[name] - summary[f"{name}_gap"] for name in distinct})
    summary = summary.astype(dict.fromkeys(counts, "int64"))
    order = summary.sort_values(["events", *by], ascending=[False] + [True] * len(by), ignore_index=True)
    return count_labels(
        order[[*by, *counts, "first", "last"]], _seen(events, helper, by) if tables else order, by, tables
    )


def _seen(events: Events, helper: str, by: list[str]) -> pd.DataFrame:
    """Return how many events share everything that labels are for."""
    keys = [*dict.fromkeys((*by, *LABELLED))]
    return collect(table(events, helper, keys).select(*keys).group_by(*keys).agg(events=nw.len()))
