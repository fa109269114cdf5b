"""From what the user names (paths, folders, patterns, bytes, records) to sources, in an order of their own."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from ..errors import InputError
from ..safe import text
from .delimited import unique
from .streams import Source, members

Inputs = Any
"""A path, several, a folder, a pattern, bytes, a file object, a dict, a list of dicts, or a DataFrame."""
_SUFFIXES = (
    *("", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".csv", ".tsv"),
    *(".gz", ".zip", ".bz2", ".zst", ".xz"),
)


WRITTEN = "oktakit.json"
"""What `write_events` puts into a folder beside the tables."""


def is_written(folder: Path) -> bool:
    """Return whether a folder was written by `write_events`."""
    with suppress(OSError):  # a name that cannot be one
        return (folder / WRITTEN).is_file()
    return False


def find_sources(logs: Inputs) -> list[Source]:
    """Return the inputs in the order of their names, so that neither argument nor folder order shows."""
    if isinstance(logs, pd.DataFrame):
        flags = set() if logs.columns.is_unique else {"duplicate_column"}
        return [Source("table", b"\n".join(map(_line, _rows(logs))), flags=flags)]
    if isinstance(logs, dict) or (isinstance(logs, list) and logs and all(isinstance(item, dict) for item in logs)):
        return [Source("records", b"\n".join(map(_line, [logs] if isinstance(logs, dict) else logs)))]
    if isinstance(logs, bytes | bytearray | memoryview):
        return _unpacked(Source("bytes", bytes(logs)))
    if hasattr(logs, "read"):
        content = logs.read()
        return find_sources(content.encode(errors="surrogatepass") if isinstance(content, str) else content)
    return _paths(list(logs) if isinstance(logs, Iterable) and not isinstance(logs, str) else [logs])


def _paths(wanted: list[Any]) -> list[Source]:
    """Return the files that the user names, each once, and those in their archives."""
    paths = sorted((path for item in wanted for path in _files(item)), key=Path.is_symlink, reverse=True)
    given = {path.resolve(): path for path in paths}
    parent = Path(os.path.commonpath([path.parent for path in given])) if given else Path()
    relative = (os.fsencode(real.relative_to(parent).as_posix()) for real in sorted(given))
    names = unique(name.decode(errors="backslashreplace") for name in relative)  # also a name that is no text
    sources = [Source(name, given[real]) for name, real in zip(names, sorted(given), strict=True)]
    for source in sources:
        source.flags |= {"symlink"} if Path(str(source.origin)).is_symlink() else set()
    return [member for source in sources for member in _unpacked(source)]


def _unpacked(source: Source) -> list[Source]:
    """Return one source per file of an archive, or the source itself where it is none."""
    if not isinstance(source.origin, Path | bytes) or (isinstance(source.origin, Path) and is_written(source.origin)):
        return [source]
    inside = members(source.origin)
    names = unique(f"{source.name}/{name}" if name else source.name for name, *_ in inside)
    named = zip(names, inside, strict=True)
    return [Source(name, member, flags=source.flags | flags) for name, (_, member, flags) in named] or [source]


def _line(record: Any) -> bytes:
    """Return a record as JSON text; half characters stay what they are, and are flagged when it is read."""
    try:
        return msgspec.json.encode(record, enc_hook=_text)
    except ValueError:
        return json.dumps(record, default=_text).encode()
    except RecursionError as error:
        raise InputError(
            "Needed records as JSON can hold them, found one that goes around in circles or too deep. Leave it out."
        ) from error


def _text(value: Any) -> Any:
    """Return a value that JSON does not know: a time as ISO 8601, a number as one, nothing for what is missing."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table without what is missing; whole numbers that stood beside gaps are whole again."""
    names = unique(map(str, table.columns))
    for values in table.itertuples(index=False, name=None):
        row = zip(names, values, strict=True)
        yield {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in row
            if not (pd.api.types.is_scalar(value) and pd.isna(value))
        }


def _files(item: Any) -> list[Path]:
    paths, what = list[Path](), "nothing there"
    if isinstance(item, str | os.PathLike) and str(item):
        with suppress(OSError):  # a name that cannot be one
            if Path(item).is_dir():
                what = "a folder without log files"
            elif item == "-" or Path(item).exists():
                what = "a pipe or device, not a file (give its bytes instead, such as sys.stdin.buffer.read())"
            paths = _below(Path(item)) or [
                path for path in map(Path, glob(str(item), recursive=True)) if path.is_file() or is_written(path)
            ]
    if not paths:
        raise InputError(
            f"Needed a System Log (a file, a folder or a pattern), found {what}: {text(str(item))}. "
            f"Check the path; files of a folder count when they end in {' '.join(_SUFFIXES[1:])} or in nothing."
        )
    return paths


def _below(path: Path) -> list[Path]:
    """Return the file, or the log files of a folder without the hidden ones; a folder that was written is one."""
    if not path.is_dir() or is_written(path):
        return [path] if path.is_file() or path.is_dir() else []
    paths = [one for one in path.rglob("*") if not any(part.startswith(".") for part in one.relative_to(path).parts)]
    folders = {one.parent for one in paths if one.name == WRITTEN}
    logs = [one for one in paths if one.suffix.lower() in _SUFFIXES and one.is_file()]
    return [*folders, *(one for one in logs if folders.isdisjoint(one.parents))]
