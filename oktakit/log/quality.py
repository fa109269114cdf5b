"""What can be said about kept rows: which say the same, and which values cannot be right."""

import ipaddress
import json
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..schema import COLUMNS
from .keys import is_plausible
from .log import to_pandas
from .order import Columns, Indices

_UUID = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ASIDE = ("organization", "received", "source", "record", "issues", "extra", "_row")
_JSON = ("targets", "debug_data", "ip_chain")


def find_duplicates(events: Columns) -> tuple[Indices, Indices]:
    """Return which events say the same as another, and which kept ones share their uuid with one that says otherwise.

    Two records with one uuid say the same where every field that both carry agrees; the fuller one is kept. Where they
    do not agree, both are kept and flagged `uuid_conflict`. Of two that are as full, one that names its organization
    is kept, then the one that was received first: the order of the records makes no difference.
    """
    twice = events["uuid"].to_pandas().duplicated(keep=False).to_numpy()
    gone, conflicts = np.zeros_like(twice), np.zeros_like(twice)
    if twice.any():
        rows = to_pandas(pa.table(events).filter(pa.array(twice)), COLUMNS).assign(_row=np.flatnonzero(twice))
        for marks, marked in zip((gone, conflicts), _compare(rows), strict=True):
            marks[list(marked)] = True
    return gone, conflicts


def _compare(twice: pd.DataFrame) -> tuple[set[int], set[int]]:
    """Return the rows that repeat a kept row of their uuid, and the kept rows of a uuid that has several."""
    names = [column for column in twice if column not in _ASIDE]
    order = twice.assign(_empty=twice[names].isna().sum(axis=1))
    order = order.sort_values(["uuid", "_empty", "organization", "received", "source", "record"])
    same = order.duplicated(names)
    dropped, conflicts = set(order.loc[same, "_row"]), set[int]()
    rest = order.loc[~same, [*names, "_row"]].astype(object)
    for _, rows in groupby(rest.where(rest.notna(), None).to_dict("records"), itemgetter("uuid")):
        group = list(rows)
        kept = _kept(group, names)
        dropped |= {row["_row"] for row in group} - kept
        conflicts |= kept if len(kept) > 1 else set()
    return dropped, conflicts


def _kept(group: list[dict[Any, Any]], names: list[str]) -> set[int]:
    """Return the rows of one uuid that no fuller row agrees with.

    Rows that differ in a column that all of them fill do not agree, so that only the others are compared.
    """
    filled = [name for name in names if name not in _JSON and all(row[name] is not None for row in group)]
    alike: dict[tuple[Any, ...], list[dict[Any, Any]]] = {}
    for row in group:
        others = alike.setdefault(tuple(row[name] for name in filled), [])
        if not any(_agree(row, other, names) for other in others):
            others.append(row)
    return {row["_row"] for rows in alike.values() for row in rows}


def _agree(one: dict[Any, Any], other: dict[Any, Any], names: list[str]) -> bool:
    pairs = ((one[name], other[name]) for name in names)
    return all(a is None or b is None or a == b or _like(a, b) for a, b in pairs)


def _like(one: Any, other: Any) -> bool:
    """Return whether two JSON texts agree wherever both have something to say."""
    if not (isinstance(one, str) and isinstance(other, str) and one[:1] == other[:1] and one[:1] in ("{", "[")):
        return False
    try:
        return _overlap(json.loads(one), json.loads(other))
    except (ValueError, RecursionError):
        return False


def _overlap(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_overlap(one[key], other[key]) for key in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_overlap, one, other))
    return bool(one == other)


def check_values(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events with flags for values that cannot be right; coordinates that cannot exist become missing."""
    when, lat, lon = events["published"], events["lat"], events["lon"]
    nowhere = (lat.abs() > 90) | (lon.abs() > 180)
    doubts = {
        "bad_uuid": ~(events["uuid"].str.match(_UUID).astype(bool) & (events["uuid"].str.len() == 36)),
        "bad_published": when.isna(),
        "implausible_time": when.notna() & ~is_plausible(when),
        "bad_geo": nowhere,
        "null_island": (lat == 0) & (lon == 0),
        "bad_ip": events["ip_address"].isin([ip for ip in events["ip_address"].dropna().unique() if not _is_ip(ip)]),
    }
    for flag, doubtful in doubts.items():
        events = add_flag(events, doubtful, flag)
    return events.assign(lat=lat.mask(nowhere), lon=lon.mask(nowhere))


def add_flag(events: pd.DataFrame, where: pd.Series, flag: str) -> pd.DataFrame:
    """Return the events with one more flag on some rows, the flags of a row in alphabetical order."""
    if not where.any():
        return events
    issues = events["issues"].copy()
    issues[where] = [" ".join(sorted({*old.split(), flag})) for old in issues[where]]
    return events.assign(issues=issues)


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value.strip())
    except ValueError:
        return False
    return True
