"""Events to the tables: parts that repeat by their number, what is an event's own by its value. The hot path."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..reading.envelopes import SILENT, Delivery
from ..reading.model import Authentication, Event, Outline, Transaction, compact
from ..schema import COLUMNS, EVENT_COLUMNS, TARGET_COLUMNS
from .batch import HEAD, MOMENT, TEXT, Shared, as_text, members, new_parts, read_run
from .debug_data import NOTED, read_notes
from .order import Columns, find_order, put_in_order

ROWS, FEWER = 50_000, 1_000
"""How many events are put together at once: fewer, if all that is wanted are few."""
CHUNK = 2_000
ARROW = {
    "text": TEXT,
    "json": TEXT,
    "time": MOMENT,
    "bool": pa.bool_(),
    "int": pa.int64(),
    "count": pa.int64(),
    "float": pa.float64(),
}

_NO_ISSUE = pa.scalar("", TEXT)
_OWN = ("uuid", "published", "transaction_id", "external_session_id", "root_session_id", "debug_data", "_own_extra")
_PLACE = ("source", "record", "issues")
_NUMBERS = tuple(f"_{name}" for name in new_parts())
_TYPES = dict.fromkeys(_NUMBERS, pa.int32())
_TYPES |= {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS)}
_COLLECTED = [(name, _TYPES.get(name, TEXT)) for name in (*_OWN, *NOTED, *_PLACE, *_NUMBERS)]
_SCHEMA = pa.schema(_COLLECTED)
_EITHER = (
    ("ip_chain", "ip_chain", "_client_chain"),
    ("risk_level", "_level", "_noted_level"),
    ("detection_name", "_detection", "_noted_detection"),
)


class Rows:
    """Collects events and gives them back as Arrow batches."""

    def __init__(self, picks: Callable[[dict[str, pa.Array]], pa.Array] | None = None) -> None:
        """Start empty; `picks` says which events are kept, if not all, and `dropped` counts the others by source."""
        self.picks, self.dropped = picks, Counter[str]()
        self.batches: list[pa.RecordBatch] = []
        self.targets: list[pa.RecordBatch] = []
        self._start()

    def _start(self) -> None:
        self.parts = new_parts()
        self.rows: list[tuple[Any, ...]] = []
        self.settled: list[pa.RecordBatch] = []
        self.collected = 0
        self.words: dict[int, tuple[str, ...]] = {}
        self.deliveries: dict[int, Delivery] = {}

    def add_run(self, raws: Sequence[bytes], events: list[Outline], source: str, records: Sequence[int]) -> list[int]:
        """Add events whose texts are as documented, and return the places of those that are not in every detail."""
        if not events:
            return []
        self._settle()
        odd: set[int] = set()
        columns, words = read_run(raws, events, self.parts, odd)
        place = (pa.repeat(pa.scalar(source, TEXT), len(raws)), pa.array(records), pa.repeat(_NO_ISSUE, len(raws)))
        columns |= dict(zip(_PLACE, place, strict=True))
        cells = (columns[f.name] if f.name in columns else pa.nulls(len(raws), f.type) for f in _SCHEMA)
        batch = pa.RecordBatch.from_arrays([*cells], schema=_SCHEMA)
        fit = [at not in odd for at in range(len(raws))]
        places = list(accumulate(fit, initial=self.collected))
        self.words |= {places[at]: said for at, said in words.items() if fit[at]}
        self._collect(batch.filter(pa.array(fit)) if odd else batch)
        return sorted(odd)

    def add(
        self, event: Event, extra: dict[str, Any], flags: str, delivery: Delivery, source: str, record: int
    ) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        head, *parts = self.parts.items()
        numbers = [head[1][HEAD(event)], *(part.add(getattr(event, name)) for name, part in parts)]
        debug = (event.debug_context.debug_data if event.debug_context else None) or {}
        noted, words = read_notes([event.event_type], [{key: as_text(value) for key, value in debug.items()}])
        session, operation = event.authentication_context or Authentication(), event.transaction or Transaction()
        own = (event.uuid, event.published, operation.id, session.external_session_id, session.root_session_id)
        told = (compact(debug) if debug else None, members(extra), *(noted.get(name, [None])[0] for name in NOTED))
        at = self.collected + len(self.rows)
        self.rows.append((*own, *told, source, record, flags, *numbers))
        self.words |= {at + place: said for place, said in words.items()}
        if delivery != SILENT:
            self.deliveries[at] = delivery
        if len(self.rows) >= CHUNK:
            self._settle()

    def _settle(self) -> None:
        """Turn rows that came one by one into a batch."""
        if self.rows:
            rows, self.rows = zip(*self.rows, strict=True), []
            self._collect(pa.RecordBatch.from_arrays(_arrays(_SCHEMA.names, rows), schema=_SCHEMA))

    def _collect(self, batch: pa.RecordBatch) -> None:
        self.settled.append(batch)
        self.collected += len(batch)
        if self.collected >= (FEWER if self.picks else ROWS):
            self.flush()

    def flush(self) -> None:
        """Put what was collected into a batch of each table."""
        self._settle()
        collected = _columns(self.settled, _SCHEMA)
        order = find_order(collected)
        place = np.argsort(order).tolist()
        own = put_in_order(collected, order).combine_chunks()
        columns = {name: _one(own[name]) for name in own.column_names}
        for name, part in self.parts.items():
            columns |= _taken(part.columns, [cells[: len(part.columns)] for cells in part.cells], columns[f"_{name}"])
        for name, first, second in _EITHER:
            columns[name] = _either(columns[first], columns[second])
        columns["extra"] = _extra([columns[name] for name in columns if name.endswith("_extra")])
        columns["ip_categories"] = _categories(
            self.parts, columns, {place[at]: said for at, said in self.words.items()}
        )
        columns |= _delivered({place[at]: said for at, said in self.deliveries.items()}, len(own))
        columns = self._picked(columns) if self.picks else columns
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in EVENT_COLUMNS], EVENT_COLUMNS))
        self.targets.append(_target_batch(columns, self.parts["target"].cells))
        self._start()

    def _picked(self, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """Return the rows that are wanted, and count the others."""
        wanted = self.picks(columns)  # type: ignore[misc]  # it is called where there is one
        self.dropped.update(columns["source"].filter(pc.invert(wanted)).to_pylist())
        return {name: column.filter(wanted) for name, column in columns.items()}

    def finish(self) -> tuple[Columns, Columns]:
        """Give back the columns of the events and those of the targets, which say in `_row` whose they are."""
        self.flush()
        sizes = [len(batch) for batch in self.batches]
        before = np.repeat(np.cumsum(sizes) - sizes, [len(batch) for batch in self.targets])
        events, targets = (_columns(batches) for batches in (self.batches, self.targets))
        self.batches, self.targets = [], []
        return events, targets | {"_row": pa.chunked_array([targets["_row"].to_numpy() + before])}


def _columns(batches: list[pa.RecordBatch], schema: pa.Schema = None) -> Columns:
    table = pa.Table.from_batches(batches, schema)
    return dict(zip(table.column_names, table.columns, strict=True))


def _arrays(names: Sequence[str], columns: Iterable[Any]) -> list[pa.Array]:
    return [pa.array(column, _TYPES.get(name, TEXT)) for name, column in zip(names, columns, strict=True)]


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


def _categories(parts: dict[str, Shared], columns: dict[str, pa.Array], words: dict[int, tuple[str, ...]]) -> pa.Array:
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
    return pa.array(found, TEXT)


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
