"""Runs of events as documented: what is each event's own as columns, and what many share by its number."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Meta

from ..reading.model import Outline
from ..reading.streams import Lines
from .debug_data import Notes, notes_of, read_notes
from .shared_parts import Lengths, Shared, once, size

TEXT, MOMENT = pa.large_string(), pa.timestamp("us", "UTC")
HEAD = attrgetter("event_type", "severity", "display_message", "version", "legacy_event_type")
_OWN = {
    "uuid": "uuid",
    "published": "published",
    "transaction_id": "id",
    "external_session_id": "externalSessionId",
    "root_session_id": "rootSessionId",
}
"""The keys under which an event has what is its own alone."""
_TEXTS = ("actor", "client", "device", "outcome", "security_context", "request", "target")
_USUAL = re.compile(r"(?:[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)*", re.ASCII)
_ZONED = Annotated[datetime, Meta(tz=True)]
_AROUND = size("debugContext", {"debugData": 0}) - 1
_encoder = msgspec.json.Encoder()


def read_run(
    raws: Sequence[bytes], events: list[Outline], parts: dict[str, Shared], odd: set[int]
) -> tuple[dict[str, pa.Array], dict[int, tuple[str, ...]]]:
    """Return the columns that events fill, and what their notes say about proxies by the place of the event.

    `raws` are the texts of the events, which are without their ids afterwards. Places where something is not as
    documented are added to `odd`.
    """
    own = _take_own(events)
    numbers = {name: parts[name].find_all(keys, odd) for name, keys in _shared(events).items()}
    columns = {name: _column(values) for name, values in own.items()}
    sizes = [parts[name].lengths(found) for name, found in numbers.items()]
    sizes += [_sizes(_OWN[name], column, own[name]) for name, column in columns.items()]
    notes = notes_of(events)
    room = _lengths(raws) - 1 - sum(sizes) - _around(events, notes)
    debug, lengths = _joined(notes, room)
    for at in np.flatnonzero(room - lengths).tolist():  # perhaps it names a key twice, which takes room
        attempt(once, raws[at], at, odd)
    odd |= {at for at, event in enumerate(events) if not (event.uuid and event.event_type)}
    noted, words = read_notes([event.event_type for event in events], notes)
    threats = pa.array(noted.pop("threat_suspected", [None] * len(events)), pa.bool_())
    columns |= {name: _column(values) for name, values in noted.items()} | {"threat_suspected": threats}
    columns |= {"published": _moments(own["published"], odd), "debug_data": debug}
    return columns | {f"_{name}": pa.array(found) for name, found in numbers.items()}, words


def _take_own(events: list[Outline]) -> dict[str, list[Any]]:
    """Return what is each event's own, and take the ids out of sessions and operations; what is left, many share."""
    own: dict[str, list[Any]] = {name: [UNSET] * len(events) for name in _OWN}
    outer, root, operations = own["external_session_id"], own["root_session_id"], own["transaction_id"]
    own |= {name: list(map(attrgetter(name), events)) for name in ("uuid", "published")}
    for at, event in enumerate(events):
        if session := event.authentication_context:
            outer[at], root[at] = session.external_session_id, session.root_session_id
            session.external_session_id = session.root_session_id = UNSET
        if operation := event.transaction:
            operations[at], operation.id = operation.id, UNSET
    return own


def _shared(events: list[Outline]) -> dict[str, list[Any]]:
    """Return the heads of events, and their parts as texts, empty where there is none."""
    texts: dict[str, list[Any]] = {name: list(map(bytes, map(attrgetter(name), events))) for name in _TEXTS}
    texts["head"] = list(map(HEAD, events))
    for name in ("authentication_context", "transaction"):
        values = list(map(attrgetter(name), events))
        try:
            texts[name] = _encoder.encode_lines(values).split(b"\n")[:-1]
        except TypeError:  # not all of them are there
            texts[name] = [b"" if value is UNSET else _encoder.encode(value) for value in values]
    return texts


def _joined(notes: list[Notes], room: Lengths) -> tuple[pa.Array, Lengths]:
    """Return debug data as texts in the usual form, missing where there is none, and their lengths.

    No text is longer than the `room` for it in its event, so that they fill it all together only if each of them does.
    """
    lines = _encoder.encode_lines(notes)
    text = lines.replace(b"\n", b"")
    if room.sum() != len(text):
        room = np.fromiter(map(len, lines.split(b"\n")[:-1]), np.int64, len(notes))
    ends = np.append(0, np.cumsum(room))
    found = pa.Array.from_buffers(TEXT, len(notes), [None, pa.py_buffer(ends), pa.py_buffer(text)])
    return found if all(notes) else pc.if_else(pa.array(map(bool, notes)), found, None), room


def _lengths(raws: Sequence[bytes]) -> Lengths:
    if isinstance(raws, Lines):
        return np.diff(raws.ends, prepend=-1) - 1
    return np.fromiter(map(len, raws), np.int64, len(raws))


def _sizes(key: str, column: pa.Array, values: list[Any]) -> Lengths:
    """Return how much of the text each value takes; one that has to be escaped takes more."""
    ends = np.frombuffer(column.buffers()[1], np.int64)[: len(values) + 1]
    found = np.diff(ends) + size(key, "")
    if column.null_count:
        for at in [at for at, value in enumerate(values) if value is None or value is UNSET]:
            found[at] = size(key, values[at])
    return found


def _around(events: list[Outline], notes: list[Notes]) -> Lengths:
    """Return how much of the text is around debug data."""
    found = np.full(len(events), _AROUND)
    for at in [at for at, note in enumerate(notes) if not note]:
        found[at] = size("debugContext", events[at].debug_context) - len("{}")
    return found


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except pa.ArrowException:  # not all of them are there
        return pa.array([None if value is UNSET else value for value in values], TEXT)


def _moments(texts: list[Any], odd: set[int]) -> pa.Array:
    """Return times, adding to `odd` where one is not as documented."""
    with suppress(TypeError, pa.ArrowInvalid):  # one is missing, or no day is called that
        if _USUAL.fullmatch("".join(texts)):
            return pa.array(texts, pa.string()).cast(MOMENT)
    return pa.array([attempt(_moment, text, at, odd) for at, text in enumerate(texts)], MOMENT)


def _moment(text: Any) -> datetime | None:
    found = msgspec.convert(text, _ZONED) if text is not None and text is not UNSET else None
    if found and found.year in (1, 9999):  # in UTC, it may be out of range
        raise ValueError
    return found


def attempt(read: Callable[[Any], Any], value: Any, at: int, odd: set[int]) -> Any:
    """Return what is read of something, adding its place to `odd` where it is not as documented."""
    try:
        return read(value)
    except (ValueError, RecursionError):
        odd.add(at)
        return None
