"""A log at rest: day-partitioned Parquet that any engine reads, written in one step, with what was read beside it."""

import hashlib
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from ..reading.inputs import WRITTEN
from ..reading.streams import Member, Source
from ..safe import text
from ..schema import COLUMNS, EVENT_COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .batch import TEXT
from .collect import Collected
from .flatten import ARROW
from .log import Log, Stored, to_pandas
from .scope import Scope

_FORMAT: Final = 2
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
        A new folder. It appears when everything is on disk, or not at all. It also says where each source was, so
        that `read_raw` can show the original text, and the hash of each of its files.

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
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")  # each writer has its own
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _clear(target)
        with _locked(part, wait=-1):
            part.mkdir()
            _write(log, part)
            part.replace(target)
            _sync(target.parent)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"A new folder that can be written is needed; {text(str(folder))}: {reason}.") from error
    return target


def _clear(target: Path) -> None:
    """Remove what writers of a folder left that were killed: a lock that is free has no writer any more."""
    for part in target.parent.iterdir():
        if part.name.startswith(f".{target.name}.") and part.name.endswith(".part"):
            with suppress(OSError), _locked(part, wait=0):
                pass


@contextmanager
def _locked(part: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a writer's own folder; both are gone afterwards. OSError where another holds it."""
    from filelock import FileLock

    lock = FileLock(part.with_name(f"{part.name}.lock"), timeout=wait)
    # Where a file system knows no locks, nobody takes one, so that nothing of a living writer is removed.
    with suppress(NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        if lock.is_locked or wait:
            shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


def read_events(folder: Path) -> Log:
    """Return the log that `write_events` wrote into a folder; InputError if the folder is not as it was written."""
    tables, origins = _read_tables(folder)
    return Log(**{name: to_pandas(table, _TABLES[name]) for name, table in tables.items()}, origins=origins)


def collect_written(folder: Path, prefix: str, scope: Scope | None) -> tuple[list[Source], Collected]:
    """Return the sources of a written folder, their names behind a prefix, and what is wanted of it."""
    tables, origins = _read_tables(folder)
    for name in ("events", "rejected", "sources"):
        at = tables[name].column_names.index("source")
        names = pc.binary_join_element_wise(pa.scalar(prefix, TEXT), tables[name]["source"], pa.scalar("", TEXT))
        tables[name] = tables[name].set_column(at, "source", names)
    events, sources = tables["events"].select(EVENT_COLUMNS), tables["sources"].to_pylist()
    counts = {name: Counter({one["source"]: one[name] for one in sources}) for name in ("records", "duplicates")}
    others = Counter({one["source"]: one["other_types"] for one in sources})
    rows = pc.index_in(tables["targets"]["uuid"], events["uuid"].combine_chunks()).to_numpy().astype(np.int64)
    if scope:
        wanted = scope.wants({name: events[name] for name in EVENT_COLUMNS})
        others.update(events["source"].filter(pc.invert(wanted)).to_pylist())
        kept = wanted.to_numpy()
        tables["targets"] = tables["targets"].filter(pa.array(kept[rows]))
        events, rows = events.filter(wanted), (np.cumsum(kept) - 1)[rows[kept[rows]]]
    targets = dict(zip(tables["targets"].column_names, tables["targets"].columns, strict=True))
    found = []
    for one in sources:
        origin: Any = origins.get(one["source"].removeprefix(prefix))
        source = Source(one["source"], origin, one["bytes"], one["sha256"])
        source.sha256_content, source.shape, source.encoding = one["sha256_content"], one["shape"], one["encoding"]
        source.flags |= set(one["flags"].split())
        found.append(source)
    rejected = [tuple(one.values()) for one in tables["rejected"].to_pylist()]
    columns = dict(zip(events.column_names, events.columns, strict=True))
    targets["_row"] = pa.chunked_array([rows])
    return found, Collected(columns, targets, rejected, counts["records"], others, counts["duplicates"])


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
    manifest = {
        "format": _FORMAT,
        "rows": {name: len(getattr(log, name)) for name in _TABLES},
        "files": {path.relative_to(folder).as_posix(): _hash(path) for path in sorted(folder.rglob("*.parquet"))},
        "origins": {name: _describe(origin) for name, origin in log.origins.items()},
    }
    with (folder / WRITTEN).open("wb") as file:
        file.write(_encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    for place in (folder, *folder.rglob("*/")):
        _sync(place)


def _encode(manifest: dict[str, Any]) -> bytes:
    """Return the manifest behind its own hash, in the only form that is accepted."""
    body = json.dumps(manifest, sort_keys=True)
    return json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest(), **manifest}, indent=1).encode()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(origin: Any) -> list[str]:
    """Return where a source was: the path, and its name in an archive; nothing for what was no file."""
    if isinstance(origin, Member):
        origin = Stored(origin.archive, origin.entry.filename if origin.entry else "")
    path, member = origin if isinstance(origin, Stored) else (origin, "")
    return [str(path.absolute()), *([member] if member else [])] if isinstance(path, Path) else []


def _find_origins(described: dict[str, list[str]]) -> dict[str, Any]:
    known = {name: (Path(path[0]), path[1:]) for name, path in described.items() if path}
    return {name: Stored(path, member[0]) if member else path for name, (path, member) in known.items()}


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
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)
        file.flush()
        os.fsync(file.fileno())


def _read_tables(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tables of a written folder, each of its files compared with its hash, and where the sources were."""
    name = WRITTEN
    try:
        raw = (folder / WRITTEN).read_bytes()
        manifest = json.loads(raw)
        if manifest.pop("sha256") and _encode(manifest) != raw:
            raise ValueError("it was changed")
        if manifest["format"] != _FORMAT:
            raise ValueError(f"it has format {manifest['format']}, not {_FORMAT}")
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
        if others := sorted(found ^ manifest["files"].keys()):
            name = others[0]
            raise ValueError("it was not written with the others" if name in found else "it is missing")
        with ThreadPoolExecutor() as threads:
            hashes = threads.map(_hash, (folder / name for name in manifest["files"]))
            changed = [one for one, now in zip(manifest["files"], hashes, strict=True) if now != manifest["files"][one]]
        if changed:
            name = changed[0]
            raise ValueError("it was changed")
        tables = {}
        for name, rows in manifest["rows"].items():
            files = [folder / one for one in manifest["files"] if one.startswith(f"{name}/")]
            tables[name] = _read(files, _TABLES[name], days=name in ("events", "targets"))
            if len(tables[name]) != rows:
                raise ValueError(f"it holds {len(tables[name]):,} rows, {rows:,} were written")
        return tables, _find_origins(manifest["origins"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, pa.ArrowException) as error:
        reason = str(getattr(error, "strerror", "") or error)
        raise InputError(
            f"A folder as `write_events` left it is needed; {text(str(folder / name))}: {text(reason)}. "
            "Read the original log again."
        ) from error


def _read(files: list[Path], columns: tuple[Column, ...], days: bool) -> Any:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    schema = _schema((*columns, _ORDER) if days else columns)
    for path in files:
        there = pq.read_schema(path)
        if missing := [
            one.name for one in schema if one.name not in there.names or there.field(one.name).type != one.type
        ]:
            raise ValueError(f"{path.name} of {path.parent.name} has no column {missing[0]} as it was written")
    checked = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    form = ds.ParquetFileFormat(default_fragment_scan_options=checked)
    table = ds.dataset(files, schema=schema, format=form).to_table() if files else schema.empty_table()
    if not days:
        return table
    order = table["_order"].to_numpy()
    return (table if (order[1:] > order[:-1]).all() else table.sort_by("_order")).drop_columns(["_order"])


def _schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([(column.name, ARROW[column.kind]) for column in columns])


def _sync(folder: Path) -> None:
    """Make the names in a folder as durable as the files, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(handle)
        os.close(handle)
