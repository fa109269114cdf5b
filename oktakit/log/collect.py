"""What sources hold, collected: in this process, in a worker, or from a folder that was written."""

import gc
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..reading.records import Record, read_records, tolerate
from ..reading.streams import Batch, Document, Source
from ..safe import text
from .flatten import Flattener
from .order import Columns
from .scope import Scope

_HEAP = 24 << 20
_SWITCH = 1e-4


@dataclass
class Collected:
    """Columns of events and of targets, whose `_row` is that of their event, and by source what was counted."""

    events: Columns
    targets: Columns
    rejected: list[tuple[str, int, str, str]]
    records: Counter[str]
    others: Counter[str]
    duplicates: Counter[str] = field(default_factory=Counter)


class Collector:
    """Collects what sources hold, or what is wanted of it."""

    def __init__(self, scope: Scope | None, bar: Any = None) -> None:
        """Start with nothing; `bar` shows progress."""
        self.scope, self.bar = scope, bar
        self.flattener = Flattener(scope.wants if scope else None)
        self.rejected: list[tuple[str, int, str, str]] = []
        self.records, self.passed = Counter[str](), Counter[str]()

    def read(self, source: Source) -> None:
        """Read one source to its end."""
        source.sift = self.scope.find if self.scope else None
        before = 0
        for item in read_records(source):
            if isinstance(item, Batch):
                self._add_batch(item, source.name)
            else:
                self._add(item, source.name)
            if self.bar is not None:
                self.bar.update(source.size - before)
            before = source.size
        source.sift = None

    def _add_batch(self, batch: Batch, source: str) -> None:
        """Add events by their texts, and on the tolerant path those that are not as documented in some detail."""
        nonconforming = self.flattener.add_batch(batch.raws, batch.outlines, source, batch.numbers)
        self.records[source] += len(batch.raws) - len(nonconforming)
        self.passed[source] += batch.passed
        for at in nonconforming:
            for record in tolerate(Document(batch.numbers[at], batch.raws[at])):
                self._add(record, source)

    def _add(self, record: Record, source: str) -> None:
        self.records[source] += 1
        if record.event is None:
            excerpt = text(record.raw[:800].decode(errors="replace"))
            self.rejected.append((source, record.number, record.reason, excerpt))
        else:
            self.flattener.add(record.event, record.extra, record.flags, record.delivery, source, record.number)

    def finish(self) -> Collected:
        """Give back everything that was collected."""
        events, targets = self.flattener.finish()
        counts = self.records + self.passed, self.passed + self.flattener.dropped
        return Collected(events, targets, self.rejected, *counts)


def merge(parts: list[Collected]) -> Collected:
    """Return what was collected in several places as one."""
    if len(parts) == 1:
        return parts[0]
    merged = Collected({}, {}, [], Counter(), Counter())
    columns: tuple[dict[str, list[pa.Array]], dict[str, list[pa.Array]]] = ({}, {})
    before = 0
    for part in parts:
        part.targets["_row"] = pa.chunked_array([part.targets["_row"].to_numpy() + before])
        before += len(part.events["uuid"])
        for chunks, table in zip(columns, (part.events, part.targets), strict=True):
            for name, column in table.items():
                chunks.setdefault(name, []).extend(column.chunks or [pa.array([], column.type)])
        merged.rejected += part.rejected
        merged.records, merged.others = merged.records + part.records, merged.others + part.others
        merged.duplicates += part.duplicates
    merged.events, merged.targets = ({name: pa.chunked_array(c) for name, c in each.items()} for each in columns)
    return merged


@contextmanager
def fast_memory() -> Iterator[None]:
    """Use the memory that is had fastest while a log is read."""
    # - No garbage collection: all rows stay, so that walking through them again and again finds nothing.
    # - The system's memory pool, and one large block that is freed at once: the C library learns to keep what blocks
    #   give back for the next ones, in place of asking the system for each.
    # - The thread that reads ahead and hashes needs the interpreter for moments only: it gets it at once.
    active, pool, switch = gc.isenabled(), pa.default_memory_pool(), sys.getswitchinterval()
    np.empty(_HEAP, np.uint8)
    gc.disable()
    sys.setswitchinterval(_SWITCH)
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(pool)
        sys.setswitchinterval(switch)
        if active:
            gc.enable()
