"""Read a log: every record is kept, counted as a duplicate, or rejected with a reason."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from .account import check_values, drop_duplicates
from .errors import InputError
from .flatten import ARROW, ROW, Rows
from .inputs import Inputs, find_sources
from .log import Log
from .model import Outline
from .records import Record, read_records, tolerate
from .safe import text
from .schema import COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .sources import Source


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
    sources = find_sources(logs)
    reader = _Reader()
    for source in sources:
        reader.read(source)
    return reader.log(sources)


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


def _texts(log: Log, name: str, record: int, uuid: str) -> Iterator[str]:
    for found in read_records(Source(name, log.origins[name])):
        if found.record == record and uuid.encode() in found.raw:
            yield found.raw.decode()


class _Reader:
    """Collects what the sources hold."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.rejected: list[tuple[str, int, str, str]] = []
        self.found: list[int] = []

    def read(self, source: Source) -> None:
        """Read one source to its end."""
        count = 0
        for record in read_records(source):
            count += 1
            if record.outline is None or not self._add_text(record, record.outline, source.name):
                self._add(record, source.name)
        self.found.append(count)

    def _add_text(self, record: Record, event: Outline, source: str) -> bool:
        """Add an event by its text, and return whether that could be done."""
        try:
            self.rows.add_text(record.raw, event, source, record.record)
        except (ValueError, RecursionError):
            return False
        return True

    def _add(self, record: Record, source: str) -> None:
        if record.outline is not None:
            (record,) = (inner._replace(record=record.record) for inner in tolerate(record.document))
        if record.event is None:
            excerpt = text(record.raw[:800].decode(errors="replace"))
            self.rejected.append((source, record.record, record.reason, excerpt))
        else:
            self.rows.add(record.event, record.extra, record.flags, source, record.record)

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
    types = {pa.bool_(): pd.BooleanDtype(), pa.int64(): pd.Int64Dtype()}
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas(types_mapper=types.get, self_destruct=True)
    return frame.astype({column.name: "int64" for column in columns if column.kind == "count"})


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
