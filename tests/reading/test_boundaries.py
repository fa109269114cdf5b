"""No boundary loses an event: blocks of any size may end anywhere in a valid file."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deliveries import table
from oktakit.reading import formats, framing, streams
from oktakit.reading.records import read_records, read_texts
from oktakit.reading.streams import BLOCK, Batch, Source
from records import event, uuid

NESTED = [
    event(1, "a.b", client={"geographicalContext": {"city": 'Zü"rich {', "geolocation": {"lat": 1.5, "lon": 2}}}),
    event(
        2, "a.b", displayMessage="東京 \\ \u2028 ]}\n[{ 😀", target=[{"id": "x", "detailEntry": {"a": {"b": []}}}, {}]
    ),
    event(3, "a.b", debugContext={"debugData": {"x": '{"uuid":"no","eventType":"no"}', "y": "\\\\"}}),
    event(4, "a.b", x=[[{"a": {"b": [{"c": {}}]}}], {"d": [{"e": None}, -1.5e-7, True, ""]}]),
]
TIGHT = {"separators": (",", ":"), "ensure_ascii": False}


def dump(value: Any, **form: Any) -> bytes:
    """Return JSON text, without blanks if no form is named."""
    return json.dumps(value, **form or TIGHT).encode()


FILES = {
    "array": dump(NESTED),
    "array with blanks": dump(NESTED, ensure_ascii=True),
    "pretty array": dump(NESTED, indent=2),
    "array without indents": dump(NESTED, indent=0, ensure_ascii=False),
    "array of arrays": dump([NESTED[:1], [NESTED[1:]]]),
    "events": dump({"events": NESTED, "next": None}),
    "value": dump({"@odata.context": "x", "value": NESTED}),
    "Records": dump({"Records": NESTED}, indent=1),
    "hits": dump({"took": 1, "hits": {"total": {"value": 4}, "hits": [{"_id": 1, "_source": one} for one in NESTED]}}),
    "envelopes on lines": b"\n".join(dump({"source": "x", "detail": one}) for one in NESTED),
    "objects behind each other": b"".join(map(dump, NESTED)),
    "pretty objects": b"\n".join(dump(one, indent=4) for one in NESTED),
    "pretty objects without indents": b"\n".join(dump(one, indent=0) for one in NESTED),
    "lines": b"\n".join(map(dump, NESTED)) + b"\n",
    "lines as on Windows": b"\r\n".join(dump(one, ensure_ascii=True) for one in NESTED),
    "a text before each": b"\n".join(b"2026-03-02T08:00:00Z host app[1]: " + dump(one) for one in NESTED),
    "table": table([{"uuid": one["uuid"], "eventType": "a.b", "displayMessage": 'a,"b"\r\n東京'} for one in NESTED]),
}
PACKED = {"plain": lambda raw: raw, "gzip": lambda raw: gzip.compress(raw, mtime=0)}


@pytest.fixture
def blocks_of(monkeypatch):
    """Return what sets the size of blocks, and with it how much of a file is looked at first."""

    def patch(size: int, head: int = 1) -> None:
        monkeypatch.setattr(streams, "BLOCK", size)
        monkeypatch.setattr(framing, "BLOCK", size)
        monkeypatch.setattr(formats, "HEAD", max(size, head))

    return patch


def texts(raw: bytes) -> list[str]:
    """Return the last digits of the uuid in every record, and the text of any record that has none."""
    found = [text.decode() for _, text in read_texts(Source("x", raw))]
    return [next((str(n) for n in range(1, 5) if uuid(n) in text), text) for text in found]


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("name", FILES)
def test_a_block_may_end_anywhere(name, pack, blocks_of):
    """Every offset of every file lies at the end of a block of 7, 64 and 4,096 bytes once: no record is lost.

    By 17 files, plain and packed, and 7 + 64 + 8 shifts, with a boundary in each block of each: some 30,000 placements.
    """
    envelope = name in ("events", "value", "Records", "hits")
    for size, shifts in ((7, range(7)), (64, range(64)), (4096, range(0, 4096, 512))):
        blocks_of(size, {"table": 200, "a text before each": 600}.get(name, 1))
        for shift in shifts:
            content = PACKED[pack](b"\n" * shift + FILES[name])
            expected = ["1"] * 4 if envelope else ["1", "2", "3", "4"]
            assert texts(content) == expected, (size, shift)


@pytest.mark.parametrize("name", ["array", "events", "hits", "objects behind each other", "lines"])
def test_the_boundary_of_a_real_block_may_lie_anywhere(name):
    """The block of 1 MiB ends at every 31st byte of a file without line breaks, or with them."""
    raw = FILES[name]
    for at in range(0, len(raw), 31):
        content = b" " * (BLOCK - at) + raw
        assert len(texts(content)) == 4, at


@pytest.mark.slow
@pytest.mark.parametrize("size", [7, 64, 4096, BLOCK])
def test_600_events_in_one_envelope_are_600(size, blocks_of):
    """One line of more than a block, nested objects in each event."""
    blocks_of(size)
    many = [event(n, "a.b", client={"geographicalContext": {"geolocation": {"lat": 1, "lon": n}}}) for n in range(600)]
    for value in (many, {"events": many}, {"x": {"y": [1, "{"]}, "data": {"events": many}}):
        assert len(texts(dump(value))) == 600


SPACES = st.sampled_from(["", "", " ", "\n", "\r\n", "\t", "\n  ", " \n\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('ab"\\{}[],:é\u2028\n', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"{', max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["events", "value", "Records", "records", "logs"])


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Return JSON text with any blanks between its tokens."""
    space = lambda: draw(SPACES)  # noqa: E731
    if isinstance(value, list):
        items = [draw(written(item)) for item in value]
        return "[" + space() + ",".join(space() + item + space() for item in items) + "]"
    if isinstance(value, dict):
        pairs = [(json.dumps(key, ensure_ascii=False), draw(written(item))) for key, item in value.items()]
        return "{" + ",".join(space() + key + space() + ":" + space() + item + space() for key, item in pairs) + "}"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def valid(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a file of events in lists and envelopes, in each other or one behind the other, and the uuids in it."""
    count = draw(st.integers(1, 6))
    made = [event(n, "a.b", x=draw(VALUES), target=[{"id": draw(st.text(max_size=3))}]) for n in range(count)]
    uuids = [one["uuid"] for one in made]
    kind = draw(st.sampled_from(["list", "envelope", "lists", "objects", "envelopes"]))
    if kind == "objects":
        return draw(SPACES).join(draw(written(one)) for one in made), uuids
    if kind == "envelopes":
        return "\n".join(draw(written({"id": "x", draw(NAMES): [one], "n": None})) for one in made), uuids
    value: Any = made
    if kind == "lists":
        at = draw(st.integers(0, count))
        value = [made[:at], [made[at:]]]
    if kind == "envelope":
        value = {"id": draw(st.text(max_size=3)), draw(NAMES): made, "z": [draw(st.text(max_size=3))]}
    return draw(SPACES) + draw(written(value)) + draw(SPACES), uuids


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(valid())
def test_any_valid_file_keeps_all_of_its_events(blocks_of, drawn):
    """However a JSON value of events is spaced, and however large the blocks are, every event is one record."""
    text, uuids = drawn
    for size in (7, 64, 4096):
        blocks_of(size)
        source = Source("x", text.encode())
        assert list(kept(source)) == uuids, (size, text)
        assert source.flags == set(), (size, text)


def kept(source: Source) -> Iterator[str]:
    """Yield the uuids of a source in their order, and the reason in place of one that is rejected."""
    for item in read_records(source):
        if isinstance(item, Batch):
            yield from (one.uuid for one in item.outlines)
        else:
            yield item.event.uuid if item.event else item.reason
