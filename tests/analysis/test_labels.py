"""What the analyst knows: networks, numbers, programs, people and reports."""

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from lives import FEEDBACK, SERVER, STRANGER, about, act
from oktakit.analysis.labels import label, read_known, read_sensitivities
from records import event, events, uuid

KNOWN = pd.DataFrame(
    {
        "value": ["192.0.2.0/24", "192.0.2.8/29", "2001:db8::/32", "AS64500", "64501", "okta-agent", "0oaClient"],
        "label": ["office", "lab", "office 6", "tunnel", "cloud", "agent", "program"],
    }
)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("ip_address", "192.0.2.200", "office"),
        ("ip_address", "192.0.2.9", "lab"),
        ("ip_address", "198.51.100.1", None),
        ("ip_address", "2001:db8::7", "office 6"),
        ("ip_address", "not an address", None),
        ("ip_address", None, None),
        ("as_number", 64500, "tunnel"),
        ("as_number", 64501, "cloud"),
        ("as_number", 64502, None),
        ("raw_user_agent", "Mozilla Okta-Agent/3", "agent"),
        ("client_id", "0OACLIENT", "program"),
        ("client_id", "0oaClient2", None),
    ],
)
def test_a_value_is_known_by_its_kind(column, value, expected):
    """Addresses by the narrowest network, numbers as numbers, agents by a part of them, ids whole."""
    found = label(pd.DataFrame({column: [value]}), KNOWN)
    assert [None if pd.isna(one) else one for one in found] == [expected]


def test_labels_of_several_columns_stand_together_and_nothing_is_changed():
    """An event can be known twice; only the asked column counts where one is named."""
    events = pd.DataFrame({"ip_address": ["192.0.2.1"], "as_number": [64500]})
    before = events.copy(deep=True)
    assert label(events, KNOWN).tolist() == ["office, tunnel"]
    assert label(events, KNOWN, column="as_number").tolist() == ["tunnel"]
    assert label(events[:0], KNOWN).tolist() == []
    pd.testing.assert_frame_equal(events, before)


def test_a_label_may_have_commas_and_the_first_of_two_counts():
    """In a summary a label stays whole beside the others, whatever stands in it."""
    known = pd.DataFrame({"value": ["192.0.2.0/24", "AS64496", "64496"], "label": ["office, <b>Oslo</b>", "a", "b"]})
    log = events(act(1, "user.session.start", "02T08:00"))
    assert ok.summarize_geo(log, known=known)["known"].tolist() == ["a, office, <b>Oslo</b>"]


def test_an_empty_table_knows_nothing():
    """The columns are there and say so."""
    log = events(act(1, "user.session.start", "02T08:00"))
    row = ok.summarize_geo(log, known=KNOWN[:0]).iloc[0]
    assert (row["known_events"], pd.isna(row["known"])) == (0, True)


def test_a_file_is_read_as_texts(tmp_path):
    """Numbers stay texts and blanks around them go; the file's extra columns do not matter."""
    path = tmp_path / "known.csv"
    path.write_text("note,value,label\nx, 64500 , tunnel \n")
    assert read_known(path).to_dict("records") == [{"value": "64500", "label": "tunnel"}]


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"value": ["192.0.2.0/24", "192.0.2.0/99"], "label": ["a", "b"]}, ok.InputError, "Row 2 .*'192.0.2.0/99'"),
        ({"value": ["192.0.2.1", ""], "label": ["a", "b"]}, ok.InputError, "row 2 has no value"),
        ({"value": ["192.0.2.1"], "label": [None]}, ok.InputError, "row 1 has no label"),
        ({"value": ["192.0.2.1"]}, ok.ColumnError, "needs the columns label"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(table, error, message):
    """The error says which row, and what it lacks."""
    with pytest.raises(error, match=message):
        read_known(pd.DataFrame(table))


def test_a_file_that_is_not_there_is_named():
    """The error names the file."""
    with pytest.raises(ok.InputError, match=r"cannot read nowhere\.csv"):
        read_known("nowhere.csv")


def test_our_reports_have_levels_and_reasons():
    """Every row of the table that comes with the package is complete, and each pattern is there once."""
    table = read_sensitivities()
    assert set(table["level"]) == {"high", "medium", "low"}
    assert table.notna().all(axis=None)
    assert table["pattern"].is_unique


@pytest.mark.parametrize(
    ("row", "message"),
    [(("usage", "grave", "x"), "row 1 has the level 'grave'"), (("--", "low", "x"), "row 1, '--', has no letters")],
)
def test_a_report_that_cannot_be_used_is_named(row, message):
    """A level that does not exist and a pattern that fits everything are refused by row."""
    with pytest.raises(ok.InputError, match=message):
        read_sensitivities(pd.DataFrame([row], columns=["pattern", "level", "reason"]))


def judged(label):
    """Return the debug data of a verdict on the detection of the log below."""
    return {"eventUuid": uuid(6), "eventType": "user.risk.detect", "label": label}


LOG = (
    event(1, "policy.entity_risk.evaluate", "2026-03-02T07:00:00.000Z"),  # a server's job has neither actor nor client
    act(2, "user.session.start", "02T08:00", session="s"),
    act(3, "user.authentication.sso", "02T08:10", session="s"),
    act(4, "user.authentication.sso", "05T08:20", session="s", origin=SERVER, agent=STRANGER),
    act(5, "user.authentication.sso", "05T08:30", session="t"),
    act(6, "user.risk.detect", "05T09:00", "carl", target=about("ann")),
    act(7, FEEDBACK, "05T10:00", "bob", origin=SERVER, debug=judged("false_positive"), target=about("ann")),
    act(8, FEEDBACK, "05T11:00", "ann", session="t", debug=judged("true_positive"), target=about("ann")),
)
PLACES = pd.DataFrame({"value": ["192.0.2.0/24", "64508"], "label": ["office", "hosting"]})
WATCHED = pd.DataFrame({"value": ["firefox", "bob"], "label": ["other browser", "Bob"]})
SUMMARIES = {  # for each row: labels and number of events that are known, then of those that are watched for
    "countries": (
        ok.summarize_geo,
        [("office", 5, None, 0), ("hosting", 2, "Bob, other browser", 2), (None, 0, None, 0)],
    ),
    "networks": (
        ok.summarize_proxy,
        [("office", 5, None, 0), ("hosting", 2, "Bob, other browser", 2), (None, 0, None, 0)],
    ),
    "people": (
        ok.summarize_actors,
        [
            ("hosting, office", 5, "other browser", 1),
            ("hosting", 1, "Bob", 1),
            ("office", 1, None, 0),
            (None, 0, None, 0),
        ],
    ),
    "verdicts": (ok.summarize_feedback, [("hosting, office", 2, "Bob", 1)]),
    "journeys": (ok.find_travel, [("hosting, office", 2, "other browser", 1)]),
    "session changes": (ok.find_session_changes, [("hosting, office", 2, "other browser", 1)]),
    "first times": (
        lambda log, **told: ok.find_first_seen(log, "country", "2D", **told),
        [("hosting", 1, "other browser", 1), ("office", 1, None, 0), ("hosting", 1, "Bob", 1)],
    ),
}
COLUMNS = ["known", "known_events", "watched", "watched_events"]


def plain(frame):
    """Return a frame in which whatever is missing is None: pandas 2 keeps the kind of nothing that it was given."""
    return frame.astype(object).where(frame.notna(), None)


@pytest.mark.parametrize("name", SUMMARIES)
def test_summaries_show_and_count_what_is_known_and_watched_for(name):
    """Labels of all events of a row, how many have one, nothing where none has; any engine, and an empty log, alike."""
    helper, expected = SUMMARIES[name]
    log = events(*LOG)
    both, lazy = (helper(one, known=PLACES, watch=WATCHED) for one in (log, pl.from_pandas(log).lazy()))
    assert [*plain(both)[COLUMNS].itertuples(index=False, name=None)] == expected
    pd.testing.assert_frame_equal(plain(lazy), plain(both))
    assert lazy.dtypes.equals(both.dtypes)
    pd.testing.assert_frame_equal(helper(log[:0], known=PLACES, watch=WATCHED), both[:0])


@pytest.mark.parametrize("name", SUMMARIES)
def test_only_what_is_given_adds_columns(name):
    """Without labels a summary is what it was; one table adds its own two columns."""
    helper, expected = SUMMARIES[name]
    log = events(*LOG)
    without, watched = helper(log), helper(log, watch=WATCHED)
    assert not set(COLUMNS) & set(without)
    assert list(watched) == [*without, "watched", "watched_events"]
    assert watched["watched_events"].tolist() == [row[3] for row in expected]
    pd.testing.assert_frame_equal(watched[list(without)], without)
