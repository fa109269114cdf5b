"""Events to the tables: shared parts by their code, what differs from event to event by its value. The hot path."""

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
from .batch import HEAD, TEXT, TIME, Dictionary, as_text, decode_batch, members, new_dictionaries
from .debug_data import DEBUG_COLUMNS, read_debug_data
from .order import Columns, argsort, take

ROWS, FEWER = 50_000, 1_000
"""How many events are put together at once: fewer, if all that is wanted are few."""
CHUNK = 2_000
ARROW = dict.fromkeys(("text", "json"), TEXT) | dict.fromkeys(("int", "count"), pa.int64())
ARROW |= {"time": TIME, "bool": pa.bool_(), "float": pa.float64()}
"""The types of columns by what they hold."""

_IDS = ("uuid", "published", "transaction_id", "external_session_id", "root_session_id", "debug_data", "_event_extra")
_PLACE = ("source", "record", "issues")
_CODES = tuple(f"_{name}" for name in new_dictionaries())
_TYPES = dict.fromkeys(_CODES, pa.int32())
_TYPES |= {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS)}
_SCHEMA = pa.schema([(name, _TYPES.get(name, TEXT)) for name in (*_IDS, *DEBUG_COLUMNS, *_PLACE, *_CODES)])
_COALESCED = (
    ("ip_chain", "ip_chain", "_client_chain"),
    ("risk_level", "_level", "_debug_level"),
    ("detection_name", "_detection", "_debug_detection"),
    ("behaviors", "_behaviors", "_debug_behaviors"),
)


class Flattener:
    """Collects events and gives them back as columns."""

    def __init__(self, wants: Callable[[dict[str, pa.Array]], pa.Array] | None = None) -> None:
        """Start empty; `wants` says which events are kept, if not all, and `dropped` counts the others by source."""
        self.wants, self.dropped = wants, Counter[str]()
        self.batches: list[pa.RecordBatch] = []
        self.targets: list[pa.RecordBatch] = []
        self._start()

    def _start(self) -> None:
        self.dictionaries = new_dictionaries()
        self.rows: list[tuple[Any, ...]] = []
        self.collected: list[pa.RecordBatch] = []
        self.count = 0
        self.proxies: dict[int, tuple[str, ...]] = {}
        self.deliveries: dict[int, Delivery] = {}

    def add_batch(self, raws: Sequence[bytes], events: list[Outline], source: str, records: Sequence[int]) -> list[int]:
        """Add events whose texts are as documented, and return the places of those that are not in every detail."""
        if not events:
            return []
        self._collect_rows()
        decoded, size = decode_batch(raws, events, self.dictionaries), len(raws)
        place = (pa.repeat(pa.scalar(source, TEXT), size), pa.array(records), pa.repeat(pa.scalar("", TEXT), size))
        columns = decoded.columns | dict(zip(_PLACE, place, strict=True))
        arrays = [columns[one.name] if one.name in columns else pa.nulls(size, one.type) for one in _SCHEMA]
        batch = pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)
        conforming = [at not in decoded.nonconforming for at in range(size)]
        places = list(accumulate(conforming, initial=self.count))
        self.proxies |= {places[at]: words for at, words in decoded.proxies.items() if conforming[at]}
        self._collect(batch.filter(pa.array(conforming)) if decoded.nonconforming else batch)
        return sorted(decoded.nonconforming)

    def add(
        self, event: Event, extra: dict[str, Any], flags: str, delivery: Delivery, source: str, record: int
    ) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        head, *parts = self.dictionaries.items()
        codes = [head[1][HEAD(event)], *(dictionary.add(getattr(event, name)) for name, dictionary in parts)]
        data = (event.debug_context.debug_data if event.debug_context else None) or {}
        debug, proxies = read_debug_data([event.event_type], [{key: as_text(value) for key, value in data.items()}])
        session, operation = event.authentication_context or Authentication(), event.transaction or Transaction()
        ids = (event.uuid, event.published, operation.id, session.external_session_id, session.root_session_id)
        columns = (debug.get(name, [None])[0] for name in DEBUG_COLUMNS)
        at = self.count + len(self.rows)
        self.rows.append(
            (*ids, compact(data) if data else None, members(extra), *columns, source, record, flags, *codes)
        )
        self.proxies |= {at + place: words for place, words in proxies.items()}
        if delivery != SILENT:
            self.deliveries[at] = delivery
        if len(self.rows) >= CHUNK:
            self._collect_rows()

    def _collect_rows(self) -> None:
        """Turn rows that came one by one into a batch."""
        if self.rows:
            rows, self.rows = zip(*self.rows, strict=True), []
            self._collect(pa.RecordBatch.from_arrays(_arrays(_SCHEMA.names, rows), schema=_SCHEMA))

    def _collect(self, batch: pa.RecordBatch) -> None:
        self.collected.append(batch)
        self.count += len(batch)
        if self.count >= (FEWER if self.wants else ROWS):
            self.flush()

    def flush(self) -> None:
        """Put what was collected into a batch of each table."""
        self._collect_rows()
        collected = _columns(self.collected, _SCHEMA)
        order = argsort(collected)
        place = np.argsort(order).tolist()
        ordered = take(collected, order).combine_chunks()
        columns = {name: _single_chunk(ordered[name]) for name in ordered.column_names}
        for name, one in self.dictionaries.items():
            values = [values[: len(one.columns)] for values in one.values_by_code]
            columns |= _take_columns(one.columns, values, columns[f"_{name}"])
        for name, first, second in _COALESCED:
            columns[name] = _coalesce(columns[first], columns[second])
        columns["extra"] = _join_members([columns[name] for name in columns if name.endswith("_extra")])
        proxies = {place[at]: words for at, words in self.proxies.items()}
        columns["ip_categories"] = _categories(self.dictionaries, columns, proxies)
        deliveries = (self.deliveries.get(at, SILENT) for at in order.tolist()) if self.deliveries else ()
        cells = zip(*deliveries, strict=True) if deliveries else [[None] * len(order)] * 2
        columns |= dict(zip(Delivery._fields, _arrays(Delivery._fields, cells), strict=True))
        if self.wants:
            wanted = self.wants(columns)
            self.dropped.update(columns["source"].filter(pc.invert(wanted)).to_pylist())
            columns = {name: column.filter(wanted) for name, column in columns.items()}
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in EVENT_COLUMNS], EVENT_COLUMNS))
        self.targets.append(_target_batch(columns, self.dictionaries["target"].values_by_code))
        self._start()

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


def _single_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of one chunk, or of none, as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _take_columns(names: tuple[str, ...], values: list[tuple[Any, ...]], codes: pa.Array) -> dict[str, pa.Array]:
    """Return columns from distinct values and the code of each event."""
    columns = zip(*values, strict=True) if values else [()] * len(names)
    return {name: array.take(codes) for name, array in zip(names, _arrays(names, columns), strict=True)}


def _coalesce(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return the values of the first column, and of the second where there are none; most often one is empty."""
    if first.null_count == len(first):
        return second
    return first if second.null_count == len(second) else pc.coalesce(first, second)


def _join_members(members: list[pa.Array]) -> pa.Array:
    """Return the members of a JSON object as the object, missing where there are none."""
    opening, closing, nothing = (pa.scalar(text, TEXT) for text in ("{", "}", ""))
    joined = pc.binary_join_element_wise(*members, nothing, null_handling="replace", null_replacement="")
    braced = pc.binary_join_element_wise(opening, pc.utf8_rtrim(joined, characters=","), closing, nothing)
    return pc.if_else(pc.equal(joined, ""), None, braced)


def _categories(
    dictionaries: dict[str, Dictionary], columns: dict[str, pa.Array], proxies: dict[int, tuple[str, ...]]
) -> pa.Array:
    """Return everything that marks an address as a proxy, from wherever the record says so."""
    categories: list[str | None] = [None] * len(columns["uuid"])
    services = [([values[-1] for values in one.values_by_code], f"_{name}") for name, one in dictionaries.items()]
    coded = [(words, columns[codes].to_numpy()) for words, codes in services if any(words)]
    places = set(proxies)
    for words, codes in coded:
        places |= set(np.flatnonzero(np.array([bool(each) for each in words])[codes]).tolist())
    for at in places:
        every = {*proxies.get(at, ()), *(word for words, codes in coded for word in words[codes[at]])}
        categories[at] = " ".join(sorted({word.strip().upper().replace(" ", "_") for word in every} - {""})) or None
    return pa.array(categories, TEXT)


def _target_batch(columns: dict[str, pa.Array], values: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Return one row per target, with the place of its event: the distinct lists, repeated for each event."""
    names = ("position", "target_id", "target_type", "target_alternate_id", "target_display_name", "detail")
    rows = [row for lists in values for row in lists[-2]]
    arrays = _arrays(names, zip(*rows, strict=True) if rows else [()] * len(names))
    sizes = np.array([len(lists[-2]) for lists in values])
    starts = np.cumsum(sizes) - sizes
    codes = columns["_target"].to_numpy()
    count = sizes[codes]
    event = np.repeat(np.arange(len(codes)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    wanted = pa.array(np.repeat(starts[codes], count) + within)
    cells = dict(zip(names, (array.take(wanted) for array in arrays), strict=True))
    cells |= {"_row": pa.array(event), "uuid": columns["uuid"].take(pa.array(event))}
    order = ["_row", *(column.name for column in TARGET_COLUMNS)]
    return pa.RecordBatch.from_arrays([cells[name] for name in order], order)
