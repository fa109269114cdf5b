"""The events under Okta's own dotted names, for rules that were written for the raw log."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any, get_origin

import pandas as pd
from msgspec import Struct

from ..log.keys import TEXT
from ..log.log import Log, events_of
from ..reading.model import Event, Hop, Target
from ..reading.repair import plan
from ..schema import COLUMNS

_DEBUG = "debugContext.debugData."
_KEYS = (
    *("authnRequestId", "behaviors", "changedAttributes", "deviceFingerprint", "dtHash", "eventType", "eventUuid"),
    *("factor", "factorIntent", "grantedScopes", "grantType", "jobId", "label", "logOnlySecurityData", "oktaUserEmail"),
    *("origin", "originalPrincipal", "promptingPolicyTypes", "proxyType", "pushNotificationStatus", "reason"),
    *("pushOnlyResponseType", "pushWithNumberChallengeResponseType", "requestedScopes", "requestId", "requestUri"),
    *("risk", "suspiciousActivityEventType", "threatDetections", "threatSuspected", "traceId", "tunnels", "url"),
)
"""Keys of debug data that public rules name: they are columns even where no event has them."""
_DEEPEST = 20


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
        `client.geographicalContext.country`). Every other field that Okta documents, every key of the debug data and
        everything in `extra` is a column of text by its dotted path, in its most frequent spelling, since engines know
        no case; what Okta documents and what public rules name is there even where no event has it. Of targets and
        addresses, such as `target.alternateId` and `request.ipChain.ip`, all values are there, one a line. `target`,
        `request.ipChain` and `debugContext.debugData` are the JSON texts. Where `extra` holds something under the name
        of a column with another type, such as a time that could not be read, it is in `extra.` and that name. A column
        of ours that is put together from several places, or told by the delivery, is left out.

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
    named = events[list(plain)].rename(columns=plain)
    parts = [(name, path, keys) for name, path, keys in _SPREAD if name in events]
    for name, path, keys in parts:
        named = _join(named, _spread(events[name], path, keys()))
    return named


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what stands in nested objects by its dotted path; the items of a list of objects one after the other."""
    items = value if isinstance(value, list) and value and all(isinstance(one, dict) for one in value) else [value]
    for item in items:
        if isinstance(item, dict) and item and path.count(".") < _DEEPEST:
            for key, one in item.items():
                yield from _leaves(one, f"{path}.{key}" if path else key)
        elif item is not None:
            yield path, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _spread(texts: pd.Series, path: str, keys: tuple[str, ...]) -> pd.DataFrame:
    """Return what stands in JSON objects as columns of texts; spellings that differ in case are one key.

    Several values of one key in one event stand in one cell, one a line.
    """
    codes, distinct = pd.factorize(texts)
    counts = pd.Series(codes).value_counts()
    found: dict[str, dict[int, str]] = {key.casefold(): {} for key in keys}
    spelt = defaultdict[str, Counter[str]](Counter, {key.casefold(): Counter({key: 0}) for key in keys})
    for code, value in enumerate(distinct):
        cells = defaultdict[str, list[str]](list)
        for key, one in _leaves(json.loads(value), path):
            cells[key.casefold()].append(one)
            spelt[key.casefold()][key] += int(counts[code])
        for key, several in cells.items():
            found.setdefault(key, {})[code] = "\n".join(several)
    names = {key: min(one, key=lambda word: (-one[word], word)) for key, one in spelt.items()}
    columns = {names[key]: pd.Series(found[key], dtype=TEXT).reindex(codes).to_numpy() for key in sorted(found)}
    return pd.DataFrame(columns, index=texts.index, dtype=TEXT)


def _join(named: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Return both tables side by side; what the second has under a name of the first is only there if it differs."""
    known = {name.casefold(): name for name in named}
    columns = {}
    for name in more:
        if name.casefold() not in known:
            columns[name] = more[name]
            continue
        there = named[known[name.casefold()]].map(
            lambda one: one if isinstance(one, str) else json.dumps(one, default=str), "ignore"
        )
        other = more[name].mask(more[name] == there.astype(TEXT))
        if other.notna().any():
            columns[f"extra.{name}"] = other
    return pd.concat([named, pd.DataFrame(columns, index=named.index)], axis=1)


def _documented(struct: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what Okta documents in a part of an event, outside of lists."""
    for field in plan(struct).values():
        name = path + field.key
        if isinstance(field.kind, type) and issubclass(field.kind, Struct) and not field.many:
            yield from _documented(field.kind, name + ".")
        elif (
            get_origin(field.kind) is not dict and name != "client.ipChain"
        ):  # both chains of addresses are in one column
            yield name


_SPREAD = (
    ("debug_data", _DEBUG[:-1], cache(lambda: tuple(_DEBUG + key for key in _KEYS))),
    ("targets", "target", cache(lambda: tuple(_documented(Target, "target.")))),
    ("ip_chain", "request.ipChain", cache(lambda: tuple(_documented(Hop, "request.ipChain.")))),
    ("extra", "", cache(lambda: tuple(_documented(Event)))),
)
"""What holds several fields: its column, its path, and the paths that are columns in any case."""
