"""The edge: any frame in, pandas out.

Whatever reads the whole log takes pandas, Polars or any lazy table that narwhals knows, and returns a small pandas
frame with the same types, in UTC, in the same order.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..errors import ColumnError
from ..log.keys import EARLIEST, LATEST, TEXT, TYPES
from ..log.log import Events, events_of
from ..schema import COLUMNS
from .words import microseconds

_ENGINE = {
    column.name: nw.Boolean if column.kind == "bool" else nw.String
    for column in COLUMNS
    if column.kind in ("text", "json", "bool")
}

_ASIDE = ("source", "record", "issues", "organization", "received")
"""What two rows of one event may differ in."""


def table(events: Events, helper: str, columns: Iterable[str], *, every_time: bool = False) -> nw.LazyFrame[Any]:
    """Return `events` as a lazy frame that is known to have `columns`, with the time as `published_us`.

    A time that cannot be right is missing, unless `every_time` is wanted: it moves no edge, no baseline, no first time.

    Raises
    ------
    ColumnError
        If a column is missing, or the time is none.
    """
    frame = _typed(_once(nw.from_native(_in_utc(events_of(events)))).lazy(), {*columns})
    names = frame.collect_schema().names()
    time = "published_us" if "published_us" in names else "published"
    if missing := [name for name in (*columns, time) if name not in names]:
        raise ColumnError.missing(helper, missing, names)
    us = nw.col("published_us") if time == "published_us" else nw.col("published").dt.timestamp("us")
    right = us if every_time else nw.when((us >= microseconds(EARLIEST)) & (us < microseconds(LATEST))).then(us)
    try:
        return frame.with_columns(published_us=right)
    except (TypeError, NotImplementedError) as error:  # texts; DuckDB, which has no such function
        raise ColumnError(f"{helper} needs `published` as times, or `published_us` as write_events adds it.") from error


def _in_utc(events: Any) -> Any:
    """Return a pandas frame with its times in UTC; every other table as it is."""
    if isinstance(events, pd.DataFrame) and "published" in events:
        zone = str(_zone(events["published"]))
        if zone not in ("None", "UTC"):  # narwhals lacks some zones
            return events.assign(published=events["published"].astype("datetime64[us, UTC]"))
    return events


def _once(frame: Any) -> Any:
    """Return a table in memory with each row once: rows that were put together twice are no other events."""
    if not (
        isinstance(frame, nw.DataFrame) and "uuid" in frame.columns and (twice := frame["uuid"].is_duplicated()).any()
    ):
        return frame
    # Only rows that share a uuid are compared: one pair of them would else cost a comparison of the whole log.
    placed = frame.with_row_index("_place")
    pairs = placed.filter(twice)
    firsts = pairs.unique([name for name in frame.columns if name not in _ASIDE], keep="first")
    spare = {*pairs["_place"].to_list()} - {*firsts["_place"].to_list()}
    return placed.filter(~nw.col("_place").is_in(sorted(spare))).drop("_place") if spare else frame


def _zone(values: pd.Series) -> Any:
    """Return the time zone of a column of times, None where it has none."""
    return getattr(getattr(values.dtype, "pyarrow_dtype", values.dtype), "tz", None)


def _typed(frame: nw.LazyFrame[Any], columns: set[str]) -> nw.LazyFrame[Any]:
    """Return a frame in which texts and flags that are all missing have their type; what reads nothing knows none."""
    native, schema = frame.to_native(), frame.collect_schema()
    empty = (nw.Float64, nw.String, nw.Object) if isinstance(native, pd.DataFrame) else (nw.Unknown,)
    known_by_name = columns & schema.keys() & _ENGINE.keys()
    if not isinstance(native, pd.DataFrame):
        empty = (*empty, nw.Categorical, nw.Enum)
    odd = [name for name in known_by_name if schema[name] != _ENGINE[name] and schema[name] in empty]
    if not odd or not isinstance(native, pd.DataFrame):
        return frame.with_columns(nw.col(name).cast(_ENGINE[name]) for name in odd) if odd else frame
    typed: nw.LazyFrame[Any] = nw.from_native(native.astype({name: TYPES[name] for name in odd})).lazy()
    return typed


def collect(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return the rows of a lazy frame as pandas, every column of the events table in its own type."""
    collected = frame.collect().to_pandas().reset_index(drop=True)
    for name in [name for name in collected if str(name).endswith("_us")]:
        collected[name.removesuffix("_us")] = pd.to_datetime(collected.pop(name).astype("Int64"), unit="us", utc=True)
    typed = collected.astype({name: TYPES[name] for name in collected if name in TYPES})
    if pd.api.types.is_object_dtype(TEXT):  # engines hand out None or NaN, which pandas 2 keeps apart
        texts = typed.select_dtypes("object")
        typed[[*texts]] = texts.where(texts.notna(), None)
    times = [name for name in typed if _zone(typed[name]) is not None]
    return typed.astype(dict.fromkeys(times, "datetime64[us, UTC]"))


def rows(events: Events, helper: str, columns: Iterable[str], where: nw.Expr) -> pd.DataFrame:
    """Return some columns of the rows that `where` picks, in the order of time, then uuid."""
    columns = [*dict.fromkeys(("uuid", *columns))]
    return in_order(collect(pick(table(events, helper, columns), (*columns, "published_us"), where)).drop_duplicates())


def pick(frame: nw.LazyFrame[Any], columns: Iterable[str], where: nw.Expr) -> nw.LazyFrame[Any]:
    """Return some columns of the rows that `where` picks.

    Of pandas they are filtered one by one: to take rows, as pandas does, Arrow first joins the pieces of whole columns.
    """
    narrow = frame.select(*dict.fromkeys(columns), _picked=where)
    native = narrow.to_native()
    if not isinstance(native, pd.DataFrame):
        return narrow.filter("_picked").drop("_picked")
    wanted = native.pop("_picked").fillna(False).to_numpy(bool)
    kept = {name: native[name].array[wanted] for name in native} if wanted.any() else native[:0]
    picked: nw.LazyFrame[Any] = nw.from_native(pd.DataFrame(kept)).lazy()
    return picked


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of time, then uuid; uuids are compared only within one moment, for speed."""
    times = frame["published"].astype("int64").where(frame["published"].notna(), 2**63 - 1).to_numpy()
    order = times.argsort(kind="stable")
    twins = np.flatnonzero(np.diff(times[order]) == 0)
    tied = np.union1d(twins, twins + 1)
    few = frame[["published", "uuid"]].iloc[order[tied]].reset_index(drop=True)
    order[tied] = order[tied][few.sort_values(["published", "uuid"]).index]
    return frame.iloc[order].reset_index(drop=True)


def first_known(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Return the value of the first column that has one; unlike `fillna`, pandas 2 does not guess a type here."""
    return reduce(pd.Series.combine_first, (frame[name] for name in columns))
