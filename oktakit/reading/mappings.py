"""The names under which deliveries carry Okta's fields: those of the model in any spelling, and `mappings.toml`."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from msgspec import Struct

from ..schema import COLUMNS, fold
from .model import Event, Hop, Target
from .repair import plan

FieldPath = tuple[str, ...]
_TABLES = tomllib.loads((files(__package__) / "mappings.toml").read_text("utf-8"))


class FieldPlace(NamedTuple):
    """Where a column belongs: the path in an event; `position` and `item` inside a list.

    `node` says whether JSON text may stand there: always (object), besides other text (any), or not at all.
    """

    path: FieldPath
    node: str = ""
    item: FieldPath = ()
    position: int | None = None


class Shape:
    """How one delivery names its columns, as `mappings.toml` says."""

    def __init__(self, okta: str, others: dict[str, str], separator: str = "\n") -> None:
        """Take a table of that file."""
        self.okta, self.others, self.separator = re.compile(okta), others, separator


SHAPES = {name: Shape(**table) for name, table in _TABLES["deliveries"].items()}
WRAPPERS, ORIGINALS, RECEIVED, HOSTS = (_TABLES[name] for name in ("wrappers", "originals", "received", "hosts"))
DERIVED: dict[str, str] = _TABLES["derived"]
OWN = {
    column.name: column.path for column in COLUMNS if column.path and column.path[0] != "[" and "=" not in column.path
}
"""Our own events table."""


def squash(name: str) -> str:
    """Return `name` as columns are matched: like keys, and without dots.

    >>> squash("client.geographical_context.country") == squash("client_geographicalContext_country")
    True
    """
    return fold(name).replace(".", "").replace("{}", "")


def _walk(struct: Any, above: FieldPath = ()) -> Iterator[tuple[str, tuple[FieldPath, str]]]:
    """Yield every field below a struct, and whether it may hold more than one value, as in `FieldPlace`."""
    for field in plan(struct).values():
        path = (*above, field.key)
        inner = isinstance(field.kind, type) and issubclass(field.kind, Struct)
        node = "object" if inner or field.kind == dict[str, Any] else "any" if field.many or field.kind is Any else ""
        yield squash("".join(path)), (path, node)
        if inner and not field.many:
            yield from _walk(field.kind, path)


_FIELDS = dict(_walk(Event))
_LISTS: dict[str, Any] = {"target": Target, "requestipchain": Hop, "clientipchain": Hop}
_ITEMS = {name: dict(_walk(struct)) for name, struct in _LISTS.items()}
_ITEM = re.compile(rf"({'|'.join(_LISTS)})(\d{{0,3}})(\D.*)", re.ASCII)
_DETAILS = {
    ("debugContext", "debugData"): re.compile(r"debug_?context[._]debug_?data[._](.+)", re.IGNORECASE),
    ("actor", "detailEntry"): re.compile(r"actor[._]detail_?entry[._](.+)", re.IGNORECASE),
    ("transaction", "detail"): re.compile(r"transaction[._]detail[._](.+)", re.IGNORECASE),
}
_TARGET_DETAILS = re.compile(r"target(?:\{\})?(\d{0,3})[._]detail_?entry[._](.+)", re.IGNORECASE | re.ASCII)


@lru_cache(4096)
def place(name: str) -> FieldPlace | None:
    """Return where a column with Okta's name, in any spelling, belongs.

    >>> place("debug_context.debug_data.request_uri").path
    ('debugContext', 'debugData', 'requestUri')
    >>> place("target{}.alternateId")
    FieldPlace(path=('target',), node='', item=('alternateId',), position=None)
    """
    name = _TABLES["synonyms"].get(name, name)
    if field := _FIELDS.get(squash(name)):
        return FieldPlace(*field)
    for path, details in _DETAILS.items():
        if match := details.fullmatch(name):
            camel = re.sub(r"_([a-z])", lambda letter: letter[1].upper(), match[1])
            return FieldPlace((*path, *(camel.split(".") if "." in name else (match[1],))))
    if match := _TARGET_DETAILS.fullmatch(name):
        return FieldPlace(("target",), "", ("detailEntry", match[2]), int(match[1]) if match[1] else None)
    match = _ITEM.fullmatch(squash(name))
    if match is None or match[3] not in _ITEMS[match[1]]:
        return None
    item, node = _ITEMS[match[1]][match[3]]
    return FieldPlace(_FIELDS[match[1]][0], node, item, int(match[2]) if match[2] else None)


@lru_cache(4096)
def find(shape: Shape, column: str) -> FieldPlace | None:
    """Return where a column of a delivery belongs, or None where it is not Okta's."""
    if other := shape.others.get(column):
        return place(other)
    match = shape.okta.fullmatch(column)
    return place("".join(filter(None, match.groups()))) if match else None


def is_ours(header: list[str]) -> bool:
    """Return whether a table with this header may hold events.

    >>> is_ours(["timestamp", "event_type"]), is_ours(["_time", "_raw"]), is_ours(["name", "amount"])
    (True, True, False)
    """
    return any(squash(name) in _TABLES["event_columns"] or name in ORIGINALS for name in header)
