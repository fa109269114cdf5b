"""What is cut off, not closed or in the wrong place is said once, and costs no other record."""

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest

import oktakit as ok
from hostile import line, rejected
from records import event

A, B, C = (line(event(n, "a.b")) for n in (1, 2, 3))
AGENT = line(event(1, "a.b", client={"userAgent": {"os": "x"}}, target=[{"id": "y"}]))


def outcome(content: bytes) -> tuple[list[int], list[tuple[int, str]], str]:
    """Return the numbers in the uuids that were kept, what was rejected, and the flags of the file."""
    log = ok.read_log(content)
    assert log.sources["records"][0] == len(log.events) + len(log.rejected)
    return [int(one[-12:]) for one in log.events["uuid"]], rejected(log), log.sources["flags"][0]


UNCLOSED = {
    "an array without its end": (b"[" + A + b"," + B, [1, 2], [], "not_closed"),
    "an array without its end, behind a comma": (b"[" + A + b"," + B + b",", [1, 2], [], "not_closed"),
    "an array without its end, on lines": (b"[\n" + A + b",\n" + B + b"\n", [1, 2], [], "not_closed"),
    "two arrays without their ends": (b"[[" + A, [1], [], "not_closed"),
    "a trailing comma": (b"[" + A + b"," + B + b",]", [1, 2], [], "bad_commas"),
    "a trailing comma on its line": (b"[\n" + A + b",\n" + B + b",\n]", [1, 2], [], "bad_commas"),
    "a doubled comma": (b"[" + A + b",," + B + b"]", [1, 2], [], "bad_commas"),
    "a doubled comma on its line": (b"[\n" + A + b",\n,\n" + B + b"\n]", [1, 2], [], "bad_commas"),
    "a comma in front": (b"[," + A + b"]", [1], [], "bad_commas"),
    "no comma": (b"[" + A + b"\n" + B + b"]", [1, 2], [], "bad_commas"),
    "commas between lines": (A + b",\n" + B, [1, 2], [], "bad_commas"),
    "a stray bracket line": (A + b"\n]\n" + B, [1, 2], [(2, "bad_json")], ""),
    "a stray brace line": (A + b"\n}\n" + B, [1, 2], [(2, "bad_json")], ""),
    "brackets that close too much": (b"[" + A + b"]]", [1], [(2, "bad_json")], ""),
    "junk between lines": (A + b"\n-- rotated --\n" + B, [1, 2], [(2, "bad_json")], ""),
    "junk in an array": (b"[" + A + b", oops, " + B + b"]", [1, 2], [(2, "bad_json")], ""),
    "a record over three lines": (A + b"\n" + B.replace(b",", b"\n,", 2) + b"\n" + C, [1, 2, 3], [], ""),
    "a record that is cut off over three lines": (
        A + b"\n" + B[:-1].replace(b",", b"\n,", 2) + b"\n" + C,
        [1, 3],
        [(2, "truncated")],
        "",
    ),
    "a record that is cut off behind a colon": (A[:8] + b"\n" + B + b"\n" + C, [2, 3], [(1, "truncated")], ""),
    "a record that is cut off in a list": (AGENT[:-2] + b",\n" + B + b"\n" + C, [2, 3], [(1, "truncated")], ""),
    "a pretty object that is cut off": (
        json.dumps(event(1, "a.b"), indent=2).encode()[:-2] + b"\n" + json.dumps(event(2, "a.b"), indent=2).encode(),
        [2],
        [(1, "truncated")],
        "",
    ),
    "numbers": (b"1\n" + A + b"\n-2.5e3\n", [1], [(1, "not_object"), (3, "not_object")], ""),
    "words of JSON": (b"null\n" + A + b"\ntrue", [1], [(1, "not_object"), (3, "not_object")], ""),
    "a text": (A + b'\n"a{b"\n', [1], [(2, "not_object")], ""),
    "values in an array": (
        b'[1,"]",' + A + b",null]",
        [1],
        [(1, "not_object"), (2, "not_object"), (4, "not_object")],
        "",
    ),
    "a file that is one number": (b"42", [], [(1, "not_object")], ""),
    "a text that holds an event": (line(A.decode()) + b"\n" + line(B.decode()), [1, 2], [], ""),
    "a header alone": (b"uuid,event_type\r\n", [], [], "empty"),
    "a mark of UTF-16 before UTF-8": (b"\xff\xfe" + A + b"\n" + B, [1, 2], [], "wrong_byte_mark"),
    "the other mark of UTF-16 before UTF-8": (b"\xfe\xff" + A, [1], [], "wrong_byte_mark"),
    "a mark of UTF-8 before UTF-16": (b"\xef\xbb\xbf" + A.decode().encode("utf-16-le"), [1], [], "encoding_utf16"),
    "gzip in gzip": (gzip.compress(gzip.compress(A, mtime=0)), [], [(1, "nul_bytes")], "packed_twice"),
}


@pytest.mark.parametrize("case", UNCLOSED)
def test_what_is_not_closed_or_out_of_place_is_said_once(case):
    """Whole records are kept; one flag or one rejection says what else there was, with the line on which it begins."""
    content, numbers, reasons, flags = UNCLOSED[case]
    assert outcome(content) == (numbers, reasons, flags)


TWO = A + b"," + B
CUT = {
    "in the third event": (b'{"events":[' + TWO + b"," + C[:30], "truncated", [1, 2]),
    "behind a comma": (b'{"value":[' + TWO + b",", "truncated", [1, 2]),
    "before its last brace": (b'{"Records":[' + TWO + b"]", "truncated", [1, 2]),
    "behind its list": (b'{"data":{"events":[' + TWO + b'],"x":{"y":1', "truncated", [1, 2]),
    "two levels down": (
        b'{"took":1,"hits":{"total":{},"hits":[{"_source":' + A + b'},{"_source":' + B[:50],
        "truncated",
        [1],
    ),
    "three levels down": (
        b'{"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[{"body":' + A + b'},{"bo',
        "truncated",
        [1],
    ),
    "around one event": (b'{"source":"x","detail":' + A, "truncated", [1]),
    "with a comma too many": (b'{"events":[' + TWO + b",]}", "bad_json", [1, 2]),
    "with a comma too few": (b'{"events":[' + A + B + b"]}", "bad_json", [1, 2]),
    "with a spoilt event": (b'{"events":[' + A + b',{"uuid":x},' + B + b"]}", "bad_json", [1, 2]),
}


@pytest.mark.parametrize("case", CUT)
@pytest.mark.parametrize("after", [b"", b"\n" + C])
def test_a_cut_envelope_keeps_its_whole_events(case, after):
    """What is whole in it is kept, the rest is one rejection, and the next line is read."""
    content, reason, numbers = CUT[case]
    kept, reasons, flags = outcome(content + after)
    assert (kept, flags) == ([*numbers, *([3] if after else [])], "")
    assert [name for _, name in reasons] == [reason]


def test_lists_in_an_event_that_is_cut_off_are_no_records():
    """Targets are no events."""
    assert outcome(AGENT[:-2] + b',{"id":"z"}') == ([], [(1, "truncated")], "")


@pytest.mark.slow
def test_an_envelope_of_more_than_64_mib_is_read_like_an_array():
    """All of its 9,000 events are kept, whatever stands around them."""
    many = [line(event(n, "a.b", x="y" * 8000)) for n in range(9000)]
    content = b'{"took":1,"hits":{"hits":[' + b",".join(many) + b'],"total":9000}}'
    assert len(content) > 64 << 20
    numbers, reasons, flags = outcome(content)
    assert (numbers, reasons, flags) == (list(range(9000)), [], "")


def test_what_file_managers_hide_in_an_archive_is_said():
    """The flag stands at each file of the archive that was read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.json", A)
        archive.writestr("__MACOSX/._a.json", b"x")
    assert outcome(out.getvalue()) == ([1], [], "hidden_members")


def test_pipes_and_stdin_are_named(tmp_path):
    """A pipe and a dash are no files; what to do instead is said."""
    os.mkfifo(tmp_path / "pipe")
    for given in (tmp_path / "pipe", "-"):
        with pytest.raises(ok.InputError, match=r"a pipe or device, not a file \(give its bytes instead"):
            ok.read_log(given)


def test_a_year_after_next_is_implausible():
    """A log is not from the future."""
    events = ok.read_log([event(1, "a.b", "2026-03-02T08:00:00Z"), event(2, "a.b", "2093-03-02T08:00:00Z")]).events
    assert list(events["issues"]) == ["", "implausible_time"]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.slow
def test_a_million_rejected_lines_take_seconds_and_little_memory(tmp_path):
    """Each is one row with its reason; half a GB is enough for all."""
    path = tmp_path / "junk.log"
    path.write_bytes(
        A + b"\n" + b"no event at all, but words and words\n" * 500_000 + b'{"uuid":"x","actor":{"id":\n' * 500_000
    )
    code = (
        "import sys, time, oktakit as ok; start = time.process_time(); log = ok.read_log(sys.argv[1]); "
        "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')); "
        "print(len(log.rejected), time.process_time() - start, int(peak) // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    count, seconds, used = run.stdout.split()
    assert int(count) == 1_000_000
    assert (float(seconds) < 60, int(used) < 800) == (True, True), run.stdout
