"""Reading only what is wanted: the same events, and a count of all others."""

import gzip
import json

import pandas as pd
import pytest

import oktakit as ok
from records import event, export, uuid

SHOWN = [column for column in ok.read_log([]).events if column not in ("source", "record")]


def lines(*records) -> bytes:
    """Return records as one event per line."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def counts(log) -> tuple[int, int, int, int]:
    """Return records, kept, rejected and other types, which with the duplicates must add up."""
    total = log.sources[["records", "kept", "duplicates", "rejected", "other_types"]].sum()
    assert total["records"] == total["kept"] + total["duplicates"] + total["rejected"] + total["other_types"]
    return tuple(int(total[name]) for name in ("records", "kept", "rejected", "other_types"))


@pytest.fixture(scope="module")
def quiet():
    """Return a synthetic week as lines, 30 times over with other uuids, so that it has many blocks."""
    records = ok.make_log("quiet_week").records[:1500]
    return lines(*({**record, "uuid": f"{n:04d}{record['uuid'][4:]}"} for n in range(4) for record in records))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_few_are_the_same_as_those_among_all(quiet, pack, tmp_path):
    """The four types, found by their bytes, are the rows that reading everything gives."""
    (tmp_path / "log").write_bytes(pack(quiet))
    everything, few = ok.read_log(tmp_path / "log"), ok.read_log(tmp_path / "log", event_types=ok.ANALYTICS)
    wanted = everything.events[everything.events["event_type"].isin(ok.ANALYTICS)].reset_index(drop=True)
    pd.testing.assert_frame_equal(few.events, wanted)
    assert counts(few)[0] == counts(everything)[0]
    assert few.sources["sha256"].equals(everything.sources["sha256"])


def test_related_events_are_the_same_as_those_among_all(quiet):
    """In two passes, without parsing the rest, come the very rows that `find_related` finds in the whole log."""
    everything = ok.find_related(ok.read_log(quiet).events)
    pd.testing.assert_frame_equal(ok.read_log(quiet, event_types=ok.ANALYTICS, related=True).events, everything)
    assert 0 < (~everything["event_type"].isin(ok.ANALYTICS)).sum() < len(everything)


@pytest.mark.parametrize(
    "line",
    [
        b'{"uuid":"%s","eventType":"\\u0061nalytics.feedback.provide"}',
        b'{"uuid":"%s","eventtype":"analytics.feedback.provide"}',
        b'{"data":{"events":[{"uuid":"%s","eventType":"analytics.feedback.provide"}]}}',
        b'{"message":"{\\"uuid\\":\\"%s\\",\\"eventType\\":\\"analytics.feedback.provide\\"}"}',
    ],
    ids=["an escape", "another spelling", "an envelope", "text in an envelope"],
)
def test_what_is_spelt_otherwise_is_found_too(line):
    """The test by bytes only ever widens."""
    plain = lines(*(event(n, "user.session.start") for n in range(9000)))
    log = ok.read_log(plain + line % uuid(9999).encode() + b"\n" + plain[:-1], event_types=[ok.FEEDBACK])
    assert list(log.events[["uuid", "record"]].itertuples(index=False, name=None)) == [(uuid(9999), 9001)]
    assert counts(log)[3] == 18_000


@pytest.mark.parametrize("related", [False, True])
def test_two_events_on_one_line_are_two_and_a_cut_one_is_rejected(related):
    """What is not one event a line is taken apart, and costs at most itself, as in a whole read."""
    plain = [lines(event(n, "user.session.start")) for n in range(9000)]
    two = lines(event(9998, ok.FEEDBACK))[:-1] + lines(event(9999, ok.FEEDBACK))
    cut = lines(event(9997, ok.FEEDBACK, actor={"id": "x"}))[:-2] + b"\n"
    log = ok.read_log(b"".join([*plain, two, cut, *plain]), event_types=[ok.FEEDBACK], related=related)
    assert list(log.events[["uuid", "record"]].itertuples(index=False)) == [(uuid(9998), 9001), (uuid(9999), 9001)]
    assert list(log.rejected[["record", "reason"]].itertuples(index=False)) == [(9002, "truncated")]
    assert counts(log) == (18_003, 2, 1, 18_000)


def test_a_bad_line_among_those_not_wanted_is_still_counted():
    """A block with a line that is no object is read line by line."""
    plain = lines(*(event(n, "user.session.start") for n in range(9000)))
    log = ok.read_log(plain + b"rubbish\n" + plain, event_types=[ok.FEEDBACK])
    assert counts(log) == (18_001, 0, 1, 18_000)
    assert list(log.rejected["record"]) == [9001]


@pytest.mark.parametrize(
    "tie",
    [
        {"authenticationContext": {"externalSessionId": "s1"}},
        {"authenticationContext": {"rootSessionId": "s1"}},
        {"transaction": {"id": "t1"}},
        {"debugContext": {"debugData": {"jobId": "j1"}}},
        {"debugContext": {"debugData": {"traceId": "c1"}}},
        {"p_row_id": "7", "debugContext": {"debugData": {"trace_id": "c1"}}},
    ],
)
def test_each_tie_brings_its_event(tie):
    """Session, root session, transaction, job and trace each bring the neighbour; sentinels bring nobody."""
    debug = {"debugContext": {"debugData": {"jobid": "j1", "traceId": "c1"}}}
    session = {"authenticationContext": {"externalSessionId": "s1", "rootSessionId": "s1"}}
    asked = {**export(1, "request", "02T08:00", "ann", transaction="t1"), **debug, **session}
    other = event(3, "user.session.start", authenticationContext={"externalSessionId": "unknown"})
    unknown = {**export(4, "request", "02T08:00", "ann"), "authenticationContext": {"externalSessionId": "unknown"}}
    records = [asked, event(2, "user.session.start", **tie), other, unknown]
    log = ok.read_log(lines(*records), event_types=ok.EXPORTS, related=True)
    assert sorted(log.events["uuid"]) == [uuid(1), uuid(2), uuid(4)]
    pd.testing.assert_frame_equal(log.events[SHOWN], ok.find_related(ok.read_log(records).events, ok.EXPORTS)[SHOWN])


def test_feedback_brings_the_detection_it_judged():
    """The judged event is related by its uuid."""
    given = event(1, ok.FEEDBACK, debugContext={"debugData": {"eventUuid": uuid(2)}})
    records = lines(given, event(2, "user.risk.detect"), event(3, "user.risk.detect"))
    log = ok.read_log(records, event_types=ok.ANALYTICS, related=True)
    assert sorted(log.events["uuid"]) == [uuid(1), uuid(2)]
    assert counts(log) == (3, 2, 0, 1)
