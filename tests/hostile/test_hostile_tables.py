"""Hostile tables (CSV): a damaged row costs itself alone, and every cell is the text of the file."""

import pytest

import oktakit as ok
from hostile import account, kept, line, rejected
from records import event, uuid

HEADER = "timestamp,event_type,uuid,client.ip_address,display_message"


def row(number: int, message: str) -> str:
    """Return an event as a row; the message is written as given."""
    return f"2026-03-02T08:00:0{number}.000Z,user.session.start,{uuid(number)},192.0.2.{number},{message}"


def table(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    """Return a table as it stands in a file."""
    return end.join([header, *rows, ""]).encode()


def messages(log: ok.Log) -> list[str]:
    """Return the messages of the events in the order of time."""
    return list(log.events["display_message"])


SPOILT = {
    "a row that is too short": ("x,y", "ragged_row"),
    "a row that is too long": (row(3, "m,more"), "ragged_row"),
    "a quotation mark that is never closed": (row(3, '"open'), "truncated"),
    "quotation marks alone": ('"' * 7, "truncated"),
    "100,001 quotation marks": ('"' * 100_001, "truncated"),
    "NUL": (row(3, "a\0b"), "nul_bytes"),
    "no uuid": (row(3, "m").replace(uuid(3), ""), "no_uuid"),
    "no event type": (row(3, "m").replace("user.session.start", ""), "no_event_type"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_row_costs_itself_alone(case):
    """The row is rejected with its number and its reason; the rows before and after it are kept."""
    raw, reason = SPOILT[case]
    log = ok.read_log(table(row(1, "one"), raw, row(2, "two")))
    assert account(log) == (3, 2, 0, 1)
    assert rejected(log) == [(2, reason)]
    assert (kept(log), messages(log)) == ([(1, 1, ""), (2, 3, "")], ["one", "two"])


def test_a_row_in_another_encoding_costs_itself_alone():
    """Latin-1 in one row is named, and the other rows are kept."""
    log = ok.read_log(table(row(1, "ærlig"), row(3, "@"), row(2, "two")).replace(b"@", b"\xe9"))
    assert (account(log), rejected(log)) == ((3, 2, 0, 1), [(2, "bad_encoding")])
    assert messages(log) == ["ærlig", "two"]


CELLS = {
    "a line break": ('"a\nb"', "a\nb"),
    "a line break as on Windows": ('"a\r\nb"', "a\r\nb"),
    "a separator and quotation marks": ('"a, ""b"""', 'a, "b"'),
    "a quotation mark in the middle": ('a"b', 'a"b'),
    "blanks": (" a ", " a "),
    "NA": ("NA", "NA"),
    "a number": ("00012", "00012"),
    "a formula": ("=1+1", "=1+1"),
    "a line separator": ("a\u2028b\x85c\x0bd", "a\u2028b\x85c\x0bd"),
    "an object": ('"{""a"":1}"', '{"a":1}'),
}


@pytest.mark.parametrize("case", CELLS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cell_is_the_text_of_the_file(case, end):
    """No text is taken for a number, for nothing or for something nicer."""
    raw, text = CELLS[case]
    log = ok.read_log(table(row(1, raw), row(2, "two"), end=end))
    assert (account(log), messages(log)) == ((2, 2, 0, 0), [text, "two"])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_told_from_the_header(separator):
    """Spreadsheets write semicolons and tabs."""
    log = ok.read_log(table(row(1, "one"), row(2, "two")).replace(b",", separator.encode()))
    assert (account(log), messages(log)) == ((2, 2, 0, 0), ["one", "two"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_with_a_byte_order_mark_are_read(encoding):
    """The mark is no part of the first column's name."""
    log = ok.read_log(table(row(1, "one"), row(2, "two")).decode().encode(encoding))
    assert (account(log), messages(log)) == ((2, 2, 0, 0), ["one", "two"])


def test_a_header_is_no_record():
    """A table without rows has no records."""
    assert account(ok.read_log(table())) == (0, 0, 0, 0)


def test_a_column_that_comes_again_hides_nothing():
    """The first one counts, the second is kept beside it, and the file is flagged."""
    log = ok.read_log(table(row(1, "one") + ",other", header=HEADER + ",display_message"))
    assert (account(log), log.sources["flags"][0]) == ((1, 1, 0, 0), "duplicate_column")
    assert messages(log) == ["one"]
    assert "other" in log.events["extra"][0]


@pytest.mark.parametrize(
    ("found", "put", "column", "flag"),
    [
        ("192.0.2.1", "999.0.2.1", "ip_address", "bad_ip"),
        ("2026-03-02T08:00:01.000Z", "yesterday", "published", "bad_published"),
        ("2026-03-02T08:00:01.000Z", "2026-03-02 08:00:01", "published", "no_timezone"),
        (uuid(1), "redacted", "uuid", "bad_uuid"),
    ],
)
def test_trouble_in_a_cell_is_a_flag_on_a_kept_row(found, put, column, flag):
    """The row is kept and says what is wrong with it."""
    log = ok.read_log(table(row(1, "one").replace(found, put)))
    assert (account(log), log.events["issues"][0]) == ((1, 1, 0, 0), flag)
    assert (column != "published") == (log.events[column][0] == put)


def test_a_table_that_ends_its_lines_as_no_machine_does_is_not_lost_silently():
    """With carriage returns alone there are no rows, but the account does not look as if nothing was there."""
    log = ok.read_log(table(row(1, "one"), row(2, "two"), end="\r"))
    records, read, _, lost = account(log)
    assert records == read + lost > 0


def test_lines_of_json_below_a_header_are_events():
    """A record is recognised by itself, so that one file may mix shapes."""
    log = ok.read_log(table(row(1, "one"), line(event(2, "a.b")).decode(), row(3, "three")))
    assert (account(log), kept(log)) == ((3, 3, 0, 0), [(1, 1, ""), (2, 2, ""), (3, 3, "")])
