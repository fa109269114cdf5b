"""Two ways to a row: the fast one for text as documented and the tolerant one for the rest say the same."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import oktakit as ok
from hostile import third

LOGS = sorted((Path(__file__).parents[2] / "sample_logs").glob("*.jsonl*"))
APART = ["extra", "record", "source"]
KEY = "zz_undocumented"


def others(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that must be equal."""
    return frame.drop(columns=[name for name in APART if name in frame])


def extras(log: ok.Log) -> list[Any]:
    """Return what no column holds, without the key that was added."""
    found = [json.loads(extra) if isinstance(extra, str) else {} for extra in log.events["extra"]]
    return [{key: value for key, value in extra.items() if key != KEY} for extra in found]


def assert_same(fast: ok.Log, tolerant: ok.Log) -> None:
    """Compare two logs of the same events, the second of which had a key more in each."""
    pd.testing.assert_frame_equal(others(fast.events), others(tolerant.events))
    pd.testing.assert_frame_equal(fast.targets, tolerant.targets)
    assert extras(fast) == extras(tolerant)
    assert list(fast.rejected["reason"]) == list(tolerant.rejected["reason"])


def with_more(line: bytes, first: bool) -> bytes:
    """Return a record with an undocumented key at its beginning or its end."""
    return b'{"zz_undocumented":7,' + line[1:] if first else line[:-1] + b',"zz_undocumented":7}'


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
@pytest.mark.parametrize("first", [True, False])
def test_every_sample_event_is_the_same_both_ways(path, first):
    """An undocumented key changes nothing but `extra`."""
    content = path.read_bytes()
    raw = gzip.decompress(content) if path.suffix == ".gz" else content
    more = b"\n".join(with_more(line, first) for line in raw.splitlines())
    assert_same(ok.read_log(raw), ok.read_log(more))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["null", "NA", " x", '"', "\\"])
NUMBER = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DETAILS = st.dictionaries(TEXT, JSON, max_size=3)


def part(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any] | None]:
    """Return a part of an event in which every field may be missing or null, and which may be null itself."""
    return st.none() | st.fixed_dictionaries({}, optional={name: st.none() | field for name, field in fields.items()})


def texts(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    """Return fields that hold text."""
    return dict.fromkeys(names, TEXT)


POINT = part(lat=st.floats(-90, 90) | st.integers(-90, 90), lon=st.floats(-180, 180))
GEO = part(**texts("city", "state", "country"), postalCode=TEXT | NUMBER, geolocation=POINT)
SERVICES = st.lists(part(**texts("type", "operator"), isAnonymous=st.booleans()).filter(bool), max_size=2)
IP = part(**texts("asOrg", "isp", "domain"), asNumber=NUMBER, ipServiceCategories=SERVICES)
HOP = part(**texts("ip", "version", "source"), geographicalContext=GEO, ipDetails=IP).filter(bool)
HOPS = st.lists(HOP, max_size=2)
ENTITY = texts("id", "type", "alternateId", "displayName")
TARGET = part(**ENTITY, detailEntry=DETAILS, changeDetails=DETAILS).filter(bool)
NOTES = st.sampled_from(["jobId", "jobid", "requestUri", "url", "risk", "tunnels", "proxyType", "label", "eventUuid"])
EVENT = st.fixed_dictionaries(
    {"eventType": st.sampled_from([*ok.ANALYTICS, "user.session.start", "user.risk.detect"])},
    optional={
        "published": st.datetimes(pd.Timestamp(2, 1, 1), pd.Timestamp(9998, 1, 1)).map(lambda at: at.isoformat() + "Z"),
        **texts("severity", "legacyEventType", "displayMessage"),
        "version": TEXT | NUMBER,
        "actor": part(**ENTITY, detailEntry=DETAILS),
        "client": part(
            **texts("zone", "device", "id", "ipAddress"),
            userAgent=part(**texts("rawUserAgent", "os", "browser")),
            geographicalContext=GEO,
            ipChain=HOPS,
        ),
        "device": part(**texts("id", "name", "osPlatform"), managed=st.booleans(), registered=st.booleans()),
        "authenticationContext": part(
            **texts("credentialType", "externalSessionId", "rootSessionId", "interface"),
            issuer=part(**texts("id", "type")),
            authenticationStep=NUMBER | TEXT,
            authenticatorContext=DETAILS,
        ),
        "outcome": part(**texts("result", "reason")),
        "securityContext": part(
            **texts("asOrg", "isp", "domain"),
            asNumber=NUMBER,
            isProxy=st.booleans(),
            ipDetails=IP,
            risk=part(**texts("level", "detectionName"), reasons=st.lists(JSON, max_size=2)),
            userBehaviors=st.lists(JSON, max_size=2),
        ),
        "debugContext": part(debugData=DETAILS | st.dictionaries(NOTES, JSON, max_size=4)),
        "transaction": part(**texts("type", "id"), detail=DETAILS),
        "request": part(ipChain=HOPS),
        "target": st.none() | st.lists(TARGET, max_size=3),
    },
)


def written(record: dict[str, Any], number: int, rng: Random) -> bytes:
    """Return a record as text: keys in any order, with and without blanks and escapes."""
    whole = {"uuid": f"00000000-0000-4000-8000-{number:012d}", **record}
    keys = rng.sample(sorted(whole), len(whole))
    separators = rng.choice([(",", ":"), (", ", ": "), (",\t", " : ")])
    shuffled = {key: whole[key] for key in keys}
    return json.dumps(shuffled, separators=separators, ensure_ascii=rng.random() < 0.5).encode()


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(EVENT, min_size=1, max_size=12), st.integers(0, 2**32))
def test_events_of_the_documented_types_are_the_same_both_ways(found, seed):
    """Any values within the types that Okta documents, written in any way, give one row."""
    rng = Random(seed)
    lines = [written(record, number, rng) for number, record in enumerate(found)]
    more = [with_more(line, rng.random() < 0.5) for line in lines]
    fast, tolerant = ok.read_log(b"\n".join(lines)), ok.read_log(b"\n".join(more))
    assert len(fast.events) == len(found)
    assert_same(fast, tolerant)


def objects(value: Any) -> list[dict[str, Any]]:
    """Return every object in a value that names a key."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    own = [value] if isinstance(value, dict) and value else []
    return own + [found for item in inner for found in objects(item)]


def named_twice(record: dict[str, Any], rng: Random) -> bytes:
    """Return a record that names some key twice, without some other key, and if possible as long as it was."""
    size = len(json.dumps(record, separators=(",", ":")))
    changed = json.loads(json.dumps(record))
    place = rng.choice(objects(changed))
    key = rng.choice(list(place))
    others = [(one, name) for one in objects(changed) for name in one if one is not place or name != key]
    gone = [
        (one, name) for one, name in others if name not in ("uuid", "eventType") and place not in objects(one[name])
    ]
    for one, name in rng.sample(gone, min(len(gone), 1)):
        one.pop(name)
    items = [*place.items(), ("~", "")]
    place.clear()
    place.update(items if rng.random() < 0.5 else items[-1:] + items[:-1])
    room = size - len(json.dumps(changed, separators=(",", ":"))) + len("~") - len(key)
    place["~"] = "x" * max(0, room)
    return json.dumps(changed, separators=(",", ":")).replace('"~":', f'"{key}":').encode()


@pytest.mark.parametrize("seed", range(8))
def test_a_key_that_is_named_twice_is_seen_wherever_it_stands(seed):
    """However deep it is, and whatever is missing elsewhere: the text may be as long as if nothing were wrong."""
    rng = Random(seed)
    good = [json.loads(line) for line in LOGS[0].read_bytes().splitlines()][:60]
    lines = [named_twice({**record, "uuid": f"{at:08d}{record['uuid'][8:]}"}, rng) for at, record in enumerate(good)]
    log = ok.read_log(b"\n".join(lines))
    assert len(log.events) == len(lines)
    assert [issues for issues in log.events["issues"] if "duplicate_key" not in issues.split()] == []


def test_each_event_keeps_its_own_notes_where_lengths_even_out():
    """A session of nothing but an id is one comma shorter, an escaped id one character longer: nothing shifts."""
    note = '"debugContext":{"debugData":{"url":"/%s"}}'
    more = (
        '"authenticationContext":{"externalSessionId":"s1"}',
        r'"transaction":{"type":"WEB","id":"t\/1","detail":{}}',
    )
    first, second = (third(f"{part},{note % letter}", at) for at, part, letter in zip((1, 2), more, "ab", strict=True))
    log = ok.read_log(first + b"\n" + second)
    assert list(log.events["debug_data"]) == ['{"url":"/a"}', '{"url":"/b"}']
    assert list(log.events["external_session_id"].dropna()) == ["s1"]
    assert list(log.events["transaction_id"].dropna()) == ["t/1"]
    assert list(log.events["issues"]) == ["", ""]
