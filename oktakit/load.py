"""Read a log: every record is kept, counted as a duplicate, or rejected with a reason."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from .account import check_values, drop_duplicates
from .errors import InputError
from .flatten import ARROW, ROW, Rows
from .inputs import Inputs, find_sources
from .log import Log, to_pandas
from .parquet import is_written, read_events
from .records import Record, read_records, read_texts, tolerate
from .safe import text
from .schema import COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .sources import Document, Run, Source


def read_log(logs: Inputs) -> Log:
    """Read a System Log and return its events, targets, rejected records and sources.

    Parameters
    ----------
    logs : path, list of paths, folder, glob pattern, bytes, dict or list of dicts
        JSON arrays, single objects and one event per line, plain or gzip, recognised by content.

    Returns
    -------
    Log
        `records = kept + duplicates + rejected + other_types` holds for every source. Events are in the order of
        `published`, then `uuid`.

    Raises
    ------
    InputError
        If a path does not exist or holds no file. What a file contains never raises: it is in the account.

    Examples
    --------
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start", "published": "2026-03-02T08:00:00.000Z"}])
    >>> log
    1 record = 1 kept + 0 duplicates + 0 rejected, from 1 source
    kept, but flagged: 1 bad_uuid
    2026-03-02 08:00:00 to 2026-03-02 08:00:00 UTC, 0 days
    """
    if isinstance(logs, str | Path) and is_written(Path(logs)):
        return read_events(Path(logs))
    sources = find_sources(logs)
    reader = _Reader()
    with _no_collection():
        for source in sources:
            reader.read(source)
        return reader.log(sources)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking through millions of rows that all stay."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
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
    """Collects what the sources hold."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.rejected: list[tuple[str, int, str, str]] = []
        self.found: list[int] = []

    def read(self, source: Source) -> None:
        """Read one source to its end."""
        count = 0
        for found in read_records(source):
            if isinstance(found, Run):
                self._add_run(found._replace(number=found.number or count + 1), source.name)
                count += len(found.raws)
            else:
                count += 1
                self._add(found._replace(number=found.number or count), source.name)
        self.found.append(count)

    def _add_run(self, run: Run, source: str) -> None:
        """Add events by their texts, and by the tolerant way those that are odd in some detail."""
        for at in self.rows.add_run(run.raws, run.outlines, source, run.number):
            for record in tolerate(Document(run.number + at, run.raws[at])):
                self._add(record, source)

    def _add(self, record: Record, source: str) -> None:
        if record.event is None:
            excerpt = text(record.raw[:800].decode(errors="replace"))
            self.rejected.append((source, record.number, record.reason, excerpt))
        else:
            self.rows.add(record.event, record.extra, record.flags, source, record.number)

    def log(self, sources: list[Source]) -> Log:
        """Return everything that was collected, without duplicates and in order."""
        self.rows.flush()
        events, duplicates = drop_duplicates(_frame(self.rows.batches, (*COLUMNS, ROW)))
        events = check_values(events).sort_values(["published", "uuid", "source", "record"], ignore_index=True)
        targets = _frame(self.rows.targets, (*TARGET_COLUMNS, ROW))
        order = pd.Series(range(len(events)), index=events["_row"], name="_order")
        targets = targets.join(order, on="_row", how="inner").sort_values(["_order", "position"], ignore_index=True)
        rejected = _frame([_batch(self.rejected, REJECTED_COLUMNS)], REJECTED_COLUMNS)
        account = _account(sources, self.found, events, rejected, duplicates)
        origins = {source.name: source.origin for source in sources}
        return Log(events.drop(columns="_row"), targets.drop(columns=["_row", "_order"]), rejected, account, origins)


def _batch(rows: list[Any], columns: tuple[Column, ...]) -> pa.RecordBatch:
    """Return rows as an Arrow batch with the columns' types."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [pa.array(list(value), ARROW[column.kind]) for value, column in zip(values, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def _frame(batches: list[pa.RecordBatch], columns: tuple[Column, ...]) -> pd.DataFrame:
    return to_pandas(pa.Table.from_batches(batches), columns)


def _account(
    sources: list[Source], found: list[int], events: pd.DataFrame, rejected: pd.DataFrame, duplicates: pd.Series
) -> pd.DataFrame:
    """Return one row per source: what it is, and how its records add up."""
    by_source = events.groupby("source")["published"]
    counts = {"kept": by_source.size(), "duplicates": duplicates, "rejected": rejected.groupby("source").size()}
    first, last = by_source.min().dropna(), by_source.max().dropna()
    rows = [
        (
            *(s.name, s.size, s.sha256, s.sha256_content, s.shape, s.encoding, n),
            *(int(count.get(s.name, 0)) for count in counts.values()),
            *(0, first.get(s.name), last.get(s.name), " ".join(sorted(s.flags))),
        )
        for s, n in zip(sources, found, strict=True)
    ]
    return _frame([_batch(rows, SOURCE_COLUMNS)], SOURCE_COLUMNS)
