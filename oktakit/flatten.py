"""Events to the tables: parts that repeat by their number, what is an event's own by its value. The hot path."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import accumulate, compress
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from .delivery import SILENT, Delivery
from .model import Event, Outline, Transaction, compact, decode_notes
from .noted import Notes, read_notes
from .order import Columns, find_order, put_in_order
from .parts import Part, as_text, attempt, each, members, new_parts, once, operation_cells, read_transactions
from .schema import COLUMNS, EVENT_COLUMNS, TARGET_COLUMNS
from .sources import Lines

ROWS = 50_000
CHUNK = 2_000
ARROW = {
    "text": pa.large_string(),
    "json": pa.large_string(),
    "time": pa.timestamp("us", "UTC"),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "count": pa.int64(),
    "float": pa.float64(),
}

_TYPES = {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS)} | {"debug_data": pa.large_binary()}
_HEAD = ("event_type", "severity", "display_message", "_head_extra")
_NOTED = (
    *("job_id", "request_uri", "trace_id", "dt_hash", "_noted_level", "_noted_detection", "threat_suspected"),
    *("judged_uuid", "judged_type", "feedback_label", "feedback_reason"),
)
_OPERATION = ("transaction_id", "transaction_type", "api_token_id", "_own_extra")
_OWN = ("uuid", "published", *_OPERATION, "debug_data", *_NOTED)
_PLACE = ("source", "record", "issues")
_NUMBERS = ("_head", *(f"_{name}" for name in new_parts()))
_COLLECTED = (*_OWN, *_PLACE, *_NUMBERS)
_PARTS = (*new_parts(), "debug_context", "transaction")
_HEAD_OF = attrgetter("event_type", "severity", "display_message", "version", "legacy_event_type")
_TYPES |= dict.fromkeys(_NUMBERS, pa.int32())
_EITHER = (
    ("ip_chain", "ip_chain", "_client_chain"),
    ("risk_level", "_level", "_noted_level"),
    ("detection_name", "_detection", "_noted_detection"),
)
_encoder = msgspec.json.Encoder()
_AROUND = len(b'{"debugData":}')
_KEYS = sum(len(f'"{field.encode_name}":,') for field in msgspec.structs.fields(Outline)) - len(",")
_FRAME = _KEYS + len('{""}') + len('"2026-03-02T08:00:00.000Z"')
"""What an event has around its values in the usual form: every key, its punctuation, quotes of the uuid, the time."""


class _Heads(dict[tuple[Any, ...], int]):
    """The distinct beginnings of events by number, and how long their texts are without the parts."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[int] = []

    def __missing__(self, key: tuple[Any, ...]) -> int:
        self.lengths.append(_FRAME + sum(len(msgspec.json.encode(value)) for value in key))
        return self.setdefault(key, len(self))


class Rows:
    """Collects events and gives them back as Arrow batches."""

    def __init__(self) -> None:
        """Start empty."""
        self.batches: list[pa.RecordBatch] = []
        self.targets: list[pa.RecordBatch] = []
        self._start()

    def _start(self) -> None:
        self.parts = new_parts()
        self.columns: tuple[list[Any], ...] = tuple([] for _ in _COLLECTED)
        self.settled: list[pa.RecordBatch] = []
        self.collected = 0
        self.words: dict[int, tuple[str, ...]] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.heads = _Heads()

    def add_run(self, raws: Sequence[bytes], events: list[Outline], source: str, records: Sequence[int]) -> list[int]:
        """Add events whose texts are as documented, and return the places of those that are not in every detail."""
        if not events:
            return []
        odd: set[int] = set()
        texts = [list(map(attrgetter(name), events)) for name in _PARTS]
        numbers = [part.find_all(raw, odd) for part, raw in zip(self.parts.values(), texts, strict=False)]
        heads = list(map(self.heads.__getitem__, map(_HEAD_OF, events)))
        uuids, times, kinds = (list(map(attrgetter(name), events)) for name in ("uuid", "published", "event_type"))
        if "" in uuids or "" in kinds or any(time and time.year in (1, 9999) for time in times):
            odd |= {at for at, row in enumerate(zip(uuids, kinds, times, strict=True)) if not _is_fit(*row)}
        self._verify(raws, [uuids, *texts], heads, odd)
        *_, debugs, transactions = texts
        operations = read_transactions(transactions, odd)
        notes, debug = _notes(debugs, odd)
        noted, words = read_notes(kinds, notes)
        place: list[list[Any]] = [[source] * len(events), list(records), [""] * len(events)]
        self._extend([uuids, times, *operations, debug, *noted, *place, heads, *numbers], words, odd)
        return sorted(odd)

    def add(
        self, event: Event, extra: dict[str, Any], flags: str, delivery: Delivery, source: str, record: int
    ) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        numbers = [part.add(getattr(event, name)) for name, part in self.parts.items()]
        debug = (event.debug_context.debug_data if event.debug_context else None) or {}
        noted, words = read_notes([event.event_type], [{key: as_text(value) for key, value in debug.items()}])
        operation = operation_cells(event.transaction or Transaction(), members(extra))
        own = (event.uuid, event.published, *operation, compact(debug).encode() if debug else None)
        row = (*own, *(column[0] for column in noted), source, record, flags, self.heads[_HEAD_OF(event)], *numbers)
        if delivery != SILENT:
            self.deliveries[self.collected + len(self.columns[0])] = delivery
        self._extend([[cell] for cell in row], words, set())

    def _extend(self, columns: list[list[Any]], words: dict[int, tuple[str, ...]], odd: set[int]) -> None:
        """Add rows, but for those that are odd."""
        fit = [at not in odd for at in range(len(columns[0]))]
        start = self.collected + len(self.columns[0])
        if odd:
            columns = [list(compress(column, fit)) for column in columns]
        if words:
            places = list(accumulate(fit, initial=start))
            self.words |= {places[at]: said for at, said in words.items() if fit[at]}
        for column, cells in zip(self.columns, columns, strict=True):
            column += cells
        if len(self.columns[0]) >= CHUNK:
            self._settle()
        if self.collected >= ROWS:
            self.flush()

    def _settle(self) -> None:
        """Turn rows into arrays while they are still at hand in the processor's memory."""
        self.collected += len(self.columns[0])
        self.settled.append(pa.RecordBatch.from_arrays(_arrays(_COLLECTED, self.columns), _COLLECTED))
        self.columns = tuple([] for _ in _COLLECTED)

    def _verify(self, raws: Sequence[bytes], texts: list[list[Any]], heads: list[int], odd: set[int]) -> None:
        """Make sure that no text names a key twice.

        Between its parts, the usual text has room for its keys and plain values and, give or take the forms of a time,
        for nothing else: a key that is named twice takes ten characters at least. Other texts are looked at as a whole.
        """
        sizes = np.diff(raws.ends, prepend=-1) - 1 if isinstance(raws, Lines) else _lengths(raws)
        rest = sizes - sum(map(_lengths, texts)) - np.take(self.heads.lengths, heads)
        for at in np.flatnonzero((rest < -4) | (rest > 5)).tolist():
            attempt(once, raws[at], None, at, odd)

    def flush(self) -> None:
        """Put what was collected into a batch of each table."""
        self._settle()
        collected = _columns(self.settled)
        order = find_order(collected)
        place = np.argsort(order).tolist()
        own = put_in_order(collected, order).combine_chunks()
        columns = {name: _one(own[name]) for name in own.column_names}
        heads = [(*key[:3], members({"version": key[3], "legacyEventType": key[4]})) for key in self.heads]
        columns |= _taken(_HEAD, heads, columns["_head"])
        for name, part in self.parts.items():
            columns |= _taken(part.columns, [cells[: len(part.columns)] for cells in part.cells], columns[f"_{name}"])
        for name, first, second in _EITHER:
            columns[name] = _either(columns[first], columns[second])
        columns["debug_data"] = columns["debug_data"].view(ARROW["json"])
        columns["extra"] = _extra([columns[name] for name in columns if name.endswith("_extra")])
        columns["ip_categories"] = _categories(
            self.parts, columns, {place[at]: said for at, said in self.words.items()}
        )
        columns |= _delivered({place[at]: said for at, said in self.deliveries.items()}, len(own))
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in EVENT_COLUMNS], EVENT_COLUMNS))
        self.targets.append(_target_batch(columns, self.parts["target"].cells))
        self._start()

    def finish(self) -> tuple[Columns, Columns]:
        """Give back the columns of the events and those of the targets, which say in `_row` whose they are."""
        self.flush()
        sizes = [len(batch) for batch in self.batches]
        before = np.repeat(np.cumsum(sizes) - sizes, [len(batch) for batch in self.targets])
        events, targets = (_columns(batches) for batches in (self.batches, self.targets))
        self.batches, self.targets = [], []
        return events, targets | {"_row": pa.chunked_array([targets["_row"].to_numpy() + before])}


def _is_fit(uuid: str, kind: str, time: datetime | None) -> bool:
    """Return whether an event has a name, a kind and a plausible time."""
    return bool(uuid and kind and not (time and time.year in (1, 9999)))


def _lengths(texts: Sequence[Any]) -> "np.ndarray[Any, Any]":
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _notes(raws: list[Raw], odd: set[int]) -> tuple[list[Notes], list[bytes | None]]:
    """Return debug data, and its text in the usual form."""
    notes: list[Any] = _decoded(raws) or each(_note, raws, {}, odd)
    debug = _encoder.encode_lines(notes).split(b"\n")[:-1]
    for at in np.flatnonzero(_lengths(raws) - _lengths(debug) != _AROUND).tolist():
        attempt(once, bytes(raws[at]), None, at, odd)  # it may name a key twice: something got lost on the way
    return notes, [text if note else None for text, note in zip(debug, notes, strict=True)]


def _decoded(raws: list[Raw]) -> list[Any]:
    """Return debug data that is all as documented, otherwise nothing."""
    with suppress(ValueError, RecursionError):
        found = decode_notes.decode_lines(b"\n".join(raw or b"null" for raw in raws))
        if len(found) == len(raws):
            return [(part and part.debug_data) or {} for part in found]
    return []


def _note(raw: Raw) -> Any:
    found = decode_notes.decode(raw) if len(raw) else None
    return (found and found.debug_data) or {}


def _columns(batches: list[pa.RecordBatch]) -> Columns:
    table = pa.Table.from_batches(batches)
    return dict(zip(table.column_names, table.columns, strict=True))


def _arrays(names: tuple[str, ...], columns: Iterable[Any]) -> list[pa.Array]:
    return [pa.array(column, _TYPES.get(name, ARROW["text"])) for name, column in zip(names, columns, strict=True)]


def _taken(names: tuple[str, ...], cells: list[tuple[Any, ...]], numbers: pa.Array) -> dict[str, pa.Array]:
    """Return columns from distinct cells and the number of the cell for each event."""
    columns = zip(*cells, strict=True) if cells else [()] * len(names)
    return {name: array.take(numbers) for name, array in zip(names, _arrays(names, columns), strict=True)}


def _either(one: pa.Array, other: pa.Array) -> pa.Array:
    """Return the values of the first column, and of the second where there are none; most often one says nothing."""
    if one.null_count == len(one):
        return other
    return one if other.null_count == len(other) else pc.coalesce(one, other)


def _extra(members: list[pa.Array]) -> pa.Array:
    """Return the members of a JSON object as the object, missing where there are none."""
    opening, closing, nothing = (pa.scalar(text, ARROW["json"]) for text in ("{", "}", ""))
    joined = pc.binary_join_element_wise(*members, nothing, null_handling="replace", null_replacement="")
    braced = pc.binary_join_element_wise(opening, pc.utf8_rtrim(joined, characters=","), closing, nothing)
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
    return pa.array(found, ARROW["text"])


def _delivered(deliveries: dict[int, Delivery], count: int) -> dict[str, pa.Array]:
    """Return what the deliveries of so many events say of themselves."""
    if not deliveries:
        return {name: pa.nulls(count, _TYPES[name]) for name in Delivery._fields}
    cells = zip(*(deliveries.get(at, SILENT) for at in range(count)), strict=True)
    return dict(zip(Delivery._fields, _arrays(Delivery._fields, cells), strict=True))


def _one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of one chunk, or of none, as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _target_batch(columns: dict[str, pa.Array], cells: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Return one row per target, with the place of its event: the distinct lists, repeated for each event."""
    names = tuple(column.name for column in TARGET_COLUMNS[1:])
    rows = [row for cell in cells for row in cell[-2]]
    arrays = _arrays(names, zip(*rows, strict=True) if rows else [()] * len(names))
    sizes = np.array([len(cell[-2]) for cell in cells])
    starts = np.cumsum(sizes) - sizes
    of_event = columns["_target"].to_numpy()
    count = sizes[of_event]
    event = np.repeat(np.arange(len(of_event)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    wanted = pa.array(np.repeat(starts[of_event], count) + within)
    found = [pa.array(event), columns["uuid"].take(pa.array(event)), *(array.take(wanted) for array in arrays)]
    return pa.RecordBatch.from_arrays(found, ["_row", "uuid", *names])
