"""Read a log: every record is kept, counted as a duplicate, or rejected with a reason."""

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import InputError
from ..reading.inputs import Inputs, find_sources
from ..reading.records import Record, read_records, read_texts, tolerate
from ..reading.streams import Document, Run, Skipped, Source
from ..safe import text
from ..schema import COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .flatten import ARROW, Flattener
from .keys import ties
from .lake import is_written, read_events
from .log import Log, to_pandas
from .order import argsort, argsort_children, take
from .quality import add_flag, check_values, find_duplicates
from .scope import Scope

LONG = 200 << 20
"""From how many bytes on a progress bar is shown."""
_HEAP = 24 << 20
_SWITCH = 1e-4


def read_log(logs: Inputs, *, event_types: Iterable[str] | None = None, related: bool = False) -> Log:
    """Read a System Log and return its events, targets, rejected records and sources.

    Parameters
    ----------
    logs : path, list of paths, folder, glob pattern, bytes, file object, dict, list of dicts or DataFrame
        Any delivery of the log: API pages, one event per line, console CSV, EventBridge, CloudWatch, Splunk, Elastic,
        Sentinel, Panther, event hooks, OCSF, OpenTelemetry; plain, gzip, zip, bz2, xz or zstd; or a folder that
        `write_events` wrote. What it is, is recognised by content, record by record.
    event_types : iterable of str, optional
        Keep events of these types only, and count the others. In logs with one event per line, the others are not even
        parsed.
    related : bool
        With `event_types`, also keep what is tied to those events, as `find_related` does; the log is read twice.

    Returns
    -------
    Log
        `records = kept + duplicates + rejected + other_types` holds for every source. Events are in the order of
        `published`, then `uuid`.

    Raises
    ------
    InputError
        If a path does not exist or holds no file. What a file contains never raises: it is in `sources` and `rejected`.

    Examples
    --------
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start", "published": "2026-03-02T08:00:00.000Z"}])
    >>> log
    1 record = 1 kept + 0 duplicates + 0 rejected, from 1 source
    kept, but flagged: 1 bad_uuid
    2026-03-02 08:00:00 to 2026-03-02 08:00:00 UTC, 0 days
    """
    if isinstance(logs, str | Path) and is_written(Path(logs)):
        with _fast_memory():
            return read_events(Path(logs))
    sources = find_sources(logs)
    scope = None if event_types is None else Scope(tuple(event_types))
    if scope and related:
        first = [replace(source, flags=set(source.flags), hashed=False) for source in sources]
        scope = Scope(tuple(scope.types), ties(_read(first, scope).events))
    return _read(sources, scope)


def _read(sources: list[Source], scope: Scope | None) -> Log:
    from tqdm.auto import tqdm

    total = sum(source.origin.stat().st_size for source in sources if isinstance(source.origin, Path))
    with _fast_memory(), tqdm(total=total, unit="B", unit_scale=True, disable=total < LONG, leave=False) as bar:
        reader = _Reader(scope, bar)
        for source in sources:
            reader.read(source)
        return reader.log(sources)


@contextmanager
def _fast_memory() -> Iterator[None]:
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


def read_raw(log: Log, uuid: str) -> list[str]:
    """Return the original text of every record with this uuid, exactly as it stands in its source.

    Parameters
    ----------
    log : Log
        As `read_log` returned it; the files must still be where they were.
    uuid : str
        The event.

    Raises
    ------
    InputError
        If the log has no such event.

    Examples
    --------
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start"}])
    >>> read_raw(log, "b7e5")
    ['{"uuid":"b7e5","eventType":"user.session.start"}']
    """
    rows = log.events.loc[log.events["uuid"] == uuid, ["source", "record"]]
    if rows.empty:
        raise InputError(f"Needed an event of this log, found no uuid {text(uuid)}. See log.events['uuid'].")
    return [raw for source, record in rows.itertuples(index=False) for raw in _texts(log, source, record, uuid)]


def _texts(log: Log, name: str, record: int, uuid: str) -> list[str]:
    """Return the texts at a place; where it holds several, those that show the uuid."""
    texts = [raw for number, raw in read_texts(Source(name, log.origins[name])) if number == record]
    return [raw.decode() for raw in [raw for raw in texts if uuid.encode() in raw] or texts]


class _Reader:
    """Collects what the sources hold, or what is wanted of it."""

    def __init__(self, scope: Scope | None, bar: Any) -> None:
        self.scope, self.bar = scope, bar
        self.flattener = Flattener(scope.wants if scope else None)
        self.rejected: list[tuple[str, int, str, str]] = []
        self.records, self.skipped = Counter[str](), Counter[str]()

    def read(self, source: Source) -> None:
        """Read one source to its end."""
        source.sift = self.scope.find if self.scope else None
        before = 0
        for item in read_records(source):
            if isinstance(item, Run):
                self._add_batch(item, source.name)
            elif isinstance(item, Skipped):
                self.skipped[source.name] += item.events
            else:
                self._add(item, source.name)
            self.bar.update(source.size - before)
            before = source.size

    def _add_batch(self, batch: Run, source: str) -> None:
        """Add events by their texts, and on the tolerant path those that are not as documented in some detail."""
        nonconforming = self.flattener.add_batch(batch.raws, batch.outlines, source, batch.numbers)
        self.records[source] += len(batch.raws) - len(nonconforming)
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

    def log(self, sources: list[Source]) -> Log:
        """Return everything that was collected, without duplicates and in order."""
        columns, targets = self.flattener.finish()
        gone, conflicts = find_duplicates(columns)
        duplicates = columns["source"].filter(pa.array(gone)).to_pandas().value_counts()
        order = argsort(columns)
        order = order[~gone[order]]
        children = argsort_children(targets.pop("_row").to_numpy(), order)
        events = add_flag(to_pandas(take(columns, order), COLUMNS), conflicts[order], "uuid_conflict")
        events = check_values(events)
        rejected = _frame(self.rejected, REJECTED_COLUMNS)
        counted = (self.records + self.skipped, self.skipped + self.flattener.dropped)
        summary = _summarize(sources, counted, events, rejected, duplicates)
        origins = {source.name: source.origin for source in sources}
        return Log(events, to_pandas(take(targets, children), TARGET_COLUMNS), rejected, summary, origins)


def _frame(rows: list[Any], columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return rows as a frame with the columns' types."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    cells = {column.name: pa.array(cell, ARROW[column.kind]) for column, cell in zip(columns, values, strict=True)}
    return to_pandas(pa.table(cells), columns)


def _summarize(
    sources: list[Source],
    counted: tuple[Counter[str], Counter[str]],
    events: pd.DataFrame,
    rejected: pd.DataFrame,
    duplicates: pd.Series,
) -> pd.DataFrame:
    """Return one row per source: what it is, and how its records add up."""
    by_source = events.groupby("source")["published"]
    counts = {"kept": by_source.size(), "duplicates": duplicates, "rejected": rejected.groupby("source").size()}
    first, last = by_source.min().dropna(), by_source.max().dropna()
    rows = [
        (
            *(s.name, s.size, s.sha256, s.sha256_content, s.shape, s.encoding, counted[0][s.name]),
            *(int(count.get(s.name, 0)) for count in counts.values()),
            *(counted[1][s.name], first.get(s.name), last.get(s.name), " ".join(sorted(s.flags))),
        )
        for s in sources
    ]
    return _frame(rows, SOURCE_COLUMNS)
