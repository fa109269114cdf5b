"""Is the log complete enough to say so: gaps, edges, what was asked for and what was dropped."""

import pandas as pd
import polars as pl
import pytest
from lives import act, job
from records import event, events

import oktakit as ok
from oktakit.coverage import COVERAGE_COLUMNS, summarize_coverage


def busy(days, hours=range(24), start="2026-03-02"):
    """Return a sign-in every ten minutes, all day long."""
    times = [
        pd.Timestamp(start) + pd.Timedelta(days=day, hours=hour, minutes=10 * part)
        for day in range(days)
        for hour in hours
        for part in range(6)
    ]
    return [event(n, "user.session.start", f"{at:%Y-%m-%dT%H:%M:%S}.000Z") for n, at in enumerate(times)]


def aspects(records):
    """Return the coverage of some records by aspect."""
    return summarize_coverage(ok.read_log(records)).set_index("aspect")


def test_hours_without_events_are_a_gap_where_other_days_are_busy():
    """Five hours of a Wednesday are missing; every other workday has thirty events in them."""
    records = [one for one in busy(5) if not "2026-03-04T10" <= one["published"] < "2026-03-04T15"]
    row = aspects(records).loc["gap"]
    assert row[["complete", "why"]].tolist() == [
        "no",
        "No event in 5 hours, which as a rule have 30 or more at other times.",
    ]
    assert (row["first"], row["last"]) == (pd.Timestamp("2026-03-04T09:50Z"), pd.Timestamp("2026-03-04T15:00Z"))


@pytest.mark.parametrize(
    ("records", "answer"),
    [(busy(5), "yes"), (busy(5, range(8, 18)), "yes"), (busy(12, range(8, 18)), "yes"), (busy(5)[::60], "unknown")],
)
def test_nights_are_no_gaps_and_sparse_logs_show_none(records, answer):
    """What is empty every night is usual; four events a day are too few to tell."""
    assert aspects(records).loc["gap", "complete"] == answer


def test_a_quiet_weekend_is_no_gap():
    """Workdays are compared with workdays: an empty Saturday says nothing beside full weeks."""
    records = [one for one in busy(14) if pd.Timestamp(one["published"]).day_of_week < 5]
    assert aspects(records).loc["gap", "complete"] == "yes"


def test_the_edges_are_told():
    """A month reaches back as far as a link is good for, a week does not; the beginning can be fetched for 90 days."""
    week, month = aspects(busy(7, (8,))), aspects(busy(32, (8,)))
    assert (week.loc["span", "complete"], month.loc["span", "complete"]) == ("no", "yes")
    assert "until 2026-05-31" in week.loc["retention", "why"]


def test_what_was_not_asked_for_is_told():
    """A log of exports has no sign-ins, console openings and detections: no; a log of sign-ins only may have none."""
    narrow, wide = aspects(job(1, 9)), aspects(busy(1))
    kinds = ["sign-ins", "admin console", "detections", "rate limits"]
    assert narrow.loc[kinds, "complete"].tolist() == ["no", "no", "no", "unknown"]
    assert wide.loc[kinds, "complete"].tolist() == ["yes", "unknown", "unknown", "yes"]


def test_rate_limits_and_dropped_records_speak_against_the_log():
    """One warning, one record that is no event and one repeated one are counted."""
    records = [*busy(1), act(9000, "system.org.rate_limit.warning", "02T10:00"), {"no": "event"}, busy(1)[3]]
    found = aspects(records)
    assert found.loc[["rate limits", "rejected", "duplicates"], "count"].tolist() == [1, 1, 1]
    assert found.loc[["rate limits", "rejected", "duplicates"], "complete"].tolist() == ["no", "no", "yes"]


@pytest.mark.parametrize("size", [0, 720])
def test_order_and_engine_make_no_difference(size):
    """The events alone, newest first or in Polars, give one answer, and do not know what was dropped."""
    frame = events(*busy(5)[:size])
    before, expected = frame.copy(deep=True), summarize_coverage(frame)
    assert expected.columns.tolist() == list(COVERAGE_COLUMNS)
    assert expected["complete"].tolist()[-2:] == ["unknown", "unknown"]
    for other in (frame[::-1], pl.from_pandas(frame), pl.from_pandas(frame).lazy()):
        pd.testing.assert_frame_equal(summarize_coverage(other), expected)
    pd.testing.assert_frame_equal(frame, before)
