"""Delivery shapes: what is wrapped around an event, or what was made of it, on its way to a file."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Inner(NamedTuple):
    """One event under Okta's own names, from inside an envelope; `textual` where the shape turns all values to text."""

    value: Any
    textual: bool = False


def unwrap(value: Any) -> Iterator[Inner]:
    """Yield the events in a decoded document, whatever is wrapped around them."""
    yield Inner(value)
