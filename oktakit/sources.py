"""Bytes to records: what a file is, where each record begins and ends, and why one could not be read.

A record is recognised by itself. Lines are split on the newline byte alone; a line that is one whole event takes the
fast way, everything else goes through `_Splitter`, which finds the outermost objects in any arrangement of them.
"""

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from .containers import BLOCK, BROKEN, Member, Origin, inflate, is_packed, open_origin
from .model import Outline, outline

MAX_RECORD = 16 << 20
MAX_DOCUMENT = 64 << 20
"""The largest page that is held in memory at once: the records in it may have `MAX_RECORD` each."""

_UTF8_BOM = codecs.BOM_UTF8
_UTF16 = {
    **{codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"},
    **{b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"},  # JSON without a mark
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


class Run(NamedTuple):
    """Whole lines that look like one event each, as documented: the number of the first, their texts and outlines."""

    number: int
    raws: list[bytes]
    outlines: list[Outline]


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


class _Hashed(io.RawIOBase):
    """A file that is hashed and counted as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self.file.readinto(buffer)  # type: ignore[attr-defined]  # every file opened here has it
        self.hash.update(memoryview(buffer)[:count])
        self.size += count
        return int(count)


def blocks(source: Source) -> Iterator[bytes]:
    """Yield what `source` holds, decompressed and as UTF-8, and note its sizes, hashes and flags."""
    with open_origin(source.origin) as file:
        raw = _Hashed(file)
        reader = io.BufferedReader(raw, BLOCK)
        content = hashlib.sha256() if is_packed(reader.peek(8)) else None
        parts = inflate(reader, source.flags)  # type: ignore[arg-type]  # any buffered reader will do
        yield from _as_utf8(parts if content is None else _noted(parts, content), source)
        with suppress(*BROKEN):  # what is behind the damage counts for the hash alone
            while raw.read(BLOCK):
                pass
    stored = source.origin if isinstance(source.origin, Member) else Member(b"", 0, raw.size, raw.hash.hexdigest())
    source.size, source.sha256 = stored.size, stored.sha256
    source.sha256_content = (content or raw.hash).hexdigest()


def _noted(parts: Iterator[bytes], content: Any) -> Iterator[bytes]:
    for part in parts:
        content.update(part)
        yield part


def _as_utf8(parts: Iterator[bytes], source: Source) -> Iterator[bytes]:
    first = next(parts, b"")
    encoding = next((encoding for start, encoding in _UTF16.items() if first.startswith(start)), "")
    if not encoding:
        yield first.removeprefix(_UTF8_BOM)
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


_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_STRUCTURE = re.compile(_PLAIN.pattern + rb"([{}\[\]])", re.DOTALL)
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL)
_EMPTY = b" \t\r\n," + _UTF8_BOM


class _Splitter:
    """Finds the outermost objects in text that arrives line by line, however many brackets stand around them."""

    def __init__(self) -> None:
        self.depth = 0  # brackets open inside the current object
        self.arrays = 0  # brackets open around it
        self.inside = False  # a string is open at the end of a part of a line
        self.skipping = False  # until the end of a line that is too large
        self.parts: list[bytes] = []
        self.tail = b""
        self.indent = b""

    @property
    def idle(self) -> bool:
        """Return whether nothing is begun, so that a line may stand for itself."""
        return not (self.depth or self.parts or self.tail or self.skipping)

    def cuts(self, line: bytes) -> bool:
        """Return whether `line` begins an object although one is open: then the open one was cut off."""
        return self.depth > 0 and (line[:2] == b'{"' or (self.indent != b"" and line.rstrip() == self.indent))

    def cut(self) -> bytes:
        """Return what there is of the open object and forget it."""
        raw, self.parts, self.tail, self.depth, self.inside = b"".join((*self.parts, self.tail)), [], b"", 0, False
        return raw

    def feed(self, line: Line) -> Iterator[tuple[bytes, str]]:
        """Yield each object that ends in this line, and each text that is none, with the reason."""
        if self.skipping:
            self.skipping = not line.whole
            return
        text, self.tail = self.tail + line.raw, b""
        at, start = self._leave_string(text), 0
        while not self.inside and (found := _STRUCTURE.match(text, at)):
            at, mark = found.end(), found[1]
            if self.depth:
                self.depth += 1 if mark in b"{[" else -1
                if self.depth == 0:
                    yield self._joined(text[start:at]), ""
                    start = at
            else:
                yield from _junk(self._joined(text[start : at - 1]))
                start = at - self._outside(mark, text[: at - 1])
        yield from self._rest(text, start, at, line.whole)

    def _joined(self, end: bytes) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join((*parts, end))

    def _leave_string(self, text: bytes) -> int:
        """Return where the string ends that was open, if there was one."""
        if not self.inside:
            return 0
        found = _STRING_END.match(text)
        self.inside = found is None
        return found.end() if found else len(text)

    def _outside(self, mark: bytes, before: bytes) -> int:
        """Take a bracket that stands outside any object; return 1 where it begins one."""
        if mark == b"{":
            self.depth = 1
            if self.arrays and before and not before.strip():
                self.indent = before + mark
            return 1
        self.arrays = max(0, self.arrays + (mark == b"[") - (mark == b"]"))
        return 0

    def _rest(self, text: bytes, start: int, at: int, whole: bool) -> Iterator[tuple[bytes, str]]:
        """Keep what is not finished for the next line, or the next part of this one."""
        if whole:
            self.inside = False
            if self.depth:
                self.parts.append(text[start:] + b"\n")
            else:
                yield from _junk(self._joined(text[start:]))
        else:
            if not self.inside:
                at = _PLAIN.match(text, at).end()  # type: ignore[union-attr]  # it matches anywhere
                self.inside = at < len(text)
            end = len(text) - (len(text) - len(text.rstrip(b"\\"))) % 2  # an escape is not taken apart
            self.parts.append(text[start:end])
            self.tail = text[end:]
        if sum(map(len, self.parts)) > MAX_DOCUMENT:
            yield self.cut()[:BLOCK], "too_large"
            self.skipping = not whole


def _junk(text: bytes) -> Iterator[tuple[bytes, str]]:
    if text := text.strip(_EMPTY):
        yield text, "bad_json"


def _fit(raw: bytes) -> Outline | None:
    """Return the outline of a text that is an event with no other fields than documented."""
    try:
        return outline(raw) if len(raw) <= MAX_RECORD else None
    except (ValueError, RecursionError):  # the tolerant way will say why
        return None


def pieces(parts: Iterator[bytes], source: Source) -> Iterator[Document | Run]:
    """Yield runs of plain events, and everything else as documents numbered by the line on which they end."""
    splitter, number, tail = _Splitter(), 1, b""
    for part in parts:
        *raws, tail = (tail + part).split(b"\n")
        at = 0
        while at < len(raws):
            plain = _plain(raws, at) if splitter.idle and source.shape in ("", "ndjson") else []
            if plain:
                source.shape = "ndjson"
                yield Run(number + at, raws[at : at + len(plain)], plain)
            else:
                yield from _piece(Line(number + at, raws[at], True), splitter, source)
            at += len(plain) or 1
        number += at
        if len(tail) >= BLOCK:
            yield from _piece(Line(number, tail, False), splitter, source)
            tail = b""
    yield from _piece(Line(number, tail, True), splitter, source)
    if splitter.depth or splitter.tail:
        yield Document(number, splitter.cut(), reason="truncated")


def _plain(raws: list[bytes], start: int) -> list[Outline]:
    """Return the outlines of the lines from `start` on, up to the first that is not one event as documented."""
    found: list[Outline] = []
    try:
        for at in range(start, len(raws)):
            found.append(outline(raws[at]))
    except (ValueError, RecursionError):  # the tolerant way will say why
        pass
    return found


def _piece(line: Line, splitter: _Splitter, source: Source) -> Iterator[Document]:
    """Yield what ends in a line that is not, or not only, one plain event."""
    if splitter.cuts(line.raw):
        yield Document(line.number - 1, splitter.cut(), reason="truncated")
    whole = line.raw.strip(_EMPTY) if line.whole and splitter.idle else b""
    source.shape = source.shape or _shape(line.raw)
    if event := _fit(whole) if whole[:1] == b"{" else None:
        yield Document(line.number, whole, event)
        return
    for raw, reason in splitter.feed(line):
        yield Document(line.number, raw, None if reason else _fit(raw), reason)


def _shape(first: bytes) -> str:
    """Return how a file that begins with this line is built."""
    first = first.strip()
    if first.startswith(b"["):
        return "json array"
    return "ndjson" if first.startswith(b'{"') else "json" if first.startswith(b"{") else ""
