"""A table to read: all of it, left-aligned, with long JSON folded, and nothing of a log that could act."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

import pandas as pd

from ..errors import InputError
from ..safe import html, pretty, text

WIDTH: Final = 120
LIMIT: Final = 20_000
"""No cell shows more characters than this; it ends in an ellipsis then."""
NOTHING: Final = "-"
"""What a cell shows where the table has nothing: not known, not there, not yet."""

_FOLDED: Final = 80
_LEFT: Final = 'style="text-align: left; vertical-align: top; overflow-wrap: anywhere"'


@dataclass(frozen=True, repr=False)
class Table:
    """A table to read: shown by a notebook as HTML, printed as text. `left_out` are rows that are not shown."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int
    empty: str

    def __repr__(self) -> str:
        """Return the table as text: in columns where they fit, else each row as a block of lines."""
        if not self.rows:
            return self.empty
        shown = [tuple(text(cell, LIMIT) for cell in row) for row in self.rows]
        widths = [max(map(len, cells)) for cells in zip(self.names, *shown, strict=True)]
        if sum(widths) + 2 * len(widths) <= WIDTH:
            lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (self.names, *shown)]
        else:
            lines = [line for row in shown for line in ["", *self._block(row)]][1:]
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        """Return the table as HTML in which nothing runs."""
        if not self.rows:
            return f"<p>{html(self.empty)}</p>"
        head = "".join(f"<th {_LEFT}>{html(name)}</th>" for name in self.names)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        rest = "".join(f"<p>{line}</p>" for line in self._rest())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"

    def _block(self, row: Iterable[str]) -> list[str]:
        """Return a row as lines, each name before its cell."""
        across = max(map(len, self.names)) + 2
        parts = (
            (name, wrap(cell, max(20, WIDTH - across)) or [""]) for name, cell in zip(self.names, row, strict=True)
        )
        return [
            f"{name if not number else '':{across}}{line}".rstrip()
            for name, lines in parts
            for number, line in enumerate(lines)
        ]

    def _rest(self) -> list[str]:
        return [f"{self.left_out:,} more rows are not shown."] * bool(self.left_out)


def show(table: Any, *, rows: int = 50, empty: str = "Nothing: the table has no rows.") -> Table:
    """Return a table to read: every text in full and left-aligned, JSON folded, nothing hidden, live or reordered.

    Parameters
    ----------
    table : DataFrame or Series
        Any table. An index that has names, as after `groupby` or `crosstab`, becomes its first columns.
    rows : int
        So many rows are shown; the rest is counted.
    empty : str
        What is said instead of a table without rows.

    Returns
    -------
    Table
        A notebook shows it, `print` prints it. Times are in UTC; a dash is where the table has nothing.

    Raises
    ------
    InputError
        If it is no table.

    Examples
    --------
    >>> import pandas as pd
    >>> show(pd.DataFrame({"who": ["ann", None], "at": pd.to_datetime(["2026-03-06T15:58:24Z", None])}))
    who  at
    ann  2026-03-06 15:58:24 UTC
    -    -
    """
    if not isinstance(table, pd.DataFrame | pd.Series):
        raise InputError(f"show needs a DataFrame or a Series; found {type(table).__name__}.")
    frame = table.to_frame() if isinstance(table, pd.Series) else table
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index(names=[str(name) for name in frame.index.names])
    cells = frame[:rows].astype(object).itertuples(index=False, name=None)
    names = tuple(text(name) for name in frame.columns)
    return Table(names, tuple(tuple(map(_words, row)) for row in cells), max(0, len(frame) - rows), empty)


def _words(value: Any) -> str:
    """Return what a cell shows, not yet made safe."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return NOTHING
    if isinstance(value, pd.Timestamp):
        return f"{value.tz_convert('UTC') if value.tz else value:%Y-%m-%d %H:%M:%S}{' UTC' if value.tz else ''}"
    if isinstance(value, pd.Timedelta):
        return str(value.round("s"))
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _cell(words: str) -> str:
    """Return a cell of HTML: lines stay lines, and JSON that is long folds."""
    lines = pretty(words, LIMIT)
    if len(words) > _FOLDED and lines:
        shown = f"<details><summary>{html(words, _FOLDED)}</summary><pre>{lines}</pre></details>"
        return f"<td {_LEFT}>{shown}</td>"
    return f"<td {_LEFT}>{'<br>'.join(html(line, LIMIT) for line in words.splitlines())}</td>"
