"""Documents to records: every event of a source with its flags, and every text that is none, with the reason."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from .model import Event, Outline
from .repair import Trouble, parse, repair
from .schema import fold
from .shapes import unwrap
from .sources import MAX_RECORD, Document, Source, documents


class Record(NamedTuple):
    """One record: its place, its text, and the event with its flags, or the reason why there is none.

    `outline` is there instead of `event` where the text looks as documented; its parts are not yet verified.
    """

    record: int
    document: Document
    outline: Outline | None = None
    event: Event | None = None
    extra: dict[str, Any] = {}  # noqa: RUF012  # never changed: the same empty one for all
    flags: str = ""
    reason: str = ""

    @property
    def raw(self) -> bytes:
        """Return the record as it stands in its source."""
        return self.document.raw


def read_records(source: Source) -> Iterator[Record]:
    """Yield every record of a source.

    They are numbered by line where the source has whole events on its lines, by row in a table, and elsewhere by their
    order, from 1.
    """
    count = 0
    for document in documents(source):
        if document.outline is not None:
            count += 1
            yield Record(document.number or count, document, document.outline)
            continue
        for record in tolerate(document):
            count += 1
            yield record._replace(record=document.number or count)


def tolerate(document: Document) -> Iterator[Record]:
    """Yield the records of a document that does not fit, or that holds several."""
    trouble = Trouble(document.textual)
    value, reason = (document.value, document.reason) if document.reason else _value(document, trouble)
    if reason:
        yield Record(0, document, reason="nul_bytes" if b"\0" in document.raw else reason)
        return
    for inner in unwrap(value):
        own = Trouble(document.textual or inner.textual)
        own.flags |= trouble.flags
        event, reason = _event(inner.value, own)
        yield Record(0, document, None, event, own.extra, " ".join(sorted(own.flags)), reason)


def _value(document: Document, trouble: Trouble) -> tuple[Any, str]:
    """Return what a document's text says, or why it says nothing."""
    if document.value is not None:
        return document.value, ""
    if len(document.raw) > MAX_RECORD:
        return None, "too_large"
    try:
        return parse(document.raw, trouble), ""
    except UnicodeDecodeError:
        return None, "bad_encoding"
    except RecursionError:
        return None, "too_deep"
    except ValueError:
        return None, "bad_json"


def _event(value: Any, trouble: Trouble) -> tuple[Event | None, str]:
    """Return the event that a value holds, or why it holds none."""
    if not isinstance(value, dict):
        return None, "not_object"
    keys = {fold(key) for key, item in value.items() if item}
    if "eventtype" not in keys:
        return None, "api_error" if "errorcode" in keys else "no_event_type"
    return (repair(value, trouble), "") if "uuid" in keys else (None, "no_uuid")
