"""Bytes to records: what a file is, where each record begins and ends, and why one could not be read.

A record is recognised by itself. Lines are split on the newline byte alone; a line that is one whole event takes the
fast way, everything else goes through `_Splitter`, which finds the outermost objects in any arrangement of them.
"""

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .model import Outline, outline

BLOCK = 1 << 20
MAX_RECORD = 16 << 20
MAX_DOCUMENT = 64 << 20
"""The largest page that is held in memory at once: the records in it may have `MAX_RECORD` each."""

_UTF8_BOM = codecs.BOM_UTF8
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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


class Line(NamedTuple):
    """One line, or a part of a long one (`whole` is False on all parts but the last)."""

    number: int
    raw: bytes
    whole: bool


@dataclass
class Source:
    """One input while it is read: where it is, and what was learned about it on the way."""

    name: str
    origin: Path | bytes
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


def _blocks(source: Source) -> Iterator[bytes]:
    """Yield what `source` holds, decompressed and as UTF-8, and note its sizes, hashes and flags."""
    content = hashlib.sha256()
    with _open(source.origin) as file:
        raw = _Hashed(file)
        yield from _as_utf8(_inflate(io.BufferedReader(raw, BLOCK), source, content), source)
        while raw.read(BLOCK):
            pass
    source.size, source.sha256, source.sha256_content = raw.size, raw.hash.hexdigest(), content.hexdigest()


def _open(origin: Path | bytes) -> BinaryIO:
    return io.BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb", buffering=0)


def _inflate(raw: io.BufferedReader, source: Source, content: Any) -> Iterator[bytes]:
    """Yield decompressed blocks; gzip is known by its content, and what is damaged gives all that can be had."""
    stream: Any = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
    try:
        while block := stream.read1(BLOCK):
            content.update(block)
            yield block
    except EOFError:
        source.flags.add("truncated_gzip")
    except (gzip.BadGzipFile, zlib.error) as error:
        source.flags.add("trailing_garbage" if "Not a gzipped file" in str(error) else "gzip_crc")


def _as_utf8(parts: Iterator[bytes], source: Source) -> Iterator[bytes]:
    first = next(parts, b"")
    if not first.startswith(_UTF16_BOMS):
        yield first.removeprefix(_UTF8_BOM)
        yield from parts
        return
    source.encoding = "utf-16"
    source.flags.add("encoding_utf16")
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    yield decoder.decode(first).encode()
    for part in parts:
        yield decoder.decode(part).encode()


def _lines(parts: Iterator[bytes]) -> Iterator[Line]:
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


_STRUCTURE = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_EMPTY = b" \t\r\n,"


class _Splitter:
    """Finds the outermost objects in text that arrives line by line, however many brackets stand around them."""

    def __init__(self) -> None:
        self.depth = 0  # brackets open inside the current object
        self.arrays = 0  # brackets open around it
        self.parts: list[bytes] = []
        self.size = 0
        self.skipping = False
        self.tail = b""
        self.indent = b""

    @property
    def idle(self) -> bool:
        """Return whether nothing is begun, so that a line may stand for itself."""
        return not (self.depth or self.tail or self.skipping)

    def cuts(self, line: bytes) -> bool:
        """Return whether `line` begins an object although one is open: then the open one was cut off."""
        return self.depth > 0 and (line[:2] == b'{"' or (self.indent != b"" and line.rstrip() == self.indent))

    def cut(self) -> bytes:
        """Return what there is of the open object and forget it."""
        raw, self.parts, self.size, self.depth, self.tail = b"".join(self.parts) + self.tail, [], 0, 0, b""
        return raw

    def feed(self, line: Line) -> Iterator[tuple[bytes, str]]:
        """Yield each object that ends in this line, and each text that is none, with the reason."""
        if self.skipping:
            self.skipping = not line.whole
            return
        text, self.tail = self.tail + line.raw, b""
        at = start = 0
        while found := _STRUCTURE.match(text, at):
            at, mark = found.end(), found[1]
            if self.depth:
                self.depth += 1 if mark in b"{[" else -1
                if self.depth == 0:
                    yield b"".join((*self.parts, text[start:at])), ""
                    self.parts, self.size, start = [], 0, at
            else:
                yield from _junk(text[start : at - 1])
                start = at
                start -= self._outside(mark, text[: at - 1])
        yield from self._rest(text, start, at, line.whole)

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
        """Keep what is not finished for the next line."""
        if whole and not self.depth:
            yield from _junk(text[start:])
        elif whole:
            self.parts.append(text[start:] + b"\n")
        else:
            self.parts += [text[start:at]] if self.depth else []
            self.tail = text[at:]
        self.size = sum(map(len, self.parts)) + len(self.tail) if not whole else self.size + len(text) - start
        if self.size > MAX_DOCUMENT:
            yield self.cut()[:BLOCK], "too_large"
            self.skipping = not whole


def _junk(text: bytes) -> Iterator[tuple[bytes, str]]:
    if text := text.strip(_EMPTY):
        yield text, "bad_json"


def _fit(raw: bytes) -> Outline | None:
    """Return the outline of a text that is an event with no other fields than documented."""
    try:
        return outline(raw)
    except (ValueError, RecursionError):  # the tolerant way will say why
        return None


def _pieces(stream: Iterator[Line], source: Source) -> Iterator[Document]:
    """Yield documents numbered by the line on which they end."""
    splitter = _Splitter()
    number = 0
    for line in stream:
        if splitter.cuts(line.raw):
            yield Document(number, splitter.cut(), reason="truncated")
        number = line.number
        whole = line.raw.strip(_EMPTY) if line.whole and splitter.idle else b""
        source.shape = source.shape or _shape(line.raw)
        if event := _fit(whole) if whole[:1] == b"{" else None:
            yield Document(number, whole, event)
        else:
            for raw, reason in splitter.feed(line):
                yield Document(number, raw, None if reason else _fit(raw), reason)
    if splitter.depth or splitter.tail:
        yield Document(number, splitter.cut(), reason="truncated")


def _shape(first: bytes) -> str:
    """Return how a file that begins with this line is built."""
    first = first.strip()
    if first.startswith(b"["):
        return "json array"
    return "ndjson" if first.startswith(b'{"') else "json" if first.startswith(b"{") else ""


def documents(source: Source) -> Iterator[Document]:
    """Yield the documents of a source; a file that holds no JSON is one document with the reason."""
    parts = _blocks(source)
    head = next(parts, b"")
    what = _kind(head[:65536])
    if what == "json":
        for document in _pieces(_lines(chain([head], parts)), source):
            yield document if source.shape == "ndjson" else document._replace(number=0)
        return
    for _ in parts:
        pass
    source.shape = what
    source.flags.add({"empty": "empty", "csv": "unknown_format"}.get(what, "not_json"))
    if what != "empty":
        yield Document(1, head[:4096], reason="nul_bytes" if b"\0" in head[:4096] else _UNREAD[what])


_UNREAD = {"csv": "no_event_type", "other": "bad_json"}


def _kind(head: bytes) -> str:
    """Return what a file beginning with `head` looks like: json, csv, other or empty.

    >>> _kind(b'banner\\n{"uuid": "x"}'), _kind(b"<!DOCTYPE html>"), _kind(b"a,b\\n1,2"), _kind(b" ")
    ('json', 'other', 'csv', 'empty')
    """
    text = head.strip()
    if not text.strip(b"\0"):
        return "other" if text else "empty"
    if not text.startswith(b"<") and re.search(rb"^\s*[{\[]", text, re.MULTILINE):
        return "json"
    first = text.split(b"\n", 1)[0]
    return "csv" if b"," in first and not text.startswith(b"<") else "other"
