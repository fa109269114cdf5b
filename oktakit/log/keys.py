"""Keys: which texts stand for "not known" and never join two events, and by what events are tied."""

from collections.abc import Iterable

import narwhals.stable.v2 as nw
import pandas as pd

from ..safe import guard_tables
from ..schema import COLUMNS, RELATED, SENTINELS

# JupyterLab typesets $...$ in tables: a log could show text that is not there. Every room that makes tables comes here.
pd.set_option("display.html.use_mathjax", False)
guard_tables(pd.DataFrame, pd.Series)

TEXT = pd.Series(["a"]).dtype
"""What pandas makes of text: `str` from pandas 3 on, object before."""

_TYPES = {"text": TEXT, "json": TEXT, "bool": "boolean", "int": "Int64", "float": "float64", "count": "int64"}

TYPES = {column.name: _TYPES[column.kind] for column in COLUMNS if column.kind != "time"}


def known(column: str) -> nw.Expr:
    """Return a column without the texts that stand for "not known", which must never join two events."""
    value = nw.col(column)
    return nw.when(~value.str.strip_chars().str.to_lowercase().is_in(SENTINELS)).then(value).alias(column)


def known_only(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return a pandas frame in which such texts are missing."""
    return frame.assign(**{name: frame[name].mask(_unknown(frame[name])) for name in columns})


def known_values(frame: pd.DataFrame, column: str) -> list[str]:
    """Return the distinct values of a column that can join events, sorted."""
    values = frame[column].dropna()
    return sorted(values[~_unknown(values)].unique())


def ties(events: pd.DataFrame) -> dict[str, list[str]]:
    """Return the values by which other events are tied to these, by the column that has them there."""
    return {"uuid": known_values(events, "judged_uuid")} | {name: known_values(events, name) for name in RELATED}


def same(one: pd.Series, other: pd.Series) -> pd.Series:
    """Return where two columns of ids are the same, missing where either is not known."""
    return (one == other).astype("boolean").mask(one.isna() | other.isna() | _unknown(one) | _unknown(other))


def _unknown(values: pd.Series) -> pd.Series:
    return values.str.strip().str.lower().isin(SENTINELS)
