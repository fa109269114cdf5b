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
from .streams import Member, Source, members

Inputs = Any
"""A path, several, a folder, a pattern, bytes, a file object, a dict, a list of dicts, or a DataFrame."""
_SUFFIXES = (
    *("", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".csv", ".tsv"),
    *(".gz", ".zip", ".bz2", ".zst", ".xz"),
)


def find_sources(logs: Inputs) -> list[Source]:
    """Return the inputs in the order of their names, so that neither argument nor folder order shows."""
    if isinstance(logs, pd.DataFrame):
        flags = set() if logs.columns.is_unique else {"duplicate_column"}
        return [Source("table", _lines(_rows(logs)), flags=flags)]
    if isinstance(logs, dict) or (isinstance(logs, list) and logs and all(isinstance(item, dict) for item in logs)):
        return [Source("records", _lines([logs] if isinstance(logs, dict) else logs))]
    if isinstance(logs, bytes | bytearray | memoryview):
        return _unpacked(Source("bytes", bytes(logs)))
    if hasattr(logs, "read"):
        content = logs.read()
        return find_sources(content.encode(errors="surrogatepass") if isinstance(content, str) else content)
    return _paths(list(logs) if isinstance(logs, Iterable) and not isinstance(logs, str) else [logs])


def _paths(wanted: list[Any]) -> list[Source]:
    """Return the files that the user names, each once, and those in their archives."""
    paths = sorted((path for item in wanted for path in _files(item)), key=Path.is_symlink, reverse=True)
    found = {path.resolve(): path for path in paths}
    parent = Path(os.path.commonpath([path.parent for path in found])) if found else Path()
    names = unique(_readable(real.relative_to(parent)) for real in sorted(found))
    sources = [Source(name, found[real]) for name, real in zip(names, sorted(found), strict=True)]
    for source in sources:
        source.flags |= {"symlink"} if Path(str(source.origin)).is_symlink() else set()
    return [member for source in sources for member in _unpacked(source)]


def _readable(path: Path) -> str:
    """Return a path as text, also where its name is none."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def _unpacked(source: Source) -> list[Source]:
    """Return one source per file of an archive, or the source itself where it is none."""
    if isinstance(source.origin, Member):
        return [source]
    inside = members(source.origin)
    names = unique(f"{source.name}/{name}" for name, _ in inside)
    found = zip(names, inside, strict=True)
    return [Source(name, member, flags=set(source.flags)) for name, (_, member) in found] or [source]


def _lines(records: Iterable[Any]) -> bytes:
    return b"\n".join(map(_line, records))


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
        yield {name: _plain(value) for name, value in row if not (pd.api.types.is_scalar(value) and pd.isna(value))}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _files(item: Any) -> list[Path]:
    found, what = list[Path](), "nothing there"
    if isinstance(item, str | os.PathLike) and str(item):
        with suppress(OSError):  # a name that cannot be one
            what = "a folder without log files" if Path(item).is_dir() else what
            found = _below(Path(item)) or _matching(str(item))
    if not found:
        raise InputError(
            f"Needed a System Log (a file, a folder or a pattern), found {what}: {text(str(item))}. "
            f"Check the path; files of a folder count when they end in {' '.join(_SUFFIXES[1:])} or in nothing."
        )
    return found


def _matching(pattern: str) -> list[Path]:
    return [path for path in map(Path, glob(pattern, recursive=True)) if path.is_file()]


def _below(path: Path) -> list[Path]:
    """Return the file, or the log files of a folder without the hidden ones."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    found = [file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in _SUFFIXES]
    return [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
