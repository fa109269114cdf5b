"""The file of a case log: JSON lines that are only ever added, each with the hash of the one before it."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from ..errors import InputError

MARK: Final = b'{"oktakit_case":1,'
"""What every line begins with: a file that begins with anything else belongs to something else."""
WAIT: Final = 60
"""Seconds to wait for another notebook that is writing."""
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Event(msgspec.Struct, frozen=True):
    """An event as it was when it was noted."""

    uuid: str
    published: Time | None
    event_type: str | None
    actor: str | None
    sha256_content: str | None


class Entry(msgspec.Struct):
    """What one line says; its number is its place in the file."""

    oktakit_case: Literal[1]
    before: str
    at: Time
    by: str | None
    note: str
    withdraws: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None
    events: list[Event]


class Line(NamedTuple):
    """A line, what it says where it can be read, and what is wrong with it."""

    number: int
    raw: bytes
    entry: Entry | None
    problem: str | None


def read_lines(path: Path) -> list[Line]:
    """Return the lines of a case log; none when there is no file yet.

    Raises
    ------
    InputError
        When the file cannot be read or is no case log.
    """
    pairs = pairwise([b"", *_raws(_read(path))])
    return [_line(number, raw, _hash(before)) for number, (before, raw) in enumerate(pairs, 1)]


def append(path: Path, note: str, by: str | None, withdraws: int | None, events: list[Event]) -> int:
    """Write one more line and return its number; a line that was cut off is ended first, never changed.

    Raises
    ------
    InputError
        When there is no note, or the file cannot be written or is no case log.
    """
    from filelock import FileLock

    if not note.strip():
        raise InputError("A note needs words; found none. Say what is seen, or why a note is withdrawn.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))  # one file has one lock, whatever it is called
        with FileLock(real.with_name(f".{real.name}.lock"), timeout=WAIT):
            data = _read(path)
            raws = _raws(data)
            who, what = by and _writable(by), _writable(note)
            said = Entry(1, _hash(*raws[-1:]), datetime.now(UTC), who, what, withdraws, events)
            line = json.dumps(msgspec.to_builtins(said), separators=(",", ":")).encode()
            _write(path, (b"" if data[-1:] in (b"", b"\n") else b"\n") + line + b"\n")
    except OSError as error:
        raise InputError(f"A file that can be written is needed; {path}: {error.strerror or error}.") from error
    return len(raws) + 1


def _read(path: Path) -> bytes:
    """Return what the file holds, if it is a case log or not there yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"A case log is needed; {path} cannot be read: {error.strerror}.") from error
    whole = (raw for raw in _raws(data) if not raw or not MARK.startswith(raw))  # a line may be cut off anywhere
    if next(whole, MARK).startswith(MARK):
        return data
    raise InputError(f"A case log is needed; {path} holds something else and stays as it is. Name another file.")


def _write(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _raws(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _hash(raw: bytes = b"") -> str:
    return sha256(raw).hexdigest()


def _line(number: int, raw: bytes, before: str) -> Line:
    with suppress(ValueError, RecursionError, OverflowError):
        entry = msgspec.json.decode(raw, type=Entry)
        for at in (entry.at, *(event.published for event in entry.events if event.published)):
            at.astimezone(UTC)  # what an offset moves out of all calendars fits no table
        return Line(number, raw, entry, None if entry.before == before else "the line before it was changed")
    return Line(number, raw, None, "cut off or changed, cannot be read")


def _writable(said: str) -> str:
    """Return what was said; half a character, which no file can hold, is spelled out."""
    return said.encode(errors="backslashreplace").decode()
