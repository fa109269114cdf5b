"""Keys: which texts stand for "not known" and never join two events, and by what events are tied."""

from collections.abc import Iterable
from datetime import UTC, datetime

import narwhals.stable.v2 as nw
import pandas as pd

from ..safe import guard_tables
from ..schema import COLUMNS, RELATED, SENTINELS, meaning_of_result, results_of

# JupyterLab typesets $...$ in tables: a log could show text that is not there. Every room that makes tables comes here.
pd.set_option("display.html.use_mathjax", False)
guard_tables(pd.DataFrame, pd.Series)

TEXT = pd.Series(["a"]).dtype
"""What pandas makes of text: `str` from pandas 3 on, object before."""

_TYPES = {"text": TEXT, "json": TEXT, "bool": "boolean", "int": "Int64", "float": "float64", "count": "int64"}

TYPES = {column.name: _TYPES[column.kind] for column in COLUMNS if column.kind != "time"}

EARLIEST = pd.Timestamp("2009-01-01", tz="UTC")  # the year in which Okta was founded
LATEST = pd.Timestamp(f"{datetime.now(UTC).year + 2}-01-01", tz="UTC")  # next year is the last plausible one


def is_plausible(times: pd.Series) -> "pd.Series[bool]":
    """Return where a time may be one of an event: not before Okta was founded, and not after next year."""
    return (times >= EARLIEST) & (times < LATEST)


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


def outcome(column: str = "outcome_result") -> nw.Expr:
    """Return what an outcome means: happened, refused, undecided or not delivered, as `schema.OUTCOMES` has it."""
    result = nw.col(column).str.strip_chars().str.to_uppercase()
    missing = result.is_null() | result.is_in(sorted({*map(str.upper, SENTINELS)} - {"UNKNOWN"}))
    decided = nw.when(result.is_in(results_of("refused"))).then(nw.lit("refused")).otherwise(nw.lit("undecided"))
    there = nw.when(result.is_in(results_of("happened"))).then(nw.lit("happened")).otherwise(decided)
    return nw.when(missing).then(nw.lit("not delivered")).otherwise(there).alias("outcome")


def done(column: str = "outcome_result") -> nw.Expr:
    """Return where an event counts as done: it happened, or the delivery says nothing against it."""
    return outcome(column).is_in(("happened", "not delivered"))


def outcomes(results: pd.Series) -> pd.Series:
    """Return what the outcomes of a pandas column mean, as `outcome` does."""
    meanings = {one: meaning_of_result(one) for one in results.dropna().unique()}
    return pd.Series([meanings.get(one, "not delivered") for one in results], results.index, dtype=TEXT)


def were_done(results: pd.Series) -> "pd.Series[bool]":
    """Return where events of a pandas column of outcomes count as done, as `done` does."""
    return outcomes(results).isin(("happened", "not delivered"))


def ties(events: pd.DataFrame) -> dict[str, list[str]]:
    """Return the values by which other events are tied to these, by the column that has them there."""
    judged = uuid_spellings(known_values(events, "judged_uuid"))
    return {"uuid": judged} | {name: known_values(events, name) for name in RELATED}


def uuid_spellings(uuids: Iterable[str]) -> list[str]:
    """Return uuids with the other ways to write them: in braces or not, in lower or upper case, without blanks.

    >>> uuid_spellings(["{0A1b} "])
    ['0A1B', '0A1b', '0a1b', '{0A1B}', '{0A1b}', '{0A1b} ', '{0a1b}']
    """
    given = {*uuids}
    bare = {value.strip().strip("{}") for value in given}
    cases = {case for one in bare for case in (one, one.lower(), one.upper())}
    return sorted({*given, *cases, *(f"{{{one}}}" for one in cases)})


def bare_uuid(uuid: str) -> str:
    """Return a uuid in the one form in which it is compared.

    >>> bare_uuid(" {0A1b}")
    '0a1b'
    """
    return uuid.strip().strip("{}").lower()


def same(one: pd.Series, other: pd.Series) -> pd.Series:
    """Return where two columns of ids are the same, missing where either is not known."""
    return (one == other).astype("boolean").mask(one.isna() | other.isna() | _unknown(one) | _unknown(other))


def _unknown(values: pd.Series) -> pd.Series:
    return values.str.strip().str.lower().isin(SENTINELS)
