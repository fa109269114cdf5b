"""The case log: what is noted stays, is bound to its log, and nothing of it gets lost, torn or run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

import oktakit as ok
from oktakit.lab import caselog as casefile
from oktakit.lab.caselog import MARK
from records import event, export, uuid

CARVED = "cut off or changed, cannot be read"
RECORDS = [
    export(1, "request", "02T08:00", "ann"),
    export(2, "download", "02T08:05", "bob"),
    event(3, "user.session.start", None, actor={"id": "cyd", "type": "User", "alternateId": "unknown"}),
]
ADD = """
import sys
import oktakit as ok
log = ok.read_log(sys.argv[2])
for number in range(int(sys.argv[4])):
    print(ok.CaseLog(sys.argv[1]).add(log, log.events["uuid"], f"{sys.argv[3]} {number}"), flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a log of three events is."""
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return file


@pytest.fixture
def log(path: Path) -> ok.Log:
    """Return the log."""
    return ok.read_log(path)


@pytest.fixture
def case(tmp_path: Path) -> ok.CaseLog:
    """Return a case log that is not there yet."""
    return ok.CaseLog(tmp_path / "notes" / "case.jsonl")


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """Return some columns as plain rows, with None for what is missing."""
    picked = frame[[*columns]].astype(object)
    return [*picked.where(picked.notna(), None).itertuples(index=False, name=None)]


def add_elsewhere(case: ok.CaseLog, path: Path, name: str, times: int) -> "subprocess.Popen[str]":
    """Start a process that notes the events of the log so many times and prints the numbers."""
    words = [sys.executable, "-c", ADD, str(case.path), str(path), name, str(times)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_a_note_takes_one_event_several_or_a_table(case: ok.CaseLog, log: ok.Log) -> None:
    """Each call adds one numbered entry that names its events once, in the order of the log."""
    assert case.add(log, uuid(2), "Taken by bob.", by="eve") == 1
    assert case.add(log, [uuid(2), uuid(1), uuid(2)], "One job.") == 2
    assert case.add(log, log.events[log.events["event_type"] == "user.session.start"], "No time.") == 3
    assert case.add(log, f"{uuid(1)} {uuid(2)}", "As a card lists its evidence.") == 4
    assert rows(case.entries, "entry", "by", "note", "uuids", "withdrawn_by", "problem") == [
        (1, "eve", "Taken by bob.", uuid(2), None, None),
        (2, None, "One job.", f"{uuid(1)} {uuid(2)}", None, None),
        (3, None, "No time.", uuid(3), None, None),
        (4, None, "As a card lists its evidence.", f"{uuid(1)} {uuid(2)}", None, None),
    ]
    assert (pd.Timestamp.now("UTC") - case.entries["at"]).dt.total_seconds().between(-1, 60).all()


def test_an_entry_keeps_what_its_events_were_and_the_hash_of_their_file(
    case: ok.CaseLog, log: ok.Log, path: Path
) -> None:
    """Time, type, actor and the hash of the content are there without the log; a login that says nothing is none."""
    case.add(log, log.events, "All.")
    content = sha256(path.read_bytes()).hexdigest()
    first, second = pd.Timestamp("2026-03-02T08:00Z"), pd.Timestamp("2026-03-02T08:05Z")
    assert rows(case.events, "entry", "uuid", "published", "event_type", "actor", "sha256_content") == [
        (1, uuid(1), first, "analytics.reports.export.request", "ann@example.com", content),
        (1, uuid(2), second, "analytics.reports.export.download", "bob@example.com", content),
        (1, uuid(3), None, "user.session.start", "cyd", content),
    ]


@pytest.mark.parametrize(
    ("uuids", "note", "message"),
    [
        (uuid(9), "note", f"found 1 it does not have: {uuid(9)}"),
        ([uuid(1), uuid(9)], "note", "found 1 it does not have"),
        ([], "note", "found none"),
        (pd.DataFrame({"uuid": []}), "note", "found none"),
        (uuid(1), " \n", "needs words"),
        ([float("nan")], "note", "it does not have: nan"),
    ],
)
def test_a_note_that_holds_on_to_nothing_is_refused(
    uuids: object, note: str, message: str, case: ok.CaseLog, log: ok.Log
) -> None:
    """Without events of the log, or without words, no file is made."""
    with pytest.raises(ok.InputError, match=message):
        case.add(log, uuids, note)  # type: ignore[arg-type]
    assert not case.path.exists()
    with pytest.raises(ok.ColumnError, match="uuid"):
        case.add(log, pd.DataFrame({"id": [uuid(1)]}), "note")


def test_lines_are_only_added(case: ok.CaseLog, log: ok.Log) -> None:
    """Every step leaves the bytes before it, the log and what was read from the file before as they were."""
    before, frame = b"", log.events.copy()
    for number in range(1, 4):
        case.add(log, log.events, "note")
        case.withdraw(2 * number - 1, "error")
        after = case.path.read_bytes()
        assert after.startswith(before)
        assert after.count(b"\n") == 2 * number
        before = after
    pd.testing.assert_frame_equal(log.events, frame)
    assert vars(case) == {"path": case.path}


def test_a_withdrawn_entry_stays_and_says_by_which_one(case: ok.CaseLog, log: ok.Log) -> None:
    """A correction is an entry of its own; what is not there, or does not stand, cannot be withdrawn."""
    case.add(log, uuid(1), "Theft.")
    case.add(log, uuid(2), "Stays.")
    assert case.withdraw(1, "It was an assistant.", by="eve") == 3
    assert rows(case.entries, "note", "uuids", "withdraws", "withdrawn_by") == [
        ("Theft.", uuid(1), None, 3),
        ("Stays.", uuid(2), None, None),
        ("It was an assistant.", None, 1, None),
    ]
    for entry in (1, 3, 4):
        with pytest.raises(ok.InputError, match=f"found {entry}. These stand: 2."):
            case.withdraw(entry, "again")
    with pytest.raises(ok.InputError, match="needs words"):
        case.withdraw(2, "")
    assert repr(case) == "case.jsonl: notes: 2; events: 2; withdrawn: 1"


def test_verify_tells_the_same_file_from_the_same_event_and_from_another(
    case: ok.CaseLog, log: ok.Log, path: Path
) -> None:
    """The log itself holds all; in a longer file the events are the same; a changed or missing one is told."""
    case.add(log, log.events, "All.")
    columns = ("uuid", "in_log", "same_content", "same_event")
    assert rows(case.verify(ok.read_log(path)), *columns) == [(uuid(n), True, True, True) for n in (1, 2, 3)]
    moved = export(2, "download", "02T08:05", "mallory")
    path.write_text("".join(json.dumps(record) + "\n" for record in (RECORDS[0], moved)))
    assert rows(case.verify(ok.read_log(path)), *columns) == [
        (uuid(1), True, False, True),
        (uuid(2), True, False, False),
        (uuid(3), False, None, None),
    ]


def test_an_event_in_conflict_is_noted_with_all_its_records(case: ok.CaseLog) -> None:
    """One uuid with two contents stands for both, and neither is chosen."""
    case.add(ok.read_log([event(1, "user.session.start"), event(1, "user.session.end")]), uuid(1), "Which?")
    assert sorted(case.events["event_type"]) == ["user.session.end", "user.session.start"]
    assert list(case.entries["uuids"]) == [uuid(1)]


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_line_that_was_cut_off_is_told_and_the_next_one_is_whole(cut: int, case: ok.CaseLog, log: ok.Log) -> None:
    """Wherever a write ended, the lines before it stand, the rest of it is shown, and one can go on."""
    case.add(log, uuid(1), "First.")
    first = case.path.read_bytes()
    case.add(log, uuid(2), "Second.")
    torn = case.path.read_bytes()[: len(first) + cut]
    case.path.write_bytes(torn)
    told = case.entries
    case.add(log, uuid(3), "Third.")
    assert case.path.read_bytes().startswith(torn)
    rest = torn[len(first) :].decode()
    lost = [(2, rest, CARVED)] if rest else []
    assert rows(told, "entry", "note", "problem") == [(1, "First.", None), *lost]
    third = (2 + len(lost), "Third.", None)
    assert rows(case.entries, "entry", "note", "problem") == [(1, "First.", None), *lost, third]
    assert ("cannot be read" in repr(case)) == bool(lost)


@pytest.mark.parametrize("cut", [1, len(MARK), 40])
def test_a_first_line_that_was_cut_off_is_still_a_case_log(cut: int, case: ok.CaseLog, log: ok.Log) -> None:
    """The file is not taken for something else."""
    case.add(log, uuid(1), "First.")
    case.path.write_bytes(case.path.read_bytes()[:cut])
    assert case.add(log, uuid(1), "Again.") == 2
    assert list(case.entries["problem"].notna()) == [True, False]


def test_a_line_that_was_changed_or_removed_shows(case: ok.CaseLog, log: ok.Log) -> None:
    """Every line names the hash of the one before it."""
    for note in ("one", "two", "three"):
        case.add(log, uuid(1), note)
    whole = case.path.read_bytes()
    case.path.write_bytes(whole.replace(b'"two"', b'"six"'))
    problem = "the line before it was changed"
    assert rows(case.entries, "note", "problem") == [("one", None), ("six", None), ("three", problem)]
    case.path.write_bytes(b"".join(whole.splitlines(keepends=True)[::2]))
    assert rows(case.entries, "note", "problem") == [("one", None), ("three", problem)]
    assert repr(case) == "case.jsonl: notes: 2; events: 1; entry 2: the line before it was changed"


@pytest.mark.parametrize(
    "line",
    [
        ('"withdraws":1,', '"withdraws":9223372036854775808,'),
        ('"withdraws":1,', '"withdraws":0,'),
        ('"at":"[^"]*"', '"at":"0001-01-01T00:00:00+14:00"'),
        ('"published":"[^"]*"', '"published":"9999-12-31T23:59:59-12:00"'),
    ],
)
def test_a_line_changed_to_what_no_table_holds_is_told(
    line: tuple[str, str], case: ok.CaseLog, log: ok.Log, tmp_path: Path
) -> None:
    """It is one bad line among others: the rest can be read, written to and exported."""
    case.add(log, log.events, "note")
    case.withdraw(1, "error")
    odd = [re.sub(*line, each) for each in case.path.read_text().splitlines(keepends=True)]
    case.path.write_text("".join(odd))
    case.add(log, uuid(1), "Third.")
    assert CARVED in list(case.entries["problem"])
    assert f": {CARVED}" in repr(case)
    assert case.verify(log)["in_log"].all()
    assert "Third." in case.write_timesketch(tmp_path / "export.jsonl").read_text()


@pytest.mark.parametrize(
    "content", [b'{"uuid": "1"}\n', b"hello", b"\n", b'{\n  "a": 1\n}', b"\x1f\x8b\x08", b'{"oktakit_case":2,"x":1}\n']
)
def test_a_file_of_something_else_stays_as_it_is(content: bytes, case: ok.CaseLog, log: ok.Log) -> None:
    """A log, a text or a case log of another version is neither read nor written to."""
    case.path.parent.mkdir()
    case.path.write_bytes(content)
    for use in (lambda: case.add(log, uuid(1), "note"), lambda: case.entries, lambda: repr(case)):
        with pytest.raises(ok.InputError, match="holds something else and stays as it is"):
            use()
    assert case.path.read_bytes() == content


def test_a_path_that_cannot_be_used_is_said(tmp_path: Path, log: ok.Log) -> None:
    """A folder is no file, and a file is no folder."""
    with pytest.raises(ok.InputError, match="Is a directory"):
        ok.CaseLog(tmp_path).entries  # noqa: B018 - reading is the point
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    for bad in (tmp_path / "log.jsonl" / "case.jsonl", tmp_path / "loop.jsonl"):
        with pytest.raises(ok.InputError, match=r"A file that can be written|symbolic links"):
            ok.CaseLog(bad).add(log, uuid(1), "note")


def test_what_is_not_there_yet_is_empty(case: ok.CaseLog, log: ok.Log) -> None:
    """Without a file there are no rows, but every column."""
    assert list(case.entries) == ["entry", "at", "by", "note", "uuids", "withdraws", "withdrawn_by", "problem"]
    assert list(case.verify(log)) == [*case.events, "in_log", "same_content", "same_event"]
    assert (len(case.entries), len(case.verify(log)), repr(case)) == (0, 0, "case.jsonl: notes: 0; events: 0")
    assert not case.path.exists()


@pytest.mark.slow
def test_two_processes_and_two_objects_write_at_once(case: ok.CaseLog, log: ok.Log, path: Path) -> None:
    """All 400 notes are there, each with the number its writer was told, and none is torn."""
    writers = [add_elsewhere(case, path, name, 200) for name in ("left", "right")]
    told = {name: writer.communicate()[0].split() for name, writer in zip(("left", "right"), writers, strict=True)}
    entries = ok.CaseLog(str(case.path)).entries
    assert list(entries["entry"]) == list(range(1, 401))
    assert entries["problem"].isna().all()
    for name, numbers in told.items():
        mine = entries[entries["note"].str.startswith(name)]
        assert list(mine["note"]) == [f"{name} {number}" for number in range(200)]
        assert list(mine["entry"]) == [int(number) for number in numbers]
    assert (case.add(log, uuid(1), "here"), ok.CaseLog(case.path).add(log, uuid(1), "there")) == (401, 402)


def test_a_link_to_the_file_waits_for_those_who_write_to_it(
    case: ok.CaseLog, log: ok.Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under two names it is one file, with one lock."""
    case.add(log, uuid(1), "First.")
    (tmp_path / "link.jsonl").symlink_to(case.path)
    monkeypatch.setattr(casefile, "WAIT", 0)
    with FileLock(case.path.with_name(".case.jsonl.lock")), pytest.raises(ok.InputError, match="can be written"):
        ok.CaseLog(tmp_path / "link.jsonl").add(log, uuid(1), "Second.")


def test_a_killed_writer_loses_nothing_it_was_told_and_leaves_no_lock(
    case: ok.CaseLog, log: ok.Log, path: Path
) -> None:
    """After kill -9 every number that was returned is in the file, and the next note does not wait."""
    writer = add_elsewhere(case, path, "killed", 10_000)
    while writer.poll() is None and (not case.path.exists() or case.path.read_bytes().count(b"\n") < 20):
        time.sleep(0.01)
    os.kill(writer.pid, signal.SIGKILL)
    numbers = [int(number) for number in writer.communicate()[0].split()]
    last = case.add(log, uuid(1), "after")
    whole = case.entries[case.entries["problem"].isna()]
    assert set(numbers) <= set(whole["entry"])
    assert len(whole) >= last - 1 > len(numbers) - 1 > 10


def test_nothing_of_a_note_or_a_log_runs_or_hides(case: ok.CaseLog) -> None:
    """Markup is shown as text, control characters as escapes, in the table and in the file."""
    hostile = event(1, "<script>a()</script>", actor={"id": "<img src=x onerror=a()>", "type": "User"})
    log = ok.read_log([hostile])
    note = "<img src=x onerror=a()> $\\href{javascript:a()}{x}$ \x1b[8m \u202e \ud800"
    case.add(log, uuid(1), note, by="<b>\udc00")
    case.path.write_bytes(case.path.read_bytes() + b"<script>\xff\x1b")
    page = case._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=a()&gt;" in page
    assert r"\x1b[8m \u202e \ud800" in page
    assert "tex2jax_ignore" in page
    assert not {"&lt;NA&gt;", "NaN", "NaT", "None"} & {*page.replace("<td>", "\n").replace("</td>", "\n").split("\n")}
    assert not set(page) & {"\x1b", "\u202e"}
    assert case.entries["note"][0] == note.replace("\ud800", r"\ud800")
    assert case.path.read_bytes().splitlines()[0].isascii()
    assert "\x1b" not in repr(case)


def test_timesketch_gets_one_line_per_note_and_event(case: ok.CaseLog, log: ok.Log, tmp_path: Path) -> None:
    """The three fields it demands, the time in microseconds, and the way back; what is withdrawn says so."""
    case.add(log, uuid(2), "Taken by bob.", by="eve")
    case.add(log, uuid(3), "No time.")
    case.withdraw(2, "Not needed.")
    file = case.write_timesketch(tmp_path / "out" / "case.timesketch.jsonl")
    first, second = [json.loads(line) for line in file.read_text().splitlines()]
    noted = case.entries["at"]
    assert first == {
        "message": "analytics.reports.export.download by bob@example.com: Taken by bob.",
        "datetime": "2026-03-02T08:05:00+00:00",
        "timestamp": 1_772_438_700_000_000,
        "timestamp_desc": "Event logged",
        "tag": ["oktakit"],
        "entry": 1,
        "noted_at": noted[0].isoformat(),
        "noted_by": "eve",
        "uuid": uuid(2),
        "event_type": "analytics.reports.export.download",
        "actor": "bob@example.com",
        "sha256_content": log.sources["sha256_content"][0],
    }
    assert (second["timestamp_desc"], second["datetime"]) == ("Note written", noted[1].isoformat())
    assert second["tag"] == ["oktakit", "withdrawn"]


def test_timesketch_is_shown_what_hides(case: ok.CaseLog, tmp_path: Path) -> None:
    """An actor with a zero-width character is another than the one he looks like, in every field of the export."""
    event = {"uuid": "u1", "eventType": "user.session.start", "actor": {"alternateId": "ad\u200bmin"}}
    case.add(ok.read_log([event]), "u1", "Not \u202ehim.", by="e\u2060ve")
    row = json.loads(case.write_timesketch(tmp_path / "out.jsonl").read_text())
    assert (row["actor"], row["noted_by"]) == ("ad\\u200bmin", "e\\u2060ve")
    assert row["message"] == "user.session.start by ad\\u200bmin: Not \\u202ehim."


def test_an_export_replaces_an_export_alone(case: ok.CaseLog, log: ok.Log, path: Path, tmp_path: Path) -> None:
    """Neither this case log, nor another, nor the log that was read; a folder is no file."""
    case.add(log, uuid(2), "Taken by bob.")
    for kept in (case.path, path):
        before = kept.read_bytes()
        with pytest.raises(ok.InputError, match="holds something else and stays as it is"):
            ok.CaseLog(tmp_path / "other.jsonl").write_timesketch(kept)
        assert kept.read_bytes() == before
    with pytest.raises(ok.InputError, match="Is a directory"):
        case.write_timesketch(tmp_path)
    for _ in range(2):
        assert case.write_timesketch(tmp_path / "export.jsonl").read_text().count("\n") == 1


def test_an_export_that_fails_leaves_the_one_before(
    case: ok.CaseLog, log: ok.Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is put in place whole or not at all."""
    case.add(log, uuid(2), "Taken by bob.")
    file = case.write_timesketch(tmp_path / "case.timesketch.jsonl")
    before = file.read_bytes()
    case.add(log, uuid(1), "Asked by ann.")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ok.InputError, match="No space left"):
        case.write_timesketch(file)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []
