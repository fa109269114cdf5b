"""Times: every valid form is read, and what cannot be read says so and is kept beside the event."""

import json

import pandas as pd
import pytest

import oktakit as ok
from records import event

EIGHT = "2026-03-10T08:00:00"
FORMS = {
    # ISO 8601
    "2026-03-10T08:00:00.000Z": (EIGHT, ""),
    "2026-03-10T08:00Z": (EIGHT, ""),
    "2026-03-10T08Z": (EIGHT, ""),
    "2026-03-10T08:00:00,123Z": (EIGHT + ".123", ""),
    "2026-03-10T08:00:00.123456789Z": (EIGHT + ".123457", ""),
    "20260310T080000Z": (EIGHT, ""),
    "20260310T0800Z": (EIGHT, ""),
    "20260310T080000.5+0100": ("2026-03-10T07:00:00.5", ""),
    "2026-03-10T09:00:00.000+01:00": (EIGHT, ""),
    "2026-03-10T09:00:00+0100": (EIGHT, ""),
    "2026-03-10T09:00+01": (EIGHT, ""),
    "2026-03-10T03:00:00-05:00": (EIGHT, ""),
    "2026-03-10t08:00:00z": (EIGHT, ""),
    "2026-W11-2T08:00:00Z": (EIGHT, ""),
    "2026-069T08:00:00Z": (EIGHT, ""),
    "2026-03-10 08:00:00Z": (EIGHT, ""),
    " 2026-03-10T08:00:00Z ": (EIGHT, ""),
    "2026-03-10T08:00:00": (EIGHT, "no_timezone"),
    "2026-03-10 08:00": (EIGHT, "no_timezone"),
    "2026-03-10": ("2026-03-10T00:00:00", "no_timezone"),
    "2026-03-10T07.5Z": ("2026-03-10T07:30:00", ""),
    "2026-03-10T07:59.5Z": ("2026-03-10T07:59:30", ""),
    "20260310T24Z": ("2026-03-11T00:00:00", ""),
    "2026W112T080000Z": (EIGHT, ""),
    "2026069T080000Z": (EIGHT, ""),
    # epochs
    "1773129600": (EIGHT, ""),
    "1773129600.123": (EIGHT + ".123", ""),
    "1773129600123": (EIGHT + ".123", ""),
    "1773129600123456789": (EIGHT + ".123457", ""),
    "1773129600123456": (EIGHT + ".123456", ""),
    1773129600: (EIGHT, "bad_type"),
    1773129600123: (EIGHT + ".123", "bad_type"),
    1773129600.123: (EIGHT + ".123", "bad_type"),
    # programs
    "/Date(1773129600123)/": (EIGHT + ".123", ""),
    "/Date(1773129600123+0100)/": (EIGHT + ".123", ""),
    "2026-03-10T08:00:00.000Z[UTC]": (EIGHT, ""),
    "2026-03-10T09:00:00+01:00[Europe/Oslo]": (EIGHT, ""),
    "2026-03-10 08:00:00 UTC": (EIGHT, ""),
    "2026-03-10 08:00:00 +0000 UTC": (EIGHT, ""),
    "2026-03-10 08:00:00.123456789 +0000 UTC": (EIGHT + ".123457", ""),
    "2026-03-10 09:00:00.5 +0100 CET m=+0.000012": (EIGHT + ".5", ""),
    "Tue, 10 Mar 2026 08:00:00 GMT": (EIGHT, ""),
    "Tue, 10 Mar 2026 09:00:00 +0100": (EIGHT, ""),
    "Tue, 10 Mar 2026 08:00:00 +0000 (UTC)": (EIGHT, ""),
    "10 Mar 2026 08:00:00 UT": (EIGHT, ""),
    "Tue Mar 10 08:00:00 UTC 2026": (EIGHT, ""),
    "Tue Mar 10 08:00:00 2026": (EIGHT, "no_timezone"),
    "10/Mar/2026:09:00:00 +0100": (EIGHT, ""),
    "March 10, 2026 8:00:00 PM": ("2026-03-10T20:00:00", "no_timezone"),
    "2026/03/10 08:00:00": (EIGHT, "no_timezone"),
    "2026-03-10 12:00:00 AM": ("2026-03-10T00:00:00", "no_timezone"),
    "Mar 10, 2026 @ 08:00:00.123": (EIGHT + ".123", "no_timezone"),
}


def read(value):
    """Return the time of an event as ISO 8601, its flags, and the time that is kept in extra."""
    row = ok.read_log([event(1, "a.b", value)]).events.iloc[0]
    at = None if pd.isna(row["published"]) else row["published"].isoformat().removesuffix("+00:00")
    kept = None if pd.isna(row["extra"]) else json.loads(row["extra"]).get("published")
    return at, row["issues"], kept


@pytest.mark.parametrize("value", FORMS)
def test_a_valid_time_is_read_in_whatever_form(value):
    """In UTC, to the microsecond; flagged only where it names no zone or is no text."""
    expected, flags = FORMS[value]
    at, issues, kept = read(value)
    assert (pd.Timestamp(at), issues, kept) == (pd.Timestamp(expected), flags, None)


@pytest.mark.parametrize(
    "value",
    [
        {"$date": "2026-03-10T08:00:00Z"},
        {"$date": 1773129600000},
        {"$date": {"$numberLong": "1773129600000"}},
        {"value": "2026-03-10T08:00:00.000Z", "DisplayHint": 2, "DateTime": "Tuesday, March 10, 2026 8:00:00 AM"},
        {"value": "/Date(1773129600000)/", "DisplayHint": 2},
        {"value": {"$date": "2026-03-10T08:00:00Z"}},
    ],
)
def test_mongodb_and_powershell_write_a_time_as_an_object(value):
    """It is read, and flagged as another type than documented."""
    assert read(value) == (EIGHT, "bad_type", None)


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        ("3/10/2026 8:00:00 AM", "ambiguous_date bad_published"),
        ("10.03.2026 09:00", "ambiguous_date bad_published"),
        ("10-03-2026", "ambiguous_date bad_published"),
        ("3/10/26 8:00", "ambiguous_date bad_published"),
        ("2026-03-10 08:00:00 CET", "bad_published"),
        ("Tue, 10 Mar 2026 08:00:00 CST", "bad_published"),
        ("2026-03-10T08:00:00[Europe/Oslo]", "bad_published"),
        ("2026-03-10 13:00:00 PM", "bad_published"),
        ("2026-W11", "bad_published"),
        ("2026-03", "bad_published"),
        ("202603100800", "bad_published"),
        ("20260310080000", "bad_published"),
        ("2026-03-10T08:00:00+24:00", "bad_published"),
        ("2026-03-10T08:00:00." + "0" * 90 + "x", "bad_published"),
        ("yesterday", "bad_published"),
        ("Mar 10", "bad_published"),
        ("2026-03-10T08:00:60.000Z", "bad_published"),
        ("2026-02-30T08:00:00Z", "bad_published"),
        ("2026-366T08:00:00Z", "bad_published"),
        (12345, "bad_published"),
        ([1], "bad_published"),
        ({"at": 1}, "bad_published"),
        (True, "bad_published"),
    ],
)
def test_what_is_no_time_is_missing_flagged_and_kept_aside(value, flags):
    """A date that can be two days is not guessed; the form that was seen stands in extra."""
    assert read(value) == (None, flags, value)


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00Z", "1677-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2300-01-01T00:00:00Z"]
)
def test_a_time_that_cannot_be_right_is_read_and_flagged(value):
    """The zero time of programs and years ahead."""
    assert read(value) == (value.removesuffix("Z"), "implausible_time", None)


def test_a_table_with_decimal_commas_and_dotted_dates():
    """As a spreadsheet of a country with decimal commas saves it."""
    header = "sep=;\r\nuuid;eventType;published;client.geographicalContext.geolocation.lat\r\n"
    table = header + "x;a.b;10.03.2026 09:00;59,9\r\n"
    row = ok.read_log(table.encode()).events.iloc[0]
    assert (row["lat"], row["issues"]) == (59.9, "ambiguous_date bad_published bad_uuid")
    assert json.loads(row["extra"]) == {"published": "10.03.2026 09:00"}
