"""Several processes at once: the same tables as one, and an error where one of them dies."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import deliveries
import oktakit as ok
from oktakit.log import parallel, processes
from oktakit.log.processes import Processes, count_cores
from oktakit.reading import parts, streams
from oktakit.reading.inputs import find_sources
from records import event, uuid

RECORDS = ok.make_log("stolen_report").records[:240]
PLAIN = [json.dumps(one, separators=(",", ":")) for one in RECORDS]
ODD = [
    *PLAIN[:100],
    "not json",
    PLAIN[100][:200],
    json.dumps({**RECORDS[101], "securityContext": {"isProxy": "true"}}),
    PLAIN[3],
    json.dumps({**RECORDS[3], "eventType": "x"}),
    PLAIN[102] + PLAIN[103],
    "",
    *json.dumps(RECORDS[104], indent=1).splitlines(),
    '{"open":{"a":1}',
    '{"a":1}',
    "42",
    *PLAIN[105:],
]
LOGS = {
    "one event per line": PLAIN,
    "odd records": ODD,
    "Windows": [line + "\r" for line in ODD],
    "a list in the middle": [*PLAIN[:60], "[", *(line + "," for line in PLAIN[60:200]), PLAIN[200], "]", *PLAIN[201:]],
    "a list without an end": [*PLAIN[:60], "[", *(line + "," for line in PLAIN[60:])],
    "commas": [line + "," for line in PLAIN],
    "an object that is open": [*PLAIN[:150], '{"open": {', *PLAIN[150:]],
    "indented": json.dumps(RECORDS, indent=1).splitlines(),
    "an array": [json.dumps(RECORDS)],
}
EVENTS = [{**one, "uuid": uuid(100 * n + at)} for n in range(8) for at, one in enumerate(deliveries.EVENTS)]
SHAPES = {
    "bridge": deliveries.bridge,
    "panther": deliveries.panther,
    "elastic": deliveries.elastic,
    "sentinel": deliveries.sentinel,
    "sentinel, second version": deliveries.sentinel_v2,
    "ocsf": deliveries.ocsf,
    "hook": lambda one: deliveries.hook([one]),
    "otel": lambda one: deliveries.otel([one, one]),
    "splunk": lambda one: deliveries.splunk(one, joined=True),
}
LOGS |= {name: [json.dumps(shape(one)) for one in EVENTS] for name, shape in SHAPES.items()}
LOGS["table"] = deliveries.table([deliveries.admin(one) for one in EVENTS]).decode().splitlines()


def zipped(raw: bytes) -> bytes:
    """Return a zip archive of two files."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", raw)
        archive.writestr("b.jsonl", raw[: len(raw) // 2])
    return file.getvalue()


PACKED = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip twice": lambda raw: gzip.compress(raw[:999]) + gzip.compress(raw[999:]),
    "gzip cut": lambda raw: gzip.compress(raw)[:-700],
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zip": zipped,
}


class Kept(Processes):
    """Processes that are there for every test."""

    def close(self) -> None:
        """Go on."""


@pytest.fixture(scope="module")
def kept():
    """Return as many processes as are wanted, each started once."""
    started: dict[int, Processes] = {}
    yield lambda count: started.get(count) or started.setdefault(count, Kept(count))
    for each in started.values():
        Processes.close(each)


@pytest.fixture
def small(monkeypatch):
    """Let a log of some KB be a large one."""

    def patch(shared: int, block: int = 4096) -> None:
        monkeypatch.setattr(parallel, "SHARED", shared)
        monkeypatch.setattr(parallel, "PIECE", shared // 4)
        monkeypatch.setattr(parts, "BLOCK", block)
        monkeypatch.setattr(streams, "BLOCK", block)

    patch(1 << 15)
    return patch


def assert_same(one: ok.Log, other: ok.Log) -> None:
    """Compare all four tables, cell by cell."""
    for name in ("events", "targets", "rejected", "sources"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert repr(one.origins) == repr(other.origins)


@pytest.mark.slow
@pytest.mark.parametrize("lines", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_any_number_of_processes_gives_the_same(lines, count, small, kept, tmp_path, monkeypatch):
    """All four tables are the same with 1, 2, 3 and 7 processes in every delivery, wherever the file is divided."""
    path = tmp_path / "log.jsonl"
    path.write_bytes("\n".join(lines).encode())
    monkeypatch.setattr(parallel, "Processes", kept)
    for types in (None, ok.ANALYTICS):
        how = {"event_types": types, "related": bool(types)}
        assert_same(ok.read_log(path, processes=count, **how), ok.read_log(path, processes=1, **how))


@pytest.mark.parametrize("pack", PACKED)
def test_what_is_packed_gives_the_same(pack, small, kept, tmp_path, monkeypatch):
    """It is unpacked in one place and read in several."""
    path = tmp_path / "log"
    path.write_bytes(PACKED[pack]("\n".join(ODD).encode()))
    monkeypatch.setattr(parallel, "Processes", kept)
    log = ok.read_log(path, processes=3)
    assert_same(log, ok.read_log(path, processes=1))
    assert len(log.events) > 100


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_mark_gives_the_same(encoding, small, kept, tmp_path, monkeypatch):
    """It is no part of the first event; two bytes for each character are handed on as UTF-8."""
    path = tmp_path / "log"
    path.write_bytes("\n".join(ODD).encode(encoding))
    monkeypatch.setattr(parallel, "Processes", kept)
    assert_same(ok.read_log(path, processes=3), ok.read_log(path, processes=1))


LINES = st.one_of(
    st.integers(0, 9).map(lambda n: PLAIN[n]),
    st.integers(0, 99).map(lambda n: json.dumps(event(n, "a.b"), separators=(",", ":"))),
    st.sampled_from(
        [
            *("", " ", "[", "]", ",", "{", "}", "42", '"x"', "not json", '{"a":1}', '{"a":{"b":1}', '{"a":"', "\ufeff"),
            PLAIN[10] + PLAIN[11],
            PLAIN[12] + ",",
            "  " + PLAIN[13],
            PLAIN[14][:99],
            json.dumps({"events": RECORDS[15:17]}, separators=(",", ":")),
            json.dumps(RECORDS[17:20], indent=1),
            json.dumps({**RECORDS[20], "securityContext": {"isProxy": "true"}}),
            json.dumps({**RECORDS[21], "eventType": ok.REQUEST}, separators=(",", ":")),
            json.dumps({**RECORDS[22], "debugContext": {"debugData": {"url": "\u00e9" * 3000}}}),
        ]
    ),
)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    lines=st.lists(LINES, min_size=1, max_size=40),
    end=st.sampled_from(["\n", "\n", "\r\n"]),
    count=st.sampled_from([2, 3, 7]),
    shared=st.sampled_from([500, 1500, 4000]),
    block=st.sampled_from([7, 64, 4096]),
    pack=st.sampled_from(["plain", "plain", "gzip"]),
    types=st.sampled_from([None, None, [ok.REQUEST], [RECORDS[5]["eventType"]]]),
)
def test_any_lines_give_the_same(lines, end, count, shared, block, pack, types, small, kept, tmp_path_factory):
    """Whatever the lines are, where ever they are divided and whichever types are wanted, nothing differs."""
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(PACKED[pack](end.join([PLAIN[0], *lines]).encode()))
    small(shared, block)
    how = {"event_types": types, "related": bool(types)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "Processes", kept)
        several = ok.read_log(path, processes=count, **how)
    assert_same(several, ok.read_log(path, processes=1, **how))


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 7])
def test_several_files_are_shared_out(count, small, kept, tmp_path, monkeypatch):
    """Plain, packed, small, empty and written ones, and some types with what is tied to them."""
    ok.write_events(ok.read_log(RECORDS[:50]), tmp_path / "written")
    (tmp_path / "a.jsonl").write_text("\n".join(ODD))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(RECORDS).encode()))
    for number, line in enumerate(PLAIN[:20]):
        (tmp_path / f"c{number}.json").write_text(line)
    (tmp_path / "d.zip").write_bytes(zipped("\n".join(PLAIN).encode()))
    (tmp_path / "e.json").touch()
    monkeypatch.setattr(parallel, "Processes", kept)
    for how in ({}, {"event_types": ok.ANALYTICS}, {"event_types": ok.ANALYTICS, "related": True}):
        assert_same(ok.read_log(tmp_path, processes=count, **how), ok.read_log(tmp_path, processes=1, **how))


def test_a_large_file_is_divided_and_packed_ones_are_not_where_there_are_many(small, tmp_path):
    """Small files go together; of as many packed ones as there are processes each unpacks its own."""
    for number in range(3):
        (tmp_path / f"{number}.jsonl").write_text(PLAIN[number])
        (tmp_path / f"{number}.gz").write_bytes(gzip.compress("\n".join(PLAIN).encode(), 1))
    (tmp_path / "x.jsonl").write_text("\n".join(PLAIN))
    (tmp_path / "y.json").write_text(json.dumps(RECORDS))
    sources = find_sources(tmp_path)
    kinds = [(type(share).__name__, [s.name for s in share.sources]) for share in parallel.share_out(sources, 9)]
    small_ones = ["0.jsonl", "1.jsonl", "2.jsonl"]
    assert ("Divided", ["x.jsonl"]) in kinds
    assert ("Share", ["y.json"]) in kinds
    assert ("Unpacked", ["0.gz"]) in kinds
    assert [name for kind, names in kinds for name in names if name in small_ones and kind == "Share"] == small_ones
    kinds = [(type(share).__name__, [s.name for s in share.sources]) for share in parallel.share_out(sources, 2)]
    assert ("Share", ["0.gz"]) in kinds


def test_a_process_that_dies_is_an_error_and_leaves_nothing(small, tmp_path, monkeypatch):
    """There is no half of a log, and no file is left."""
    (tmp_path / "log.jsonl").write_text("\n".join(PLAIN))
    started, start = list[Processes](), Processes.__init__

    def start_and_kill(self: Processes, count: int) -> None:
        start(self, count)
        started.append(self)
        self.running[0].kill()

    monkeypatch.setattr(Processes, "__init__", start_and_kill)
    with pytest.raises(ok.InputError, match=r"log.jsonl ended before it was done"):
        ok.read_log(tmp_path / "log.jsonl", processes=2)
    assert not started[0].folder.exists()
    assert all(process.poll() is not None for process in started[0].running)


def test_a_process_that_dies_while_a_file_is_unpacked_is_an_error(small, tmp_path, monkeypatch):
    """Nothing waits for it."""
    (tmp_path / "log.gz").write_bytes(gzip.compress("\n".join(PLAIN).encode()))
    submit = Processes.submit

    def submit_and_kill(self: Processes, *what):
        self.running[1].kill()
        return submit(self, *what)

    monkeypatch.setattr(Processes, "submit", submit_and_kill)
    with pytest.raises(ok.InputError, match=r"log.gz ended before it was done"):
        ok.read_log(tmp_path / "log.gz", processes=2)


def test_what_a_process_cannot_read_or_write_is_an_error(small, kept, tmp_path, monkeypatch):
    """It is named, with what the system says."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(PLAIN))
    monkeypatch.setattr(parallel, "Processes", kept)
    monkeypatch.setattr(kept(2), "folder", tmp_path / "nowhere")
    with pytest.raises(ok.InputError, match=r"log.jsonl: .*No such file"):
        ok.read_log(path, processes=2)


def test_a_file_that_is_changed_meanwhile_is_read_in_one_go(small, kept, tmp_path, monkeypatch):
    """What was hashed and what was read is the same."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(PLAIN))
    hashed = parallel.Divided.hash

    def change_and_hash(self: parallel.Divided) -> None:
        path.write_text("\n".join(PLAIN[:100]))
        hashed(self)

    monkeypatch.setattr(parallel.Divided, "hash", change_and_hash)
    monkeypatch.setattr(parallel, "Processes", kept)
    log = ok.read_log(path, processes=3)
    assert_same(log, ok.read_log(path, processes=1))
    assert log.sources["records"].item() == 100


def test_a_fault_in_a_process_is_raised_here(small, kept, tmp_path, monkeypatch):
    """It is not taken for a fault of the log."""
    (tmp_path / "log.jsonl").write_text("\n".join(PLAIN))
    monkeypatch.setattr(parallel, "Processes", kept)
    monkeypatch.setattr(processes, "Task", lambda *task: task)
    with pytest.raises(AttributeError, match="'tuple' object has no attribute"):
        ok.read_log(tmp_path / "log.jsonl", processes=2)


def test_only_this_user_can_look_into_the_folder():
    """The folder has mode 0700, and is removed with the processes."""
    several = Processes(1)
    assert os.name != "posix" or several.folder.stat().st_mode & 0o777 == 0o700
    several.close()
    assert not several.folder.exists()


def test_a_process_without_the_one_that_started_it_removes_the_folder(tmp_path):
    """Where that one is gone, nothing of the log stays, not even in the middle of a task."""
    for tasks in (b"", pickle.dumps(None)):
        (folder := tmp_path / "oktakit-x").mkdir()
        command = [sys.executable, "-P", "-m", "oktakit.log.worker", str(folder)]
        subprocess.run(command, input=tasks, stdout=subprocess.PIPE, check=True, timeout=60)
        assert not folder.exists()


def test_a_process_imports_neither_pandas_nor_plotly():
    """It starts fast."""
    code = "import sys, oktakit.log.worker; print([name for name in ('pandas', 'plotly') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_script_needs_no_guard(tmp_path):
    """What stands at the top of a script runs once, and a file beside it is not taken for a module."""
    (tmp_path / "log.jsonl").write_text("\n".join(PLAIN))
    (tmp_path / "pickle.py").write_text("raise SystemExit('imported')")
    (tmp_path / "script.py").write_text(
        "import sys; sys.path.pop(0); from oktakit.log import parallel; parallel.SHARED = 1 << 15\n"
        "import oktakit as ok; print(len(ok.read_log('log.jsonl', processes=2).events))"
    )
    root = str(Path(ok.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "240"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 10),
        ({"cpu.max": "max 100000\n"}, 10),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 10),
        ({"cpu.max": "2000000 100000\n"}, 10),
    ],
)
def test_the_limits_of_a_container_count(files, cores, tmp_path, monkeypatch):
    """Ten cores of which a container may use so many, as both versions of its limits say it."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 10, raising=False)
    assert count_cores(tmp_path) == cores


def test_at_least_one_process_is_needed():
    """None is an error."""
    with pytest.raises(ok.InputError, match="At least one process is needed; found processes=0"):
        ok.read_log([event(1, "user.session.start")], processes=0)


def test_a_small_log_starts_no_process(tmp_path, monkeypatch):
    """Less than 64 MB is read here."""
    monkeypatch.setattr(parallel, "Processes", None)
    (tmp_path / "log.jsonl").write_text("\n".join(PLAIN))
    assert len(ok.read_log(tmp_path / "log.jsonl", processes=7).events) == 240
