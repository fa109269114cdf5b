"""Hostile containers, encodings and file names: what can be had is read, and the file says what is odd about it."""

import bz2
import gzip
import io
import json
import lzma
import os
import warnings
import zipfile

import pytest
import zstandard

import oktakit as ok
from hostile import ONE, TWO, account, between, kept, line, neighbours_are_whole, rejected, third
from records import event

WHOLE = between(third('"severity":"INFO"'))
GZIP = gzip.compress(WHOLE, mtime=0)
MIXED = [(1, 1, ""), (3, 2, ""), (2, 3, "")]


def flipped(packed: bytes, at: int) -> bytes:
    """Return bytes with all bits of one of them turned."""
    return packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]


UNHARMED = {
    "gzip": (GZIP, ""),
    "gzip in two members": (gzip.compress(WHOLE[:100]) + gzip.compress(WHOLE[100:]), ""),
    "gzip with an empty member": (gzip.compress(b"") + GZIP, ""),
    "gzip padded with NUL": (GZIP + b"\0" * 512, ""),
    "gzip with rubbish behind it": (GZIP + b"rubbish", "trailing_garbage"),
    "gzip with a wrong checksum": (flipped(GZIP, -8), "gzip_crc"),
    "gzip with a wrong length": (flipped(GZIP, -4), "gzip_crc"),
    "gzip without its end": (GZIP[:-8], "truncated_gzip"),
    "bzip2": (bz2.compress(WHOLE), ""),
    "bzip2 with rubbish behind it": (bz2.compress(WHOLE) + b"rubbish", "trailing_garbage"),
    "bzip2 without its end": (bz2.compress(WHOLE)[:-4], "truncated_gzip"),
    "xz": (lzma.compress(WHOLE), ""),
    "xz with rubbish behind it": (lzma.compress(WHOLE) + b"rubbish", "trailing_garbage"),
    "zstandard": (zstandard.compress(WHOLE), ""),
    "zstandard in two frames": (zstandard.compress(WHOLE[:99]) + zstandard.compress(WHOLE[99:]), ""),
    "zstandard with rubbish behind it": (zstandard.compress(WHOLE) + b"rubbish", "trailing_garbage"),
    "UTF-16, little end first": (b"\xff\xfe" + WHOLE.decode().encode("utf-16-le"), "encoding_utf16"),
    "UTF-16, big end first": (b"\xfe\xff" + WHOLE.decode().encode("utf-16-be"), "encoding_utf16"),
    "UTF-16 without a mark, little end first": (WHOLE.decode().encode("utf-16-le"), "encoding_utf16"),
    "UTF-16 without a mark, big end first": (WHOLE.decode().encode("utf-16-be"), "encoding_utf16"),
    "UTF-16 in gzip": (gzip.compress(WHOLE.decode().encode("utf-16")), "encoding_utf16"),
    "a byte-order mark": (b"\xef\xbb\xbf" + WHOLE, ""),
    "two byte-order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + WHOLE, ""),
    "lines that end as on Windows": (WHOLE.replace(b"\n", b"\r\n"), ""),
}


@pytest.mark.parametrize("case", UNHARMED)
def test_what_is_odd_around_whole_lines_is_a_flag_of_the_file(case):
    """All three events are kept exactly, whatever they are packed in."""
    content, flags = UNHARMED[case]
    log = ok.read_log(content)
    assert (account(log), kept(log)) == ((3, 3, 0, 0), MIXED)
    assert list(log.sources["flags"]) == [flags]
    assert neighbours_are_whole(log)


NO_LOG = {
    "nothing": (b"", 0, "", "empty"),
    "blanks": (b" \r\n\t\n", 0, "", "empty"),
    "a byte-order mark alone": (b"\xef\xbb\xbf", 0, "", "empty"),
    "a mark of UTF-16 alone": (b"\xff\xfe", 0, "", "empty encoding_utf16"),
    "gzip of nothing": (gzip.compress(b""), 0, "", "empty"),
    "the first two bytes of gzip": (GZIP[:2], 1, "truncated", "truncated_gzip"),
    "the head of gzip": (GZIP[:10], 1, "truncated", "truncated_gzip"),
    "the head of bzip2": (b"BZh9", 1, "truncated", "truncated_gzip"),
    "an empty archive": (b"PK\x05\x06" + b"\0" * 18, 1, "nul_bytes", "unsupported_format"),
    "NUL": (b"\0" * 5000, 1, "nul_bytes", "not_json"),
    "a login page": (b"<!DOCTYPE html><script>{}</script>", 1, "bad_json", "not_json"),
    "XML": (b'<?xml version="1.0"?>\n<a>\n{"uuid":1}\n</a>', 1, "bad_json", "not_json"),
    "words": (b"no log at all", 1, "bad_json", "not_json"),
    "some table": (b"name,amount\nann,1\n", 1, "no_event_type", "unknown_format"),
    "a document": (b"%PDF-1.7\n{", 1, "bad_json", "unsupported_format"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c", 1, "bad_json", "unsupported_format"),
}


@pytest.mark.parametrize("case", NO_LOG)
def test_a_file_without_events_is_an_account_and_no_error(case):
    """Nothing is kept, and a flag says what the file is."""
    content, records, reason, flags = NO_LOG[case]
    log = ok.read_log(content)
    assert account(log) == (records, 0, 0, records)
    assert (rejected(log), list(log.sources["flags"])) == ([(1, reason)] * records, [flags])


@pytest.mark.parametrize("rubbish", [b"\0" * 70_000, b"x" * 70_000, b"x," * 40_000, b'"' * 70_001])
def test_a_long_spoilt_first_line_does_not_hide_the_rest(rubbish):
    """What stands in front, however long, is one rejected record."""
    log = ok.read_log(rubbish + b"\n" + line(ONE) + b"\n" + line(TWO))
    assert account(log) == (3, 2, 0, 1)
    assert kept(log) == [(1, 2, ""), (2, 3, "")]
    assert neighbours_are_whole(log)


def test_one_nul_in_front_is_one_record():
    """A file that begins with one byte of zero is no UTF-16; every line of it is read."""
    log = ok.read_log(b"\0" + WHOLE)
    assert (account(log), rejected(log)) == ((4, 3, 0, 1), [(1, "nul_bytes")])
    assert (kept(log), list(log.sources["flags"])) == (MIXED, [""])


def test_half_a_character_of_utf_16_harms_its_record_only():
    """A lone surrogate is never replaced without a word."""
    text = between(third('"displayMessage":"a@b"')).decode().encode("utf-16-le")
    log = ok.read_log(b"\xff\xfe" + text.replace("@b".encode("utf-16-le"), b"\x00\xd8b\x00"))
    assert account(log) == (3, 2, 0, 1)
    assert rejected(log) == [(2, "bad_encoding")]
    assert neighbours_are_whole(log)


def zipped(*files: tuple[str, bytes]) -> bytes:
    """Return a zip archive of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # two files of one name
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_every_file_of_an_archive_is_a_source_of_its_own():
    """Names that climb or begin at the root are only names; nothing is written anywhere."""
    log = ok.read_log(zipped(("a/1.json", line(ONE)), ("../2.json", line(TWO)), ("/3", b""), ("d/", b"")))
    assert account(log) == (2, 2, 0, 0)
    assert dict(zip(log.sources["source"], log.sources["flags"], strict=True)) == {
        "bytes/a/1.json": "",
        "bytes/../2.json": "",
        "bytes//3": "empty",
    }
    assert neighbours_are_whole(log)


def test_two_files_of_one_name_in_an_archive_are_both_read():
    """A name that comes again hides nothing."""
    log = ok.read_log(zipped(("a.json", line(ONE)), ("a.json", line(TWO))))
    assert account(log) == (2, 2, 0, 0)
    assert log.sources["source"].is_unique


def test_a_locked_file_in_an_archive_is_said_to_be_unreadable():
    """A file with a password is one rejected record; the file beside it is read."""
    archive = bytearray(zipped(("a.json", line(ONE)), ("b.json", line(TWO))))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    log = ok.read_log(bytes(archive))
    assert (account(log), kept(log)) == ((2, 1, 0, 1), [(2, 1, "")])
    assert list(log.sources["flags"]) == ["locked_zip", ""]


def test_a_file_in_an_archive_with_a_wrong_checksum_is_one_record():
    """Nothing of it is given out, and the file beside it is read."""
    archive = zipped(("a.json", WHOLE), ("b.json", line(TWO)))
    log = ok.read_log(flipped(flipped(archive, 14), archive.index(b"PK\x01\x02") + 16))
    assert (account(log), rejected(log), kept(log)) == ((2, 1, 0, 1), [(1, "truncated")], [(2, 1, "")])
    assert list(log.sources["flags"]) == ["gzip_crc", ""]


def test_an_archive_without_its_directory_gives_what_there_is():
    """A download that broke off is read as far as it goes, and flagged."""
    log = ok.read_log(zipped(("a.json", line(ONE)))[:-30])
    assert (account(log), kept(log)) == ((1, 1, 0, 0), [(1, 1, "")])
    assert list(log.sources["flags"]) == ["truncated_gzip"]


NAMES = [
    "NA.json",
    " .json",
    "-rf.json",
    "[a].json",
    "*.json",
    "a\nb.json",
    "\u202egnp.json",
    "=cmd|x!A0.json",
    "😀.json",
]


def test_hostile_file_names_are_only_names(tmp_path):
    """Every file is read once under its own name, one by one and as a folder, and the account shows no live text."""
    for number, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(line(event(number, "a.b")))
    log = ok.read_log(tmp_path)
    assert account(log) == (9, 9, 0, 0)
    assert sorted(log.sources["source"]) == sorted(NAMES)
    assert [ok.read_log(tmp_path / name).sources["source"][0] for name in NAMES] == NAMES
    assert not any(mark in log._repr_html_() for mark in ("a\nb", "\u202e"))


def test_a_file_name_that_is_no_text_is_read(tmp_path):
    """A name in another encoding than UTF-8 does not stop the folder from being read."""
    with open(os.fsencode(tmp_path) + b"/log\xff.json", "wb") as file:  # noqa: PTH123  # a name of bytes
        file.write(line(ONE))
    (tmp_path / "b.json").write_bytes(line(TWO))
    log = ok.read_log(tmp_path)
    assert account(log) == (2, 2, 0, 0)
    assert neighbours_are_whole(log)


def test_links_pipes_and_dead_ends_in_a_folder_do_not_stop_it(tmp_path):
    """A link is flagged and read once; a link to nothing, a circle and a pipe are no files."""
    log_file = tmp_path / "elsewhere" / "real.txt"
    log_file.parent.mkdir()
    log_file.write_bytes(line(ONE))
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "b.json").write_bytes(line(TWO))
    (folder / "link.json").symlink_to(log_file)
    (folder / "dead.json").symlink_to(folder / "nowhere.json")
    (folder / "circle.json").symlink_to(folder / "circle.json")
    os.mkfifo(folder / "pipe.json")
    log = ok.read_log(folder)
    assert account(log) == (2, 2, 0, 0)
    assert sorted(log.sources["flags"]) == ["", "symlink"]


def test_what_is_read_is_what_is_hashed(tmp_path):
    """Sizes and hashes are those of the bytes as stored, damage included."""
    (tmp_path / "a.gz").write_bytes(GZIP + b"rubbish")
    source = ok.read_log(tmp_path / "a.gz").sources.iloc[0]
    assert source["bytes"] == len(GZIP) + 7
    assert source["sha256_content"] == ok.read_log(WHOLE).sources["sha256"][0]
    assert json.loads(ok.read_raw(ok.read_log(tmp_path / "a.gz"), ONE["uuid"])[0]) == ONE
