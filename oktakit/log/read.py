"""Read a log: every record is kept, counted as a duplicate, or rejected with a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ..errors import InputError
from ..reading.framing import find_lines
from ..reading.inputs import Inputs, find_sources, is_written
from ..reading.records import read_records
from ..reading.streams import Batch, Member, Source, members
from ..safe import html, pretty, text
from ..schema import COLUMNS, REJECTED_COLUMNS, SOURCE_COLUMNS, TARGET_COLUMNS, Column
from .collect import Collected, Collector, fast_memory, merge
from .flatten import ARROW
from .keys import is_plausible, ties
from .lake import collect_written, read_events
from .log import Log, Stored, to_pandas
from .order import argsort, argsort_children, take
from .parallel import read_shares, share_out, start_processes
from .processes import Processes
from .quality import add_flag, check_values, find_duplicates
from .scope import Scope

LONG = 200 << 20
"""From how many bytes on a progress bar is shown."""
_FEW = 1 / 4
"""How much work it is to read some event types, beside reading all."""


def read_log(
    logs: Inputs, *, event_types: Iterable[str] | None = None, related: bool = False, processes: int | None = None
) -> Log:
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
    processes : int, optional
        How many processes read a log of 64 MB and more (256 MB with `event_types`) at the same time: as many as there
        are cores by default, the limits of a container counted; 1 to stay in this one. The tables are the same. What
        they read passes through a folder for temporary files that nobody else can look into, and that is removed in
        any case.

    Returns
    -------
    Log
        `records = kept + duplicates + rejected + other_types` holds for every source. Events are in the order of
        `published`, then `uuid`.

    Raises
    ------
    InputError
        If a path does not exist or holds no file, or if one of several processes ends before it is done. What a file
        contains never raises: it is in `sources` and `rejected`.

    Examples
    --------
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start", "published": "2026-03-02T08:00:00.000Z"}])
    >>> log
    1 record = 1 kept + 0 duplicates + 0 rejected, from 1 source
    kept, but flagged: 1 bad_uuid
    2026-03-02 08:00:00 to 2026-03-02 08:00:00 UTC, 0 days
    """
    scope = None if event_types is None else Scope(tuple(event_types))
    if scope is None and isinstance(logs, str | Path) and is_written(Path(logs)):
        with fast_memory():
            return read_events(Path(logs))
    sources = find_sources(logs)
    with start_processes(sources, processes, _FEW if scope else 1) as several:
        if scope and related:
            first = [replace(source, flags=set(source.flags), hashed=False) for source in sources]
            scope = Scope(tuple(scope.types), ties(_read(first, scope, several).events))
        return _read(sources, scope, several)


def _read(sources: list[Source], scope: Scope | None, several: Processes | None) -> Log:
    from tqdm.auto import tqdm

    folders = {source.name: source.origin for source in sources if isinstance(source.origin, Path)}
    folders = {name: path for name, path in folders.items() if is_written(path)}
    files = [source for source in sources if source.name not in folders]
    total = sum(source.origin.stat().st_size for source in files if isinstance(source.origin, Path))
    with fast_memory(), tqdm(total=total, unit="B", unit_scale=True, disable=total < LONG, leave=False) as bar:
        collector = Collector(scope, bar)
        shares = share_out(files, several.count) if several else []
        shared = {source.name for share in shares for source in share.sources}
        for source in files:
            if source.name not in shared:
                collector.read(source)
        parts = [collector.finish(), *(read_shares(shares, several, scope, bar) if several else [])]
        every = {source.name: [source] for source in files}
        for name, path in folders.items():
            every[name], part = collect_written(path, f"{name}/" if len(sources) > 1 else "", scope)
            parts.append(part)
        return _finish([one for source in sources for one in every[source.name]], merge(parts))


def _finish(sources: list[Source], collected: Collected) -> Log:
    """Return everything that was collected, without duplicates and in order."""
    columns, targets = collected.events, collected.targets
    gone, conflicts = find_duplicates(columns)
    collected.duplicates.update(columns["source"].filter(pa.array(gone)).to_pylist())
    order = argsort(columns)
    order = order[~gone[order]]
    children = argsort_children(targets.pop("_row").to_numpy(), order)
    events = add_flag(to_pandas(take(columns, order), COLUMNS), conflicts[order], "uuid_conflict")
    events = check_values(events)
    rank = {source.name: number for number, source in enumerate(sources)}
    rejected = _frame(sorted(collected.rejected, key=lambda row: rank[row[0]]), REJECTED_COLUMNS)
    summary = _summarize(sources, collected, events, rejected)
    origins = {source.name: source.origin for source in sources}
    return Log(events, to_pandas(take(targets, children), TARGET_COLUMNS), rejected, summary, origins)


def _frame(rows: list[Any], columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return rows as a frame with the columns' types."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    cells = {column.name: pa.array(cell, ARROW[column.kind]) for column, cell in zip(columns, values, strict=True)}
    return to_pandas(pa.table(cells), columns)


def _summarize(
    sources: list[Source], collected: Collected, events: pd.DataFrame, rejected: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per source: what it is, and how its records add up."""
    by_source = events.groupby("source")["published"]
    plausible = events[is_plausible(events["published"])].groupby("source")["published"]
    counts = (collected.records, by_source.size(), collected.duplicates, rejected.groupby("source").size())
    first, last = plausible.min(), plausible.max()
    rows = [
        (
            *(s.name, s.size, s.sha256, s.sha256_content, s.shape, s.encoding),
            *(int(count.get(s.name, 0)) for count in (*counts, collected.others)),
            *(first.get(s.name), last.get(s.name), " ".join(sorted(s.flags))),
        )
        for s in sources
    ]
    return _frame(rows, SOURCE_COLUMNS)


class Originals(list[str]):
    """The original texts of an event, which a notebook shows indented and folded."""

    def _repr_html_(self) -> str:
        shown = ((html(one, 100), pretty(one) or html(one, 20_000)) for one in self)
        return "".join(f"<details><summary>{head}</summary><pre>{words}</pre></details>" for head, words in shown)


def read_raw(log: Log, uuid: str) -> Originals:
    """Return the original text of every record with this uuid, exactly as it stands in its source.

    A notebook shows each text indented and folded; the list holds it to the letter.

    Parameters
    ----------
    log : Log
        As `read_log` returned it, also from a written folder; the files must still be where they were. They are
        compared with the hashes in `log.sources`, and each record with its uuid.
    uuid : str
        The event.

    Raises
    ------
    InputError
        If the log has no such event, or a file is not there or not the one that was read.

    Examples
    --------
    >>> log = read_log([{"uuid": "b7e5", "eventType": "user.session.start"}])
    >>> read_raw(log, "b7e5")
    ['{"uuid":"b7e5","eventType":"user.session.start"}']
    """
    rows = log.events.loc[log.events["uuid"] == uuid, ["source", "record"]]
    if rows.empty:
        raise InputError(f"Needed an event of this log, found no uuid {text(uuid)}. See log.events['uuid'].")
    by_source = rows.groupby("source", sort=False)["record"]
    return Originals(raw for name, records in by_source for raw in _texts(log, str(name), set(records), uuid))


def _texts(log: Log, name: str, records: set[int], uuid: str) -> list[str]:
    """Return the texts at places of a source that hold an event of this uuid, if the source is what was read."""
    known = log.sources.set_index("source").loc[name]
    try:
        source = _find_source(log, name)
        if uuid.isascii() and uuid.replace("-", "").isalnum():  # then lines without it need not be parsed
            source.sift = lambda lines: find_lines(lines.block, lines.ends, [uuid.encode()])
        found = [(number, raw) for number, raw, one in _texts_with_uuids(source) if number in records and one == uuid]
    except OSError as error:
        raise InputError(
            f"The file that was read is needed; {text(name)}: {error.strerror or error}. Put it back where it was."
        ) from error
    if (source.size, source.sha256) != (known["bytes"], known["sha256"]):
        size = f"it has {source.size:,} bytes, {known['bytes']:,} were read"
        other = size if source.size != known["bytes"] else f"its SHA-256 is {source.sha256}, {known['sha256']} was read"
        raise InputError(f"The file that was read is needed; {text(name)} was changed: {other}. Read the log again.")
    if {number for number, _ in found} != records:
        raise InputError(f"A record with uuid {text(uuid)} is needed; {text(name)} has none at {sorted(records)}.")
    return [raw.decode() for _, raw in found]


def _texts_with_uuids(source: Source) -> Iterator[tuple[int, bytes, str]]:
    """Yield number, text and uuid of every event of a source."""
    for item in read_records(source):
        if isinstance(item, Batch):
            yield from ((n, raw, one.uuid) for n, raw, one in zip(item.numbers, item.raws, item.outlines, strict=True))
        elif item.event is not None:
            yield item.number, item.raw, item.event.uuid


def _find_source(log: Log, name: str) -> Source:
    """Return a source as it is now."""
    origin = log.origins.get(name)
    if origin is None:
        raise InputError(
            f"The file that was read is needed; {text(name)} was not read from a file, or this table is not that of a "
            "log as it was read. Read the original log again."
        )
    if isinstance(origin, Member):
        origin = Stored(origin.archive, origin.entry.filename if origin.entry else "")
    if isinstance(origin, Stored):
        entries = {one[0]: one[1] for one in members(origin.archive)}
        if origin.member not in entries:
            raise InputError(f"The archive that was read is needed; {text(name)} is not in it any more.")
        origin = entries[origin.member]
    return Source(name, origin)
