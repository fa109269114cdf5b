"""Files to blocks of UTF-8, hashed and counted on the way, and the forms that records take from there on."""

import codecs
import hashlib
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from .containers import BLOCK, BROKEN, Member, Origin, damage, inflate, is_packed, open_origin
from .model import Outline, outlines

MAX_RECORD = 16 << 20
MAX_DOCUMENT = 64 << 20
"""The largest page that is held in memory at once: the records in it may have `MAX_RECORD` each."""

_AHEAD = 4
"""How many blocks are read before they are used."""

UTF8_BOM = codecs.BOM_UTF8
_UTF16 = {
    "utf-16": re.compile(rb"\xff\xfe|\xfe\xff"),
    "utf-16-le": re.compile(rb"[\[{]\0[^\0]\0"),  # JSON without a mark
    "utf-16-be": re.compile(rb"\0[\[{]\0[^\0]"),
}


class Document(NamedTuple):
    """One piece of a file that stands for itself: an event, an envelope around some, or a text that is neither.

    `number` is its line or row, 0 where only the order counts. `outline` is there if the text looks like an event as
    documented. A row of a table comes as the `value` that its cells give, and is `textual`: all its values were text.
    """

    number: int
    raw: bytes
    outline: Outline | None = None
    reason: str = ""
    value: Any = None
    textual: bool = False


class Lines(Sequence[bytes]):
    """The lines of a block, cut out when they are asked for; `ends` says where their newlines are."""

    def __init__(self, block: bytes, ends: list[int]) -> None:
        """Take a block."""
        self.block, self.ends = block, ends

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.ends)

    def __getitem__(self, at: Any) -> Any:
        """Return one line without its newline."""
        return self.block[self.ends[at - 1] + 1 if at else 0 : self.ends[at]]

    def outlines(self) -> list[Outline]:
        """Return the outlines of lines of which each is one event as documented, otherwise nothing."""
        with suppress(ValueError, RecursionError):
            if len(self) and len(found := outlines(self.block)) == len(self):
                return found
        return []


class Run(NamedTuple):
    """Texts that look like one event each, as documented, with their numbers and outlines."""

    numbers: Sequence[int]
    raws: Sequence[bytes]
    outlines: list[Outline]


class Skipped(NamedTuple):
    """So many events that have none of the wanted texts."""

    events: int


class Line(NamedTuple):
    """One line, or a part of a long one (`whole` is False on all parts but the last)."""

    number: int
    raw: bytes
    whole: bool


@dataclass
class Source:
    """One input while it is read: where it is, and what was learned about it on the way."""

    name: str
    origin: Origin
    size: int = 0
    sha256: str = ""
    sha256_content: str = ""
    shape: str = ""
    encoding: str = "utf-8"
    flags: set[str] = field(default_factory=set)
    sift: Callable[[Lines], list[int]] | None = None
    """What finds the lines of a block that may be wanted; where there is nothing, every event is wanted."""
    hashed: bool = True


class _Hashed(io.RawIOBase):
    """A file that a thread of its own reads ahead and hashes, if that is wanted; counted as it is used."""

    def __init__(self, file: BinaryIO, flags: set[str], wanted: bool) -> None:
        self.file, self.flags, self.wanted, self.size = file, flags, wanted, 0
        self._hash, self._worker = hashlib.sha256(), ThreadPoolExecutor(1)
        self._ahead, self._rest, self._ended = deque[Future[bytes]](), b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.take(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def take(self, size: int) -> bytes:
        """Return what comes next, not more than so much."""
        while len(self._ahead) < _AHEAD:
            self._ahead.append(self._worker.submit(self._read))
        found = self._rest or self._ahead.popleft().result()
        block, self._rest = found[:size], found[size:]
        self.size += len(block)
        return block

    def _read(self) -> bytes:
        try:
            block = b"" if self._ended else self.file.read(BLOCK)
        except BROKEN as error:  # a damaged member of an archive ends here
            self.flags.add(damage(error))
            block = b""
        self._ended = not block
        if self.wanted:
            self._hash.update(block)
        return block

    def close(self) -> None:
        self._worker.shutdown()
        super().close()

    def hexdigest(self) -> str:
        """Return the hash, once everything is read."""
        self._worker.shutdown()
        return self._hash.hexdigest()


class _Peeked(io.BufferedReader):
    """A file of which the beginning was looked at; what is read in one go behind it is not copied."""

    def __init__(self, file: _Hashed) -> None:
        super().__init__(file, BLOCK)
        self._file, self._fresh = file, True

    def read1(self, size: int = -1, /) -> bytes:
        fresh, self._fresh = self._fresh, False
        return super().read1(size) if fresh else self._file.take(size)


def blocks(source: Source) -> Iterator[bytes]:
    """Yield what `source` holds, decompressed and as UTF-8, and note its sizes, hashes and flags."""
    with open_origin(source.origin) as file:
        raw = _Hashed(file, source.flags, source.hashed)
        reader = _Peeked(raw)
        content = hashlib.sha256() if source.hashed and is_packed(reader) else None
        parts = inflate(reader, source.flags)
        for part in _as_utf8(parts if content is None else _noted(parts, content), source):
            source.size = raw.size
            yield part
        while raw.read(BLOCK):  # what is behind the damage counts for the hash alone
            pass
    stored = source.origin if isinstance(source.origin, Member) else Member(b"", None, raw.size, raw.hexdigest())
    source.size, source.sha256 = stored.size, stored.sha256
    source.sha256_content = (content or raw).hexdigest()


def _noted(parts: Iterator[bytes], content: Any) -> Iterator[bytes]:
    for part in parts:
        content.update(part)
        yield part


def _as_utf8(parts: Iterator[bytes], source: Source) -> Iterator[bytes]:
    first = next(parts, b"")
    encoding = next((encoding for encoding, start in _UTF16.items() if start.match(first)), "")
    if not encoding:
        yield first.removeprefix(UTF8_BOM)
        yield from parts
        return
    source.encoding = "utf-16"
    source.flags.add("encoding_utf16")
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogatepass")  # half a character harms its record only
    for part in chain([first], parts):
        yield decoder.decode(part).encode(errors="surrogatepass")


def lines(parts: Iterator[bytes]) -> Iterator[Line]:
    """Yield the lines of a stream of blocks, without their newline; a line longer than a block comes in parts."""
    number, tail = 1, b""
    for part in parts:
        *whole, tail = (tail + part).split(b"\n")
        for raw in whole:
            yield Line(number, raw, True)
            number += 1
        if len(tail) >= BLOCK:
            yield Line(number, tail, False)
            tail = b""
    yield Line(number, tail, True)
