"""Which events of a log are wanted: those of some types, and those that are tied to them."""

import os
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from .frames import known_values
from .model import Authentication, Debug, Event, Outline, Transaction
from .noted import read_notes
from .parts import as_text
from .schema import RELATED

_SESSIONS = ("external_session_id", "root_session_id")
_NOTES = {"job_id": 0, "trace_id": 2}


class Scope:
    """The wanted event types, and the values that tie other events to them."""

    def __init__(self, event_types: tuple[str, ...], keys: dict[str, set[str]] | None = None) -> None:
        """Want events of some types, and, where `keys` are given, those that share a value with them."""
        self.types = frozenset(event_types)
        self.keys = keys
        self._sessions: dict[bytes, bool] = {}

    @cached_property
    def needles(self) -> list[bytes]:
        """Return texts of which each wanted line has at least one, unless every line has to be looked at."""
        if self.keys is not None:
            return []
        prefix = os.path.commonprefix(sorted(self.types))  # noqa: RUF071  # these are no paths
        return [b'"' + text.encode() for text in ([prefix] if len(prefix) >= 5 else sorted(self.types))]

    def picks(self, event: Outline) -> bool:
        """Return whether an event is wanted, by its outline."""
        if event.event_type in self.types:
            return True
        return self.keys is not None and self._is_tied(event, self.keys)

    def picks_event(self, event: Event) -> bool:
        """Return whether an event is wanted that had to be repaired."""
        if event.event_type in self.types or self.keys is None:
            return event.event_type in self.types
        debug = event.debug_context.debug_data if event.debug_context else None
        return (
            event.uuid in self.keys["uuid"]
            or self._is_session(event.authentication_context)
            or (event.transaction or Transaction()).id in self.keys["transaction_id"]
            or self._is_noted(event.event_type, debug)
        )

    def _is_tied(self, event: Outline, keys: dict[str, set[str]]) -> bool:
        try:
            return event.uuid in keys["uuid"] or self._is_tied_by_parts(event, keys)
        except msgspec.DecodeError:
            return True  # the tolerant way will decide

    def _is_tied_by_parts(self, event: Outline, keys: dict[str, set[str]]) -> bool:
        session, transaction, debug = map(bytes, (event.authentication_context, event.transaction, event.debug_context))
        tied = self._sessions.get(session)
        if tied is None:
            tied = self._sessions[session] = self._is_session(_decode(Authentication, session))
        if tied or (_decode(Transaction, transaction) or Transaction()).id in keys["transaction_id"]:
            return True
        if b"race" not in debug and b"ob" not in debug.lower():
            return False
        found = _decode(Debug, debug)
        return self._is_noted(event.event_type, found.debug_data if found else None)

    def _is_session(self, part: Any) -> bool:
        keys = self.keys or {}
        return part is not None and any(getattr(part, name) in keys[name] for name in _SESSIONS)

    def _is_noted(self, event_type: str, debug: dict[str, Any] | None) -> bool:
        keys = self.keys or {}
        columns, _ = read_notes([event_type], [{key: as_text(value) for key, value in (debug or {}).items()}])
        return any(columns[place][0] in keys[name] for name, place in _NOTES.items())


def keys_of(events: Any) -> dict[str, set[str]]:
    """Return the values by which other events are tied to these."""
    keys = {name: set(known_values(events, name)) for name in RELATED}
    return keys | {"uuid": set(known_values(events, "judged_uuid"))}


_DECODERS: dict[Any, Callable[[bytes], Any]] = {
    kind: msgspec.json.Decoder(kind | None).decode for kind in (Authentication, Transaction, Debug)
}


def _decode(kind: Any, text: bytes) -> Any:
    return _DECODERS[kind](text) if text else None
