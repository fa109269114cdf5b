"""Spoilt logs by the thousand: nothing raises, every account adds up, and what is kept is what the source says."""

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import oktakit as ok
from hostile import account
from hostile_oracle import PATHS, disagreements, lost

MUTATIONS, BATCH = 2_000, 200
MARKS = [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b"\r", b"\0", b" ", b'{"', b"}\n{", b"\xff", b"\xc3"]


def records(seed: int) -> list[dict[str, Any]]:
    """Return six events that belong to this seed alone."""
    agent = {"rawUserAgent": 'Mozilla "5.0" \\ {x}', "os": "Linux", "browser": "FIREFOX"}
    place = {"city": "Zürich", "country": "NA", "postalCode": "00012", "geolocation": {"lat": 47.4, "lon": 8.5}}
    parts: dict[str, Any] = {
        "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann, 東京"},
        "client": {"userAgent": agent, "zone": "null", "ipAddress": "192.0.2.1", "geographicalContext": place},
        "outcome": {"result": "SUCCESS", "reason": None},
        "securityContext": {"asOrg": "example", "isp": "Example", "isProxy": False},
        "authenticationContext": {"externalSessionId": "102abc", "rootSessionId": "102root"},
        "transaction": {"type": "WEB", "id": "t1", "detail": {}},
        "debugContext": {"debugData": {"requestUri": "/reports/x.csv", "url": "a\u2028b"}},
        "target": [{"id": "mfa", "type": "Report", "detailEntry": {"columns": "a,b"}}],
    }
    return [_record(seed, number, parts) for number in range(6)]


def _record(seed: int, number: int, parts: dict[str, Any]) -> dict[str, Any]:
    fewer = dict(list(parts.items())[number:]) if number % 2 else parts
    own = {"displayMessage": f"{seed} {number}", "severity": "INFO", "published": f"2026-03-02T08:00:0{number}.000Z"}
    name = {"uuid": f"{seed:08x}-0000-4000-8000-{number:012x}", "eventType": "user.session.start"}
    return {**fewer, **own, **name} if number % 3 else {**name, **own, **fewer}


SHAPES: dict[str, Callable[[list[Any]], bytes]] = {
    "lines": lambda found: b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in found),
    "lines as they come": lambda found: b"\n".join(json.dumps(one, ensure_ascii=False).encode() for one in found),
    "array": lambda found: json.dumps(found, separators=(",", ":")).encode(),
    "pretty": lambda found: json.dumps(found, indent=2).encode(),
}


def cut(rng: Random, raw: bytes) -> bytes:
    """Return `raw` without a piece."""
    at, size = rng.randrange(len(raw)), rng.choice([1, 2, 5, 40, 400])
    return raw[:at] + raw[at + size :]


def flip(rng: Random, raw: bytes) -> bytes:
    """Return `raw` with one bit turned."""
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :]


def insert(rng: Random, raw: bytes) -> bytes:
    """Return `raw` with something in it that means something."""
    at = rng.randrange(len(raw))
    return raw[:at] + rng.choice(MARKS) + raw[at:]


def splice(rng: Random, raw: bytes) -> bytes:
    """Return `raw` with a piece of itself in another place."""
    start, at = rng.randrange(len(raw)), rng.randrange(len(raw))
    return raw[:at] + raw[start : start + rng.choice([3, 30, 300])] + raw[at:]


def duplicate(rng: Random, raw: bytes) -> bytes:
    """Return `raw` with one line twice."""
    lines = raw.split(b"\n")
    return b"\n".join([*lines, rng.choice(lines)])


def reorder(rng: Random, raw: bytes) -> bytes:
    """Return `raw` with its lines in another order."""
    lines = raw.split(b"\n")
    return b"\n".join(rng.sample(lines, len(lines)))


KINDS = [cut, flip, insert, splice, duplicate, reorder]


def mutated(seed: int) -> tuple[bytes, list[bytes]]:
    """Return a spoilt log, and the lines of the good one where every event has its own."""
    rng = Random(seed)
    shape = list(SHAPES)[seed % len(SHAPES)]
    good = raw = SHAPES[shape](records(seed))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        raw = rng.choice(KINDS)(rng, raw) or b" "
    return raw, [line for line in good.split(b"\n") if line] if shape.startswith("lines") else []


@pytest.mark.parametrize("start", range(0, MUTATIONS, BATCH))
def test_spoilt_logs_are_read_as_far_as_they_go(start, tmp_path):
    """In 2,000 logs: no crash, every account balanced, no kept row unlike its source, no whole line lost."""
    logs = {f"{seed}.json": mutated(seed) for seed in range(start, start + BATCH)}
    for name, (content, _) in logs.items():
        (tmp_path / name).write_bytes(content)
    log = ok.read_log(tmp_path)
    account(log)
    rows = {name: part.to_dict("records") for name, part in log.events.groupby("source")}
    assert set(log.sources["source"]) == set(logs)
    for name, (content, good) in logs.items():
        whole = [line for line in content.split(b"\n") if line in good]
        assert disagreements(rows.get(name, []), content) == [], name
        assert lost(rows.get(name, []), whole) == [], name


def test_the_oracle_sees_what_is_wrong():
    """A changed cell, a cell out of nowhere, a cell too few and a line too few are all seen."""
    raw = SHAPES["lines"](records(0))
    (row, *_) = rows = ok.read_log(raw).events.to_dict("records")
    assert (disagreements(rows, raw), lost(rows, raw.split(b"\n")[:-1])) == ([], [])
    for spoilt in ({"city": "Zurich"}, {"actor_id": None}, {"uuid": "x"}):
        assert len(disagreements([{**row, **spoilt}], raw)) == 1
    assert len(disagreements([{**row, "root_session_id": "other"}], raw)) == 1
    assert len(lost(rows[1:], raw.split(b"\n")[:-1])) == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from([*sorted(PATHS.values()), "published", "actor", "client", "target", "debugContext"])
KEYS = st.sampled_from(["source", "record", "event", "_raw", "data", "detail", "result", "okta", "Log", "x.y", "ACTOR"])


@st.composite
def spoilt(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Return an event with a value of any kind in some place, and perhaps a key more."""
    record = _record(7, number, records(7)[0])
    at, *path = record, *draw(PLACES).split(".")
    for key in path[:-1]:
        at = at.setdefault(key, {})
    at[path[-1]] = draw(VALUES)
    return {**record, draw(KEYS): draw(VALUES)} if draw(st.booleans()) else record


SEARCH = {"phases": [Phase.generate], "suppress_health_check": [HealthCheck.too_slow]}  # shrinking takes minutes


@settings(max_examples=60, deadline=None, derandomize=True, **SEARCH)
@given(st.tuples(*(spoilt(number) for number in range(10, 18))))
def test_values_of_any_kind_harm_their_own_record_only(found):
    """Whatever stands in a field, the good events around are kept whole, and kept text is the text of the source."""
    good = [json.dumps(record).encode() for record in records(3)]
    content = b"\n".join([*good[:3], *(json.dumps(record).encode() for record in found), *good[3:]])
    log = ok.read_log(content)
    assert account(log)[0] >= 14
    rows = log.events.to_dict("records")
    assert lost(rows, good) == []
    sound = [
        row for row in rows if not {"lone_surrogate", "non_finite"} & set(row["issues"].split())
    ]  # no JSON has these
    assert disagreements(sound, content) == []
    assert not any(isinstance(row["lat"], float) and math.isinf(row["lat"]) for row in rows)
