"""Large logs, read by several processes: small files many at once, large ones in parts. The tables are the same."""

import hashlib
import math
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from ..errors import InputError
from ..reading.parts import divide, is_divisible, measure, unpack
from ..reading.streams import BLOCK, Part, Source
from .collect import Collected
from .processes import Processes, count_cores
from .scope import Scope
from .worker import Done

SHARED = 64 << 20
"""From how many bytes on a log is shared out, and how many of them are read in one go at most."""
PIECE = 16 << 20
"""How many bytes are worth a process, and how many of what is packed are handed on at once."""
_LEARNED = ("size", "sha256", "sha256_content", "shape", "encoding", "flags")


class Share:
    """Files that are read in one go."""

    def __init__(self, sources: list[Source], size: int) -> None:
        """Take files that have about so many bytes to read."""
        self.sources, self.size = sources, size
        self.reads = list[Future[Done]]()

    def begin(self, processes: Processes, scope: Scope | None, bar: Any) -> None:
        """Let it be read."""
        self.reads = [processes.submit(self.sources, scope)]

    def end(self, processes: Processes, scope: Scope | None, bar: Any) -> list[Collected]:
        """Return what it holds, and note what was learned about its files."""
        read, collected = self.reads[0].result()
        bar.update(sum(source.size for source in read))
        self.note(read)
        return [collected]

    def note(self, read: list[Source]) -> None:
        """Note what was learned about its files."""
        for source, learned in zip(self.sources, read, strict=True):
            for name in _LEARNED:
                setattr(source, name, getattr(learned, name))


class Divided(Share):
    """A large file that is read in parts."""

    def begin(self, processes: Processes, scope: Scope | None, bar: Any) -> None:
        """Let its parts be read."""
        self.whole = replace(self.sources[0], flags=set(self.sources[0].flags))
        for part in self.parts(processes.count, bar):
            source = replace(self.whole, origin=part, flags=set(), hashed=False)
            self.reads.append(processes.submit([source], scope))

    def parts(self, count: int, bar: Any) -> Iterator[Part]:
        """Yield its parts."""
        path = Path(str(self.whole.origin))
        self.status = path.stat()
        yield from divide(path, self.status.st_size, count * math.ceil(self.status.st_size / SHARED / count))

    def hash(self) -> None:
        """Hash it here, while others read its parts."""
        sha256 = hashlib.sha256()
        with Path(str(self.whole.origin)).open("rb") as file:
            while self.whole.hashed and (block := file.read(min(BLOCK, self.status.st_size - self.whole.size))):
                sha256.update(block)
                self.whole.size += len(block)
        self.whole.size = self.status.st_size
        self.whole.sha256 = self.whole.sha256_content = sha256.hexdigest()

    def is_settled(self) -> bool:
        """Return whether what was read and hashed is the same."""
        now = Path(str(self.whole.origin)).stat()
        return (now.st_size, now.st_mtime_ns) == (self.status.st_size, self.status.st_mtime_ns)

    def end(self, processes: Processes, scope: Scope | None, bar: Any) -> list[Collected]:
        """Return what its parts hold, their records numbered as in the whole."""
        self.hash()
        done = [read.result() for read in self.reads]
        if not (self.is_settled() and all(part.settled for (part,), _ in done[:-1])):
            # Something is open where it was divided, such as a list, or it has changed meanwhile: it is read in one go.
            super().begin(processes, scope, bar)
            return super().end(processes, scope, bar)
        before = 0
        for (part,), collected in done:
            collected.events["record"] = pc.add(collected.events["record"], before)
            collected.rejected = [(one[0], one[1] + before, *one[2:]) for one in collected.rejected]
            before += part.lines
            self.whole.flags |= part.flags
            self.whole.shape = part.shape
        self.note([self.whole])
        return [collected for _, collected in done]


class Unpacked(Divided):
    """A large packed file: it is unpacked here, and handed on in parts."""

    def parts(self, count: int, bar: Any) -> Iterator[Part]:
        """Yield its parts, no faster than they are read."""
        before = 0
        for part in unpack(self.whole, PIECE):
            yield part
            bar.update(self.whole.size - before)
            before = self.whole.size
            waiting = [read for read in self.reads if not read.done()]
            if len(waiting) > count:
                for read in wait(waiting, return_when=FIRST_COMPLETED).done:
                    read.result()

    def hash(self) -> None:
        """Do nothing: it was hashed when it was unpacked."""

    def is_settled(self) -> bool:
        """Return whether all of it was handed on."""
        return self.whole.settled


def share_out(sources: list[Source], processes: int) -> list[Share]:
    """Return how the files among some sources are shared out."""
    measured = [(source, *measure(source)) for source in sources]
    side_by_side = sum(size >= SHARED for _, size, _ in measured) >= processes  # then each unpacks its own
    shares = list[Share]()
    for source, size, packed in measured:
        if size >= SHARED and not (packed and side_by_side) and is_divisible(source):
            shares.append((Unpacked if packed or source.encoding != "utf-8" else Divided)([source], size))
        elif size and shares and type(shares[-1]) is Share and shares[-1].size + size <= SHARED // 2:
            shares[-1].sources.append(source)
            shares[-1].size += size
        elif size:
            shares.append(Share([source], size))
    return shares


@contextmanager
def start_processes(sources: list[Source], processes: int | None, effort: float) -> Iterator[Processes | None]:
    """Give processes to read the files among some sources with, or None where that is not worth it.

    `effort` says how much work there is in a byte, beside reading all of a log.
    """
    cores = count_cores() if processes is None else processes
    if cores < 1:
        raise InputError(f"At least one process is needed; found processes={cores}. Leave it out to use every core.")
    shares = share_out(sources, cores) if cores > 1 and sys.executable else []
    size = int(sum(share.size for share in shares) * effort)
    if size < SHARED or (len(shares) == 1 and type(shares[0]) is Share):
        yield None
        return
    several = Processes(min(cores, math.ceil(size / PIECE)))
    try:
        yield several
    finally:
        several.close()


def read_shares(shares: list[Share], processes: Processes, scope: Scope | None, bar: Any) -> list[Collected]:
    """Return what files hold, in their order, and note in them what was learned."""
    for share in shares:
        share.begin(processes, scope, bar)
    return [collected for share in shares for collected in share.end(processes, scope, bar)]
