"""Inputs: packed files, archives, file objects, tables in memory."""

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
import zstandard

import deliveries as d
import oktakit as ok
from deliveries import EVENTS
from oktakit.schema import FLAGS
from records import event, uuid

LINES = d.lines(EVENTS)
EXPECTED = ok.read_log(EVENTS).events
PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def same(log) -> None:
    """Assert that a log holds the five events, as from the API, and nothing else."""
    assert log.sources[["records", "kept"]].sum().tolist() == [5, 5]
    wanted = [column for column in EXPECTED if column not in ("source", "record")]
    pd.testing.assert_frame_equal(log.events[wanted], EXPECTED[wanted])


def archive(**files: bytes) -> bytes:
    """Return a zip archive; `__` in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "."), content)
    return out.getvalue()


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("content", [LINES, d.table([d.sentinel(r) for r in EVENTS])], ids=["lines", "csv"])
def test_packed_files_are_known_by_their_content(kind, content, tmp_path):
    """Any compression under any name, in one stream or several."""
    pack = PACKERS[kind]
    path = tmp_path / "export"
    for packed in (pack(content), pack(content[:100]) + pack(content[100:])):
        path.write_bytes(packed)
        log = ok.read_log(path)
        assert (list(log.events["uuid"]), log.sources["flags"][0]) == ([uuid(n) for n in range(1, 6)], "")
        assert log.sources["bytes"][0] == len(packed)


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("flag", ["truncated_gzip", "trailing_garbage", "gzip_crc"])
def test_damage_gives_what_there_is_and_a_flag(kind, flag):
    """A stream that was cut off, one with rubbish behind it, one with a wrong byte: never an error."""
    many = b"\n".join(d.lines([event(n, "user.session.start")]) for n in range(20_000))
    whole = PACKERS[kind](many)
    middle = len(whole) * 3 // 4
    damaged = {
        "truncated_gzip": whole[:middle],
        "trailing_garbage": whole + b"rubbish behind it, and more",
        "gzip_crc": whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 9]) + whole[middle + 9 :],
    }
    log = ok.read_log(damaged[flag])
    assert log.sources["flags"][0] == flag
    assert flag != "trailing_garbage" or len(log.events) == 20_000
    assert flag != "truncated_gzip" or kind in ("bz2", "xz") or len(log.events) > 1000
    assert log.sources["records"][0] == len(log.events) + len(log.rejected) + log.sources["duplicates"][0]


def test_an_archive_is_one_source_per_file(tmp_path):
    """Members of any shape are read by themselves; hidden ones are left out; the hash is that of the archive."""
    path = tmp_path / "logs.zip"
    path.write_bytes(
        archive(a__jsonl=LINES, b__csv=d.table([d.admin(EVENTS[0])]), c__gz=gzip.compress(LINES), __DS_Store=b"x")
    )
    for given in (path, tmp_path, path.read_bytes(), path.open("rb")):
        log = ok.read_log(given)
        assert [name.split("/", 1)[1] for name in log.sources["source"]] == ["a.jsonl", "b.csv", "c.gz"]
        assert list(log.sources["records"]) == [5, 1, 5]
        assert (len(log.events), log.sources["duplicates"].sum()) == (5, 6)
        assert log.sources["sha256"].nunique() == 1
        assert log.sources["bytes"][0] == path.stat().st_size
        assert len(ok.read_raw(log, uuid(2))) == 1
        if hasattr(given, "close"):
            given.close()


def test_two_members_of_one_name_are_two_sources():
    """An archive may hold a name twice; both are read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.jsonl", d.lines(EVENTS[:2]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.jsonl", d.lines(EVENTS[2:]))
    log = ok.read_log(out.getvalue())
    assert list(log.sources["records"]) == [2, 3]
    assert list(log.sources["source"]) == ["bytes/a.jsonl", "bytes/a.jsonl#2"]


def test_a_damaged_member_is_flagged_and_the_others_are_read():
    """A wrong byte in one member is found by its checksum."""
    packed = archive(a__jsonl=LINES, b__jsonl=LINES)
    at = packed.index(b"a.jsonl") + 60
    log = ok.read_log(packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :])
    assert list(log.sources["flags"]) == ["gzip_crc", ""]
    assert list(log.sources["kept"])[1] == 5


def test_archives_cut_off_or_packed_give_their_members():
    """Without a directory members are found one by one: whole ones in full, the last one as far as it goes."""
    table = d.table([d.admin(record) for record in EVENTS])
    many = d.lines([event(n, "user.session.start") for n in range(5000)])
    cut = archive(a__csv=table, b__csv=table)
    for content, flag in (
        (cut[: cut.index(b"PK\x01\x02")], "truncated_gzip"),
        (gzip.compress(cut), "unsupported_format"),
    ):
        log = ok.read_log(content)
        assert log.sources["flags"][0] == flag
        assert flag == "unsupported_format" or log.sources[["records", "duplicates"]].iloc[0].tolist() == [10, 5]
    same(ok.read_log(archive(b__zip=archive(a__jsonl=LINES))))
    log = ok.read_log((packed := archive(a__jsonl=many))[: len(packed) // 2])
    assert (log.sources["flags"][0], len(log.events) > 1000) == ("truncated_gzip", True)


def test_what_is_not_read_here_is_said_to_be_so():
    """Parquet, PDF, 7z and archives under a password: one rejected record each."""
    locked = bytearray(archive(a__jsonl=LINES))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + offset] |= 1
    others = [
        b"PAR1" + b"\1" * 50,
        b"%PDF-1.7\n{1}\n",
        b"7z\xbc\xaf\x27\x1c" + b"\1" * 50,
        bytes(locked),
    ]
    for content in others:
        log = ok.read_log(content)
        flag = "locked_zip" if content == bytes(locked) else "unsupported_format"
        assert (len(log.events), len(log.rejected), log.sources["flags"][0]) == (0, 1, flag)


SPREADSHEETS = {
    "Excel": archive(**{"[Content_Types]__xml": b"<x/>", "xl/workbook__xml": b"<x/>"}),
    "Excel, as openpyxl writes it": archive(**{"docProps/app__xml": b"<x/>", "[Content_Types]__xml": b"<x/>"}),
    "Excel, with a log inside": archive(**{"[Content_Types]__xml": b"<x/>", "xl/log__jsonl": LINES}),
    "LibreOffice": archive(
        mimetype=b"application/vnd.oasis.opendocument.spreadsheet", **{"META-INF/manifest__xml": b""}
    ),
    "Numbers": archive(**{"Index/Document__iwa": b"x"}),
    "Excel of 1997": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50,
}


@pytest.mark.parametrize("case", SPREADSHEETS)
def test_a_spreadsheet_is_refused_by_name(case, tmp_path):
    """One rejected record under the name of the file, and the flag says to save it as CSV."""
    (tmp_path / "log.json").write_bytes(SPREADSHEETS[case])
    for given, name in ((SPREADSHEETS[case], "bytes"), (tmp_path, "log.json")):
        log = ok.read_log(given)
        assert log.sources[["source", "records", "kept", "flags"]].iloc[0].tolist() == [name, 1, 0, "spreadsheet"]
        assert log.rejected["source"].tolist() == [name]
        assert log.sources["sha256"][0] == sha256(SPREADSHEETS[case]).hexdigest()
    assert "save it as CSV" in next(flag.meaning for flag in FLAGS if flag.name == "spreadsheet")


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc: run on Linux"
)
@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_bomb_stays_small_in_memory(kind, tmp_path):
    """A line of 300 MB in a small file is one rejected record, in less than 400 MB."""
    path = tmp_path / "bomb"
    with (gzip.open if kind == "gz" else zstandard.open)(path, "wb") as out:
        for _ in range(300):
            out.write(b'{"a":"' + b"x" * (1 << 20))
        out.write(b"\n" + LINES)
    code = (
        "import sys, oktakit as ok; log = ok.read_log(sys.argv[1]); "
        "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')); "
        "print(len(log.events), *log.rejected['reason'], int(peak) // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    kept, reason, used = run.stdout.split()
    assert (int(kept), reason) == (5, "too_large")
    assert int(used) < 400


def test_a_link_is_followed_and_flagged(tmp_path):
    """The file it leads to is read once, by its own name where that is there, too."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "logs").mkdir()
    real = tmp_path / "elsewhere" / "a.jsonl"
    real.write_bytes(LINES)
    link = tmp_path / "logs" / "link.jsonl"
    link.symlink_to(real)
    assert list(ok.read_log(tmp_path / "logs").sources["flags"]) == ["symlink"]
    assert list(ok.read_log([link, real]).sources["flags"]) == [""]


def test_files_and_bytes_and_records_are_read():
    """Open files of either kind, bytes, one record and several, also with times and gaps as Python has them."""
    for given in (LINES, io.BytesIO(LINES), io.StringIO(LINES.decode()), EVENTS, {"records": EVENTS}):
        same(ok.read_log(given))
    odd = {
        **EVENTS[0],
        "published": pd.Timestamp(EVENTS[0]["published"]),
        "client": {"zone": pd.NA},
        "x": float("nan"),
    }
    log = ok.read_log(odd)
    assert (log.events["published"][0], log.events["issues"][0]) == (EXPECTED["published"][0], "")
    assert ok.read_log({**EVENTS[0], "displayMessage": "a\ud800"}).events["issues"][0] == "lone_surrogate"


@pytest.mark.parametrize(
    "shape", [d.flat, d.sentinel, d.sentinel_v2, lambda r: d.flat(d.elastic(r)), lambda r: d.splunk(r, True)]
)
def test_a_dataframe_from_a_query_is_read_by_its_columns(shape):
    """What a platform's client returns: gaps are missing, numbers beside gaps are whole again, times are times."""
    frame = pd.DataFrame([shape(record) for record in EVENTS])
    for column in ("published_t", "TimeGenerated", "@timestamp"):
        if column in frame:
            frame[column] = pd.to_datetime(frame[column])
    events = ok.read_log(frame).events
    for column in (
        "published",
        "actor_id",
        "is_proxy",
        "as_number",
        "job_id",
        "country",
        "report_id",
        "feedback_label",
    ):
        pd.testing.assert_series_equal(events[column], EXPECTED[column])
    assert set(events["issues"]) == {""}


def test_our_own_table_comes_back_as_it_was():
    """Events read, and read again from the table: every column the same, also without the columns of JSON text."""
    columns = [column for column in EXPECTED if column not in ("source", "record", "issues")]
    again = ok.read_log(EXPECTED[columns]).events
    pd.testing.assert_frame_equal(again[columns], EXPECTED[columns])
    short = ["uuid", "event_type", "published", "actor_id", "is_proxy", "job_id", "report_id", "feedback_label"]
    pd.testing.assert_frame_equal(ok.read_log(EXPECTED[short]).events[short], EXPECTED[short])


def test_a_dataframe_with_one_name_twice_is_flagged():
    """No column hides another."""
    frame = pd.DataFrame([[uuid(1), "x.y", "first", "second"]], columns=["uuid", "eventType", "severity", "severity"])
    log = ok.read_log(frame)
    assert (log.events["severity"][0], log.sources["flags"][0]) == ("first", "duplicate_column")
    assert json.loads(log.events["extra"][0]) == {"severity#2": "second"}


@pytest.mark.parametrize("given", ["", None, 7, [None], ["", "x"]])
def test_what_names_nothing_is_an_error(given):
    """An empty parameter is not taken for the folder that happens to be the current one."""
    with pytest.raises(ok.InputError, match="found nothing there"):
        ok.read_log(given)


def test_an_archive_of_many_files_is_read_through_its_directory_once(monkeypatch):
    """The directory of an archive is not read again for every file in it."""
    read = []
    original = zipfile.ZipFile._RealGetContents
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: read.append(original(self)))
    log = ok.read_log(archive(**{f"{n}__jsonl": d.lines([event(n, "x.y")]) for n in range(9)}))
    assert (len(log.events), len(read)) == (9, 1)


def test_a_page_without_events_is_empty():
    """A query that found nothing, saved."""
    log = ok.read_log(b"[]")
    assert (log.sources["records"][0], log.sources["flags"][0]) == (0, "empty")


def test_what_is_no_path_and_no_record_is_an_error():
    """A name that is too long, and a record that contains itself, are refused in words."""
    around = {"uuid": "1"}
    around["again"] = around
    for given in ("a" * 5000, around):
        with pytest.raises(ok.InputError, match="Needed"):
            ok.read_log(given)
