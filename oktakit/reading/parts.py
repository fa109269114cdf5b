"""Large sources to parts that can be read by themselves, where they have one event on each line."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from .formats import read_head, sniff
from .streams import BLOCK, MAX_DOCUMENT, Member, Part, Source, blocks, is_packed, open_origin

PACKING = 8
"""How many times as large packed logs become, about."""

# A source is divided between two lines of which each looks like one object.
_CUT = re.compile(rb'\}\r?\n(?=\{")')
_LAST_CUT = re.compile(rb'.*\}\r?\n(?=\{")', re.DOTALL)


def measure(source: Source) -> tuple[int, bool]:
    """Return about how many bytes there are to read in a file, 0 for what is in memory, and whether it is packed."""
    origin = source.origin
    if isinstance(origin, Member) and isinstance(origin.archive, Path):
        return (origin.entry.file_size if origin.entry else 1), True
    if not isinstance(origin, Path) or origin.is_dir():
        return 0, False
    with open_origin(origin) as file:
        packed = is_packed(file.read(8))
    return origin.stat().st_size * (PACKING if packed else 1), packed


def is_divisible(source: Source) -> bool:
    """Return whether a source begins as one with one event on each line does, and note how it is encoded."""
    look = replace(source, flags=set(), hashed=False)
    head, source.encoding = read_head(blocks(look)), look.encoding
    return head.startswith(b'{"') and sniff(head) == "json"


def divide(path: Path, size: int, count: int) -> list[Part]:
    """Return about so many parts of the first `size` bytes of a plain file."""
    with path.open("rb") as file:
        cuts = {0, size, *(_find_cut(file, size * number // count, size) for number in range(1, count))}
    return [Part(path, start, end) for start, end in pairwise(sorted(cuts))]


def _find_cut(file: BinaryIO, start: int, end: int) -> int:
    """Return the first place behind `start` where a file can be divided, or else its end."""
    last = b""
    for at in range(start, min(end, start + MAX_DOCUMENT), BLOCK):
        file.seek(at)
        text = last + file.read(BLOCK)
        if match := _CUT.search(text):
            return min(at - len(last) + match.end(), end)
        last = text[-4:]
    return end


def unpack(source: Source, size: int) -> Iterator[Part]:
    """Yield what is packed in parts of at least `size` bytes; `settled` says whether that was all of it."""
    held, before = list[bytes](), 0
    for block in blocks(source):
        held.append(block)
        if sum(map(len, held)) < size:
            continue
        text = b"".join(held)
        if match := _LAST_CUT.match(text):
            yield Part(text[: match.end()], before, before + match.end())
            before += match.end()
            text = text[match.end() :]
        held = [text]
        if len(text) > MAX_DOCUMENT:
            return
    yield Part(b"".join(held), before, -1)
    source.settled = True
