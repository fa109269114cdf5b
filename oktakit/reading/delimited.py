"""Text tables (CSV) to rows: quoting as in RFC 4180, and a damaged row costs itself alone."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from .mappings import is_ours

MAX_ROW = 16 << 20
_MAX_LINES = 10_000
"""A cell that is longer, in bytes or in lines, was never closed."""
_AGAIN = 50
"""How many lines of a row that was given up are put together to rows again; those before may only stand alone."""


class Row(NamedTuple):
    """One row: its number from 1, its text, and its cells by column, or the reason why they cannot be told.

    A line of JSON has neither.
    """

    number: int
    raw: bytes
    cells: dict[str, str] | None = None
    reason: str = ""


_CLOSED = r'([^"]*+(?:""[^"]*+)*+)"([^{}]*+)'


@cache
def _field(separator: str) -> re.Pattern[str]:
    return re.compile(f'"{_CLOSED}|([^{{}}]*+)'.replace("{}", separator), re.DOTALL)


@cache
def _patterns_in_line(separator: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what finds the next cell in a line, and what is left of one that was open before."""
    closed = _CLOSED.replace("{}", separator)
    return re.compile(_field(separator).pattern.encode(), re.DOTALL), re.compile(closed.encode(), re.DOTALL)


def split_row(text: str, separator: str) -> list[str] | None:
    """Return the cells of a row, or None where a quoted cell is still open.

    >>> split_row('a,"b ""c"", d",', ","), split_row('a,"b', ",")
    (['a', 'b "c", d', ''], None)
    """
    field, cells, at = _field(separator), list[str](), 0
    while match := field.match(text, at):
        quoted, tail, plain = match.groups()
        if quoted is None and plain.startswith('"'):
            return None
        cells.append(plain if quoted is None else quoted.replace('""', '"') + tail)
        at = match.end() + 1
        if at > len(text):
            break
    return cells


def find_header(line: bytes) -> tuple[list[str], str]:
    """Return the column names in the first line of a table of events and their separator, or nothing for any other.

    >>> find_header(b'"uuid";"event_type"'), find_header(b"name,amount")
    ((['uuid', 'event_type'], ';'), ([], ''))
    """
    text = line.decode(errors="replace").rstrip("\r\n")
    for separator in ",;\t":
        header = split_row(text, separator) or []
        if is_ours(header) and len(header) > 1 and "\r" not in text:
            return header, separator
    return [], ""


def unique(names: Iterable[str]) -> list[str]:
    """Return the names with those that come again numbered, so that none hides another.

    >>> unique(["a", "b", "a"])
    ['a', 'b', 'a#2']
    """
    seen: dict[str, int] = {}
    for name in names:
        free = name
        while free in seen:
            seen[name] += 1
            free = f"{name}#{seen[name]}"
        seen[free] = 1
    return list(seen)


class RowAssembler:
    """Puts lines together to rows; call it with line after line, and `close` it."""

    def __init__(self, header: list[str], separator: str) -> None:
        """Start behind the header."""
        self.given, self.header, self.separator = header, unique(header), separator
        self.lines: list[bytes] = []
        self.size = self.count = 0

    def feed(self, line: bytes) -> Iterator[Row]:
        """Yield the rows that end with this line."""
        yield from self._feed(deque([(line, False)]))

    def close(self) -> Iterator[Row]:
        """Yield what is left at the end."""
        if self.lines:
            row, again = self._give_up()
            yield row
            yield from self._feed(deque((line, True) for line in again))

    def _feed(self, waiting: deque[tuple[bytes, bool]]) -> Iterator[Row]:
        """Yield the rows that end with lines, each with whether it is a row alone or none."""
        while waiting:
            row, again = self._take(*waiting.popleft())
            # What is open at the end of a line is so whatever came before: a line of a row that was never closed, and
            # that would not be closed alone, is not closed by any of the next lines either. A table in which each line
            # is like that costs a few looks at each.
            alone = len(again) - _AGAIN
            waiting.extendleft(reversed([(line, at < alone) for at, line in enumerate(again)]))
            if row:
                yield row

    def _take(self, line: bytes, alone: bool) -> tuple[Row | None, list[bytes]]:
        """Return the row that ends with this line, and lines that must be taken again."""
        if not self.lines and not line.strip():
            return None, []
        if not self.lines and line.lstrip().startswith(b'{"'):  # no cell begins like this
            return self._emit(line.strip(), None, ""), []
        self.lines.append(line)
        self.size += len(line)
        if self.size > MAX_ROW or len(self.lines) > _MAX_LINES:
            return self._give_up()
        if len(self.lines) > 1 and (state := self._state_behind(line)) != "closed":
            return (None, []) if state == "open" else self._give_up()
        row, again = self._row()
        return self._give_up() if alone and self.lines else (row, again)

    def _state_behind(self, line: bytes) -> str:
        """Return whether a cell is open behind a line before which one was: open, closed, or broken."""
        field, rest = _patterns_in_line(self.separator)
        match = rest.match(line)
        if match is None:
            return "open"
        if match[2].strip():  # text stands behind a quote that should have ended the cell
            return "broken"
        while match and match.end() < len(line):
            match = field.match(line, match.end() + 1)
            if match and match[1] is None and match[3].startswith(b'"'):
                return "open"
        return "closed"

    def _row(self) -> tuple[Row | None, list[bytes]]:
        raw = b"\n".join(self.lines).removesuffix(b"\r")
        cells = split_row(raw.decode(errors="replace"), self.separator)
        if cells is None:
            return None, []
        if cells == self.given:  # tables that were put one behind the other
            self.lines, self.size = [], 0
            return None, []
        if len(cells) == len(self.header):
            reason = _damage(raw)
        elif len(self.lines) > 1:
            return self._give_up()
        else:
            reason = "ragged_row"
        known = {name: cell for name, cell in zip(self.header, cells, strict=False) if cell}
        return self._emit(raw, None if reason else known, reason), []

    def _give_up(self) -> tuple[Row, list[bytes]]:
        """Return the first line as cut off, and the others, which may be rows of their own."""
        first, *others = self.lines
        too_large = len(first) > MAX_ROW
        return self._emit(first[:4096] if too_large else first, None, "too_large" if too_large else "truncated"), others

    def _emit(self, raw: bytes, cells: dict[str, str] | None, reason: str) -> Row:
        self.lines, self.size = [], 0
        self.count += 1
        return Row(self.count, raw, cells, reason)


def _damage(raw: bytes) -> str:
    if b"\0" in raw:
        return "nul_bytes"
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "bad_encoding"
    return ""
