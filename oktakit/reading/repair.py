"""The tolerant path from a decoded object to an `Event`.

Keys are matched without case and underscores, what can be read is read, and what could not be is named. The fast path
(`model.outline`) and this one end in the same `Event`, so that both give the same row.
"""

import json
import math
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Struct

from ..schema import fold, is_sentinel
from .model import Event, compact
from .times import is_ambiguous, read_time


class Trouble:
    """What `repair` met on its way: flags about the record, and fields that Okta does not document."""

    def __init__(self, textual: bool = False) -> None:
        """Start with nothing met; in a `textual` delivery (CSV) every value is text, which is no trouble."""
        self.flags: set[str] = set()
        self.extra: dict[str, Any] = {}
        self.textual = textual

    def note(self, value: Any = None, flag: str = "bad_type") -> Any:
        """Note a value of another type than documented and return what could be read of it."""
        if not (self.textual and flag == "bad_type" and value is not None):
            self.flags.add(flag)
        return value


class _Field(NamedTuple):
    name: str
    key: str
    kind: Any
    many: bool


def _kind(annotation: Any) -> _Field:
    """Return what a field holds: a struct or a plain type, and whether it is a list of these."""
    choices = [choice for choice in get_args(annotation) or (annotation,) if choice is not type(None)]
    choice = choices[-1]
    many = getattr(choice, "__origin__", None) is list
    inner = get_args(choice)[0] if many else choice
    inner = next((plain for plain in (datetime, int) if plain in get_args(inner)), inner)  # bare of its limits
    return _Field("", "", (str, int) if int in choices and str in choices else inner, many)


@cache
def plan(struct: type[Struct]) -> dict[str, _Field]:
    """Return the fields of a struct by the form in which their keys are matched."""
    fields = msgspec.structs.fields(struct)
    return {
        fold(field.encode_name): _kind(field.type)._replace(name=field.name, key=field.encode_name) for field in fields
    }


def repair(value: dict[str, Any], trouble: Trouble) -> Event:
    """Return the event in a decoded object of any spelling, noting in `trouble` what did not fit.

    Raises TypeError where `uuid` or `eventType` is missing.
    """
    event: Event = _struct(Event, value, "", trouble)
    return event


def _struct(struct: Any, value: dict[str, Any], path: str, trouble: Trouble) -> Any:
    fields = plan(struct)
    read: dict[str, Any] = {}
    for key, item in value.items():
        field = fields.get(fold(key))
        if field is None:
            if item not in (None, "", [], {}):
                trouble.extra[path + key] = item
        elif item is not None:
            before = read.get(field.name)
            cell = _coerce(field, item, path + key, trouble)
            if before is not None and before != cell:
                trouble.flags.add("duplicate_key")
            if before is None or key == field.key:
                read[field.name] = cell
    return struct(**read)


def _coerce(field: _Field, value: Any, path: str, trouble: Trouble) -> Any:
    if value is None:
        return None
    if field.many:
        value = _decoded(value, trouble)
        items = value if isinstance(value, list) else trouble.note([value])
        one = field._replace(many=False)
        parts = [_coerce(one, item, f"{path}[{at}].", trouble) for at, item in enumerate(items)]
        readable = any(part is not None for part in parts)
        return [_empty(field) if part is None else part for part in parts] if readable else None
    if isinstance(field.kind, type) and issubclass(field.kind, Struct):
        value = _decoded(value, trouble)
        if isinstance(value, dict):
            return _struct(field.kind, value, path.removesuffix(".") + ".", trouble)
    elif reader := _READERS.get(field.kind):
        return reader(value, trouble)
    elif isinstance(value := _decoded(value, trouble), dict):
        return value
    return None if value is None else trouble.note()


def _decoded(value: Any, trouble: Trouble) -> Any:
    """Return what a client wrote as JSON text in place of an object or a list, and nothing for a word for nothing."""
    if not isinstance(value, str):
        return value
    if is_sentinel(value):
        return None if value == "" else trouble.note(None)
    try:
        return trouble.note(parse(value.encode(errors="replace"), trouble)) if value.lstrip()[:1] in "{[" else value
    except (ValueError, RecursionError):
        return value


def _text(value: Any, trouble: Trouble) -> Any:
    if isinstance(value, str):
        return value
    return trouble.note(compact(value))


def _loose(value: Any, trouble: Trouble) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else _text(value, trouble)


def read_flag(value: Any) -> bool | None:
    """Return True, False, or None for what says neither.

    >>> read_flag("TRUE"), read_flag(0), read_flag("unknown")
    (True, False, None)
    """
    word = str(value).strip().lower()
    return True if word in ("true", "1") else False if word in ("false", "0") else None


def _int(value: Any, trouble: Trouble) -> Any:
    number = _whole(value)
    if number is not None and not -(2**63) <= number < 2**63:
        return trouble.note(flag="huge_int")
    return number if type(value) is int else trouble.note(number)


def _empty(field: _Field) -> Any:
    """Return what stands in a list for an item that could not be read, so that the others keep their places."""
    return field.kind() if isinstance(field.kind, type) and issubclass(field.kind, Struct) else None


_NUMBER = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*", re.ASCII).fullmatch


def _plain(value: Any) -> Any:
    """Return a number, or a text that is one and nothing else; None for everything that would have to be guessed."""
    fits = isinstance(value, int | float) or (isinstance(value, str) and _NUMBER(value))
    return value if fits and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    try:
        value = _plain(value)
        value = value.strip()[:30] if isinstance(value, str) else value  # as many digits as are too many
        return int(value) if not isinstance(value, float) or value.is_integer() else None
    except (TypeError, ValueError, OverflowError):
        return None


def _float(value: Any, trouble: Trouble) -> Any:
    if trouble.textual and isinstance(value, str) and value.count(",") == 1:  # a spreadsheet's decimal comma
        value = value.replace(",", ".")
    try:
        number = float(_plain(value))
    except (TypeError, ValueError, OverflowError):
        return trouble.note()
    if not math.isfinite(number):
        return trouble.note(flag="non_finite")
    return number if type(value) in (int, float) else trouble.note(number)


def _time(value: Any, trouble: Trouble) -> Any:
    """Return the time in a value, read as UTC and flagged where no zone is given; what is no time is kept aside."""
    moment = read_time(value)
    if moment is None:
        trouble.extra |= {"published": value} if value != "" else {}
        trouble.flags |= {"ambiguous_date"} if is_ambiguous(value) else set()
        return trouble.note(flag="bad_published")
    if moment.tzinfo is None:
        moment = trouble.note(moment.replace(tzinfo=UTC), "no_timezone")
    return moment if isinstance(value, str) else trouble.note(moment)


_READERS: dict[Any, Any] = {
    str: _text,
    (str, int): _loose,
    bool: lambda value, trouble: value if isinstance(value, bool) else trouble.note(read_flag(value)),
    int: _int,
    float: _float,
    datetime: _time,
    Any: lambda value, trouble: value,
}


def parse(raw: bytes, trouble: Trouble) -> Any:
    """Return the value in JSON text, noting duplicate keys, numbers that are none and broken characters.

    Raises ValueError (also UnicodeDecodeError) or RecursionError where the text is no JSON.
    """

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            trouble.flags.add("duplicate_key")
        return value

    def number(digits: str) -> Any:
        return int(digits) if len(digits) < 4000 else trouble.note(digits, "huge_int")

    def fraction(digits: str) -> Any:
        return value if math.isfinite(value := float(digits)) else trouble.note(digits, "non_finite")

    def constant(_: str) -> None:
        trouble.flags.add("non_finite")

    text = raw.decode("utf-8")
    value = json.loads(text, object_pairs_hook=members, parse_int=number, parse_float=fraction, parse_constant=constant)
    return _scalars(value, trouble) if "\\ud" in text.lower() else value


def _scalars(value: Any, trouble: Trouble) -> Any:
    """Return `value` with characters that cannot exist (lone surrogates) replaced by U+FFFD."""
    if isinstance(value, dict):
        return {_scalars(key, trouble): _scalars(item, trouble) for key, item in value.items()}
    if isinstance(value, list):
        return [_scalars(item, trouble) for item in value]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        trouble.flags.add("lone_surrogate")
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
    return value
