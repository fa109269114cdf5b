"""A log at rest: the same when it comes back, whole or not at all."""

import signal
import subprocess
import sys
import time

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from records import event, uuid

TABLES = ("events", "targets", "rejected", "sources")
ONE = event(1, "user.session.start", "2026-03-02T23:59:59.999Z", target=[{"id": "00u1", "type": "User"}])
TWO = event(2, "user.session.end", "2026-03-03T00:00:00.000Z")
UNDATED = event(3, "user.session.end", None)
WRITER = """
import sys, oktakit as ok
log = ok.read_log(ok.make_log("assistant").records)
for number in range(100_000):
    print(number, flush=True)
    ok.write_events(log, f"{sys.argv[1]}/{number}")
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
    """Rows that are missing are noticed before anybody works with the rest."""
    folder = ok.write_events(ok.read_log([ONE, TWO]), tmp_path / "case")
    (folder / "events" / "day=2026-03-02" / "part.parquet").unlink()
    with pytest.raises(ok.InputError, match=r"should hold .*'events': 2.*it holds .*'events': 1"):
        ok.read_log(folder)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process at once")
@pytest.mark.parametrize("wait", [0.005, 0.013, 0.021, 0.034])
def test_a_killed_writer_leaves_nothing_that_reads_wrong(wait, tmp_path):
    """Whenever the process dies, each folder is complete or not there; what was begun is hidden from reading."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    for line in writer.stdout:
        if int(line) == 3:
            break
    time.sleep(wait)
    writer.kill()
    writer.communicate()
    expected = ok.read_log(ok.make_log("assistant").records)
    folders = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert len(folders) >= 3
    for folder in folders:
        pd.testing.assert_frame_equal(ok.read_log(folder).events, expected.events)
