"""Is the log complete enough to say so: gaps, edges, what was asked for and what was dropped."""

import duckdb
import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from lives import act, job
from oktakit.analysis.coverage import COVERAGE_COLUMNS, summarize_coverage
from oktakit.reading.envelopes import read_organization
from records import event, events


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


def test_a_wrong_clock_makes_no_log_longer():
    """One event of the year 2 and one of 2262 neither reach back nor leave a gap; both are told."""
    week = [*busy(7), *(event(n, "user.session.start", at) for n, at in ((9001, "0002-01-01"), (9002, "2262-01-01")))]
    week[-2:] = [one | {"published": f"{one['published'][:10]}T00:00:00.000Z"} for one in week[-2:]]
    found = aspects(week)
    assert found.loc[["span", "gap"], "complete"].tolist() == ["no", "yes"]
    assert found.loc["span", "why"].endswith(" 2 events more have no time that can be right.")
    assert found.loc["span", "count"] == 7 * 24 * 6


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


def bridged(records, organization, received=None):
    """Return records as CloudWatch shows what Amazon EventBridge delivered; `received` is in thousandths of seconds."""
    source = f"aws.partner/okta.com/{organization}/log"
    parts = [{"detail-type": "SystemLog", "source": source, "detail": record} for record in records]
    return [{"message": part, "ingestionTime": received} for part in parts]


FIRST = [event(n, "user.session.start", "2026-03-02T08:00:00.000Z") for n in range(4)]
SECOND = [event(n, "user.session.start", "2026-03-02T08:00:00.000Z") for n in range(4, 7)]


@pytest.mark.parametrize(
    ("records", "complete", "count", "why"),
    [
        (FIRST, "unknown", 0, "The log does not say which Okta org it comes from."),
        (bridged(FIRST, "one"), "yes", 4, "One organization: one (4)."),
        ([*bridged(FIRST, "one"), *SECOND], "unknown", 4, "One organization: one (4); 3 events name none."),
        (
            [*bridged(SECOND, "two"), *bridged(FIRST, "one")],
            "no",
            7,
            "2 organizations: one (4), two (3). Look at one at a time: events[events[\"organization\"] == 'one'].",
        ),
    ],
)
def test_two_organizations_in_one_log_are_noticed(records, complete, count, why):
    """One that all events name is fine; none named, or not by all, leaves it open; two are said, with the way out."""
    row = aspects(records).loc["organizations"]
    assert row[["complete", "count", "why"]].tolist() == [complete, count, why]
    assert ("2 organizations: one (4), two (3)" in repr(ok.read_log(records))) == (complete == "no")


MINUTES = [1_772_438_400_000 + minutes * 60_000 for minutes in (1, 2, 90, -3)]


@pytest.mark.parametrize("name", ["HTTPS://One.okta.com/", "one.okta.com.", "one.okta.com:443", " one "])
def test_one_organization_has_one_name(name):
    """However its address is written; and a text that stands for "not known" is no organization."""
    assert read_organization(name) == "one"
    assert [read_organization(text) for text in ("unknown", "Null", "-", "", None)] == [None] * 5


@pytest.mark.parametrize(
    ("received", "complete", "why"),
    [
        ([None] * 4, "unknown", "The log does not say when each event was received."),
        (
            [MINUTES[0], MINUTES[1], MINUTES[1], MINUTES[1]],
            "yes",
            "4 of 4 events say when they were received: 2 min after they happened in the median, 2 min at most, 0 more "
            "than an hour.",
        ),
        (
            [MINUTES[0], MINUTES[1], MINUTES[2], None],
            "no",
            "3 of 4 events say when they were received: 2 min after they happened in the median, 1 h 30 min at most, 1 "
            "more than an hour.",
        ),
        (
            [MINUTES[3], MINUTES[0], MINUTES[1], MINUTES[1]],
            "unknown",
            "4 of 4 events say when they were received: 1 min 30 s after they happened in the median, 2 min at most, 0 "
            "more than an hour. 1 were received before they happened, by up to 3 min: a clock is wrong.",
        ),
    ],
)
def test_late_events_are_told(received, complete, why):
    """Events of 08:00 that came in one, two and ninety minutes later, and three minutes before they happened."""
    records = [one for record, at in zip(FIRST, received, strict=True) for one in bridged([record], "one", at)]
    row = aspects(records).loc["ingest lag"]
    assert row[["complete", "why"]].tolist() == [complete, why]
    assert row["count"] == sum(at is not None for at in received)


@pytest.mark.parametrize("size", [0, 720])
def test_order_and_engine_make_no_difference(size):
    """The events alone, newest first, in Polars or DuckDB, give one answer, and do not know what was dropped."""
    frame = events(*bridged(busy(5)[:size], "one", MINUTES[2]))
    before, expected = frame.copy(deep=True), summarize_coverage(frame)
    assert expected.columns.tolist() == list(COVERAGE_COLUMNS)
    assert expected["complete"].tolist()[-2:] == ["unknown", "unknown"]
    lake = duckdb.from_df(frame.assign(published_us=frame["published"].astype("int64")))
    for other in (frame[::-1], pl.from_pandas(frame), pl.from_pandas(frame).lazy(), lake):
        pd.testing.assert_frame_equal(summarize_coverage(other), expected)
    pd.testing.assert_frame_equal(frame, before)
