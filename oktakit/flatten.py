"""Events to the tables: parts that repeat by their number, what is an event's own by its value. The hot path."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, compress
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from .model import Event, Outline, Transaction, compact, decode_notes
from .noted import Notes, read_notes
from .parts import Part, as_text, attempt, each, members, new_parts, once, operation_cells, read_transactions
from .schema import COLUMNS, TARGET_COLUMNS, Column

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
ROW = Column("_row", "", "count", "number while reading")

_TYPES = {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS, ROW)} | {
    "debug_data": pa.large_binary()
}
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
        self.count = 0
        self._start()

    def _start(self) -> None:
        self.parts = new_parts()
        self.columns: tuple[list[Any], ...] = tuple([] for _ in _COLLECTED)
        self.settled: list[pa.RecordBatch] = []
        self.collected = 0
        self.words: dict[int, tuple[str, ...]] = {}
        self.heads = _Heads()
        self.seen: set[bytes] = set()

    def add_run(self, raws: list[bytes], events: list[Outline], source: str, records: Sequence[int]) -> list[int]:
        """Add events whose texts are as documented, and return the places of those that are not in every detail."""
        if not events:
            return []
        odd: set[int] = set()
        texts = [list(map(attrgetter(name), events)) for name in _PARTS]
        numbers = [part.find_all(raw, odd) for part, raw in zip(self.parts.values(), texts, strict=False)]
        heads = list(map(self.heads.__getitem__, map(_HEAD_OF, events)))
        self._verify(raws, events, heads, texts, odd)
        *_, debugs, transactions = texts
        operations = read_transactions(transactions, odd)
        notes, debug = _notes(debugs, odd)
        noted, words = read_notes([event.event_type for event in events], notes)
        own: list[list[Any]] = [[event.uuid for event in events], [event.published for event in events]]
        place: list[list[Any]] = [[source] * len(events), list(records), [""] * len(events)]
        self._extend([*own, *operations, debug, *noted, *place, heads, *numbers], words, odd)
        return sorted(odd)

    def add(self, event: Event, extra: dict[str, Any], flags: str, source: str, record: int) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        numbers = [part.add(getattr(event, name)) for name, part in self.parts.items()]
        debug = (event.debug_context.debug_data if event.debug_context else None) or {}
        noted, words = read_notes([event.event_type], [{key: as_text(value) for key, value in debug.items()}])
        operation = operation_cells(event.transaction or Transaction(), members(extra))
        own = (event.uuid, event.published, *operation, compact(debug).encode() if debug else None)
        row = (*own, *(column[0] for column in noted), source, record, flags, self.heads[_HEAD_OF(event)], *numbers)
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

    def _verify(
        self, raws: list[bytes], events: list[Outline], heads: list[int], texts: list[list[Raw]], odd: set[int]
    ) -> None:
        """Make sure that events have a name, a kind and a plausible time, and that no text names a key twice.

        Between its parts, the usual text has room for its keys and plain values and, give or take the forms of a time,
        for nothing else: a key that is named twice takes ten characters at least. Other texts are looked at once, for
        all that differ in nothing but their parts.
        """
        for at, event in enumerate(events):
            if not (event.uuid and event.event_type) or (event.published and event.published.year in (1, 9999)):
                odd.add(at)
        lengths = self.heads.lengths
        sizes = map(sum, zip(*(map(len, column) for column in texts), strict=True))
        for at, (raw, event, head, size) in enumerate(zip(raws, events, heads, sizes, strict=True)):
            if not -4 <= len(raw) - size - len(event.uuid) - lengths[head] <= 5:
                self._look(at, raw, event, odd)

    def _look(self, at: int, raw: bytes, event: Outline, odd: set[int]) -> None:
        """Make sure that a text that is longer or shorter than usual names no key twice."""
        rest = raw
        for text in (event.uuid.encode(), *(bytes(getattr(event, name)) for name in _PARTS)):
            rest = rest.replace(text, b"", 1) if len(text) > len(b"null") else rest
        if rest not in self.seen:
            attempt(once, raw, None, at, odd)
        if at not in odd:
            self.seen.add(rest)

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
        columns["debug_data"] = columns["debug_data"].cast(ARROW["json"])
        columns["extra"] = _extra([columns[name] for name in columns if name.endswith("_extra")])
        columns["ip_categories"] = _categories(self.parts, columns, self.words)
        columns["_row"] = pa.array(np.arange(self.count, self.count + len(own)))
        self.count += len(own)
        wanted = [column.name for column in (*COLUMNS, ROW)]
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in wanted], wanted))
        self.targets.append(_target_batch(columns, self.parts["target"].cells))
        self._start()


def _notes(raws: list[Raw], odd: set[int]) -> tuple[list[Notes], list[bytes | None]]:
    """Return debug data, and its text in the usual form."""
    notes: list[Any] = each(_note, raws, {}, odd)
    debug = [msgspec.json.encode(note) if note else None for note in notes]
    for at, (raw, text) in enumerate(zip(raws, debug, strict=True)):
        if len(raw) != len(text or b"{}") + _AROUND:  # it names no key twice if nothing got lost on the way
            attempt(once, bytes(raw), None, at, odd)
    return notes, debug


def _note(raw: Raw) -> Any:
    found = decode_notes(raw) if len(raw) else None
    return (found and found.debug_data) or {}


def _arrays(names: tuple[str, ...], columns: Iterable[Any]) -> list[pa.Array]:
    return [pa.array(column, _TYPES.get(name, ARROW["text"])) for name, column in zip(names, columns, strict=True)]


def _taken(names: tuple[str, ...], cells: list[tuple[Any, ...]], numbers: pa.Array) -> dict[str, pa.Array]:
    """Return columns from distinct cells and the number of the cell for each event."""
    columns = zip(*cells, strict=True) if cells else [()] * len(names)
    return {name: array.take(numbers) for name, array in zip(names, _arrays(names, columns), strict=True)}


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


def _one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of one chunk, or of none, as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _target_batch(columns: dict[str, pa.Array], cells: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Return one row per target: the distinct lists of targets, repeated for each event that has them."""
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
    events = [columns[name].take(pa.array(event)) for name in ("uuid", "_row")]
    found = [*events, *(array.take(wanted) for array in arrays)]
    return pa.RecordBatch.from_arrays(found, ["uuid", "_row", *names])
