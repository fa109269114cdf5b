"""A table to read: all of it, in order, with nothing of a log that could act."""

import pandas as pd
import pytest

import oktakit as ok
from drawn import HOSTILE, events, poisoned

TIMES = pd.to_datetime(["2026-03-06T15:58:24Z", None])


def test_a_table_that_fits_is_in_columns():
    """Every cell begins at the left, times end with UTC, and what is missing is a dash, not False."""
    frame = pd.DataFrame({"who": ["ann", "bob@example.com"], "when": TIMES, "count": [3, 12], "share": [0.25, None]})
    frame["is_proxy"] = pd.array([False, None], dtype="boolean")
    assert repr(ok.show(frame)).splitlines() == [
        "who              when                     count  share  is_proxy",
        "ann              2026-03-06 15:58:24 UTC  3      0.25   False",
        "bob@example.com  -                        12     -      -",
    ]


def test_a_table_that_is_too_wide_is_in_blocks():
    """Every row is a block of lines, its texts in full."""
    shown = repr(ok.show(pd.DataFrame({"who": ["ann", "bob"], "why": ["word " * 30, "short"]})))
    assert shown.splitlines() == [
        "who  ann",
        "why  " + "word " * 22 + "word",
        "     " + "word " * 6 + "word",
        "",
        "who  bob",
        "why  short",
    ]


def test_rows_beyond_the_limit_are_counted():
    """Two of three are shown."""
    assert repr(ok.show(pd.DataFrame({"a": [1, 2, 3]}), rows=2)).splitlines()[1:] == [
        "1",
        "2",
        "1 more rows are not shown.",
    ]


def test_an_empty_table_is_a_sentence():
    """The caller's, or that it has no rows."""
    frame = pd.DataFrame({"a": []})
    assert ok.show(frame, empty="No record was rejected.")._repr_html_() == "<p>No record was rejected.</p>"
    assert repr(ok.show(frame)) == "Nothing: the table has no rows."


def test_names_of_an_index_are_columns():
    """As after counting; an index without a name is left out."""
    counts = pd.Series(["a", "a", "b"], name="kind").value_counts()
    assert repr(ok.show(counts)).splitlines() == ["kind  count", "a     2", "b     1"]


def test_long_json_folds_and_other_text_is_whole():
    """JSON is indented inside; a text of 5,000 characters is there to its end, its lines apart."""
    frame = pd.DataFrame({"extra": ['{"a": "' + "x" * 100 + '"}', "y" * 4_990 + "\nlast line"]})
    page = ok.show(frame)._repr_html_()
    assert "<details><summary>{&quot;a&quot;" in page
    assert "<pre>{\n  &quot;a&quot;:" in page
    assert "y<br>last line</td>" in page


def test_every_cell_of_a_page_begins_at_the_left():
    """Heads, too."""
    page = ok.show(pd.DataFrame({"a": [1]}))._repr_html_()
    assert page.count("text-align: left") == page.count("<th") - page.count("<thead") + page.count("<td") == 2


@pytest.mark.parametrize("hostile", [*HOSTILE, '[{"a": "<img src=x>\u202e https://192.0.2.1/"}]' + " " * 80])
def test_text_of_a_log_does_nothing(hostile):
    """No tag, no link, no character that hides or reorders, in text and in HTML, in cells and in names."""
    frame = poisoned(events(), hostile).rename(columns={"ip_address": hostile})
    shown = ok.show(frame)
    for told in (repr(shown), shown._repr_html_()):
        assert not set(told) & set("\u202e\u2066\u200b\x1b")
        assert "https://" not in told
    assert not any(tag in shown._repr_html_() for tag in ("<img", "<a ", "<span", "<b>", "<sub>"))


def test_what_is_no_table_is_refused():
    """The error says what is needed."""
    with pytest.raises(ok.InputError, match="DataFrame or a Series; found list"):
        ok.show([1])


def test_a_table_stays_as_it_was():
    """Nothing is changed or renamed."""
    frame, same = events(), events()
    ok.show(frame)
    pd.testing.assert_frame_equal(frame, same)
