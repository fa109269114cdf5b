"""Sources to documents: what kind of file it is, and what stands in it."""

import re
from collections.abc import Iterator
from itertools import chain

from .delimited import RowAssembler, find_header
from .framing import is_json, split_alone, split_events
from .streams import (
    MAX_RECORD,
    OLE,
    Batch,
    Document,
    Line,
    Part,
    Source,
    blocks,
    is_packed,
    is_unsupported,
    lines,
)

HEAD = 1 << 16  # as much of a file as tells what it is


def documents(source: Source) -> Iterator[Document | Batch]:
    """Yield the documents of a source; a file that holds no events is one document with the reason.

    Documents have the number 0 where only their order counts.
    """
    parts = blocks(source)
    if isinstance(source.origin, Part):  # it was looked at when it was divided
        source.shape = "ndjson" if source.origin.start else ""
        yield from _texts(parts, source)
        return
    head = _PREAMBLE.sub(b"", read_head(parts), 1)
    what = sniff(head)
    if what in ("other", "csv") and _goes_on(chain([head], parts)):
        what, head, parts = "json", b"", blocks(source)
    if what == "json":
        yield from _texts(chain([head], parts), source)
        return
    source.shape = what
    if what == "lines":
        source.flags.add("text_before_json")
        yield from _prefixed(_joined(lines(chain([head], parts))), source)
        return
    if what == "table":
        yield from _rows(lines(chain([head], parts)), source)
        return
    for _ in parts:
        pass
    yield from _unread(head[:4096], what, source)


def _texts(parts: Iterator[bytes], source: Source) -> Iterator[Document | Batch]:
    item = None
    for item in split_events(parts, source):
        ordered = source.shape not in ("", "ndjson") and isinstance(item, Document)
        yield Document(0, *item[1:]) if ordered else item
    if item is None:
        source.flags.add("empty")


def _unread(head: bytes, what: str, source: Source) -> Iterator[Document]:
    """Yield the one document that stands for a file that is not read, and note why."""
    flag, reason = _UNREAD[what]
    if what == "empty" and source.flags & _DAMAGED:
        reason = "truncated"
    elif not source.flags & {"locked_zip", "spreadsheet"}:
        source.flags.add(flag)
    if reason:
        yield Document(1, head, reason=reason)


_PREAMBLE = re.compile(rb"\A(?:\"?sep=.\"?|#TYPE [^\n]*)\r?\n")  # written by spreadsheets and by PowerShell
_DAMAGED = {"truncated_gzip", "gzip_crc"}
_UNREAD = {
    "csv": ("unknown_format", "no_event_type"),
    "packed": ("unsupported_format", "bad_json"),
    "spreadsheet": ("spreadsheet", "bad_json"),
    "packed twice": ("packed_twice", "bad_json"),
    "markup": ("not_json", "bad_json"),
    "other": ("not_json", "bad_json"),
    "empty": ("empty", ""),
}


def read_head(parts: Iterator[bytes]) -> bytes:
    """Return the beginning of a file, enough to tell what it is."""
    head = b""
    for part in parts:
        head += part
        if len(head.lstrip()) >= HEAD or len(head) > MAX_RECORD:
            break
    return head


_JSON_LINE = re.compile(rb"\n[ \t\r]*+[{\[]")


def _goes_on(parts: Iterator[bytes]) -> bool:
    """Return whether some line begins as JSON does, however much of something else is before it."""
    last = b"\n"
    for part in parts:
        if _JSON_LINE.search(last + part):
            return True
        last = b"x" if (last + part).rpartition(b"\n")[2].strip() else b"\n"
    return False


def sniff(head: bytes) -> str:
    """Return how a file begins: as json, lines, table, csv (none of ours), packed, markup, other or empty.

    >>> sniff(b'banner\\n{"uuid": "x"}'), sniff(b"<!DOCTYPE html>"), sniff(b"a,b\\n1,2"), sniff(b" ")
    ('json', 'markup', 'csv', 'empty')
    """
    if is_unsupported(head) or is_packed(head):
        return "spreadsheet" if head.startswith(OLE) else "packed" if is_unsupported(head) else "packed twice"
    text = head.lstrip()[:HEAD].strip()
    if not text.strip(b"\0"):
        return "other" if text else "empty"
    first = text.split(b"\n", 1)[0]
    if text.startswith(b"<") and not _PREFIXED.match(text):
        return "markup"
    if not first.startswith((b"{", b"[")) and find_header(first)[0]:
        return "table"
    if next((_json_start(line) for line in text.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if _OBJECT.search(line)), 0):
        return "lines"
    if _JSON_LINE.search(b"\n" + text) or is_json(first):
        return "json"
    return "csv" if b"," in first else "other"


_LOOKED_AT = 20  # lines, to tell whether text stands before the JSON on each of them
_OBJECT = re.compile(rb'\{\s*+"')
_CRI = re.compile(rb"\S+ std(?:out|err) ([FP])[^ ]* (.*)", re.DOTALL)
"""A line of a container's log; P says that it goes on in the next one."""
_PREFIXED = re.compile(rb"<\d{1,3}>")


def _json_start(line: bytes) -> int:
    """Return where the one JSON object begins that stands at the end of a line behind other text; 0 for any other line.

    >>> _json_start(b'<134>Mar 10 08:00:00 host okta[1]: {"uuid":"x"}'), _json_start(b'{"a":{"b":1}}')
    (35, 0)
    """
    match = _OBJECT.search(line)
    start = match.start() if match else 0
    return start if re.search(rb"\w", line[:start]) and line.lstrip()[:1] != b'"' and is_json(line[start:]) else 0


def _prefixed(lines: Iterator[bytes], source: Source) -> Iterator[Document]:
    """Yield what is on each line behind the text before it; lines that a container cut are put together."""
    source.shape, parts, size, first = "text before json", list[bytes](), 0, 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        part = _CRI.fullmatch(line.rstrip(b"\r"))
        first = first if parts else number
        if size <= MAX_RECORD:
            parts.append(part[2] if part else line)
            size += len(parts[-1])
        if not (part and part[1] == b"P"):
            yield from _behind_text(first, b"".join(parts), source)
            parts, size = [], 0
    if parts:
        yield Document(first, b"".join(parts), reason="truncated")


def _behind_text(number: int, text: bytes, source: Source) -> Iterator[Document]:
    """Yield what is on a line behind the text before it."""
    start = _json_start(text) or text.find(b"{")
    if start >= 0:
        yield from split_alone(Line(number, text[start:]), source)
    else:
        yield Document(number, text.strip(), reason="bad_json")


def _rows(stream: Iterator[Line], source: Source) -> Iterator[Document]:
    """Yield the rows of a table as documents; the first line that says anything is its header."""
    text = filter(bytes.strip, _joined(stream))
    rows = RowAssembler(*find_header(next(text)))
    if rows.header != rows.given:
        source.flags.add("duplicate_column")
    row = None
    for row in chain(chain.from_iterable(map(rows.feed, _joined(stream))), rows.close()):
        yield Document(row.number, row.raw, reason=row.reason, value=row.cells, textual=row.cells is not None)
    if row is None:
        source.flags.add("empty")


def _joined(stream: Iterator[Line]) -> Iterator[bytes]:
    """Yield whole lines; of one that is too long as much as shows it."""
    parts, size = list[bytes](), 0
    for line in stream:
        if size <= MAX_RECORD:
            parts.append(line.raw)
        size += len(line.raw)
        if line.ends:
            yield parts[0] if len(parts) == 1 else b"".join(parts)
            parts, size = [], 0
