"""Hostile sizes: what is too large is one rejected record, and memory and time stay bounded."""

import gzip
import subprocess
import sys
import time
from pathlib import Path

import pytest

import oktakit as ok
from hostile import TWO, account, between, kept, line, neighbours_are_whole, rejected, third
from records import event

MIB = 1 << 20
LIMIT = 400
MEASURE = """
import sys
import oktakit as ok
log = ok.read_log(sys.argv[1])
print(*log.sources[["records", "kept", "rejected"]].iloc[0], *log.rejected["reason"])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""The peak is asked of /proc: what getrusage says begins with the memory of the process that started this one."""


def padded(size: int, more: str = "") -> bytes:
    """Return an event of exactly `size` bytes."""
    around = third('"displayMessage":""' + more)
    return around.replace(b'""', b'"' + b"a" * (size - len(around)) + b'"')


@pytest.mark.parametrize("more", ["", ',"p_row_id":"7"'], ids=["documented", "with more"])
def test_a_record_of_sixteen_mebibytes_is_kept_and_one_more_byte_is_too_large(more):
    """The limit is the same for every record, and the lines around are kept."""
    log = ok.read_log(between(padded(16 * MIB, more)))
    assert (account(log), kept(log)[1]) == ((3, 3, 0, 0), (3, 2, ""))
    log = ok.read_log(between(padded(16 * MIB + 1, more)))
    assert (account(log), rejected(log)) == ((3, 2, 0, 1), [(2, "too_large")])
    assert neighbours_are_whole(log)


def test_a_text_of_twenty_mebibytes_costs_its_record():
    """Inside a part or an undocumented field, closed or cut off, the record is rejected alone."""
    text = '"' + "a" * 20 * MIB
    for raw, reason in (
        (third(f'"x":{text}"'), "too_large"),
        (third(f'"actor":{{"id":{text}"}}'), "too_large"),
        (third(f'"x":{text}')[:-1], "truncated"),
        (b"x" * 20 * MIB, "bad_json"),
    ):
        log = ok.read_log(between(raw))
        assert (account(log), rejected(log)[0][0]) == ((3, 2, 0, 1), 2)
        assert rejected(log)[0][1] in (reason, "too_large")
        assert neighbours_are_whole(log)


def test_a_page_on_one_line_may_be_larger_than_one_record():
    """A whole array of 20,000 events on one line of more than 20 MiB is read."""
    page = b"[" + b",".join(line({**event(n, "a.b"), "displayMessage": "y" * 1000}) for n in range(20_000)) + b"]"
    assert len(page) > 20 * MIB
    assert account(ok.read_log(page)) == (20_000, 20_000, 0, 0)


def test_an_open_text_of_seventy_mebibytes_is_read_in_little_time():
    """The time to reject it grows with its length and not with the square of it."""
    start = time.process_time()
    log = ok.read_log(between(third('"x":"' + "a" * 70 * MIB)[:-1]))
    assert time.process_time() - start < 10
    assert (account(log), neighbours_are_whole(log)) == ((3, 2, 0, 1), True)


@pytest.mark.parametrize("others", [1, 2], ids=["one uuid", "pairs"])
def test_uuids_that_come_again_are_compared_in_little_time(others):
    """3,000 records under one uuid, as a redacted log has them, or 3,000 events delivered twice."""
    if others == 1:
        records = [{**event(1, "a.b"), "displayMessage": f"m{n}"} for n in range(3_000)]
        expected = (3_000, 3_000, 0, 0)
    else:
        records = [event(n // 2, "a.b") for n in range(6_000)]
        expected = (6_000, 3_000, 3_000, 0)
    start = time.process_time()
    assert account(ok.read_log(b"\n".join(map(line, records)))) == expected
    assert time.process_time() - start < 5


def measured(path: Path) -> tuple[list[str], int]:
    """Return what a process of its own says about a file, and how much memory it took, in MiB."""
    run = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    said, peak = run.stdout.splitlines()
    return said.split(), int(peak) // 1024


def bomb(path: Path, start: bytes, size: int) -> None:
    """Write a packed file with one line of `size` MiB, and a good event behind it."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(size):
            file.write(b"a" * MIB)
        file.write(b"\n" + line(TWO))


@pytest.mark.parametrize(
    ("start", "size", "said"),
    [
        (third('"x":"')[:-1], 300, ["2", "1", "1", "too_large"]),
        (b"a", 300, ["2", "1", "1", "too_large"]),
        (third('"x":"')[:-1], 10, ["2", "1", "1", "truncated"]),
    ],
    ids=["an open text of 300 MiB", "300 MiB of rubbish", "an open text of 10 MiB"],
)
def test_a_line_that_unpacks_to_hundreds_of_mebibytes_takes_little_memory(start, size, said, tmp_path):
    """The line is one rejected record, the event behind it is kept, and the process stays small."""
    bomb(tmp_path / "bomb.gz", start, size)
    found, peak = measured(tmp_path / "bomb.gz")
    assert found == said
    assert peak < LIMIT


def test_a_good_line_of_ten_mebibytes_takes_little_memory(tmp_path):
    """It is kept, flags and all."""
    (tmp_path / "log.json").write_bytes(between(padded(10 * MIB)))
    found, peak = measured(tmp_path / "log.json")
    assert found == ["3", "3", "0"]
    assert peak < LIMIT


def test_a_record_of_very_many_lines_is_read_in_one_go():
    """A pretty-printed event of 300,000 lines is kept whole, without going over its lines again and again."""
    log = ok.read_log(b'{\n"uuid":"a",\n"eventType":"b",\n"x":[\n' + b"1,\n" * 300_000 + b"1]}\n")
    assert (len(log.events), len(log.rejected)) == (1, 0)
    assert log.events["extra"][0].count("1") == 300_001
