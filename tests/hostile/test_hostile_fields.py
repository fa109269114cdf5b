"""Hostile fields: what can be read of a value is read, what cannot is missing and flagged, and the record is kept."""

import json

import pandas as pd
import pytest

import oktakit as ok
from hostile import account, between, kept, line, neighbours_are_whole, says, third
from records import event, uuid

BIG = 2**70
POINT = '"client":{"geographicalContext":{"geolocation":{"lat":%s,"lon":10.5}}}'
DEBUG = '"debugContext":{"debugData":%s}'
FIELDS = {
    # keys given twice
    "a text twice": ('"severity":"INFO","severity":"WARN"', "severity", "WARN", "duplicate_key"),
    "a part twice": ('"actor":{"id":"a"},"actor":{"id":"b"}', "actor_id", "b", "duplicate_key"),
    "a part and a number for it": ('"actor":7,"actor":{"id":"b"}', "actor_id", "b", "duplicate_key"),
    "a key of the actor twice": ('"actor":{"id":"a","id":"b"}', "actor_id", "b", "duplicate_key"),
    "a key of debug data twice": (DEBUG % '{"jobId":"a","jobId":"b"}', "job_id", "b", "duplicate_key"),
    "a key of debug data twice, once with a blank": (
        DEBUG % '{"jobId":"a","jobId" :"b"}',
        "job_id",
        "b",
        "duplicate_key",
    ),
    "a key of debug data twice, once escaped": (
        DEBUG % r'{"jobId":"a","job\u0049d":"b"}',
        "job_id",
        "b",
        "duplicate_key",
    ),
    "a key deep in debug data twice": (DEBUG % '{"x":{"a":1,"a":2}}', "debug_data", '{"x":{"a":2}}', "duplicate_key"),
    "a key of a target twice": ('"target":[{"type":"User","id":"a","id":"b"}]', "target_user_id", "b", "duplicate_key"),
    "a key of the transaction twice": ('"transaction":{"id":"a","id":"b"}', "transaction_id", "b", "duplicate_key"),
    "debug data twice": (
        '"debugContext":{"debugData":{"jobId":"a"},"debugData":{"jobId":"b"}}',
        "job_id",
        "b",
        "duplicate_key",
    ),
    "a key in two spellings": ('"actor":{"ID":"a","id":"b"}', "actor_id", "b", "duplicate_key"),
    # numbers
    "2^63": ('"securityContext":{"asNumber":9223372036854775808}', "as_number", None, "huge_int"),
    "2^63 - 1": ('"securityContext":{"asNumber":9223372036854775807}', "as_number", 2**63 - 1, ""),
    "2^64": ('"securityContext":{"asNumber":18446744073709551616}', "as_number", None, "huge_int"),
    "2^70": (f'"securityContext":{{"asNumber":{BIG}}}', "as_number", None, "huge_int"),
    "2^70 in debug data": (DEBUG % f'{{"x":{BIG}}}', "debug_data", f'{{"x":{BIG}}}', ""),
    "2^70 in an undocumented field": (f'"x":{BIG}', "extra", f'{{"x":{BIG}}}', ""),
    "5,000 digits": ('"securityContext":{"asNumber":' + "9" * 5000 + "}", "as_number", None, "huge_int"),
    "5,000 digits in an undocumented field": ('"x":' + "9" * 5000, "extra", f'{{"x":"{"9" * 5000}"}}', "huge_int"),
    "a fraction of a network": ('"securityContext":{"asNumber":64500.5}', "as_number", None, "bad_type"),
    "a network as text": ('"securityContext":{"asNumber":"64500"}', "as_number", 64500, "bad_type"),
    "a network with an underscore": ('"securityContext":{"asNumber":"6_4500"}', "as_number", None, "bad_type"),
    "a network in other digits": ('"securityContext":{"asNumber":"١٢"}', "as_number", None, "bad_type"),
    "a network that is true": ('"securityContext":{"asNumber":true}', "as_number", None, "bad_type"),
    "a network that is NaN": ('"securityContext":{"asNumber":NaN}', "as_number", None, "non_finite"),
    "NaN in an undocumented field": ('"x":{"y":NaN}', "severity", None, "non_finite"),
    "-Infinity in debug data": (DEBUG % '{"x":-Infinity}', "severity", None, "non_finite"),
    "1e999 in debug data": (DEBUG % '{"x":1e999}', "severity", None, "non_finite"),
    "1e999 in an undocumented field": ('"x":1e999', "severity", None, "non_finite"),
    # places
    "a latitude as text": (POINT % '"59.9"', "lat", 59.9, "bad_type"),
    "a latitude with an underscore": (POINT % '"5_9.9"', "lat", None, "bad_type"),
    "a latitude that is true": (POINT % "true", "lat", None, "bad_type"),
    "a latitude that is a list": (POINT % "[59.9]", "lat", None, "bad_type"),
    "a latitude that is empty": (POINT % '""', "lat", None, "bad_type"),
    "a latitude without end": (POINT % "1e999", "lat", None, "non_finite"),
    "a latitude of NaN": (POINT % "NaN", "lat", None, "non_finite"),
    "a latitude at the pole": (POINT % "90", "lat", 90.0, ""),
    "a latitude beyond the pole": (POINT % "90.0000001", "lat", None, "bad_geo"),
    "a latitude beyond the other pole": (POINT % "-91", "lat", None, "bad_geo"),
    "a postal code as a number": ('"client":{"geographicalContext":{"postalCode":150}}', "postal_code", "150", ""),
    "a postal code that is true": (
        '"client":{"geographicalContext":{"postalCode":true}}',
        "postal_code",
        "true",
        "bad_type",
    ),
    "a country that is a number": ('"client":{"geographicalContext":{"country":47}}', "country", "47", "bad_type"),
    # parts of another kind
    "an actor that is a text": ('"actor":"00u1"', "actor_id", None, "bad_type"),
    "an actor that is a list": ('"actor":[{"id":"00u1"}]', "actor_id", None, "bad_type"),
    "an actor that is a number": ('"actor":7', "actor_id", None, "bad_type"),
    "an actor whose id is a number": ('"actor":{"id":7}', "actor_id", "7", "bad_type"),
    "an actor whose id is a list": ('"actor":{"id":["a"]}', "actor_id", '["a"]', "bad_type"),
    "an empty actor": ('"actor":{}', "actor_id", None, ""),
    "targets that are one": ('"target":{"id":"a","type":"User"}', "target_user_id", "a", "bad_type"),
    "targets that are a text": ('"target":"a"', "targets", None, "bad_type"),
    "targets that are texts": ('"target":["a","b"]', "targets", None, "bad_type"),
    "targets that are nothing": ('"target":[null]', "targets", None, ""),
    "empty debug data": (DEBUG % '""', "debug_data", None, ""),
    "debug data that are JSON text": (DEBUG % r'"{\"jobId\":\"j1\"}"', "job_id", "j1", "bad_type"),
    "debug data that are a list": (DEBUG % "[]", "debug_data", None, "bad_type"),
    "debug data with a blank in a key": (DEBUG % '{" jobId":"j"}', "job_id", None, ""),
    "debug data without a name": (DEBUG % '{"":"j"}', "debug_data", '{"":"j"}', ""),
    "a message that is a list": ('"displayMessage":[1]', "display_message", "[1]", "bad_type"),
    "an empty message": ('"displayMessage":""', "display_message", "", ""),
    "NUL, escaped": (r'"displayMessage":"a\u0000b"', "display_message", "a\0b", ""),
    # characters
    "half a character": (r'"displayMessage":"a\ud800b"', "display_message", "a\ufffdb", "lone_surrogate"),
    "half a character in debug data": (DEBUG % r'{"jobId":"\udfff"}', "job_id", "\ufffd", "lone_surrogate"),
    "half a character in a key": (r'"\udc00":"x"', "extra", '{"\ufffd":"x"}', "lone_surrogate"),
    "both halves of a character": (r'"displayMessage":"\ud83d\ude00"', "display_message", "\U0001f600", ""),
    "a direction mark": ('"displayMessage":"moc\u202e"', "display_message", "moc\u202e", ""),
    # addresses
    "an address that cannot be": ('"client":{"ipAddress":"999.1.1.1"}', "ip_address", "999.1.1.1", "bad_ip"),
    "an address with a port": ('"client":{"ipAddress":"192.0.2.1:443"}', "ip_address", "192.0.2.1:443", "bad_ip"),
    "an address in octal": ('"client":{"ipAddress":"192.000.002.001"}', "ip_address", "192.000.002.001", "bad_ip"),
    "an address that is a number": ('"client":{"ipAddress":0}', "ip_address", "0", "bad_ip bad_type"),
    "a short address": ('"client":{"ipAddress":"2001:db8::1"}', "ip_address", "2001:db8::1", ""),
}


@pytest.mark.parametrize("case", FIELDS)
@pytest.mark.parametrize("more", ["", ',"p_row_id":"7"'], ids=["documented", "with more"])
def test_trouble_in_a_field_is_a_flag_on_a_kept_row(case, more):
    """The value and the flag are the same with and without an undocumented key beside the field."""
    text, column, value, flags = FIELDS[case]
    log = ok.read_log(between(third('"legacyEventType":null,' + text + more)))
    assert (account(log), kept(log)) == ((3, 3, 0, 0), [(1, 1, ""), (3, 2, flags), (2, 3, "")])
    found = says(log, 3).get(column)
    if column == "extra" and more:
        found = found.replace(',"p_row_id":"7"', "").replace('"p_row_id":"7",', "")
    assert found == value
    assert neighbours_are_whole(log)


@pytest.mark.parametrize("doubled", ['"actor":"abcd",', '"actor" :"abc",', '"actor": 12345,'])
def test_a_key_given_twice_is_seen_in_a_record_as_long_as_a_good_one(doubled):
    """A record of the same length and the same beginning as one without trouble is looked at on its own."""
    good, spoilt = third('"version":null,"actor":{"id":"b"}'), third(doubled + '"actor":{"id":"b"}', 4)
    assert len(good) == len(spoilt)
    assert kept(ok.read_log(good + b"\n" + spoilt)) == [(3, 1, ""), (4, 2, "duplicate_key")]


TIMES = {
    "2026-03-02T08:00:00Z": ("2026-03-02T08:00:00Z", ""),
    "2026-03-02t08:00:00z": ("2026-03-02T08:00:00Z", ""),
    "2026-03-02 08:00:00.123 UTC": ("2026-03-02T08:00:00.123Z", ""),
    "2026-03-02T10:00:00+02:00": ("2026-03-02T08:00:00Z", ""),
    "2026-03-02T10:00:00+0200": ("2026-03-02T08:00:00Z", ""),
    "2026-03-02T08:00:00-00:00": ("2026-03-02T08:00:00Z", ""),
    "2026-03-02T08:00:00.123456000Z": ("2026-03-02T08:00:00.123456Z", ""),
    "2024-02-29T08:00:00Z": ("2024-02-29T08:00:00Z", ""),
    "2026-03-02T08:00:00": ("2026-03-02T08:00:00Z", "no_timezone"),
    "2026-03-02 08:00:00.123456000": ("2026-03-02T08:00:00.123456Z", "no_timezone"),
    "2008-12-31T23:59:59.999Z": ("2008-12-31T23:59:59.999Z", "implausible_time"),
    "2100-01-01T00:00:00Z": ("2100-01-01T00:00:00Z", "implausible_time"),
    "1970-01-01T00:00:00Z": ("1970-01-01T00:00:00Z", "implausible_time"),
    "0001-01-01T00:00:00Z": ("0001-01-01T00:00:00Z", "implausible_time"),
    "9999-12-31T23:59:59.999Z": ("9999-12-31T23:59:59.999Z", "implausible_time"),
    "0001-01-01T00:00:00+14:00": (None, "bad_published"),
    "9999-12-31T23:59:59-14:00": (None, "bad_published"),
    "0000-01-01T00:00:00Z": (None, "bad_published"),
    "10000-01-01T00:00:00Z": (None, "bad_published"),
    "2026-02-30T08:00:00Z": (None, "bad_published"),
    "2025-02-29T08:00:00Z": (None, "bad_published"),
    "2026-13-01T08:00:00Z": (None, "bad_published"),
    "2026-03-02T24:00:00Z": ("2026-03-03T00:00:00Z", ""),  # the end of the day, as ISO 8601 allows it
    "2026-03-02T24:00:01Z": (None, "bad_published"),
    "2026-03-02T08:00:60Z": (None, "bad_published"),
    "2026-03-02T08:00:00+25:00": (None, "bad_published"),
    "2026-03-02": ("2026-03-02T00:00:00Z", "no_timezone"),
    "20260302T080000Z": ("2026-03-02T08:00:00Z", ""),
    "1772438400000": ("2026-03-02T08:00:00Z", ""),
    "redacted": (None, "bad_published"),
    "": (None, "bad_published"),
    1772438400000: ("2026-03-02T08:00:00Z", "bad_type"),
    True: (None, "bad_published"),
}


@pytest.mark.parametrize("given", TIMES)
@pytest.mark.parametrize("more", [{}, {"p_row_id": "7"}], ids=["documented", "with more"])
def test_a_time_is_right_or_missing(given, more):
    """A time is read to the microsecond in UTC; what is no time is missing, and nothing is made up."""
    value, flag = TIMES[given]
    log = ok.read_log(between(line({**event(3, "a.b"), "published": given, **more})))
    assert sorted(kept(log)) == [(1, 1, ""), (2, 3, ""), (3, 2, flag)]
    assert says(log, 3).get("published") == (value and pd.Timestamp(value))
    assert neighbours_are_whole(log)


PROXIES = [
    ("true", True, ""),
    ("false", False, ""),
    ("null", None, ""),
    *((text, True, "bad_type") for text in ['"true"', '"TRUE"', '" true "', '"1"', "1"]),
    *((text, False, "bad_type") for text in ['"false"', '"False"', '"0"', "0"]),
    *((text, None, "bad_type") for text in ['"unknown"', '"yes"', '""', '"null"', "2", "-1", "[]", "{}", "[true]"]),
]


@pytest.mark.parametrize(("text", "value", "flag"), PROXIES)
def test_is_proxy_is_true_false_or_unknown(text, value, flag):
    """Text and numbers are read and flagged; what says neither is unknown, never False."""
    log = ok.read_log(between(third('"securityContext":{"isProxy":' + text + "}")))
    assert (kept(log)[1], says(log, 3).get("is_proxy")) == ((3, 2, flag), value)


@pytest.mark.parametrize(
    "given", ["0000", " ", "redacted", uuid(1) + "\n", uuid(1)[:-1] + "G", uuid(1).replace("-", ""), 7, [1], True]
)
def test_a_uuid_that_is_none_is_kept_and_flagged(given):
    """It is still the only name the record has, and leads back to its text."""
    log = ok.read_log(line({**event(3, "a.b"), "uuid": given}))
    name = given if isinstance(given, str) else json.dumps(given)
    flags = "bad_uuid" if isinstance(given, str) else "bad_type bad_uuid"
    assert list(log.events[["uuid", "issues"]].iloc[0]) == [name, flags]
    assert ok.read_raw(log, name) == [line({**event(3, "a.b"), "uuid": given}).decode()]


OURS = ["source", "record", "issues", "_row", "extra", "targets", "debug_data", "is_proxy", "uuid ", "", "__class__"]
OTHERS = ["a__b", "okta", "eventType_s", "EventOriginalType", "class_uid", "detail", "published_us", "self", "fields"]


@pytest.mark.parametrize("key", [*OURS, *OTHERS])
def test_a_key_named_like_a_column_of_ours_changes_nothing(key):
    """Whatever a record calls its own fields, they end in `extra` under their names."""
    log = ok.read_log(between(line({**event(3, "a.b"), key: "evil"})))
    assert kept(log) == [(1, 1, ""), (3, 2, ""), (2, 3, "")]
    assert json.loads(says(log, 3)["extra"]) == {key: "evil"}
    assert list(log.events["source"]) == ["bytes"] * 3


def test_a_row_of_ours_does_not_hide_in_an_event():
    """An event in Okta's own spelling stays what it is, whatever else it carries."""
    log = ok.read_log(line({**event(3, "a.b"), "event_type": "evil", "actor_id": "evil"}))
    assert log.events["event_type"][0] == "a.b"
    assert log.events["issues"][0] in ("", "duplicate_key")
