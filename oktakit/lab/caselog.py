"""What the analyst noted: a file that only grows, its notes bound to uuids and to the hashes of the logs."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import pandas as pd
from msgspec.structs import astuple

from ..analysis.engines import first_known
from ..errors import ColumnError, InputError
from ..log.keys import TEXT, known_only
from ..log.log import Log
from ..safe import html, text, write_file

MARK: Final = b'{"oktakit_case":1,'
"""What every line begins with: a file that begins with anything else belongs to something else."""

WAIT: Final = 60
"""Seconds to wait for another notebook that is writing."""

LIMIT: Final = 1000

_EXPORT: Final = b'{"message": '

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND: Final = timedelta(microseconds=1)

_ENTRIES: Final = ("entry", "at", "by", "note", "uuids", "withdraws", "withdrawn_by", "problem")

_EVENTS: Final = ("entry", "uuid", "published", "event_type", "actor", "sha256_content")

_TIME: Final = "datetime64[us, UTC]"

_TYPES: Final = {"entry": "int64", "at": _TIME, "published": _TIME, "withdraws": "Int64", "withdrawn_by": "Int64"}

_SAME: Final = {"same_content": ["uuid", "sha256_content"], "same_event": ["uuid", "published", "event_type", "actor"]}

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


class CaseLine(NamedTuple):
    """A line, what it says where it can be read, and what is wrong with it."""

    number: int
    raw: bytes
    entry: Entry | None
    problem: str | None


def read_lines(path: Path) -> list[CaseLine]:
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
            names = by and _writable(by), _writable(note)
            entry = Entry(1, _hash(*raws[-1:]), datetime.now(UTC), *names, withdraws, events)
            line = json.dumps(msgspec.to_builtins(entry), separators=(",", ":")).encode()
            with path.open("ab") as file:
                file.write((b"" if data[-1:] in (b"", b"\n") else b"\n") + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
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


def _raws(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _hash(raw: bytes = b"") -> str:
    return sha256(raw).hexdigest()


def _line(number: int, raw: bytes, before: str) -> CaseLine:
    with suppress(ValueError, RecursionError, OverflowError):
        entry = msgspec.json.decode(raw, type=Entry)
        for at in (entry.at, *(event.published for event in entry.events if event.published)):
            at.astimezone(UTC)  # what an offset moves out of all calendars fits no table
        return CaseLine(number, raw, entry, None if entry.before == before else "the line before it was changed")
    return CaseLine(number, raw, None, "cut off or changed, cannot be read")


def _writable(words: str) -> str:
    """Return the same words; half a character, which no file can hold, is spelled out."""
    return words.encode(errors="backslashreplace").decode()


@dataclass(frozen=True, repr=False)
class CaseLog:
    """Bookmarks and notes in a file of JSON lines; the object holds nothing but the path.

    Lines are only ever added, and synced to the disk; several notebooks may write at once. Each line carries the
    SHA-256 of the line before it, so that a change shows. It is no proof against somebody who rewrites the whole file.

    Parameters
    ----------
    path : path
        The file; it is made with the first note, and a hidden lock file beside it.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from oktakit import read_log
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start"}])
    >>> case = CaseLog(Path(mkdtemp()) / "case.jsonl")
    >>> case.add(log, "b7e5", "The sign-in before it all.", by="ann")
    1
    >>> case.withdraw(1, "Another person's.")
    2
    >>> case.entries[["entry", "note", "withdrawn_by"]].to_dict("records")[0]
    {'entry': 1, 'note': 'The sign-in before it all.', 'withdrawn_by': 2}
    """

    path: str | os.PathLike[str]

    def add(
        self, log: Log, uuids: str | Iterable[str] | pd.DataFrame | pd.Series, note: str, by: str | None = None
    ) -> int:
        """Write a note on events of a log and return its number.

        Parameters
        ----------
        log : Log
            The log that has the events.
        uuids : str, iterable of str, or DataFrame with a column `uuid`
            The events: one, several, rows of `log.events`, what an explorer selected, or the `evidence` of a card.
        note : str
            Anything but nothing.
        by : str, optional
            Who says so.

        Raises
        ------
        InputError
            When the log lacks one of the events, when there is no event or no note, or when the file cannot be used.
        """
        wanted = _uuids(uuids)
        events = _events_of(log, wanted)
        logged = {event.uuid for event in events}
        missing = [uuid for uuid in wanted if uuid not in logged]
        if missing or not wanted:
            what = f"{len(missing)} it does not have: {text(', '.join(missing))}" if wanted else "none"
            raise InputError(f"A note needs events of this log; found {what}. Pass uuids of log.events.")
        return append(Path(self.path), note, by, None, events)

    def withdraw(self, entry: int, why: str, by: str | None = None) -> int:
        """Write that an entry no longer holds, and why, and return the number of this new entry.

        Raises
        ------
        InputError
            When there is no such entry, it is withdrawn already or a withdrawal itself, or no reason is given.
        """
        entries = self.entries
        open_ = entries[entries["withdrawn_by"].isna() & entries["withdraws"].isna() & entries["at"].notna()]
        if entry not in set(open_["entry"]):
            there = ", ".join(map(str, open_["entry"])) or "none"
            raise InputError(f"A note that stands is needed; found {entry}. These stand: {text(there)}.")
        return append(Path(self.path), why, by, int(entry), [])

    @property
    def entries(self) -> pd.DataFrame:
        """Return one row per line of the file, in its order.

        Returns
        -------
        DataFrame
            `entry at by note uuids withdraws withdrawn_by problem`. `uuids` are blank-separated. A line that cannot
            be read keeps its row: `problem` says so, and `note` is its text.
        """
        lines = read_lines(Path(self.path))
        withdrawn = {line.entry.withdraws: line.number for line in lines[::-1] if line.entry}
        rows = [(line.number, *_cells(line), withdrawn.get(line.number), line.problem) for line in lines]
        return _frame(rows, _ENTRIES)

    @property
    def events(self) -> pd.DataFrame:
        """Return one row per entry and event, as the event was when it was noted.

        Returns
        -------
        DataFrame
            `entry uuid published event_type actor sha256_content`; the last is the hash of what the file held.
        """
        return _frame([(number, *astuple(event)) for number, _, event in _noted(read_lines(Path(self.path)))], _EVENTS)

    def verify(self, log: Log) -> pd.DataFrame:
        """Return `events`, and whether this log has them unchanged.

        Parameters
        ----------
        log : Log
            The same log read again, or another one.

        Returns
        -------
        DataFrame
            The columns of `events`, then `in_log`, and, unknown where it is not: `same_content` (it stands in a file
            with the same hash) and `same_event` (time, type and actor are the same).
        """
        noted = self.events
        here = _frame([(0, *astuple(event)) for event in _events_of(log, {*noted["uuid"]})], _EVENTS)
        compared = noted.assign(in_log=noted["uuid"].isin(here["uuid"]).astype("boolean"))
        for name, columns in _SAME.items():
            same = pd.MultiIndex.from_frame(noted[columns]).isin(pd.MultiIndex.from_frame(here[columns]))
            compared[name] = pd.Series(same, noted.index, dtype="boolean").where(compared["in_log"])
        return compared

    def write_timesketch(self, path: str | os.PathLike[str]) -> Path:
        """Write every note as JSON lines that Timesketch imports, one line per event, and return the path.

        Notes that were withdrawn are tagged so. An event whose time is not known stands at the time of its note.

        Raises
        ------
        InputError
            When the file cannot be written or holds anything but an export, or the case log cannot be read.
        """
        if not _is_export(Path(path)):
            raise InputError(f"An export replaces an export; {path} holds something else and stays as it is.")
        lines = read_lines(Path(self.path))
        withdrawn = {line.entry.withdraws for line in lines if line.entry}
        rows = [_timesketch(number, entry, event, number in withdrawn) for number, entry, event in _noted(lines)]
        return write_file(Path(path), "".join(json.dumps(row) + "\n" for row in rows))

    def __repr__(self) -> str:
        """Return how much is in the file, and what is wrong with it."""
        entries = self.entries
        notes = entries["withdraws"].isna() & entries["at"].notna()
        parts = [f"notes: {notes.sum()}", f"events: {self.events['uuid'].nunique()}"]
        parts += [f"withdrawn: {count}"] if (count := entries["withdrawn_by"].notna().sum()) else []
        parts += [f"entry {entry}: {problem}" for entry, problem in entries[["entry", "problem"]].dropna().to_numpy()]
        return f"{text(Path(self.path).name)}: {'; '.join(parts)}"

    def _repr_html_(self) -> str:
        """Return the entries as a table in which nothing runs."""
        shown = self.entries.astype(object)
        shown = shown.where(shown.notna(), "")
        for name in ("by", "note", "uuids"):
            shown[name] = shown[name].map(lambda value: text(value, LIMIT))
        with pd.option_context("display.max_colwidth", None):
            return f"<p>{html(self, LIMIT)}</p>{shown.to_html(index=False)}"


def _noted(lines: list[CaseLine]) -> Iterator[tuple[int, Entry, Event]]:
    """Return the number of each entry, the entry, and each of its events."""
    entries = ((line.number, line.entry) for line in lines if line.entry)
    return ((number, entry, event) for number, entry in entries for event in entry.events)


def _uuids(given: str | Iterable[str] | pd.DataFrame) -> list[str]:
    if isinstance(given, pd.DataFrame) and "uuid" not in given:
        raise ColumnError.missing("CaseLog.add", ["uuid"], [*map(str, given)])
    several = given["uuid"] if isinstance(given, pd.DataFrame) else given.split() if isinstance(given, str) else given
    return [*dict.fromkeys(map(str, several))]


def _events_of(log: Log, uuids: Iterable[str]) -> list[Event]:
    """Return the events of a log with these uuids; a uuid in conflict has several."""
    rows = log.events[log.events["uuid"].isin([*uuids])]
    actor = first_known(known_only(rows, ["actor_alternate_id"]), "actor_alternate_id", "actor_id")
    content = rows["source"].map(log.sources.set_index("source")["sha256_content"])
    columns = (rows["uuid"], rows["published"], rows["event_type"], actor, content)
    return [Event(*map(_plain, values)) for values in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """Return a cell as Python has it."""
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def _cells(line: CaseLine) -> tuple[Any, ...]:
    """Return the columns from `at` to `withdraws`."""
    if not (entry := line.entry):
        return None, None, line.raw.decode(errors="replace"), None, None
    uuids = " ".join(dict.fromkeys(event.uuid for event in entry.events))
    return entry.at, entry.by, entry.note, uuids or None, entry.withdraws


def _frame(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> pd.DataFrame:
    columns = zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)
    return pd.DataFrame({name: pd.Series(list(cells), dtype=_TYPES.get(name, TEXT)) for name, cells in columns})


def _is_export(path: Path) -> bool:
    """Return whether nothing but an export would be lost with this file, if it is there at all."""
    try:
        with path.open("rb") as file:
            return file.read(len(_EXPORT)) in (b"", _EXPORT)
    except OSError:
        return not path.is_file()


def _timesketch(number: int, entry: Entry, event: Event, withdrawn: bool) -> dict[str, Any]:
    """Return what Timesketch needs, its time in microseconds too, and where it comes from."""
    at = event.published or entry.at
    texts = {name: getattr(event, name) for name in ("uuid", "event_type", "actor", "sha256_content")}
    return {
        "message": text(f"{event.event_type} by {event.actor or 'unknown'}: {entry.note}", LIMIT),
        "datetime": at.isoformat(),
        "timestamp": (at - _EPOCH) // _MICROSECOND,
        "timestamp_desc": "Event logged" if event.published else "Note written",
        "tag": ["oktakit", "withdrawn"] if withdrawn else ["oktakit"],
        "entry": number,
        "noted_at": entry.at.isoformat(),
        "noted_by": entry.by and text(entry.by, LIMIT),
        **{name: value and text(value, LIMIT) for name, value in texts.items()},
    }
