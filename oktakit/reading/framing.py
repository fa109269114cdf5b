"""Lines to documents: where each record begins and ends, and why a text is none.

A record is recognised by itself. A line that is one whole event takes the fast path; everything else goes through
`ObjectSplitter`, which finds the outermost objects in any arrangement of them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from .model import Outline, outline
from .streams import BLOCK, MAX_DOCUMENT, MAX_RECORD, UTF8_BOM, Document, Line, Lines, Run, Skipped, Source

_SLICE = 1 << 18  # as much as stays in the processor's cache


def clean_lines(block: bytes) -> list[int]:
    """Return where the lines of a block end, if each of them looks like one object; otherwise nothing.

    >>> clean_lines(b'{"a":1}\\n{"b":2}\\n'), clean_lines(b"{\\n}\\n")
    ([7, 15], [])
    """
    # Three bytes of each line are compared as columns of numbers: a block of plain events costs no look at its lines.
    newlines, end = list[int](), -1
    while (end := block.find(b"\n", end + 1)) >= 0:
        newlines.append(end)
    text, ends = np.frombuffer(block, np.uint8), np.array(newlines, np.int64)
    starts = np.append(0, ends + 1)[:-1]
    edges = ((starts, "{"), (starts + 1, '"'), (ends - 1, "}"))
    return newlines if all((text.take(at, mode="clip") == ord(mark)).all() for at, mark in edges) else []


def find_lines(block: bytes, ends: list[int], needles: list[bytes]) -> list[int]:
    """Return the lines, from 0, that hold a needle, or an escape that may stand for a part of one.

    >>> find_lines(b'{"a":"x"}\\n{"b":"y"}\\n', [9, 19], [b'"y'])
    [1]
    """
    lines = {line for needle in needles for line in _places(block, ends, needle)}
    # Logs have many backslashes and few `\\u`: compared as numbers, this is several times as fast as bytes.find.
    text = np.frombuffer(block, np.uint8)
    slices = (text[at : at + _SLICE + 1] for at in range(0, len(text), _SLICE))
    if any(((part[:-1] == ord("\\")) & (part[1:] == ord("u"))).any() for part in slices):
        lines |= set(_places(block, ends, b"\\u"))
    return sorted(lines)


def _places(block: bytes, ends: list[int], needle: bytes) -> list[int]:
    """Return the lines that hold a needle."""
    lines, at = list[int](), block.find(needle)
    while at >= 0:
        line = bisect_left(ends, at)
        lines.append(line)
        at = block.find(needle, ends[line])
    return lines


# The first releases of Python 3.11 lose their place where the last round of a possessive group fails.
_ONCE = b"+" if re.match(r'(?:"(?:a|b)*+")*+', '"a""').end() == 3 else b""  # type: ignore[union-attr]

# Possessive groups never go back: a long text without an end costs one pass, not the square of its length.
_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*' + _ONCE, re.DOTALL)

_STRUCTURE = re.compile(_PLAIN.pattern + rb"([{}\[\]])", re.DOTALL)

_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL)

_EMPTY = b" \t\r\n," + UTF8_BOM


class ObjectSplitter:
    """Finds the outermost objects in text that arrives line by line, however many brackets stand around them."""

    def __init__(self) -> None:
        """Start outside of everything."""
        self.depth = 0  # brackets open inside the current object
        self.arrays = 0  # brackets open around it
        self.inside = False  # a string is open at the end of a part of a line
        self.skipping = False  # until the end of a line that is too large
        self.parts: list[bytes] = []
        self.size = 0  # of the parts
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
        raw, self.tail, self.depth, self.inside = self._joined(self.tail), b"", 0, False
        return raw

    def feed(self, line: Line) -> Iterator[tuple[bytes, str]]:
        """Yield each object that ends in this line, and each text that is none, with the reason."""
        if self.skipping:
            self.skipping = not line.whole
            return
        text, self.tail = self.tail + line.raw, b""
        at, start = self._leave_string(text), 0
        while not self.inside and (match := _STRUCTURE.match(text, at)):
            at, mark = match.end(), match[1]
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
        parts, self.parts, self.size = self.parts, [], 0
        return b"".join((*parts, end))

    def _keep(self, part: bytes) -> None:
        self.parts.append(part)
        self.size += len(part)

    def _leave_string(self, text: bytes) -> int:
        """Return where the string ends that was open, if there was one."""
        if not self.inside:
            return 0
        match = _STRING_END.match(text)
        self.inside = match is None
        return match.end() if match else len(text)

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
                self._keep(text[start:] + b"\n")
            else:
                yield from _junk(self._joined(text[start:]))
        else:
            if not self.inside:
                at = _PLAIN.match(text, at).end()  # type: ignore[union-attr]  # it matches anywhere
                self.inside = at < len(text)
            end = len(text) - (len(text) - len(text.rstrip(b"\\"))) % 2  # an escape is not taken apart
            self._keep(text[start:end])
            self.tail = text[end:]
        if self.size > MAX_DOCUMENT:
            yield self.cut()[:BLOCK], "too_large"
            self.skipping = not whole


def _junk(text: bytes) -> Iterator[tuple[bytes, str]]:
    if text := text.strip(_EMPTY):
        yield text, "bad_json"


def _fit(raw: bytes) -> Outline | None:
    """Return the outline of a text that is an event with no other fields than documented."""
    try:
        return outline(raw) if len(raw) <= MAX_RECORD else None
    except (ValueError, RecursionError):  # the tolerant path will say why
        return None


def split_events(parts: Iterator[bytes], source: Source) -> Iterator[Document | Run | Skipped]:
    """Yield runs of plain events, and everything else as documents numbered by the line on which they end."""
    splitter, number, tail = ObjectSplitter(), 1, b""
    for part in parts:
        end = part.rfind(b"\n") + 1
        block, tail = (b"".join((tail, memoryview(part)[:end])), part[end:]) if end else (b"", tail + part)
        lines = Lines(block, clean_lines(block) if splitter.idle and source.shape == "ndjson" else [])
        if lines and source.sift:
            wanted = source.sift(lines)
            yield Skipped(len(lines) - len(wanted))
            for at in wanted:
                yield from _alone(Line(number + at, lines[at], True), source)
        elif events := lines.outlines():
            yield Run(range(number, number + len(lines)), lines, events)
        else:
            for at, raw in enumerate(block.split(b"\n")[:-1]):
                yield from _split_line(Line(number + at, raw, True), splitter, source)
        number += len(lines) or block.count(b"\n")
        if len(tail) >= BLOCK:
            yield from _split_line(Line(number, tail, False), splitter, source)
            tail = b""
    yield from _split_line(Line(number, tail, True), splitter, source)
    if splitter.depth or splitter.tail:
        yield Document(number, splitter.cut(), reason="truncated")


def _alone(line: Line, source: Source) -> Iterator[Document]:
    """Yield what is in a line between others that are whole."""
    splitter = ObjectSplitter()
    yield from _split_line(line, splitter, source)
    if splitter.depth:
        yield Document(line.number, splitter.cut(), reason="truncated")


def _split_line(line: Line, splitter: ObjectSplitter, source: Source) -> Iterator[Document]:
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
