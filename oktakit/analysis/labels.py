"""What the analyst knows already: offices, VPNs, trusted programs, addresses to watch, sensitive reports."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import pandas as pd

from ..errors import ColumnError, InputError
from ..log.keys import TEXT, known_values
from ..log.log import Events
from ..schema import is_sentinel
from .engines import rows
from .places import address_of, country_code, country_key

TEXTS = ("client_id", "device_id", "actor_id", "actor_alternate_id")
"""Columns that a text which is no network has to equal, in upper or lower case; of an agent it may be a part."""
LABELLED = ("ip_address", "as_number", "country", "raw_user_agent", *TEXTS)
_LEVELS = ("high", "medium", "low")
_CODE = 2
"""How long the code of a country is: in an agent, two letters are a part of any word."""


class _Known(NamedTuple):
    networks: list[tuple[Any, str]]
    numbers: dict[int, str]
    countries: dict[str, str]
    texts: dict[str, str]


def read_known(known: Any) -> pd.DataFrame:
    """Return a table of values and their labels, each value checked.

    Parameters
    ----------
    known : str, Path or DataFrame
        A CSV file or a table with the columns `value` and `label`. A value is an address, a network (192.0.2.0/24), an
        AS number (AS64500), a country by name or code, or a text: a client, device or actor id, a login, or a part of
        a user agent, of three letters at least.

    Returns
    -------
    DataFrame
        `value label`, as texts.

    Raises
    ------
    ColumnError
        If one of the two columns is missing.
    InputError
        If the file cannot be read or a row cannot be used; the row is named.

    Examples
    --------
    >>> read_known(pd.DataFrame({"value": ["192.0.2.0/24"], "label": ["office"]})).iloc[0].tolist()
    ['192.0.2.0/24', 'office']
    """
    table = read_small_table(known, "read_known", ("value", "label"))
    for number, (value, _) in enumerate(table.itertuples(index=False), 1):
        if "/" in value and " " not in value and _network(value) is None and value[:1].isdigit():
            raise InputError(f"Row {number} of the known values: {value!r} is no network. Write it as 192.0.2.0/24.")
    return table


def read_small_table(source: Any, helper: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return some columns of a small CSV file or table as texts without blanks around them, none of them empty."""
    if isinstance(source, str | Path):
        try:
            source = pd.read_csv(source, dtype=str, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{helper} cannot read {source}: {error}") from error
    if missing := [name for name in columns if name not in source]:
        raise ColumnError.missing(helper, missing, [str(name) for name in source])
    texts: pd.DataFrame = source[list(columns)].fillna("").astype(str)
    texts = texts.apply(lambda values: values.str.strip()).reset_index(drop=True)
    for number, row in enumerate(texts.itertuples(index=False), 1):
        if empty := [name for name, value in zip(columns, row, strict=True) if not value]:
            raise InputError(f"{helper}: row {number} has no {' and no '.join(empty)}.")
    return texts


def label(events: pd.DataFrame, known: Any, column: str | None = None) -> pd.Series:
    """Return for each event what is known about it, as labels.

    Parameters
    ----------
    events : DataFrame
        With some of the columns that labels are for: addresses, AS numbers, agents, clients, devices and actors.
    known : str, Path or DataFrame
        What `read_known` takes.
    column : str, optional
        The only column to look at.

    Returns
    -------
    Series
        The labels that fit, joined by commas; missing where none does.

    Examples
    --------
    >>> known = pd.DataFrame({"value": ["192.0.2.0/24", "AS64500"], "label": ["office", "tunnel"]})
    >>> label(pd.DataFrame({"ip_address": ["192.0.2.7", None], "as_number": [64500, 64500]}), known).tolist()
    ['office, tunnel', 'tunnel']
    """
    rows = [", ".join(labels) or None for labels in _label_lists(events, known, column)]
    return pd.Series(rows, events.index, dtype=object)


def _label_lists(events: pd.DataFrame, known: Any, column: str | None = None) -> list[list[str]]:
    """Return the labels of each event, each once: a label may have commas of its own."""
    names = [name for name in LABELLED if name in events] if column is None else [column]
    wanted = _sorted_out(read_known(known))
    columns = [_labels(events[name], _RULES.get(name, _by_text), wanted) for name in names]
    return [[*dict.fromkeys(filter(None, row))] for row in zip(*columns, strict=True)] or [[] for _ in events.index]


def count_labels(summary: pd.DataFrame, seen: pd.DataFrame, by: list[str], tables: Mapping[str, Any]) -> pd.DataFrame:
    """Return a summary, and for each table told the labels of its events, comma-separated, and how many have one.

    `seen` has the columns `by` of the summary, those that labels are for, and in `events` how many have these values.
    """
    for name, table in tables.items():
        marked = seen.assign(label=pd.Series(_label_lists(seen, table), seen.index, dtype=object))
        hits = marked[marked["label"].astype(bool)].groupby(by, dropna=False)
        counts = pd.DataFrame({name: hits["label"].agg(_joined), f"{name}_events": hits["events"].sum()}).reset_index()
        counts = counts.astype(seen[by].dtypes)  # pandas 2 makes numbers of keys that are all missing
        summary = summary.merge(counts, how="left", on=by)
        counted = summary[f"{name}_events"].fillna(0).astype("int64")
        summary = summary.assign(**{name: summary[name].astype(TEXT), f"{name}_events": counted})
    return summary


def label_rows(
    frame: pd.DataFrame, events: Events, helper: str, uuids: Sequence[str], tables: Mapping[str, Any]
) -> pd.DataFrame:
    """Return a table whose rows name events in some columns, with the labels of those events and their number."""
    if not tables:
        return frame
    ends = pd.concat([pd.DataFrame({"row": frame.index, "uuid": frame[name]}) for name in uuids])
    seen = rows(events, helper, LABELLED, nw.col("uuid").is_in(known_values(ends, "uuid")))
    marked = ends.merge(seen.drop_duplicates("uuid"), on="uuid").assign(events=1)
    return count_labels(frame.assign(row=frame.index), marked, ["row"], tables).drop(columns="row")


def told_by(known: Any, watch: Any) -> dict[str, Any]:
    """Return the tables that were given, by the columns that they add."""
    return {name: one for name, one in (("known", known), ("watched", watch)) if one is not None}


def labels_by_uuid(events: pd.DataFrame, known: Any) -> dict[str, str]:
    """Return the labels of the events that have one; nothing is known where no table is given."""
    labels = {} if known is None else dict(zip(events["uuid"], label(events, known), strict=True))
    return {uuid: names for uuid, names in labels.items() if names}


def read_sensitivities(sensitivities: Any = None) -> pd.DataFrame:
    """Return the table of reports that says how sensitive each is and why, in the order in which it is searched.

    Parameters
    ----------
    sensitivities : str, Path or DataFrame, optional
        A CSV file or table with `pattern level reason`; without one, the table that comes with this package. `pattern`
        is compared with id and name of a report without case, blanks and hyphens; `level` is high, medium or low.

    Returns
    -------
    DataFrame
        `pattern level reason`, as texts.

    Raises
    ------
    ColumnError, InputError
        If the table cannot be used; the row is named.

    Examples
    --------
    >>> read_sensitivities().iloc[0][["pattern", "level"]].tolist()
    ['password health', 'high']
    """
    columns = ("pattern", "level", "reason")
    if sensitivities is None:
        with resources.files("oktakit.analysis").joinpath("sensitivities.csv").open(encoding="utf-8") as file:
            return pd.read_csv(file, dtype=str)[list(columns)]
    table = read_small_table(sensitivities, "read_sensitivities", columns)
    for number, (pattern, level, _) in enumerate(table.itertuples(index=False), 1):
        if level not in _LEVELS:
            raise InputError(f"read_sensitivities: row {number} has the level {level!r}; use {', '.join(_LEVELS)}.")
        if not plain(pattern):
            raise InputError(
                f"read_sensitivities: the pattern of row {number}, {pattern!r}, has no letters to compare."
            )
    return table


@lru_cache(1024)
def plain(name: str) -> str:
    """Return a report's id or name as it is compared.

    >>> plain("Okta Password-Health")
    'oktapasswordhealth'
    """
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _joined(labels: Iterable[list[str]]) -> str:
    """Return every label once, in the order of the alphabet."""
    return ", ".join(sorted({one for several in labels for one in several}))


def _network(value: str) -> Any:
    try:
        return ipaddress.ip_network(address_of(value) if "/" not in value else value, strict=False)
    except ValueError:
        return None


def _sorted_out(known: pd.DataFrame) -> _Known:
    wanted = _Known([], {}, {}, {})
    for value, words in known.itertuples(index=False):
        number = value.upper().removeprefix("AS")
        if number.isdecimal():
            wanted.numbers.setdefault(int(number), words)
        elif network := _network(value):
            wanted.networks.append((network, words))
        else:
            wanted.texts.setdefault(value.casefold(), words)
            if (code := country_code(value)) and (len(value) != 3 or value.isupper()):  # a Mac is not Macao
                wanted.countries.setdefault(code, words)
    return wanted


def _labels(values: pd.Series, rule: Callable[[Any, _Known], str | None], wanted: _Known) -> list[str | None]:
    """Return the labels of a column; each distinct value is looked up once."""
    labels = {value: rule(value, wanted) for value in values.dropna().unique() if not is_sentinel(value)}
    return [labels.get(value) if pd.notna(value) else None for value in values]


def _by_network(value: str, wanted: _Known) -> str | None:
    network = _network(value)
    if network is None:
        return None
    near = [(net, words) for net, words in wanted.networks if net.version == network.version and network.subnet_of(net)]
    return max(near, key=lambda one: one[0].prefixlen)[1] if near else None


def _by_number(value: Any, wanted: _Known) -> str | None:
    return wanted.numbers.get(int(value))


def _by_part(value: str, wanted: _Known) -> str | None:
    shown = value.casefold()
    return next((words for part, words in wanted.texts.items() if part in shown and len(part) > _CODE), None)


def _by_country(value: str, wanted: _Known) -> str | None:
    return wanted.countries.get(country_key(value))


def _by_text(value: Any, wanted: _Known) -> str | None:
    return wanted.texts.get(str(value).casefold())


_RULES: dict[str, Callable[[Any, _Known], str | None]] = {
    "ip_address": _by_network,
    "as_number": _by_number,
    "country": _by_country,
    "raw_user_agent": _by_part,
}
