"""Finding the few lines among the many, by their bytes alone."""

from bisect import bisect_left

import numpy as np

_ESCAPE = np.frombuffer(b"\\u", np.uint16)[0]


def clean_lines(block: bytes) -> list[int]:
    """Return where the lines of a block end, if each of them looks like one object; otherwise nothing.

    >>> clean_lines(b'{"a":1}\\n{"b":2}\\n'), clean_lines(b"{\\n}\\n")
    ([7, 15], [])
    """
    ends, at = list[int](), 0
    while (end := block.find(b"\n", at)) >= 0:
        if not (block.startswith(b'{"', at) and block.endswith(b"}", at, end)):
            return []
        ends.append(end)
        at = end + 1
    return ends


def find_lines(block: bytes, ends: list[int], needles: list[bytes]) -> list[int]:
    """Return the lines, from 0, that hold a needle, or an escape that may stand for a part of one.

    >>> find_lines(b'{"a":"x"}\\n{"b":"y"}\\n', [9, 19], [b'"y'])
    [1]
    """
    found = {line for needle in needles for line in _places(block, ends, needle)}
    if _has_escape(block):
        found |= set(_places(block, ends, b"\\u"))
    return sorted(found)


def _has_escape(block: bytes) -> bool:
    """Return whether a character may be escaped by its number: two bytes, at even places or at odd ones."""
    views = (np.frombuffer(block, np.uint16, (len(block) - start) // 2, start) for start in (0, 1))
    return any(bool((view == _ESCAPE).any()) for view in views)


def _places(block: bytes, ends: list[int], needle: bytes) -> list[int]:
    """Return the lines that hold a needle."""
    found, at = list[int](), block.find(needle)
    while at >= 0:
        line = bisect_left(ends, at)
        found.append(line)
        at = block.find(needle, ends[line])
    return found
