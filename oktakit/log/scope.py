"""Which events of a log are wanted: those of some types, and those that are tied to them."""

import os
from contextlib import suppress
from functools import cached_property, reduce

import pyarrow as pa
import pyarrow.compute as pc

from ..reading.framing import find_lines
from ..reading.model import Outline, outline
from ..reading.streams import Lines
from ..schema import ANALYTICS, RELATED
from .debug_data import notes_of, told


class Scope:
    """The wanted event types, and the values that tie other events to them."""

    def __init__(self, event_types: tuple[str, ...], keys: dict[str, list[str]] | None = None) -> None:
        """Want events of some types, and, where `keys` are given, those that share a value with them."""
        self.types = frozenset(event_types)
        self.keys = keys
        self._whole = self.types | frozenset(ANALYTICS)  # exports may name their job in an address alone

    @cached_property
    def _needles(self) -> list[bytes]:
        """Return texts of which each line of a wanted type has at least one."""
        prefix = os.path.commonprefix(sorted(self.types))  # noqa: RUF071  # these are no paths
        return [b'"' + text.encode() for text in ([prefix] if len(prefix) >= 5 else sorted(self.types))]

    def find(self, lines: Lines) -> list[int]:
        """Return the lines that may be wanted: all that are, and those that only the tolerant way can read."""
        if self.keys is None:
            return find_lines(lines.block, lines.ends, self._needles)
        if found := lines.outlines():
            return self._tied(found)
        return [at for at in range(len(lines)) if self._may_be_tied(lines[at])]

    def picks(self, events: dict[str, pa.Array]) -> pa.Array:
        """Return which events are wanted."""
        kept = [pc.is_in(events["event_type"], pa.array(sorted(self.types), events["event_type"].type))]
        for name, values in (self.keys or {}).items():
            kept.append(pc.is_in(events[name], pa.array(values, events[name].type)))
        return reduce(pc.or_, kept)

    def _may_be_tied(self, raw: bytes) -> bool:
        with suppress(ValueError, RecursionError):
            return bool(self._tied([outline(raw)]))
        return True  # the tolerant way will decide

    def _tied(self, events: list[Outline]) -> list[int]:
        """Return the places of events that may share a value with those of the wanted types."""
        outer, root, transactions, jobs, traces, uuids = self._values
        found = {at for at, event in enumerate(events) if event.event_type in self._whole or event.uuid in uuids}
        sessions = ((at, event.authentication_context) for at, event in enumerate(events))
        found |= {
            at for at, one in sessions if one and (one.external_session_id in outer or one.root_session_id in root)
        }
        found |= {at for at, event in enumerate(events) if (one := event.transaction) and one.id in transactions}
        for values, known in zip(told(notes_of(events), ("jobid", "traceid")), (jobs, traces), strict=True):
            found |= {at for at, value in enumerate(values) if value in known}
        return sorted(found)

    @cached_property
    def _values(self) -> list[frozenset[str]]:
        return [frozenset((self.keys or {})[name]) for name in (*RELATED, "uuid")]
