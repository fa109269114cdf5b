"""Delivery shapes: every one gives the same events, and what it does not carry is missing, never False or 0."""

import json

import pandas as pd
import pytest

import deliveries as d
import oktakit as ok
from deliveries import EVENTS
from records import uuid

RAW = [d.text(record) for record in EVENTS]
WHOLE = {
    "a page": d.text(EVENTS).encode(),
    "pages in a list": d.text([EVENTS[:2], EVENTS[2:]]).encode(),
    "EventBridge": d.lines([d.bridge(record) for record in EVENTS]),
    "EventBridge without anything between": b"".join(d.lines([d.bridge(record)]) for record in EVENTS),
    "EventBridge, pretty": json.dumps([d.bridge(record) for record in EVENTS], indent=2).encode(),
    "CloudWatch subscription": d.lines(
        [{"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": d.text(d.bridge(r))} for r in EVENTS]}]
    ),
    "CloudWatch Insights JSON": d.lines([{"@timestamp": "2026-03-02 08:00:00.000", "@message": raw} for raw in RAW]),
    "CloudWatch Insights CSV": d.table([{"@timestamp": "2026-03-02 08:00:00.000", "@message": raw} for raw in RAW]),
    "queue messages": d.text({"Records": [{"messageId": "1", "body": d.text(d.bridge(r))} for r in EVENTS]}).encode(),
    "Splunk search": d.lines([{"preview": False, "offset": 0, "result": {"_raw": raw, "host": "h"}} for raw in RAW]),
    "Splunk CSV with _raw": d.table(
        [{**d.splunk(r, True), "_raw": raw, "__mv_host": "$h$"} for r, raw in zip(EVENTS, RAW, strict=True)]
    ),
    "Splunk _raw alone": d.lines([{"_raw": raw} for raw in RAW]),
    "Elastic with the original": d.lines(
        [{**(e := d.elastic(r)), "event": {**e["event"], "original": d.text(r)}} for r in EVENTS]
    ),
    "Logstash": d.lines([{"@timestamp": "x", "event.original": raw} for raw in RAW]),
    "event hook": d.text(d.hook(EVENTS)).encode(),
    "OpenTelemetry": d.text(d.otel(EVENTS)).encode(),
    "OpenTelemetry, plain bodies": d.text(d.otel(EVENTS, d.text)).encode(),
    "OCSF with the original": d.lines([{**d.ocsf(r), "raw_data": d.text(r)} for r in EVENTS]),
    **{
        f"{key} as {form.__name__}": d.lines([{"host": "h", key: form(record)} for record in EVENTS])
        for key in ("event", "log", "Log", "message", "_raw", "raw", "body", "detail", "_source", "result")
        for form in (dict, d.text)
    },
    **{f"{key}[]": d.text({"count": 5, key: EVENTS}).encode() for key in ("records", "value", "logs", "Records")},
}
JSON_COLUMNS = {"targets", "debug_data", "ip_chain", "extra"}
EXPECTED = ok.read_log(EVENTS).events


def check(log, lost=(), aside=()):
    """Assert that a log holds the events: the lost columns null, those aside not looked at, all others equal."""
    total = log.sources[["records", "kept"]].sum()
    assert tuple(total) == (5, 5)
    for column in set(EXPECTED) - {"source", "record", "organization", "received", *aside}:
        found, wanted = list(log.events[column]), list(EXPECTED[column])
        if column in lost:
            assert log.events[column].isna().all(), column
        elif column in JSON_COLUMNS:
            assert [_json(value) for value in found] == [_json(value) for value in wanted], column
        else:
            pd.testing.assert_series_equal(log.events[column], EXPECTED[column])


def _json(value):
    return None if pd.isna(value) else json.loads(value)


@pytest.mark.parametrize("shape", WHOLE)
def test_an_envelope_gives_the_event_that_it_holds(shape):
    """Whatever is around an event, as an object or as text: every column is as from the API."""
    check(ok.read_log(WHOLE[shape]))


PARTS = {"extra"}
DETAIL = {"export_columns", "export_filter", "export_type"}  # no event here has them
ROOT = {"root_session_id"}
NETWORK = {"is_proxy", "as_number", "as_org", "isp", "domain", "ip_categories"}
DEBUG = {"trace_id", "dt_hash", "risk_level", "detection_name", "threat_suspected"}
JUDGED = {"judged_uuid", "judged_type", "feedback_label", "feedback_reason"}
PLAIN = [d.elastic(record, flattened=False) for record in EVENTS]
FIELDS = [
    {name: item if isinstance(item, list) else [item] for name, item in d.flat(one).items() if item != {}}
    for one in PLAIN
]
LESS = {"postal_code"}, {"extra", "debug_data"}
COLUMNS = {
    "Elastic without flattened": (d.lines(PLAIN), *LESS),
    "Elastic without flattened, dotted": (d.lines([d.flat(one) for one in PLAIN]), *LESS),
    "Elastic without flattened, hits": (
        d.text({"hits": {"hits": [{"_source": one} for one in PLAIN]}}).encode(),
        *LESS,
    ),
    "Elastic without flattened, fields": (d.lines([{"_id": "1", "fields": one} for one in FIELDS]), *LESS),
    "Elastic without flattened, Kibana CSV": (d.table([d.flat(one) for one in PLAIN]), *LESS),
    "Panther": (d.lines([d.panther(r) for r in EVENTS]), set(), {"extra", "issues"}),
    "Splunk CSV": (d.table([d.splunk(r, True) for r in EVENTS]), set(), {"extra", "ip_chain"}),
    "Splunk search": (d.lines([{"result": d.splunk(r, False)} for r in EVENTS]), set(), {"extra", "ip_chain"}),
    "Elastic": (d.lines([d.elastic(r) for r in EVENTS]), {"postal_code"}, {"extra"}),
    "Elastic, dotted": (d.lines([d.flat(d.elastic(r)) for r in EVENTS]), {"postal_code"}, {"extra"}),
    "Elastic hits": (
        d.text(
            {"took": 1, "hits": {"total": 5, "hits": [{"_id": "1", "_source": d.elastic(r)} for r in EVENTS]}}
        ).encode(),
        {"postal_code"},
        {"extra"},
    ),
    "Kibana CSV": (d.table([d.flat(d.elastic(r)) for r in EVENTS]), {"postal_code"}, {"extra"}),
    "Okta_CL": (d.lines([d.sentinel(r) for r in EVENTS]), set(), {"extra"}),
    "Okta_CL as CSV": (d.table([d.sentinel(r) for r in EVENTS]), set(), {"extra"}),
    "OktaSSO()": (d.lines([d.okta_sso(r) for r in EVENTS]), set(), {"extra"}),
    "OktaV2_CL": (d.lines([d.sentinel_v2(r) for r in EVENTS]), ROOT, {"extra"}),
    "OktaV2_CL as CSV": (d.table([d.sentinel_v2(r) for r in EVENTS]), ROOT, {"extra"}),
    "OCSF": (
        d.lines([d.ocsf(r) for r in EVENTS]),
        {"severity", "actor_type", "state", "browser", "os", "zone"},
        {"extra"},
    ),
    "Admin Console CSV": (
        d.table([d.admin(r) for r in EVENTS]),
        {"state", "client_id", *ROOT, *NETWORK, *DEBUG, *JUDGED},
        {"extra", "job_id", "ip_chain", "debug_data"},
    ),
}


@pytest.mark.parametrize("shape", COLUMNS)
def test_columns_give_what_they_carry_and_nothing_else(shape):
    """A shape of columns: equal to the API where it has the field, null in every row where it has not."""
    content, lost, aside = COLUMNS[shape]
    check(ok.read_log(content), lost, aside)


LATE = "2026-03-02T09:30:00Z"
INGESTED = {"ingestionTime": 1_772_443_800_000}
SPLUNK = {"sourcetype": "OktaIM2:log", "host": "Example.okta.com", "_indextime": "1772443800"}
INSIGHTS = {"@timestamp": "2026-03-02 08:00:00.000", "@ingestionTime": "2026-03-02 09:30:00.000"}
OTEL = {"observedTimeUnixNano": "1772443800000000000"}
DOMAIN = {"attributes": [{"key": "okta.domain", "value": {"stringValue": "example.okta.com"}}]}
TENANT = {"tenant_uid": "Tenant1", "logged_time": 1_772_443_800_000, "processed_time": 1}
DELIVERED = {
    "API": (lambda r: r, None, None),
    "EventBridge": (d.bridge, "example", None),
    "event hook": (lambda r: {**d.hook([r]), "eventTime": LATE}, "example.com", LATE),
    "event hook of a subdomain": (
        lambda r: {**d.hook([r]), "source": "https://example.okta.com/api/v1/eventHooks/who1", "eventTime": LATE},
        "example",
        LATE,
    ),
    "CloudWatch": (lambda r: {"events": [{"message": d.text(r), "timestamp": 1, **INGESTED}]}, None, LATE),
    "CloudWatch with EventBridge": (lambda r: {"message": d.text(d.bridge(r)), **INGESTED}, "example", LATE),
    "CloudWatch Insights": (lambda r: {**INSIGHTS, "@message": d.text(r)}, None, LATE),
    "Splunk": (lambda r: {"result": {**SPLUNK, "_raw": d.text(r)}}, "example", LATE),
    "Splunk columns": (lambda r: {"result": {**d.splunk(r, False), **SPLUNK}}, "example", LATE),
    "Splunk on a host": (lambda r: {"result": {**d.splunk(r, False), **SPLUNK, "host": "h"}}, None, LATE),
    "Splunk of others": (lambda r: {**SPLUNK, "sourcetype": "json", "_raw": d.text(r)}, None, LATE),
    "Elastic": (lambda r: {**(e := d.elastic(r)), "event": {**e["event"], "ingested": LATE}}, None, LATE),
    "Elastic, dotted": (lambda r: {**d.flat(d.elastic(r)), "event.ingested": [LATE]}, None, LATE),
    "Okta_CL": (lambda r: {**d.sentinel(r), "_TimeReceived": LATE}, None, LATE),
    "Panther": (lambda r: {**d.panther(r), "p_parse_time": "2026-03-02 09:30:00.000"}, None, LATE),
    "OCSF": (lambda r: {**(o := d.ocsf(r)), "metadata": {**o["metadata"], **TENANT}}, "Tenant1", LATE),
    "OpenTelemetry": (
        lambda r: {
            "resourceLogs": [{"resource": DOMAIN, "scopeLogs": [{"logRecords": [{"body": d.text(r), **OTEL}]}]}]
        },
        "example",
        LATE,
    ),
}


@pytest.mark.parametrize("shape", DELIVERED)
def test_what_a_delivery_says_of_itself_is_kept_apart_from_the_event(shape):
    """Whose log it is and when it came in: told where the shape is documented to carry it, missing elsewhere."""
    form, organization, received = DELIVERED[shape]
    events = ok.read_log(d.lines([form(record) for record in EVENTS])).events
    assert [None if pd.isna(one) else one for one in events["organization"]] == [organization] * 5
    assert set(events["received"].dropna()) == ({pd.Timestamp(received)} if received else set())
    assert list(events["uuid"]) == list(EXPECTED["uuid"])


@pytest.mark.parametrize("value", ["", "yesterday", "0", 5, -1, True, None, [], {}, [{}], "9" * 3000, "10000-01-01"])
def test_what_cannot_be_read_of_a_delivery_says_nothing(value):
    """No record is lost over a name or a time that is none."""
    odd = {"_indextime": value, "host": value, "sourcetype": "OktaIM2:log", "source": value, "resource": value}
    log = ok.read_log(d.lines([{**odd, "_raw": d.text(EVENTS[0])}, {**EVENTS[1], "metadata": value, "event": value}]))
    assert log.events[["organization", "received"]].isna().all(axis=None)
    assert len(log.events) == 2


def test_deliveries_of_one_event_are_one_event():
    """A page, and twice the same from a stream at different moments: nothing contradicts, and what is named stays."""
    late = [
        {"message": d.text(d.bridge(record)), "ingestionTime": 1_772_443_800_000 + add}
        for record in EVENTS
        for add in (0, 9)
    ]
    log = ok.read_log(d.lines([*EVENTS, *late]))
    assert (len(log.events), log.sources["duplicates"][0], set(log.events["issues"])) == (5, 10, {""})
    assert set(log.events["organization"]) == {"example"}
    assert set(log.events["received"]) == {pd.Timestamp(LATE)}


def test_of_two_deliveries_that_differ_the_order_does_not_choose():
    """One event by two names and at two moments: the first name in the alphabet, then the earlier moment."""
    forms = [("b", 0), ("a", 9), ("a", 5)]
    late = [
        {"message": d.text({**d.bridge(EVENTS[0]), "source": f"aws.partner/okta.com/{name}"}), "ingestionTime": time}
        for name, time in ((name, 1_772_443_800_000 + 1_000 * add) for name, add in forms)
    ]
    for records in (late, late[::-1]):
        (row,) = ok.read_log(d.lines(records)).events.to_dict("records")
        assert (row["organization"], row["received"]) == ("a", pd.Timestamp(LATE) + pd.Timedelta("5s"))


def test_an_events_table_keeps_what_its_delivery_said(tmp_path):
    """As a DataFrame, as CSV and as Parquet, and with nothing else added to it."""
    events = ok.read_log(d.lines([{"message": d.text(d.bridge(record)), **INGESTED} for record in EVENTS])).events
    lake = ok.read_log(ok.write_events(ok.read_log(events), tmp_path / "case"))
    for log in (ok.read_log(events), ok.read_log(events.to_csv(index=False).encode()), lake):
        check(log, aside={"extra"})
        assert not log.events["extra"].str.contains("organization|received").any()
        assert (set(log.events["organization"]), set(log.events["received"])) == ({"example"}, {pd.Timestamp(LATE)})


def _proxied(value):
    """Return the first event with this `isProxy`; without the field where value is `...`."""
    security = {} if value is ... else {"isProxy": value}
    return {**EVENTS[0], "securityContext": security}


PROXY_SHAPES = {
    "API": lambda r: d.lines([r]),
    "EventBridge": lambda r: d.lines([d.bridge(r)]),
    "Splunk CSV": lambda r: d.table([d.splunk(r, True)]),
    "Splunk search": lambda r: d.lines([{"result": d.splunk(r, False)}]),
    "Elastic": lambda r: d.lines([d.elastic(r)]),
    "Kibana CSV": lambda r: d.table([d.flat(d.elastic(r))]),
    "Okta_CL": lambda r: d.lines([d.sentinel(r)]),
    "Okta_CL as CSV": lambda r: d.table([d.sentinel(r)]),
    "OktaV2_CL": lambda r: d.lines(
        [d.sentinel_v2({**r, "securityContext": {"isProxy": None, **r["securityContext"]}})]
    ),
    "Panther": lambda r: d.lines([d.panther(r)]),
    "OCSF": lambda r: d.lines([d.ocsf({**r, "securityContext": {"isProxy": None, **r["securityContext"]}})]),
    "DataFrame": lambda r: pd.DataFrame([d.flat(r)]),
}


@pytest.mark.parametrize("shape", PROXY_SHAPES)
@pytest.mark.parametrize("value", [True, False, None, ...])
def test_is_proxy_keeps_its_three_values(shape, value):
    """True, False, null and no field at all: the last two are missing, in every shape, and nothing is flagged."""
    row = ok.read_log(PROXY_SHAPES[shape](_proxied(value))).events.iloc[0]
    assert pd.isna(row["is_proxy"]) if value in (None, ...) else row["is_proxy"] == value
    assert row["issues"] == ("no_timezone" if shape == "Panther" else "")


def test_one_file_may_mix_shapes():
    """Each line is recognised by itself, and rejected by itself."""
    first, second, third, fourth, fifth = EVENTS
    mixed = [d.bridge(first), second, d.elastic(third), {"hello": "world"}, d.sentinel(fourth), {"_raw": d.text(fifth)}]
    log = ok.read_log(d.lines(mixed))
    assert list(log.events["uuid"]) == [uuid(n) for n in range(1, 6)]
    assert list(log.events["record"]) == [1, 2, 3, 5, 6]
    assert list(log.rejected[["record", "reason"]].itertuples(index=False, name=None)) == [(4, "no_event_type")]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"message": '{"uuid": "x", '}, "bad_json"),
        ({"detail": '{"eventType": "user.session.start"}', "detail-type": "SystemLog"}, "no_uuid"),
        ({"detail": None, "detail-type": "SystemLog"}, "no_event_type"),
        ({"data": {"events": []}, "eventType": "com.okta.event_hook"}, "no_event_type"),
        ({"hits": {"total": 0, "hits": []}}, "no_event_type"),
        ({"message": "a line of text", "level": "info"}, "no_event_type"),
        ({"records": ["text"]}, "not_object"),
        ({"logEvents": [{"id": "", "message": "CWL CONTROL MESSAGE: Checking health"}]}, "no_event_type"),
        ({"message": "[" * 50_000}, "too_deep"),
        ({"_raw": '{"errorCode": "E0000011"}'}, "api_error"),
    ],
)
def test_an_envelope_without_an_event_is_one_rejected_record(document, reason):
    """Broken text inside an envelope, an empty one and some other log are named for what they are."""
    log = ok.read_log(d.lines([document, EVENTS[0]]))
    assert (len(log.events), list(log.rejected["reason"])) == (1, [reason])
    assert log.sources["records"][0] == 2


def test_one_bad_record_in_an_envelope_costs_itself():
    """The neighbours in the same page are kept."""
    log = ok.read_log(d.text({"records": [EVENTS[0], {"foo": 1}, '{"a":', EVENTS[1]]}).encode())
    assert (len(log.events), sorted(log.rejected["reason"])) == (2, ["bad_json", "no_event_type"])


def test_text_inside_an_envelope_is_read_with_the_same_care():
    """A key given twice, a number that is none and text in place of a truth value are flagged in there, too."""
    raw = d.text(EVENTS[0])[:-1] + ',"uuid":"' + uuid(1) + '","securityContext":{"isProxy":"true","asNumber":NaN}}'
    for content in (d.lines([{"message": raw}]), d.table([{"_time": "x", "_raw": raw}])):
        row = ok.read_log(content).events.iloc[0]
        assert (row["is_proxy"], row["issues"]) == (True, "bad_type duplicate_key non_finite")


def test_splunk_values_that_cannot_be_told_apart_stay_aside():
    """Two targets and one name: nobody can say whose it is, so it is nobody's, flagged and kept."""
    row = {**d.splunk(EVENTS[0], True), "target{}.displayName": "Bo"}
    log = ok.read_log(d.table([row]))
    assert list(log.targets["target_id"]) == ["mfa", "00u2"]
    assert log.targets["target_display_name"].isna().all()
    assert log.events["issues"][0] == "bad_type"
    assert json.loads(log.events["extra"][0])["target{}.displayName"] == "Bo"


def test_a_name_with_a_line_break_of_a_single_target_is_one_name():
    """Only several ids make several targets."""
    row = {**d.splunk(EVENTS[4], True), "target{}.id": "00u9", "target{}.displayName": "Ann\nB."}
    log = ok.read_log(d.table([row]))
    assert list(log.targets["target_display_name"]) == ["Ann\nB."]


def test_broken_json_in_a_cell_costs_the_field_alone():
    """A list of targets that was cut off is kept as it is, beside the row."""
    log = ok.read_log(d.lines([{**d.sentinel(EVENTS[0]), "target_s": '[{"id":"mf'}]))
    assert (log.events["issues"][0], len(log.targets)) == ("bad_type", 0)
    assert json.loads(log.events["extra"][0])["target_s"] == '[{"id":"mf'


def test_columns_that_are_not_oktas_are_kept_under_their_names():
    """What a platform adds is in `extra`; what it says in its own words is not taken for Okta's."""
    extra = json.loads(ok.read_log(d.lines([d.ocsf(EVENTS[0])])).events["extra"][0])
    assert (extra["severity"], extra["status"], extra["actor.user.type"]) == ("Informational", "Success", "Admin")
    extra = json.loads(ok.read_log(d.lines([d.elastic(EVENTS[0])])).events["extra"][0])
    assert (extra["source.geo.country_name"], extra["event.outcome"]) == ("Elsewhere", "unknown")
    assert "client.ip" not in extra


def test_the_admin_console_gives_the_job_of_downloads_only():
    """Its one column of debug data is the request's address."""
    events = ok.read_log(COLUMNS["Admin Console CSV"][0]).events
    assert list(events["job_id"].fillna("")) == ["", "", "mfa123", "", ""]
    assert json.loads(events["ip_chain"][2]) == [
        {
            "ip": "198.51.100.7",
            "version": "V4",
            "geographicalContext": {
                "state": "Viken",
                "postalCode": "0150",
                "geolocation": {"lat": 59.91, "lon": 10.75},
            },
        }
    ]


@pytest.mark.parametrize(
    ("column", "value", "published", "issues"),
    [
        ("_time", "1772438400.123", "2026-03-02T08:00:00.123Z", ""),
        ("_time", "2026-03-02T10:00:00.123+0200", "2026-03-02T08:00:00.123Z", ""),
        ("timestamp", "2026-03-02T08:00:00.123Z", "2026-03-02T08:00:00.123Z", ""),
        ("timestamp", "2026-03-02 08:00:00.123", "2026-03-02T08:00:00.123Z", "no_timezone"),
        ("timestamp", "3/2/2026, 8:00:00.123 AM", None, "ambiguous_date bad_published"),
    ],
)
def test_times_of_tables_are_read_where_they_are_clear(column, value, published, issues):
    """Epochs and offsets are read; a date that may be March or February is not guessed."""
    row = ok.read_log(d.table([{"uuid": uuid(1), "event_type": "user.session.start", column: value}])).events.iloc[0]
    assert pd.isna(row["published"]) if published is None else row["published"] == pd.Timestamp(published)
    assert row["issues"] == issues


def test_kibana_writes_times_in_words():
    """Without a zone, because it is the reader's own."""
    row = {**d.flat(d.elastic(EVENTS[0])), "@timestamp": "Mar 2, 2026 @ 08:01:00.123"}
    event = ok.read_log(d.table([row])).events.iloc[0]
    assert (event["published"], event["issues"]) == (pd.Timestamp("2026-03-02T08:01:00.123Z"), "no_timezone")


def test_elastic_fields_come_as_lists_of_one():
    """What a search returns under `fields`."""
    fields = {name: [value] for name, value in d.flat(d.elastic(EVENTS[0])).items() if not isinstance(value, list)}
    row = ok.read_log(d.lines([{"_id": "1", "fields": fields}])).events.iloc[0]
    assert (row["uuid"], row["actor_display_name"], row["as_number"]) == (uuid(1), "Zoë, Admin", 64500)
    assert (row["published"], row["issues"]) == (EXPECTED["published"][0], "")


def test_kibana_joins_targets_with_commas_that_names_have_too():
    """Ids and types can be told apart, the names of several targets cannot; the name of one is its name."""
    row = {name: value for name, value in d.flat(d.elastic(EVENTS[0])).items() if name != "okta.target"}
    two = {**row, "okta.target.id": "mfa, 00u2", "okta.target.type": "Report, User", "okta.target.display_name": "A, B"}
    one = {**row, "okta.uuid": uuid(7), "okta.target.id": "00u2", "okta.target.display_name": "A, B"}
    log = ok.read_log(d.table([two, one]))
    assert list(log.targets["target_id"]) == ["mfa", "00u2", "00u2"]
    assert list(log.targets["target_display_name"].fillna("")) == ["", "", "A, B"]
    assert json.loads(log.events["extra"][0])["okta.target.display_name"] == "A, B"


def test_text_where_an_object_belongs_stays_aside():
    """The Admin Console has one cell for the issuer: it is kept under its name, and flagged."""
    row = ok.read_log(d.table([{**d.admin(EVENTS[0]), "authentication_context.issuer": "somebody"}])).events.iloc[0]
    assert (json.loads(row["extra"])["authentication_context.issuer"], row["issues"]) == ("somebody", "bad_type")
