"""Finding the few lines among the many, by their bytes alone."""

from typing import Any

import numpy as np

_NEWLINE, _BRACE, _CLOSING, _QUOTE, _BACKSLASH, _U = b'\n{}"\\u'


def clean_lines(block: bytes) -> Any:
    """Return where the lines of a block end, if each of them looks like one object; otherwise None.

    >>> clean_lines(b'{"a":1}\\n{"b":2}\\n').tolist(), clean_lines(b"{\\n}\\n")
    ([7, 15], None)
    """
    array = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(array == _NEWLINE)
    if not len(ends):
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    opened = (array[starts] == _BRACE) & (array[starts + 1] == _QUOTE)
    return ends if (opened & (array[ends - 1] == _CLOSING)).all() else None


def find_lines(block: bytes, ends: Any, needles: list[bytes]) -> list[int]:
    """Return the lines, from 0, that hold a needle, or an escape that may stand for a part of one.

    >>> find_lines(b'{"a":"x"}\\n{"b":"y"}\\n', np.array([9, 19]), [b'"y'])
    [1]
    """
    array = np.frombuffer(block, np.uint8)
    escapes = np.flatnonzero((array[:-1] == _BACKSLASH) & (array[1:] == _U))
    places = [place for needle in needles for place in _places(block, needle)]
    lines: list[int] = np.unique(np.searchsorted(ends, np.concatenate((escapes, np.array(places, np.int64))))).tolist()
    return lines


def _places(block: bytes, needle: bytes) -> list[int]:
    found, at = [], block.find(needle)
    while at >= 0:
        found.append(at)
        at = block.find(needle, at + 1)
    return found
