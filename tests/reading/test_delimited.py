"""CSV: every row is accounted for, and a damaged one costs itself alone."""

import codecs
import json
import time

import pandas as pd
import pytest

import deliveries as d
import oktakit as ok
from deliveries import EVENTS
from records import uuid

HEADER = b"uuid,event_type,timestamp,actor.display_name\r\n"


def row(number: int, name: bytes = b"Ann") -> bytes:
    """Return a row whose last cell is `name`, as it stands in the file."""
    return f"{uuid(number)},user.session.start,2026-03-02T08:00:0{number}Z,".encode() + name + b"\r\n"


def found(log) -> list[tuple[int, str]]:
    """Return the rejected records and their reasons."""
    assert log.sources["records"][0] == len(log.events) + len(log.rejected)
    return list(log.rejected[["record", "reason"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encode", [bytes, lambda raw: codecs.BOM_UTF8 + raw, lambda raw: raw.decode().encode("utf-16")]
)
def test_separators_and_encodings_do_not_show(separator, encode):
    """Commas, semicolons and tabs; UTF-8 with and without a mark, UTF-16: the same five events."""
    log = ok.read_log(encode(d.table([d.admin(record) for record in EVENTS], separator)))
    assert list(log.events["uuid"]) == [uuid(n) for n in range(1, 6)]
    assert set(log.events["actor_display_name"]) == {"Zoë, Admin", "Okta System"}
    assert log.events["display_message"][0] == EVENTS[0]["displayMessage"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (b'"a, ""b""\r\nc"', 'a, "b"\r\nc'),
        (b"NA", "NA"),
        (b"00012", "00012"),
        (b"null", "null"),
        (b"  x ", "  x "),
        (b'5" disk', '5" disk'),
        ("東京\u2028".encode(), "東京\u2028"),
    ],
)
def test_a_cell_is_the_text_of_the_source(cell, value):
    """Quotes, line breaks, words that look like nothing, and blanks stay."""
    log = ok.read_log(HEADER + row(1, cell) + b"\r\n" + row(2))
    assert list(log.events["actor_display_name"]) == [value, "Ann"]
    assert list(log.events["record"]) == [1, 2]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"x,y\r\n", "ragged_row"),
        (row(2, b"a,b"), "ragged_row"),
        (row(2, b"a\0b"), "nul_bytes"),
        (row(2, b"M\xfcller"), "bad_encoding"),
        (row(2, b'"never closed'), "truncated"),
        (row(2, b"x" * (16 << 20)), "too_large"),
    ],
)
def test_a_bad_row_costs_itself(bad, reason):
    """Too few or many cells, bytes that are no text, a quote without an end: the rows after it are read."""
    log = ok.read_log(HEADER + row(1) + bad + b"".join(row(n, b'"An""n"') for n in range(3, 7)))
    assert found(log) == [(2, reason)]
    assert list(log.events["uuid"]) == [uuid(n) for n in (1, 3, 4, 5, 6)]
    assert log.rejected["excerpt"].str.len().max() < 1000


def test_a_table_that_ends_inside_a_cell_was_cut_off():
    """The last row is said to be truncated."""
    log = ok.read_log(HEADER + row(1) + row(2, b'"Ann')[:-2])
    assert (len(log.events), found(log)) == (1, [(2, "truncated")])


def test_a_cell_over_lines_ends_where_its_quote_does():
    """Quotes inside the cells beside it, which open nothing, do not hide its end."""
    first, second = (f"{uuid(n)},user.session.start,2026-03-02T08:00:0{n}Z," for n in (1, 2))
    log = ok.read_log(HEADER + f'{first}"5"" disk\nand\n"\n{second[:36]},a"b,"c\nd",x"y\n'.encode() + row(3))
    assert list(log.events["actor_display_name"]) == ['5" disk\nand\n', "Ann", 'x"y']
    assert list(log.events["event_type"]) == ["user.session.start", "user.session.start", 'a"b']


MANY = 4_000
WRONG = {
    "quotes at the edges lost": (b'x","y","z\n' * MANY, MANY),
    "one quote too many": (b'x"y,"open\n' + row(2) * MANY, 1),
    "open from the first row on": (b'"open\n' + row(2) * MANY, 1),
    "closed long after": ((b'x","y","z\n' * 199 + b'x"\n') * (MANY // 200), MANY),
}


@pytest.mark.parametrize("case", WRONG)
def test_quotes_that_are_wrong_in_every_row_cost_no_square_of_their_number(case):
    """Each such row is rejected, the others are read, and the time goes by the number of rows."""
    content, count = WRONG[case]
    start = time.process_time()
    log = ok.read_log(HEADER + row(1) + content + row(3))
    assert time.process_time() - start < 20
    assert [uuid(1), uuid(3)] == [log.events["uuid"].iloc[0], log.events["uuid"].iloc[-1]]
    assert (len(log.rejected), log.sources["records"][0]) == (
        count,
        2 + count + log.sources["duplicates"][0] + (count == 1),
    )


def test_a_header_alone_is_an_empty_table():
    """No row, no record."""
    log = ok.read_log(HEADER)
    assert (len(log.events), found(log)) == (0, [])


def test_a_column_that_comes_twice_is_flagged_and_kept():
    """The first counts; the second is kept beside it."""
    log = ok.read_log(HEADER.strip() + b",event_type\r\n" + row(1).strip() + b",other\r\n")
    assert (log.events["event_type"][0], log.sources["flags"][0]) == ("user.session.start", "duplicate_column")
    assert "other" in log.events["extra"][0]


def test_a_column_named_like_a_numbered_one_hides_nothing():
    """Three columns, three values, whatever they are called."""
    log = ok.read_log(HEADER.strip() + b",x,x#2,x\r\n" + row(1).strip() + b",first,second,third\r\n")
    extra = json.loads(log.events["extra"][0])
    assert list(extra.values()) == ["first", "second", "third"]


def test_an_empty_cell_is_missing():
    """Not an empty text, not False, not 0."""
    log = ok.read_log(b"uuid,event_type,securityContext.isProxy,actor.id\r\n" + f"{uuid(1)},x.y,,\r\n".encode())
    assert log.events[["is_proxy", "actor_id"]].isna().all(axis=None)


def test_what_cannot_be_read_as_a_truth_value_is_flagged_in_text_as_well():
    """The words true and false are no trouble in a table; another word is."""
    head = b"uuid,event_type,published,securityContext.isProxy\n"
    cells = [f"{uuid(n)},x.y,2026-03-02T08:00:00Z,{word}\n".encode() for n, word in enumerate(("TRUE", "maybe"), 1)]
    events = ok.read_log(head + b"".join(cells)).events
    assert list(events["issues"]) == ["", "bad_type"]
    assert (events["is_proxy"][0], pd.isna(events["is_proxy"][1])) == (True, True)


def test_a_row_leads_back_to_its_text():
    """The row as it stands in the file, line breaks and quotes included."""
    log = ok.read_log(HEADER + row(1, b'"a\nb"') + row(2))
    assert ok.read_raw(log, uuid(1)) == [row(1, b'"a\nb"').decode().strip()]


def test_json_inside_cells_does_not_make_it_a_json_file():
    """A pretty-printed event in a cell of many lines is one row."""
    log = ok.read_log(d.table([{"_time": "x", "_raw": json.dumps(record, indent=1)} for record in EVENTS]))
    assert (len(log.events), log.sources["shape"][0]) == (5, "table")
