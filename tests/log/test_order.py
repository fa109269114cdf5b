"""The order of a log, however its records arrive, and blocks of which one line is out of the ordinary."""

import json
import random

import numpy as np
import pyarrow as pa
import pytest

import oktakit as ok
from oktakit.log.order import argsort, argsort_children, take
from records import event, uuid

COUNT = 52_000  # more than one batch of 50,000


def lines(records) -> bytes:
    """Return records as one event per line."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


@pytest.fixture(scope="module")
def many():
    """Return events of which two share each second, so that their uuids decide; one in 1,000 is odd in a detail."""
    moments = (f"2026-03-02T{n // 7200:02d}:{n // 120 % 60:02d}:{n // 2 % 60:02d}.000Z" for n in range(COUNT))
    odd = [{"securityContext": {"isProxy": "true"}} if n % 1000 == 0 else {} for n in range(COUNT)]
    targets = {"target": [{"type": "User", "id": "u1"}, {"type": "User", "id": "u2"}]}
    plain = zip(range(COUNT), moments, odd, strict=True)
    return [{**event(n, "user.session.start"), "published": moment, **targets, **more} for n, moment, more in plain]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arrange", [list, lambda records: records[::-1], lambda records: random.Random(1).sample(records, COUNT)]
)
def test_the_order_of_arrival_does_not_show(many, arrange):
    """In order, backwards and shuffled, the same events and targets come out by time and uuid."""
    log = ok.read_log(lines(arrange(many)))
    assert list(log.events["uuid"]) == [uuid(n) for n in range(COUNT)]
    assert list(log.targets["uuid"]) == [uuid(n) for n in range(COUNT) for _ in range(2)]
    assert list(log.targets["target_id"]) == ["u1", "u2"] * COUNT
    assert np.flatnonzero(log.events["issues"] != "").tolist() == list(range(0, COUNT, 1000))


def test_time_then_uuid_then_source_then_record_decide():
    """Rows without a time come last; where all else is the same, the record decides."""
    cells = {"published": [5, None, 5, 1, 5], "uuid": [*"bdaca"], "source": [*"xxyxx"], "record": [1, 1, 1, 1, 2]}
    columns = {name: pa.chunked_array([values]) for name, values in cells.items()}
    order = argsort(columns)
    assert order.tolist() == [3, 4, 2, 0, 1]
    assert take(columns, order)["record"].to_pylist() == [1, 2, 1, 1, 1]


def test_what_belongs_to_a_row_that_is_gone_goes_with_it():
    """Of three rows the second is dropped and the others change places; their own rows follow."""
    assert argsort_children(np.array([0, 1, 1, 2, 2]), np.array([2, 0])).tolist() == [3, 4, 0]
    assert argsort_children(np.array([], np.int64), np.array([1, 0])).tolist() == []


def test_two_events_on_one_line_are_two_records_wherever_the_line_is():
    """The line that holds two objects is found in a block that would otherwise be read in one go."""
    plain = [event(n, "user.session.start") for n in range(9000)]
    two = lines([event(9001, "user.session.start")])[:-1] + lines([event(9002, "user.session.start")])
    log = ok.read_log(lines(plain) + two + lines([event(9003, "user.session.start")]))
    assert log.sources["records"].tolist() == [9003]
    last = log.events.set_index("uuid").loc[[uuid(9001), uuid(9002), uuid(9003)], "record"]
    assert last.tolist() == [9001, 9001, 9002]


def test_a_key_named_twice_is_found_in_a_block_read_in_one_go():
    """Neither the event nor its debug data nor a part may name a key twice without a flag."""
    plain = [event(n, "user.session.start") for n in range(9000)]
    twice = (
        '{"uuid":"%s","severity":"INFO","severity":"WARN","eventType":"a"}',
        '{"uuid":"%s","eventType":"a","debugContext":{"debugData":{"risk":"x","risk":"y"}}}',
        '{"uuid":"%s","eventType":"a","actor":{"id":"x","id":"y"}}',
    )
    odd = b"".join((text % uuid(9000 + n)).encode() + b"\n" for n, text in enumerate(twice))
    events = ok.read_log(lines(plain) + odd).events.set_index("uuid")
    flags = events.loc[[uuid(9000 + n) for n in range(3)], "issues"].str.split()
    assert all("duplicate_key" in found for found in flags)
