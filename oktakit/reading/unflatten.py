"""From columns back to an event: what was flattened for a table is put under Okta's own paths again."""

from functools import cache
from typing import Any

from .mappings import FieldPath, FieldPlace, Shape, find
from .repair import Trouble, parse
from .times import read_time


class Unflattened:
    """An event in the making: what could be placed, and under its own name what could not."""

    def __init__(self, shape: Shape) -> None:
        """Start with nothing."""
        self.shape = shape
        self.event: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}
        self.trouble = Trouble()
        self._lists: dict[FieldPath, dict[tuple[FieldPath, str], Any]] = {}

    def take(self, column: str, value: Any) -> None:
        """Put one column into the event, or aside."""
        where = find(self.shape, column)
        if where is None:
            self.extra[column] = value
        elif where.item and where.position is None:
            self._lists.setdefault(where.path, {})[where.item, column] = value
        else:
            path = where.path if where.position is None else (*where.path, str(where.position), *where.item)
            if not _put(self.event, path, self._value(where, column, value)):
                self.extra[column] = value

    def _value(self, where: FieldPlace, column: str, value: Any) -> Any:
        """Return a value as Okta would have given it: JSON text decoded, a time as ISO 8601."""
        if where.node and isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            try:
                return parse(value.encode(errors="replace"), self.trouble)
            except (ValueError, RecursionError):
                return self.trouble.note()
        if where.node == "object" and isinstance(value, str):
            return self.trouble.note()
        if isinstance(value, list) and len(value) == 1 and not where.node:
            value = value[0]
        if where.path == ("published",):
            return _moment(column, value)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def finish(self) -> None:
        """Put the lists together."""
        for path, columns in self._lists.items():
            self._align(path, columns)
        targets = self.event.get("target")
        if isinstance(targets, dict) and targets and all(key.isdecimal() and len(key) < 4 for key in targets):
            self.event["target"] = [targets[key] for key in sorted(targets, key=int)]

    def _align(self, path: FieldPath, columns: dict[tuple[FieldPath, str], Any]) -> None:
        """Put columns of several values side by side; those whose values cannot be told apart stay aside."""
        parts = {key: self._split(key[0], value) for key, value in columns.items()}
        count = next((len(parts[key]) for name in ("id", "ip", "type") for key in parts if key[0] == (name,)), 1)
        items: list[dict[str, Any]] = [{} for _ in range(count)]
        for (item, column), values in parts.items():
            if count == 1 and not isinstance(columns[item, column], list):
                values = [columns[item, column]]
            if len(values) != count:
                self.extra[column] = self.trouble.note(columns[item, column])
            elif not self._fill(items, item, column, values):
                self.extra[column] = columns[item, column]
        if not _put(self.event, path, items):
            self.extra |= {column: value for (_, column), value in columns.items()}

    def _fill(self, items: list[dict[str, Any]], item: FieldPath, column: str, values: list[Any]) -> bool:
        """Put one value into each item; return whether all of them could be read."""
        where = FieldPlace(item, "object" if item[-1] == "detailEntry" else "")
        read = [self._value(where, column, value) for value in values]
        placed = [_put(one, item, value) for one, value in zip(items, read, strict=True)]
        return all(there or given is None for there, given in zip(placed, values, strict=True))

    def _split(self, item: FieldPath, value: Any) -> list[Any]:
        if not isinstance(value, str):
            return value if isinstance(value, list) else [value]
        if self.shape.separator != "\n" and item[-1] not in ("id", "type", "ip", "version"):
            return [value]  # a name may hold the separator itself
        return value.split(self.shape.separator)


def _put(at: dict[str, Any], path: FieldPath, value: Any) -> bool:
    """Put a value into nested objects and return whether it stands there; what is there already is never replaced."""
    for name in path[:-1]:
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            return False
    if at.get(path[-1]) is None:
        at[path[-1]] = value
    return bool(value is not None and at[path[-1]] == value)


def _moment(column: str, value: Any) -> Any:
    """Return a time as text: numbers are what some shapes document, and a column may name the zone of all its times."""
    moment = None if isinstance(value, str) else read_time(value)
    zoned = isinstance(value, str) and column.endswith(" [UTC]") and not value.endswith("Z")
    return moment.isoformat() if moment else f"{value}Z" if zoned else value


def unflatten(columns: dict[str, Any], shape: Shape) -> Unflattened:
    """Return the event that a row of columns holds; empty cells and helper columns say nothing."""
    row = Unflattened(shape)
    for column in sorted(columns, key=_order(shape)):
        value = columns[column]
        if value is not None and value != "" and not column.startswith("__mv_"):
            row.take(column, value)
    row.finish()
    return row


@cache
def _order(shape: Shape) -> Any:
    """Return the order of preference of columns: Okta's own names first, then the others as they are listed."""
    rank = {column: number for number, column in enumerate(shape.others, 1)}
    return lambda column: rank.get(column, 0)
