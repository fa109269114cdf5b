"""Documents to records: every event of a source with its flags, and every text that is none, with the reason."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from .documents import documents
from .model import Event
from .repair import Trouble, repair
from .schema import fold
from .shapes import Inner, understand, unwrap
from .sources import MAX_RECORD, Document, Run, Source


class Record(NamedTuple):
    """One record: its place, its text, and the event with its flags, or the reason why there is none.

    `number` is its line or row, 0 where only the order counts.
    """

    number: int
    raw: bytes
    event: Event | None = None
    extra: dict[str, Any] = {}  # noqa: RUF012  # never changed: the same empty one for all
    flags: str = ""
    reason: str = ""


def read_records(source: Source) -> Iterator[Record | Run]:
    """Yield every record of a source: runs of plain events, whose parts are not yet verified, and the others."""
    for found in documents(source):
        if isinstance(found, Run):
            yield found
        elif found.outline is not None:
            yield Run(found.number, [found.raw], [found.outline])
        else:
            yield from tolerate(found)


def read_texts(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the text of every record, numbered by line or row, and elsewhere by their order, from 1."""
    count = 0
    for found in read_records(source):
        for offset, raw in enumerate(found.raws if isinstance(found, Run) else [found.raw]):
            count += 1
            yield found.number + offset if found.number else count, raw


def tolerate(document: Document) -> Iterator[Record]:
    """Yield the records of a document that does not fit, or that holds several."""
    trouble = Trouble(document.textual)
    value, reason = (document.value, document.reason) if document.reason else _value(document, trouble)
    if reason:
        yield Record(document.number, document.raw, reason="nul_bytes" if b"\0" in document.raw else reason)
        return
    inners = list(unwrap(value, document.textual))
    if len(document.raw) > MAX_RECORD and len(inners) < 2:
        inners = [Inner(value, reason="too_large")]
    for inner in inners:
        own = Trouble(inner.textual)
        own.flags |= trouble.flags | inner.flags
        own.extra |= inner.extra
        event, reason = (None, inner.reason) if inner.reason else _event(inner.value, own)
        yield Record(document.number, document.raw, event, own.extra, " ".join(sorted(own.flags)), reason)


def _value(document: Document, trouble: Trouble) -> tuple[Any, str]:
    """Return what a document's text says, or why it says nothing."""
    if document.value is not None:
        return document.value, ""
    return understand(document.raw, trouble)


def _event(value: Any, trouble: Trouble) -> tuple[Event | None, str]:
    """Return the event that a value holds, or why it holds none."""
    if not isinstance(value, dict):
        return None, "not_object"
    keys = {fold(key) for key, item in value.items() if item}
    if "eventtype" not in keys:
        return None, "api_error" if "errorcode" in keys else "no_event_type"
    return (_fit(value) or repair(value, trouble), "") if "uuid" in keys else (None, "no_uuid")


def _fit(value: dict[str, Any]) -> Event | None:
    """Return the event in an object that is as documented; the tolerant way gives the same, but slower."""
    try:
        return msgspec.convert(value, Event)
    except msgspec.ValidationError:
        return None
