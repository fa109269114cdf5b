"""Documents to records: every event of a source with its flags, and every text that is none, with the reason."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ..schema import fold
from .envelopes import SILENT, Delivery, Inner, understand, unwrap
from .formats import documents
from .framing import find_elements, may_hold_elements
from .model import Event, Outline
from .repair import Trouble, repair
from .streams import MAX_RECORD, Batch, Document, Source

_MANY, _LARGE = 500, 1 << 16
"""How many plain events that come one by one make a batch, and from how many bytes on one ends it."""


class Record(NamedTuple):
    """One record: its place, its text, and the event with its flags and delivery, or the reason why there is none."""

    number: int
    raw: bytes
    event: Event | None = None
    extra: dict[str, Any] = {}  # noqa: RUF012  # never changed: the same empty one for all
    flags: str = ""
    reason: str = ""
    delivery: Delivery = SILENT


def read_records(source: Source) -> Iterator[Record | Batch]:
    """Yield every record of a source: batches of plain events, whose parts are not yet verified, and the others.

    They are numbered by line or row, and elsewhere by their order, from 1.
    """
    count, plain = 0, list[tuple[int, bytes, Outline]]()
    for item in documents(source):
        if isinstance(item, Batch):
            yield from _batches(plain if item.raws else [])
            plain = [] if item.raws else plain
            count += len(item.raws) + item.passed
            yield item
        elif item.outline is not None:
            count += 1
            plain.append((item.number or count, item.raw, item.outline))
            if len(plain) >= _MANY or len(item.raw) >= _LARGE:
                yield from _batches(plain)
                plain = []
        else:
            yield from _batches(plain)
            plain = []
            if item.reason and b"\0" not in item.raw and not _may_hold_records(item):
                count += 1
                yield Record(item.number or count, item.raw, reason=item.reason)
                continue
            for record in tolerate(item):
                count += 1
                yield record._replace(number=record.number or count)
    yield from _batches(plain)


def _batches(plain: list[tuple[int, bytes, Outline]]) -> Iterator[Batch]:
    """Yield plain events that came one by one as one batch."""
    if plain:
        numbers, raws, outlines = map(list, zip(*plain, strict=True))
        yield Batch(numbers, raws, outlines)


def read_texts(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the text of every record."""
    for item in read_records(source):
        if isinstance(item, Batch):
            yield from zip(item.numbers, item.raws, strict=True)
        else:
            yield item.number, item.raw


def tolerate(document: Document) -> Iterator[Record]:
    """Yield the records of a document that does not fit, or that holds several."""
    trouble = Trouble(document.textual)
    known = document.reason or document.value is not None
    value, reason = (document.value, document.reason) if known else understand(document.raw, trouble)
    if reason:
        yield from _reject(document._replace(reason="nul_bytes" if b"\0" in document.raw else reason))
        return
    inners = list(unwrap(value, document.textual))
    if len(document.raw) > MAX_RECORD and len(inners) < 2:
        inners = [Inner(value, reason="too_large")]
    for inner in inners:
        notes = Trouble(inner.textual)
        notes.flags |= trouble.flags | inner.flags
        notes.extra |= inner.extra
        event, reason = (None, inner.reason) if inner.reason else _event(inner.value, notes)
        flags = " ".join(sorted(notes.flags))
        yield Record(document.number, document.raw, event, notes.extra, flags, reason, inner.delivery)


def _reject(document: Document) -> Iterator[Record]:
    """Yield the records in an envelope that is cut off or damaged, and what of it is not whole as one that is none."""
    number, raw, reason = document.number, document.raw, document.reason
    elements = find_elements(raw)[0] if _may_hold_records(document) else []
    gaps, end = list[bytes](), 0
    for start, stop in elements:
        yield from tolerate(Document(number, raw[start:stop]))
        gaps.append(raw[end:start])
        end = stop
    if not elements or understand(b"0".join([*gaps, raw[end:]]), Trouble())[1]:
        yield Record(number, raw[end:] if reason == "truncated" else b"".join([*gaps, raw[end:]]), reason=reason)


def _may_hold_records(document: Document) -> bool:
    """Return whether there may be whole records in a text that is cut off or damaged."""
    return document.raw[:1] == b"{" and document.reason != "too_large" and may_hold_elements(document.raw)


def _event(value: Any, trouble: Trouble) -> tuple[Event | None, str]:
    """Return the event that a value holds, or why it holds none."""
    if not isinstance(value, dict):
        return None, "not_object"
    keys = {fold(key) for key, item in value.items() if item}
    if "eventtype" not in keys:
        return None, "api_error" if "errorcode" in keys else "no_event_type"
    return (_fit(value) or repair(value, trouble), "") if "uuid" in keys else (None, "no_uuid")


def _fit(value: dict[str, Any]) -> Event | None:
    """Return the event in an object that is as documented; the tolerant path gives the same, but slower."""
    try:
        event = msgspec.convert(value, Event)
    except msgspec.ValidationError:
        return None
    return None if event.published and event.published.year in (1, 9999) else event  # in UTC, it may be out of range
