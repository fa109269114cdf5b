"""Times in the forms in which deliveries write them."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import msgspec

_EPOCH = re.compile(r"(\d{10})(\d{3}|\d{6}|\d{9})?(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/", re.ASCII)  # .NET's JSON: milliseconds, whatever the offset
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}"
_CTIME = re.compile(rf"[A-Z][a-z]{{2}} {_MONTH} +(\d\d?) (\S+)( \S+)? (\d{{4}})")
"""`Tue Mar 10 08:00:00 UTC 2026`: the year is the last word."""
_NAMED = re.compile(
    rf"(?:[A-Z][a-z]+,? )?(?:(?P<day>\d\d?)[ /-]{_MONTH}|{_MONTH} (?P<other>\d\d?),?)[ /-]"
    r"(?P<year>\d{4})(?: @|,|:)? ?"
)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d\d)[/.](\d\d)(?!\d)", re.ASCII)
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d|(?P<year>\d{4})-?(?P<day>\d{3}))"
    r"(?:[T_ ](?P<hour>\d(?=:)|\d\d)(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d))?)?(?:[.,](?P<part>\d+))?"
    r"(?: ?(?P<half>[AP])M)?"
    # Behind an offset, Java, Go and mail write the zone's name as well.
    r"(?: ?(?P<zone>Z|UTC?|GMT|[+-]\d\d(?::?[0-5]\d)?)(?: ?\[[\w/+-]+\]| \(?(?:[A-Z]{3,5}|[+-]\d\d(?:\d\d)?)\)?)?"
    r"(?: M=[+-][\d.]+)?)?)?",
    re.ASCII,
)
_DAY_OR_MONTH = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b.*", re.ASCII)
_LONGEST = 100  # a time with everything that is written around it
_WRITTEN = ("$date", "$numberLong", "value", "DateTime")
"""Keys under which MongoDB and PowerShell write a time."""


def read_time(value: Any) -> datetime | None:
    """Return the time that a value names, without a zone if it names none; None where it cannot be read.

    >>> print(read_time("20260310T080000,5Z"), read_time(1773129600123), read_time({"$date": "2026-03-10T09:00+01"}))
    2026-03-10 08:00:00.500000+00:00 2026-03-10 08:00:00.123000+00:00 2026-03-10 08:00:00+00:00
    >>> print(read_time("2026-03-10 08:00"), read_time("3/10/2026 8:00:00 AM"))
    2026-03-10 08:00:00 None
    """
    while isinstance(value, dict):
        value = next((value[key] for key in _WRITTEN if key in value), None)
    try:
        if len(text := str(value).strip()) > _LONGEST:
            return None
        if match := _DATE.fullmatch(text):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))
        if match := _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(float(text) / 10 ** len(match[2] or ""), UTC)
        moment = _read_text(text)
        return moment.astimezone(UTC) if moment and moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _read_text(text: str) -> datetime | None:
    """Return the time in a text: ISO 8601 in any form, and those in which the month has a name."""
    with suppress(msgspec.ValidationError):
        return msgspec.convert(text, datetime)  # as the fast path does, to the same microsecond
    if match := _NAMED.match(text := _CTIME.sub(r"\2 \1 \5 \3\4", text)):
        month = _MONTHS.index(match[2] or match[3]) + 1
        text = f"{match['year']}-{month:02}-{match['day'] or match['other']:>02} {text[match.end() :]}".strip()
    match = _TIME.fullmatch(_YEAR_FIRST.sub(r"\1-\2-\3", text).upper())
    return _compose(match.groupdict()) if match else None


def _compose(parts: dict[str, str | None]) -> datetime | None:
    """Return the time with these parts; a fraction is one of the smallest of them that is given."""
    if parts["day"]:
        day = date(int(parts["year"] or 0), 1, 1) + timedelta(int(parts["day"]) - 1)
    else:
        day = date.fromisoformat(parts["date"] or "")
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    if parts["half"]:
        hour = hour % 12 + 12 * (parts["half"] == "P") if 1 <= hour <= 12 else 99
    unit = 1 if parts["second"] else 60 if parts["minute"] else 3600
    clock = timedelta(0, hour * 3600 + minute * 60 + second + unit * float(f"0.{parts['part'] or 0}"))
    if clock > timedelta(1) or (parts["day"] and int(parts["year"] or 0) != day.year):
        return None
    moment = datetime.combine(day, time(), UTC) + clock
    if (zone := parts["zone"]) and zone[0] in "+-":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].strip(":") or 0))
        return moment.replace(tzinfo=timezone(-ahead if zone[0] == "-" else ahead))
    return moment if zone else moment.replace(tzinfo=None)


def is_ambiguous(value: Any) -> bool:
    """Return whether a date does not say which of its numbers is the day.

    >>> is_ambiguous("10.03.2026 09:00"), is_ambiguous("yesterday")
    (True, False)
    """
    return isinstance(value, str) and bool(_DAY_OR_MONTH.fullmatch(value.strip()))
