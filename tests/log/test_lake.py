"""A log at rest: the same when it comes back, whole or not at all."""

import errno
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from records import event, uuid

TABLES = ("events", "targets", "rejected", "sources")
ONE = event(1, "user.session.start", "2026-03-02T23:59:59.999Z", target=[{"id": "00u1", "type": "User"}])
TWO = event(2, "user.session.end", "2026-03-03T00:00:00.000Z")
UNDATED = event(3, "user.session.end", None)
WRITERS = """
import os, random, signal, sys, time, oktakit as ok
from pathlib import Path
import filelock, pyarrow.dataset, pyarrow.parquet  # so that no copy of this process has to load them

place, times, rng = Path(sys.argv[1]), int(sys.argv[2]), random.Random(5)
log = ok.read_log(ok.make_log("assistant").records[:100])

def fork(call):
    child = os.fork()
    if not child:
        rng.seed(os.getpid())
        code = 1
        try:
            call()
            code = 0
        finally:
            os._exit(code)
    return child

def done(child):
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("records", [[], [ONE, TWO, UNDATED], [ONE, {**ONE, "eventType": "x"}, {"uuid": "1"}]])
def test_what_comes_back_is_what_was_written(records, tmp_path):
    """All four tables are the same, with the account of the first reading, also where they are empty."""
    log = ok.read_log(records)
    back = ok.read_log(ok.write_events(log, tmp_path / "case"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(log, name))


def test_days_are_those_of_utc_and_engines_can_read_them(tmp_path):
    """Events lie in the folder of their day, undated ones apart, with the time also in microseconds."""
    folder = ok.write_events(ok.read_log([ONE, TWO, UNDATED]), tmp_path / "case")
    days = ["day=2026-03-02", "day=2026-03-03", "day=unknown"]
    assert sorted(path.name for path in (folder / "events").iterdir()) == days
    found = pl.read_parquet(folder / "events" / "day=2026-03-03" / "part.parquet", hive_partitioning=False)
    assert found.select("uuid", "published_us").rows() == [(uuid(2), 1_772_496_000_000_000)]


def test_a_folder_that_exists_is_left_alone(tmp_path):
    """Nothing is written over."""
    (tmp_path / "case").mkdir()
    with pytest.raises(ok.InputError, match=r"A new folder is needed; .* exists. Name another one"):
        ok.write_events(ok.read_log([ONE]), tmp_path / "case")
    assert list((tmp_path / "case").iterdir()) == []


def test_a_folder_that_lost_a_file_is_refused(tmp_path):
    """A file that is missing is named before anybody works with the rest."""
    folder = ok.write_events(ok.read_log([ONE, TWO]), tmp_path / "case")
    (folder / "events" / "day=2026-03-02" / "part.parquet").unlink()
    with pytest.raises(ok.InputError, match=r"events/day=2026-03-02/part.parquet: it is missing"):
        ok.read_log(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot copy a process")
@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_writer_leaves_nothing_that_reads_wrong(times, tmp_path):
    """Whenever the process dies, its folder is whole or not there; the next writer clears away what was begun."""
    code = (
        WRITERS
        + """
start, left = time.perf_counter(), 0
done(fork(lambda: ok.write_events(log, place / "first")))
seconds = time.perf_counter() - start
for number in range(times):
    writer = fork(lambda: ok.write_events(log, place / f"{number}"))
    time.sleep(rng.uniform(0, seconds))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    left += any(path.name.endswith(".part") for path in place.iterdir())
    if (place / f"{number}").exists():
        (place / f"{number}").rename(place / f"whole {number}")
    start = time.perf_counter()
    done(fork(lambda: ok.write_events(log, place / f"{number}")))
    seconds = min(seconds, time.perf_counter() - start)
    assert not [path for path in place.iterdir() if path.name.endswith(".part")]
print(left)
"""
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path, str(times)], capture_output=True, text=True, check=True)
    assert int(run.stdout) > 0  # some were killed while they wrote
    expected = ok.read_log(ok.make_log("assistant").records[:100])
    folders = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert len(folders) >= times
    for folder in folders:
        pd.testing.assert_frame_equal(ok.read_log(folder).events, expected.events)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot copy a process")
@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_what_a_living_writer_has_begun_is_left_alone(times, tmp_path):
    """Of two processes that write one folder at once, one has it whole, and the other is told that it exists."""
    code = (
        WRITERS
        + """
for number in range(times):
    def write():
        time.sleep(rng.uniform(0, 0.02))
        try:
            ok.write_events(log, place / f"{number}")
        except ok.InputError as error:
            os._exit(3 if "exists" in str(error) or "not empty" in str(error) else 4)
    codes = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in [fork(write), fork(write)]]
    assert sorted(codes) == [0, 3], codes
"""
    )
    subprocess.run([sys.executable, "-c", code, tmp_path, str(times)], check=True)
    expected = ok.read_log(ok.make_log("assistant").records[:100])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(times)))
    for folder in tmp_path.iterdir():
        pd.testing.assert_frame_equal(ok.read_log(folder).events, expected.events)


@pytest.mark.parametrize("times", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_a_flipped_bit_is_never_read_as_good(times, tmp_path):
    """Whichever bit of whichever file is turned over, reading says which file was changed."""
    folder = ok.write_events(ok.read_log(ok.make_log("assistant").records), tmp_path / "case")
    files, rng = sorted(path for path in folder.rglob("*") if path.is_file()), random.Random(3)
    for _ in range(times):
        path = rng.choice(files)
        content = path.read_bytes()
        at = rng.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :])
        with pytest.raises(ok.InputError, match=path.name):
            ok.read_log(folder)
        path.write_bytes(content)
    assert len(ok.read_log(folder).events)


def test_a_file_that_was_put_there_is_named(tmp_path):
    """A table that was not written with the others does not become part of the log."""
    folder = ok.write_events(ok.read_log([ONE, TWO]), tmp_path / "case")
    day = folder / "events" / "day=2026-03-02"
    (day / "more.parquet").write_bytes((day / "part.parquet").read_bytes())
    with pytest.raises(ok.InputError, match=r"more.parquet: it was not written with the others"):
        ok.read_log(folder)


def test_of_writers_at_once_one_has_the_folder(tmp_path):
    """The folder is whole, the others are told that it exists, and nothing else is left."""
    log = ok.read_log([ONE, TWO, UNDATED])

    def write(_: int) -> bool:
        try:
            return bool(ok.write_events(log, tmp_path / "case"))
        except ok.InputError:
            return False

    with ThreadPoolExecutor(4) as writers:
        assert sum(writers.map(write, range(4))) == 1
    pd.testing.assert_frame_equal(ok.read_log(tmp_path / "case").events, log.events)
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    """The error says so, and neither the folder nor a part of it is there."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ok.InputError, match="No space left on device"):
        ok.write_events(ok.read_log([ONE]), tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_folders_and_files_are_read_together(tmp_path):
    """A list of folders, a folder of folders, and folders beside files: what stands twice is counted once."""
    (tmp_path / "all").mkdir()
    one = ok.write_events(ok.read_log([ONE, TWO]), tmp_path / "all" / "one")
    two = ok.write_events(ok.read_log([TWO, UNDATED, {"uuid": "1"}]), tmp_path / "all" / "two")
    for logs in ([one, two], tmp_path / "all", [two, one, one], str(tmp_path / "all" / "*")):
        log = ok.read_log(logs)
        assert list(log.events["uuid"]) == [uuid(1), uuid(2), uuid(3)]
        assert list(log.targets["uuid"]) == [uuid(1)]
        counts = log.sources[["source", "records", "kept", "duplicates", "rejected"]]
        assert counts.values.tolist() == [["one/records", 2, 2, 0, 0], ["two/records", 3, 1, 1, 1]]
    (tmp_path / "all" / "more.jsonl").write_text(json.dumps(event(4, "user.session.start")))
    log = ok.read_log(tmp_path / "all")
    assert list(log.sources["source"]) == ["more.jsonl", "one/records", "two/records"]
    assert len(log.events) == 4


def test_some_types_of_a_written_log_are_those_of_the_log(tmp_path):
    """Filtered by type, with and without what is tied to them, a folder gives the rows that the records give."""
    records = ok.make_log("stolen_report").records
    folder = ok.write_events(ok.read_log(records), tmp_path / "case")
    for related in (False, True):
        first = ok.read_log(records, event_types=ok.ANALYTICS, related=related)
        again = ok.read_log(folder, event_types=ok.ANALYTICS, related=related)
        pd.testing.assert_frame_equal(again.events, first.events)
        pd.testing.assert_frame_equal(again.targets, first.targets)
        assert again.sources["records"].sum() == first.sources["records"].sum()


def test_the_original_is_shown_from_a_written_log(tmp_path):
    """The folder keeps where the file was; where that is not what was read, the error says what differs."""
    path, text = tmp_path / "log.jsonl", "".join(json.dumps(one) + "\n" for one in (ONE, TWO))
    path.write_text(text)
    log = ok.read_log(ok.write_events(ok.read_log(path), tmp_path / "case"))
    assert ok.read_raw(log, uuid(2)) == [json.dumps(TWO)]
    for changed, message in (
        ("{}\n" + text, r"log.jsonl was changed: it has \d+ bytes, \d+ were read"),
        (
            text.replace("user.session.end", "user.session.END"),
            r"log.jsonl was changed: its SHA-256 is \w+, \w+ was read",
        ),
        (text[:-20], r"log.jsonl was changed: it has \d+ bytes"),
    ):
        path.write_text(changed)
        with pytest.raises(ok.InputError, match=message):
            ok.read_raw(log, uuid(2))
    path.unlink()
    with pytest.raises(ok.InputError, match=r"log.jsonl: No such file or directory. Put it back"):
        ok.read_raw(log, uuid(2))
    written = ok.read_log(ok.write_events(ok.read_log([ONE]), tmp_path / "memory"))
    with pytest.raises(ok.InputError, match="was not read from a file"):
        ok.read_raw(written, uuid(1))
