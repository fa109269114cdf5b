"""A log at rest: day-partitioned Parquet that any engine reads, written in one step, with what was read beside it."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from ..errors import InputError
from ..safe import text
from ..schema import COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .flatten import ARROW
from .log import Log, to_pandas

MANIFEST: Final = "oktakit.json"
_TABLES: Final = {
    "events": COLUMNS,
    "targets": TARGET_COLUMNS,
    "rejected": REJECTED_COLUMNS,
    "sources": SOURCE_COLUMNS,
}
_TIME: Final = Column("published_us", "published", "int", "when it happened, microseconds since 1970, UTC")
_ORDER: Final = Column("_order", "", "count", "place in the log")


def write_events(log: Log, folder: str | os.PathLike[str]) -> Path:
    """Write a log as Parquet: `events/day=YYYY-MM-DD/` and `targets/day=YYYY-MM-DD/`, and what was read beside them.

    Parameters
    ----------
    log : Log
        As `read_log` returned it.
    folder : path
        A new folder. It appears when everything is on disk, or not at all.

    Returns
    -------
    Path
        The folder; `read_log` reads it back, and so does any engine that reads Parquet. Beside the columns of
        `log.events` there is `published_us`, microseconds since 1970, UTC, for engines that know no time zones.

    Raises
    ------
    InputError
        If the folder exists or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from oktakit import make_log, read_log
    >>> log = read_log(make_log("assistant").records)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     len(read_log(write_events(log, Path(place) / "case")).events) == len(log.events)
    True
    """
    target = Path(folder)
    if target.exists():
        raise InputError(f"A new folder is needed; {text(str(folder))} exists. Name another one, or remove it first.")
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _write(log, part)
        part.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise InputError(f"A folder that can be written is needed; {text(str(folder))}: {error.strerror}.") from error
    return target


def read_events(folder: Path) -> Log:
    """Return the log that `write_events` wrote into a folder.

    Raises InputError if rows are missing or too many: then the folder is not as it was written.
    """
    rows = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["rows"]
    tables = {name: _read(folder / name, columns) for name, columns in _TABLES.items()}
    found = {name: len(table) for name, table in tables.items()}
    if found != rows:
        raise InputError(
            f"A folder as `write_events` left it is needed; {text(str(folder))} should hold {rows}, it holds {found}. "
            "Read the original log again."
        )
    return Log(**tables)


def is_written(folder: Path) -> bool:
    """Return whether a folder was written by `write_events`."""
    with suppress(OSError):  # a name that cannot be one
        return (folder / MANIFEST).is_file()
    return False


def _write(log: Log, folder: Path) -> None:
    when = log.events["published"]
    day = when.dt.strftime("%Y-%m-%d").fillna("unknown")
    events = log.events.assign(published_us=when.astype("int64").astype("Int64").mask(when.isna()), _day=day)
    days = pd.Series(day.to_numpy(), index=log.events["uuid"].to_numpy())
    targets = log.targets.assign(_day=log.targets["uuid"].map(days[~days.index.duplicated()]))
    _write_days(events, folder / "events", (*COLUMNS, _TIME))
    _write_days(targets, folder / "targets", TARGET_COLUMNS)
    for name in ("rejected", "sources"):
        _write_file(getattr(log, name), folder / name / "part.parquet", _TABLES[name])
    rows = {name: len(getattr(log, name)) for name in _TABLES}
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="\n") as file:
        json.dump({"format": 1, "rows": rows}, file)
        file.flush()
        os.fsync(file.fileno())
    for place in (folder, *folder.rglob("*/")):
        _sync(place)


def _write_days(frame: pd.DataFrame, folder: Path, columns: tuple[Column, ...]) -> None:
    ordered = frame.assign(_order=range(len(frame)))
    for day, rows in ordered.groupby("_day", sort=True):
        _write_file(rows, folder / f"day={day}" / "part.parquet", (*columns, _ORDER))
    folder.mkdir(exist_ok=True)


def _write_file(frame: pd.DataFrame, path: Path, columns: tuple[Column, ...]) -> None:
    import pyarrow.parquet as pq

    schema = _schema(columns)
    path.parent.mkdir(parents=True)
    table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False).replace_schema_metadata(None)
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _read(folder: Path, columns: tuple[Column, ...]) -> pd.DataFrame:
    import pyarrow.dataset as ds

    schema = _schema(columns)
    days = any(folder.glob("day=*"))
    schema = schema.append(pa.field("_order", pa.int64())) if days else schema
    found: Any = ds.dataset(folder, schema=schema, format="parquet").to_table()
    if days:
        order = found["_order"].to_numpy()
        found = found if (order[1:] > order[:-1]).all() else found.sort_by("_order")
        found = found.drop_columns(["_order"])
    return to_pandas(found, columns)


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, ARROW[column.kind]) for column in columns])


def _sync(folder: Path) -> None:
    """Make the names in a folder as durable as the files, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(handle)
        os.close(handle)
