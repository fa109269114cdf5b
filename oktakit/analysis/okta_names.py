"""The events under Okta's own dotted names, for rules that were written for the raw log."""

import json
from collections import Counter, defaultdict
from typing import Any

import pandas as pd

from ..log.keys import TEXT
from ..log.log import Log, events_of
from ..schema import COLUMNS

_TARGET = ("id", "type", "alternateId", "displayName")
_DEBUG = "debugContext.debugData."


def to_okta_names(events: pd.DataFrame | Log) -> pd.DataFrame:
    """Return the events with Okta's dotted names as columns, as the rules that people already have expect them.

    Parameters
    ----------
    events : DataFrame
        `log.events`, or some rows of it.

    Returns
    -------
    DataFrame
        One row per event, in the same order. Columns that Okta has under one name are called by it (`eventType`,
        `client.geographicalContext.country`); every key of the debug data is a column of its own, in its
        most frequent spelling; of the targets,
        `target.id target.type target.alternateId target.displayName` hold all values, one a line. `target` is the JSON
        text. A column of ours that is put together from several places, or told by the delivery, is left out.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> named = to_okta_names(read_log(make_log("assistant").records).events)
    >>> [name in named for name in ("eventType", "client.ipAddress", "debugContext.debugData.requestUri")]
    [True, True, True]
    """
    events = events_of(events)
    names = {column.name: column.path for column in COLUMNS if column.path and "[" not in column.path}
    plain = {name: path for name, path in names.items() if name in events and not path.startswith(_DEBUG)}
    parts = [events[list(plain)].rename(columns=plain)]
    parts += [_debug(events["debug_data"])] if "debug_data" in events else []
    parts += [_targets(events["targets"])] if "targets" in events else []
    return pd.concat(parts, axis=1)


def _debug(texts: pd.Series) -> pd.DataFrame:
    """Return every key of the debug data as a column of texts; spellings that differ in case are one key."""
    found: dict[str, dict[Any, str]] = defaultdict(dict)
    spelt: dict[str, Counter[str]] = defaultdict(Counter)
    for row, value in texts.items():
        data = _loads(value)
        for key, one in data.items() if isinstance(data, dict) else ():
            found[key.casefold()][row] = _text(one)
            spelt[key.casefold()][key] += 1
    names = {key: min(one, key=lambda word: (-one[word], word)) for key, one in spelt.items()}
    columns = {_DEBUG + names[key]: pd.Series(found[key], dtype=TEXT).reindex(texts.index) for key in sorted(found)}
    return pd.DataFrame(columns, index=texts.index)


def _targets(texts: pd.Series) -> pd.DataFrame:
    """Return the values of all targets of an event, one a line."""
    lists = [[one for one in _loads(value) or [] if isinstance(one, dict)] for value in texts]
    columns = {
        f"target.{name}": ["\n".join(_text(one[name]) for one in found if one.get(name)) or None for found in lists]
        for name in _TARGET
    }
    return pd.DataFrame(columns, index=texts.index, dtype=TEXT)


def _loads(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
