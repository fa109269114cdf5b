"""Finding the few lines among the many, by their bytes alone."""

from bisect import bisect_left

import numpy as np

_PIECE = 1 << 18  # as much as stays at hand in the processor's memory


def clean_lines(block: bytes) -> list[int]:
    """Return where the lines of a block end, if each of them looks like one object; otherwise nothing.

    >>> clean_lines(b'{"a":1}\\n{"b":2}\\n'), clean_lines(b"{\\n}\\n")
    ([7, 15], [])
    """
    found, end = list[int](), -1
    while (end := block.find(b"\n", end + 1)) >= 0:
        found.append(end)
    text, ends = np.frombuffer(block, np.uint8), np.array(found, np.int64)
    starts = np.append(0, ends + 1)[:-1]
    edges = ((starts, "{"), (starts + 1, '"'), (ends - 1, "}"))
    return found if all((text.take(at, mode="clip") == ord(mark)).all() for at, mark in edges) else []


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
    """Return whether a character may be escaped by its number."""
    text = np.frombuffer(block, np.uint8)
    pieces = (text[at : at + _PIECE + 1] for at in range(0, len(text), _PIECE))
    return any(((piece[:-1] == ord("\\")) & (piece[1:] == ord("u"))).any() for piece in pieces)


def _places(block: bytes, ends: list[int], needle: bytes) -> list[int]:
    """Return the lines that hold a needle."""
    found, at = list[int](), block.find(needle)
    while at >= 0:
        line = bisect_left(ends, at)
        found.append(line)
        at = block.find(needle, ends[line])
    return found
