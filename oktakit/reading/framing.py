"""Lines to documents: where each record begins and ends, and why a text is none.

A record is recognised by itself. A line that is one whole event takes the fast path; everything else goes through
`ObjectSplitter`, which finds the outermost objects in any arrangement of them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import cycle, pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from .mappings import WRAPPERS
from .model import Outline, outline
from .streams import BLOCK, MAX_DOCUMENT, MAX_RECORD, UTF8_BOM, Batch, Document, Line, Lines, Source


class Frame(NamedTuple):
    """The text of an object or of what is none: on which line it begins, and the reason why it is none, if known."""

    number: int
    raw: bytes
    reason: str = ""


def is_json(text: bytes) -> bool:
    """Return whether a text is one JSON value.

    >>> is_json(b'{"a":1}'), is_json(b"1 2")
    (True, False)
    """
    try:
        return bool(_decode_value(text))
    except (ValueError, RecursionError):
        return False


_decode_value = msgspec.json.Decoder(msgspec.Raw).decode
_decode_values = msgspec.json.Decoder(list[msgspec.Raw]).decode
_SLICE = 1 << 18  # as much as stays in the processor's cache


def clean_lines(block: bytes) -> tuple[list[int], list[int]]:
    """Return where the lines of a block end, and those from which on others look like one object each, or do not.

    >>> clean_lines(b'{"a":1}\\n{"b":2}\\n'), clean_lines(b'{\\n}\\n{"a":1}\\n')
    (([7, 15], [0]), ([1, 3, 11], [2]))
    """
    # Three bytes of each line are compared as columns of numbers: a block of plain events costs no look at its lines.
    newlines, end = list[int](), -1
    while (end := block.find(b"\n", end + 1)) >= 0:
        newlines.append(end)
    text, ends = np.frombuffer(block, np.uint8), np.array(newlines, np.int64)
    starts = np.append(0, ends + 1)[:-1]
    edges = ((starts, "{"), (starts + 1, '"'), (ends - 1, "}"))
    clean = ends - starts < BLOCK  # a longer line may come in parts
    for at, mark in edges:
        clean &= text.take(at, mode="clip") == ord(mark)
    return newlines, np.flatnonzero(np.diff(clean, prepend=False)).tolist()


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

_OPENING = {b"}": b"{", b"]": b"["}


class ObjectSplitter:
    """Finds the outermost objects in text that arrives line by line, however many brackets stand around them."""

    def __init__(self, flags: set[str]) -> None:
        """Start outside of everything; what is wrong about brackets and commas is added to `flags`."""
        self.flags = flags
        self.open = bytearray()  # brackets open inside the current object
        self.around = bytearray()  # brackets open around it
        self.filled = False  # something stands before it inside the brackets around it
        self.commas = 0  # behind the last object
        self.missing = False  # a comma was missing; in a list that has no end, that is nothing to say
        self.inside = False  # a string is open at the end of a part of a line
        self.skipping = False  # until the end of a line that is too large
        self.parts: list[bytes] = []
        self.size = 0  # of the parts
        self.tail = b""
        self.number = 0  # the line on which the current object, or text that is none, begins
        self.indent = b""
        self.ending = (b"", 0)  # the last line that was not blank, and from where on it has no brackets
        self.restart: tuple[int, int] | None = None  # where in the parts, and on which line, a new object may begin
        self.strict = False

    @property
    def idle(self) -> bool:
        """Return whether nothing is begun, so that a line may stand for itself."""
        return not (self.open or self.parts or self.tail or self.skipping)

    @property
    def settled(self) -> bool:
        """Return whether nothing that came before has a say in what comes next."""
        return self.idle and not (self.around or self.commas or self.missing or self.indent or self.inside)

    def feed(self, line: Line) -> Iterator[Frame]:
        """Yield each object that ends in this line, and each text that is none."""
        if self.skipping:
            self.skipping = not line.ends
            return
        if line.begins and self.open and self._starts_anew(line):
            yield from self.cut()
        if line.begins and not self.open:
            self.number = line.number
        text, self.tail = self.tail + line.raw, b""
        at, start = self._leave_string(text), 0
        while not self.inside and (match := _STRUCTURE.match(text, at)):
            at, mark = match.end(), match[1]
            if self.open and mark in b"{[":
                self.open += mark
            elif self.open:
                self.open.pop()
                if not self.open:
                    yield Frame(self.number, self._joined(text[start:at]))
                    self.number, start = line.number, at
            elif mark in b"{[" or self.around[-1:] == _OPENING[mark]:  # any other bracket is a text that is no object
                yield from self._between(self._joined(text[start : at - 1]))
                start = at - self._take_bracket(mark, text[: at - 1], line.number)
        yield from self._keep_rest(text, start, at, line)

    def take(self, line: bytes, start: int, end: int) -> None:
        """Take note of an object that was read already, for what stands before and behind it in its line."""
        self.commas += line.count(b",", 0, start)
        self._check_commas(b"{")
        self.commas, self.filled = line.count(b",", end), True

    def cut(self) -> Iterator[Frame]:
        """Yield the open object as cut off, and what is in it from where on a new object may begin."""
        raw, restart = self._joined(self.tail), self.restart
        self.open, self.tail, self.inside, self.restart = bytearray(), b"", False, None
        offset, number = restart or (len(raw), 0)
        yield Frame(self.number, raw[:offset].rstrip(b"\n"), "truncated")
        if restart:
            self.strict = True  # so that every line is looked at twice at most
            for at, text in enumerate(raw[offset:].split(b"\n")[:-1]):
                yield from self.feed(Line(number + at, text))
            self.strict = False
            if self.open:
                yield from self.cut()

    def close(self) -> Iterator[Frame]:
        """Yield what is left at the end."""
        if self.open or self.tail:
            yield from self.cut()
        if self.around:
            self.flags.add("not_closed")
        else:
            self._check_commas(b"]")

    def _starts_anew(self, line: Line) -> bool:
        """Return whether a line begins an object although one is open: then the open one was cut off.

        JSON allows an object only behind a colon, or in a list. Where it is allowed, a new record may begin all the
        same; if the open object turns out to have no end, it was cut off there.
        """
        if line.raw[:1] != b"{" and (not self.indent or line.raw.rstrip() != self.indent):
            return False
        text, at = self.ending
        last = text.rstrip()[-1:]
        allowed = last == b":" or (self.open[-1:] == b"[" and last in b"[,")
        whole = _PLAIN.match(text, at).end() == len(text)  # type: ignore[union-attr]  # it matches anywhere
        if allowed and whole and not self.inside and not self.strict:
            self.restart = self.restart or (self.size, line.number)
            return False
        return True

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

    def _check_commas(self, mark: bytes) -> None:
        """Take note of commas that are missing, doubled or left over before a bracket."""
        wanted = self.filled and mark in b"{[" and bool(self.around)
        self.missing |= self.commas < wanted
        if self.around[-1:] != b"{" and (self.commas > wanted or (self.missing and mark == b"]")):
            self.flags.add("bad_commas")
        self.commas = 0

    def _take_bracket(self, mark: bytes, before: bytes, number: int) -> int:
        """Take a bracket that stands outside any object; return 1 where it begins one."""
        self._check_commas(mark)
        self.filled = mark != b"["
        if mark == b"{":
            self.open += mark
            self.number, self.restart = number, None
            if self.around and before and not before.strip():
                self.indent = before + mark
            return 1
        if mark == b"[":
            self.around += mark
        else:
            self.around.pop()
        return 0

    def _between(self, text: bytes) -> Iterator[Frame]:
        """Take text between objects: commas, values that are no objects, or no JSON; in an envelope its members."""
        if bare := text.strip(_EMPTY):
            self.commas, self.filled = int(text.rstrip().endswith(b",")), True
        else:
            self.commas += text.count(b",")
        if bare and self.around[-1:] != b"{":
            try:
                yield from (Frame(self.number, bytes(value)) for value in _decode_values(b"[" + bare + b"]"))
            except (ValueError, RecursionError):
                yield Frame(self.number, bare, "bad_json")

    def _keep_rest(self, text: bytes, start: int, at: int, line: Line) -> Iterator[Frame]:
        """Keep what is not finished for the next line, or the next part of this one."""
        if text.strip() or self.inside:
            self.ending = (b'"', 0) if self.inside and line.ends else (text, at)
        if line.ends:
            if self.open:
                self._keep(text[start:] + b"\n")
            else:
                yield from self._between(self._joined(text[start:]))
            self.inside = False
        else:
            if not self.inside:
                at = _PLAIN.match(text, at).end()  # type: ignore[union-attr]  # it matches anywhere
                self.inside = at < len(text)
            end = len(text) - (len(text) - len(text.rstrip(b"\\"))) % 2  # an escape is not taken apart
            self._keep(text[start:end])
            self.tail = text[end:]
        if self.size > MAX_DOCUMENT:
            yield from self._open_envelope(line)

    def _open_envelope(self, line: Line) -> Iterator[Frame]:
        """Yield what is in an envelope that is too large, and go on in it as in a list; or skip what is no envelope."""
        elements, around = find_elements(raw := self._joined(self.tail))
        self.open, self.tail, self.inside = bytearray(), b"", False
        if not elements:
            yield Frame(self.number, raw[:BLOCK], "too_large")
            self.skipping = not line.ends
            return
        yield from (Frame(self.number, raw[start:end]) for start, end in elements)
        self.around += around
        yield from self.feed(Line(line.number, raw[elements[-1][1] :], False, line.ends))


def may_hold_elements(text: bytes) -> bool:
    """Return whether there may be whole records in what has no end, or is damaged.

    >>> may_hold_elements(b'{"hits":[{}'), may_hold_elements(b'{"uuid":"x","act')
    (True, False)
    """
    return b"[" in text or _EVENT_TYPE.search(text) is not None


def find_elements(text: bytes) -> tuple[list[tuple[int, int]], bytes]:
    """Return where the whole objects are in the lists of an envelope without an end, and the brackets around the last.

    >>> find_elements(b'{"hits":{"total":{},"hits":[{"_id":1},{"_id":2},{"_i'), find_elements(b'{"target":[{}')
    (([(28, 37), (38, 47)], b'{{['), ([], b''))
    """
    if not may_hold_elements(text):
        return [], b""
    elements, around, starts, at = list[tuple[int, int]](), bytearray(), list[int](), 0
    kept = b""  # the brackets around the last element
    depth, start, is_element = 0, 0, False
    while match := _STRUCTURE.match(text, at):
        before, at, mark = text[at : match.end() - 1], match.end(), match[1]
        if depth:
            depth += 1 if mark in b"{[" else -1
            if is_element and not depth:
                elements.append((start, at))
                kept = bytes(around)
        elif mark in b"]}":
            begin = starts.pop()
            alone = starts and mark == b"}" and (not elements or begin > elements[-1][0])
            if alone and _EVENT_TYPE.search(text, begin, at):  # the one event of an envelope
                elements.append((begin, at))
            around.pop()
            if not around:
                break
        elif not around or (mark == b"[" if around[-1:] == b"[" else _key(before) in WRAPPERS):
            around += mark
            starts.append(at - 1)
        else:
            depth, start, is_element = 1, at - 1, around[-1:] == b"["
    if depth and is_element:
        inner, more = find_elements(text[start:])
        elements += [(start + begin, start + end) for begin, end in inner]
        kept = bytes(around + more) if inner else kept
    return elements, kept


_EVENT_TYPE = re.compile(rb'"event_?type"', re.IGNORECASE)


def _key(before: bytes) -> str:
    """Return the key at the end of the text before a bracket."""
    key = before.rstrip().removesuffix(b":").rstrip().removesuffix(b'"')
    return key[key.rfind(b'"') + 1 :].decode(errors="replace")


def _fit(raw: bytes) -> Outline | None:
    """Return the outline of a text that is an event with no other fields than documented."""
    try:
        return outline(raw) if len(raw) <= MAX_RECORD else None
    except (ValueError, RecursionError):  # the tolerant path will say why
        return None


def split_events(parts: Iterator[bytes], source: Source) -> Iterator[Document | Batch]:
    """Yield batches of plain events, and everything else as documents numbered by the line on which they begin."""
    # Whether a line is read by itself depends on that line and what is open before it, never on where blocks end: the
    # same records come of it however a source is divided.
    splitter, number, tail, begins = ObjectSplitter(source.flags), 1, b"", True
    for part in parts:
        end = part.rfind(b"\n") + 1
        block, tail = (b"".join((tail, memoryview(part)[:end])), part[end:]) if end else (b"", tail + part)
        ends, changes = clean_lines(block)
        lines = Lines(block, ends)
        for clean, (at, stop) in zip(cycle((False, True)), pairwise([0, *changes, len(ends)])):
            while at < stop and not (clean and begins and splitter.idle and source.shape == "ndjson"):
                yield from _split_line(Line(number + at, lines[at], begins), splitter, source)
                at, begins = at + 1, True
            if at < stop:
                yield from _split_lines(lines.cut(at, stop), number + at, splitter, source)
        number += len(lines)
        if len(tail) >= BLOCK:
            yield from _split_line(Line(number, tail, begins, False), splitter, source)
            tail, begins = b"", False
    yield from _split_line(Line(number, tail, begins), splitter, source)
    source.lines, source.settled = number - 1, splitter.settled
    yield from _documents(splitter.close())


def _split_lines(lines: Lines, number: int, splitter: ObjectSplitter, source: Source) -> Iterator[Document | Batch]:
    """Yield what is in lines of which each looks like one object, only what may be wanted where that is known."""
    if source.sift:
        wanted = source.sift(lines)
        yield Batch(passed=len(lines) - len(wanted))
        for at in wanted:
            yield from split_alone(Line(number + at, lines[at]), source)
    elif events := lines.outlines():
        yield Batch(range(number, number + len(lines)), lines, events)
    else:
        for at, raw in enumerate(lines):
            yield from _split_line(Line(number + at, raw), splitter, source)


def split_alone(line: Line, source: Source) -> Iterator[Document]:
    """Yield what is in a line that stands for itself."""
    splitter = ObjectSplitter(source.flags)
    yield from _split_line(line, splitter, source)
    yield from _documents(splitter.close())


def _split_line(line: Line, splitter: ObjectSplitter, source: Source) -> Iterator[Document]:
    """Yield what ends in a line that is not, or not only, one plain event."""
    source.shape = source.shape or _shape(line.raw)
    whole = line.raw.strip(_EMPTY) if line.begins and line.ends and splitter.idle else b""
    event = _fit(whole) if whole[:1] == b"{" else None
    if event or (whole[:1] == b"{" and is_json(whole)):
        start = line.raw.find(b"{")
        splitter.take(line.raw, start, start + len(whole))
        yield Document(line.number, whole, event)
    else:
        yield from _documents(splitter.feed(line))


def _documents(frames: Iterable[Frame]) -> Iterator[Document]:
    for number, raw, reason in frames:
        yield Document(number, raw, None if reason else _fit(raw), reason)


def _shape(first: bytes) -> str:
    """Return how a file that begins with this line is built."""
    first = first.strip()
    if first.startswith(b"["):
        return "json array"
    return "ndjson" if first.startswith(b'{"') else "json" if first.startswith(b"{") else ""
