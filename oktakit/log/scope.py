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
from .debug_data import debug_data_of, pick_keys


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
        """Return the lines that may be wanted: all that are, and those that only the tolerant path can read."""
        if self.keys is None:
            return find_lines(lines.block, lines.ends, self._needles)
        if outlines := lines.outlines():
            return self._tied(outlines)
        wanted = list[int]()
        for at, raw in enumerate(lines):
            with suppress(ValueError, RecursionError):
                if not self._tied([outline(raw)]):
                    continue
            wanted.append(at)  # the tolerant path decides on those that are not as documented
        return wanted

    def wants(self, events: dict[str, pa.Array]) -> pa.Array:
        """Return which events are wanted."""
        kept = [pc.is_in(events["event_type"], pa.array(sorted(self.types), events["event_type"].type))]
        for name, values in (self.keys or {}).items():
            kept.append(pc.is_in(events[name], pa.array(values, events[name].type)))
        return reduce(pc.or_, kept)

    def _tied(self, events: list[Outline]) -> list[int]:
        """Return the places of events that may share a value with those of the wanted types."""
        outer, root, transactions, jobs, traces, uuids = self._values
        tied = {at for at, event in enumerate(events) if event.event_type in self._whole or event.uuid in uuids}
        sessions = enumerate(event.authentication_context for event in events)
        tied |= {
            at for at, one in sessions if one and (one.external_session_id in outer or one.root_session_id in root)
        }
        tied |= {at for at, event in enumerate(events) if (one := event.transaction) and one.id in transactions}
        values = zip(*pick_keys(debug_data_of(events), ("jobid", "traceid")), strict=True)
        return sorted(tied | {at for at, (job, trace) in enumerate(values) if job in jobs or trace in traces})

    @cached_property
    def _values(self) -> list[frozenset[str]]:
        return [frozenset((self.keys or {})[name]) for name in (*RELATED, "uuid")]
