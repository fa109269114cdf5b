"""From what the user names (paths, folders, patterns, bytes, records) to sources, in an order of their own."""

import os
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import Any

import msgspec

from .errors import InputError
from .safe import text
from .sources import Source

Inputs = str | Path | bytes | dict[str, Any] | Iterable[Any]
_SUFFIXES = ("", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".csv", ".gz")


def find_sources(logs: Inputs) -> list[Source]:
    """Return the inputs in the order of their names, so that neither argument nor folder order shows."""
    if isinstance(logs, dict) or (isinstance(logs, list) and logs and all(isinstance(item, dict) for item in logs)):
        records = [logs] if isinstance(logs, dict) else logs
        return [Source("records", b"\n".join(msgspec.json.encode(record) for record in records))]
    if isinstance(logs, bytes):
        return [Source("bytes", logs)]
    wanted = [logs] if isinstance(logs, str | Path) else list(logs)
    paths = sorted({path.resolve(): path for item in wanted for path in _files(item)}.values())
    parent = Path(os.path.commonpath([path.resolve().parent for path in paths])) if paths else Path()
    return [Source(path.resolve().relative_to(parent).as_posix(), path) for path in paths]


def _files(item: Any) -> list[Path]:
    path = Path(item)
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in _SUFFIXES]
        found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    else:
        found = (
            [path]
            if path.is_file()
            else [Path(file) for file in glob(str(item), recursive=True) if Path(file).is_file()]
        )
    if not found:
        what = "a folder without log files" if path.is_dir() else "nothing there"
        raise InputError(
            f"Needed a System Log (a file, a folder or a pattern), found {what}: {text(str(item))}. "
            f"Check the path; files of a folder count when they end in {' '.join(_SUFFIXES[1:])} or in nothing."
        )
    return found
