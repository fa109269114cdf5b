"""Events to the tables: parts that repeat by their number, what is an event's own by its value. The hot path."""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from .model import Event, Outline, Transaction, compact, decode_notes, decode_transaction
from .noted import Notes, read_notes
from .parts import Part, Unfit, as_text, folded, members, new_parts
from .repair import Trouble, parse
from .schema import COLUMNS, TARGET_COLUMNS, Column

ROWS = 50_000
CHUNK = 2_000
ARROW = {
    "text": pa.string(),
    "json": pa.string(),
    "time": pa.timestamp("us", "UTC"),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "count": pa.int64(),
    "float": pa.float64(),
}
ROW = Column("_row", "", "count", "number while reading")

_TYPES = {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS, ROW)} | {"debug_data": pa.binary()}
_HEAD = ("event_type", "severity", "display_message", "_head_extra")
_NOTED = (
    *("job_id", "request_uri", "trace_id", "dt_hash", "_noted_level", "_noted_detection", "threat_suspected"),
    *("judged_uuid", "judged_type", "feedback_label", "feedback_reason"),
)
_OPERATION = ("transaction_id", "transaction_type", "api_token_id", "_own_extra")
_OWN = ("uuid", "published", *_OPERATION, "debug_data", *_NOTED)
_PLACE = ("source", "record", "issues")
_NUMBERS = ("_head", *(f"_{name}" for name in new_parts()))
_TYPES |= dict.fromkeys(_NUMBERS, pa.int32())
_EITHER = (
    ("ip_chain", "ip_chain", "_client_chain"),
    ("risk_level", "_level", "_noted_level"),
    ("detection_name", "_detection", "_noted_detection"),
)
_NOTHING: tuple[tuple[Any, ...], tuple[str, ...]] = ((None,) * len(_NOTED), ())
_AROUND = len(b'{"debugData":}')
_WEB = re.compile(rb'\{"type":"(\w+)","id":"([!#-\[\]-~]+)","detail":\{\}\}').fullmatch
_KEYS = sum(len(f'"{field.encode_name}":,') for field in msgspec.structs.fields(Outline)) - len(",")
_FRAME = _KEYS + len('{""}') + len('"2026-03-02T08:00:00.000Z"')
"""What an event has around its values in the usual form: every key, its punctuation, quotes of the uuid, the time."""


class Rows:
    """Collects events and gives them back as Arrow batches."""

    def __init__(self) -> None:
        """Start empty."""
        self.batches: list[pa.RecordBatch] = []
        self.targets: list[pa.RecordBatch] = []
        self.count = 0
        self._start()

    def _start(self) -> None:
        self.parts = new_parts()
        self.rows: list[tuple[Any, ...]] = []
        self.settled: list[pa.RecordBatch] = []
        self.words: dict[int, tuple[str, ...]] = {}
        self.heads: dict[tuple[Any, ...], int] = {}
        self.lengths: list[int] = []
        self.seen: set[bytes] = set()

    def add_run(self, raws: list[bytes], events: list[Outline], source: str, records: Sequence[int]) -> list[int]:
        """Add events whose texts are as documented, and return the places of those that are not in every detail."""
        self._make_room()
        odd: set[int] = set()
        texts = [list(map(attrgetter(name), events)) for name in self.parts]
        columns = [part.find_all(texts[n], odd) for n, part in enumerate(self.parts.values())]
        numbers = list(zip(map(self._head, events), *columns, strict=True))
        sizes = list(map(sum, zip(*(map(len, column) for column in texts), strict=True)))
        for at, event in enumerate(events):
            try:
                self._verify(event, raws[at], numbers[at][0], sizes[at])
                own, words = _own(event)
            except (ValueError, RecursionError):
                odd.add(at)
            if at not in odd:
                self._add(own, words, numbers[at], (source, records[at], ""))
        return sorted(odd)

    def add(self, event: Event, extra: dict[str, Any], flags: str, source: str, record: int) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        self._make_room()
        numbers = [part.add(getattr(event, name)) for name, part in self.parts.items()]
        debug = (event.debug_context.debug_data if event.debug_context else None) or {}
        notes: Notes = {key: as_text(value) for key, value in debug.items()}
        cells, words = read_notes(event.event_type, notes) if notes else _NOTHING
        text = compact(debug).encode() if debug else None
        operation = _operation(event.transaction or Transaction(), members(extra))
        own = (event.uuid, event.published, *operation, text, *cells)
        self._add(own, words, (self._head(event), *numbers), (source, record, flags))

    def _add(
        self, own: tuple[Any, ...], words: tuple[str, ...], numbers: tuple[int, ...], place: tuple[str, int, str]
    ) -> None:
        if words:
            self.words[len(self.settled) * CHUNK + len(self.rows)] = words
        self.rows.append((*own, *place, *numbers))
        if len(self.rows) == CHUNK:
            self._settle()

    def _settle(self) -> None:
        """Turn rows into arrays while they are still at hand in the processor's memory."""
        arrays = _arrays((*_OWN, *_PLACE, *_NUMBERS), self.rows)
        self.settled.append(pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays)))
        self.rows = []

    def _head(self, event: Event | Outline) -> int:
        key = (event.event_type, event.severity, event.display_message, event.version, event.legacy_event_type)
        number = self.heads.get(key)
        if number is None:
            number = self.heads[key] = len(self.heads)
            self.lengths.append(_FRAME + sum(len(msgspec.json.encode(value)) for value in key))
        return number

    def _verify(self, event: Outline, raw: bytes, head: int, parts: int) -> None:
        """Make sure that an event has a name, a kind and a plausible time, and that its text names no key twice.

        Between its parts, the usual text has room for its keys and plain values and, give or take the forms of a time,
        for nothing else: a key that is named twice takes ten characters at least. Other texts are looked at once, for
        all that differ in nothing but their parts.
        """
        if not (event.uuid and event.event_type) or (event.published and event.published.year in (1, 9999)):
            raise Unfit
        inside = parts + len(event.debug_context) + len(event.transaction) + len(event.uuid)
        if -4 <= len(raw) - inside - self.lengths[head] <= 5:
            return
        rest = raw
        values = [getattr(event, name) for name in (*self.parts, "debug_context", "transaction")]
        for text in (event.uuid.encode(), *map(bytes, values)):
            rest = rest.replace(text, b"", 1) if len(text) > len(b"null") else rest
        if rest not in self.seen:
            _once(raw)
            self.seen.add(rest)

    def _make_room(self) -> None:
        if len(self.settled) * CHUNK >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Put what was collected into a batch of each table."""
        self._settle()
        own = pa.Table.from_batches(self.settled).combine_chunks()
        columns = {name: _one(own[name]) for name in own.column_names}
        heads = [(*key[:3], members({"version": key[3], "legacyEventType": key[4]})) for key in self.heads]
        columns |= _taken(_HEAD, heads, columns["_head"])
        for name, part in self.parts.items():
            columns |= _taken(part.columns, [cells[: len(part.columns)] for cells in part.cells], columns[f"_{name}"])
        for name, first, second in _EITHER:
            columns[name] = pc.coalesce(columns[first], columns[second])
        columns["debug_data"] = columns["debug_data"].cast(pa.string())
        columns["extra"] = _extra([columns[name] for name in columns if name.endswith("_extra")])
        columns["ip_categories"] = _categories(self.parts, columns, self.words)
        columns["_row"] = pa.array(np.arange(self.count, self.count + len(own)))
        self.count += len(own)
        wanted = [column.name for column in (*COLUMNS, ROW)]
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in wanted], wanted))
        self.targets.append(_target_batch(columns, self.parts["target"].cells))
        self._start()


def _own(event: Outline) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the cells of an event that are its own, and what its debug data says about proxies."""
    text = bytes(event.debug_context)
    found = decode_notes(text or b"null")
    notes: Any = (found.debug_data if found else None) or {}
    debug = msgspec.json.encode(notes) if notes else None
    if len(text) != len(debug or b"{}") + _AROUND:  # it names no key twice if nothing got lost on the way
        _once(text)
    cells, words = read_notes(event.event_type, notes) if notes else _NOTHING
    return (event.uuid, event.published, *_transaction(event.transaction), debug, *cells), words


def _transaction(raw: Raw) -> tuple[str | None, ...]:
    text = bytes(raw)
    if found := _WEB(text):
        return (found[2].decode(), found[1].decode(), None, None)
    _once(text)
    return _operation(decode_transaction(text or b"null") or Transaction(), None)


def _operation(transaction: Transaction, extra: str | None) -> tuple[str | None, ...]:
    detail = transaction.detail
    token = as_text(folded(detail).get("requestapitokenid")) if detail else None
    more = (members({"transaction.detail": detail}) or "") + (extra or "")
    return (transaction.id, transaction.type, token, more or None)


def _once(text: bytes) -> None:
    """Make sure that a text names no key twice."""
    trouble = Trouble()
    parse(text or b"null", trouble)
    if trouble.flags:
        raise Unfit


def _arrays(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, pa.Array]:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: pa.array(column, _TYPES.get(name, pa.string())) for name, column in zip(names, values, strict=True)}


def _taken(names: tuple[str, ...], cells: list[tuple[Any, ...]], numbers: pa.Array) -> dict[str, pa.Array]:
    """Return columns from distinct cells and the number of the cell for each event."""
    return {name: array.take(numbers) for name, array in _arrays(names, cells).items()}


def _extra(members: list[pa.Array]) -> pa.Array:
    """Return the members of a JSON object as the object, missing where there are none."""
    joined = pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")
    braced = pc.binary_join_element_wise("{", pc.utf8_rtrim(joined, characters=","), "}", "")
    return pc.if_else(pc.equal(joined, ""), None, braced)


def _categories(parts: dict[str, Part], columns: dict[str, pa.Array], words: dict[int, tuple[str, ...]]) -> pa.Array:
    """Return everything that marks an address as a proxy, from wherever the record says so."""
    found: list[str | None] = [None] * len(columns["uuid"])
    telling = []
    for name, part in parts.items():
        services = [cells[-1] for cells in part.cells]
        if any(services):
            telling.append((services, columns[f"_{name}"].to_numpy()))
    some = set(words)
    for services, numbers in telling:
        some |= set(np.flatnonzero(np.array([bool(each) for each in services])[numbers]).tolist())
    for at in some:
        every = {*words.get(at, ()), *(word for services, numbers in telling for word in services[numbers[at]])}
        found[at] = " ".join(sorted({word.strip().upper().replace(" ", "_") for word in every} - {""})) or None
    return pa.array(found, pa.string())


def _one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of one chunk, or of none, as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _target_batch(columns: dict[str, pa.Array], cells: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Return one row per target: the distinct lists of targets, repeated for each event that has them."""
    names = tuple(column.name for column in TARGET_COLUMNS[1:])
    rows = _arrays(names, [row for cell in cells for row in cell[-2]])
    sizes = np.array([len(cell[-2]) for cell in cells])
    starts = np.cumsum(sizes) - sizes
    of_event = columns["_target"].to_numpy()
    count = sizes[of_event]
    event = np.repeat(np.arange(len(of_event)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    wanted = pa.array(np.repeat(starts[of_event], count) + within)
    arrays = [columns["uuid"].take(pa.array(event)), *(rows[name].take(wanted) for name in names)]
    return pa.RecordBatch.from_arrays([*arrays, columns["_row"].take(pa.array(event))], ["uuid", *names, "_row"])
