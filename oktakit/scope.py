"""Which events of a log are wanted: those of some types, and those that are tied to them."""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from msgspec import Raw
from msgspec.json import Decoder, decode

from .bytescan import find_lines
from .frames import known_values
from .model import Event, Outline, Ties
from .noted import Notes, read_notes, spelling
from .parts import as_text
from .schema import ANALYTICS, RELATED
from .sources import Lines

Keys = dict[str, set[str]]

_IDS = ("uuid", "external_session_id", "root_session_id", "transaction_id")
_READ = Decoder(Ties)


class Scope:
    """The wanted event types, and the values that tie other events to them."""

    def __init__(self, event_types: tuple[str, ...], keys: Keys | None = None) -> None:
        """Want events of some types, and, where `keys` are given, those that share a value with them."""
        self.types = frozenset(event_types)
        self.keys = keys

    @cached_property
    def _needles(self) -> list[bytes]:
        """Return texts of which each line of a wanted type has at least one."""
        prefix = os.path.commonprefix(sorted(self.types))  # noqa: RUF071  # these are no paths
        return [b'"' + text.encode() for text in ([prefix] if len(prefix) >= 5 else sorted(self.types))]

    def find(self, lines: Lines) -> list[int]:
        """Return the lines that may be wanted: all that are, and those that only the tolerant way can read."""
        if self.keys is None:
            return find_lines(lines.block, lines.ends, self._needles)
        with suppress(ValueError, RecursionError):
            if len(found := _READ.decode_lines(lines.block)) == len(lines):
                return self._tied(found)
        return [at for at, raw in enumerate(lines) if self._may_be_tied(raw)]

    def picks(self, event: Outline, raw: bytes) -> bool:
        """Return whether an event may be wanted, by its outline and its text."""
        return event.event_type in self.types or (self.keys is not None and self._may_be_tied(raw))

    def picks_event(self, event: Event) -> bool:
        """Return whether an event is wanted that had to be repaired."""
        return event.event_type in self.types or (self.keys is not None and self._tied([event]) == [0])

    def _may_be_tied(self, raw: bytes) -> bool:
        try:
            return self._tied([_READ.decode(raw)]) == [0]
        except (ValueError, RecursionError):
            return True  # the tolerant way will decide

    def _tied(self, events: Sequence[Event | Ties]) -> list[int]:
        """Return the places of events of the wanted types, and of those that share a value with them."""
        uuids, outer, root, transactions = map((self.keys or {}).__getitem__, _IDS)
        return [
            at
            for at, event in enumerate(events)
            if event.event_type in self.types
            or event.uuid in uuids
            or ((own := event.authentication_context) and own.external_session_id in outer)
            or (own and own.root_session_id in root)
            or ((operation := event.transaction) and operation.id in transactions)
            or (
                (debug := event.debug_context)
                and debug.debug_data
                and self._is_noted(event.event_type, debug.debug_data)
            )
        ]

    def _is_noted(self, event_type: str, notes: dict[str, Any]) -> bool:
        if not (spelling(tuple(notes)).ties or event_type in ANALYTICS):
            return False
        texts: Notes = {
            key: as_text(decode(value) if isinstance(value, Raw) else value) for key, value in notes.items()
        }
        (jobs, _, traces, *_), _ = read_notes([event_type], [texts])
        keys = self.keys or {}
        return jobs[0] in keys["job_id"] or traces[0] in keys["trace_id"]


def keys_of(events: Any) -> dict[str, set[str]]:
    """Return the values by which other events are tied to these."""
    keys = {name: set(known_values(events, name)) for name in RELATED}
    return keys | {"uuid": set(known_values(events, "judged_uuid"))}
