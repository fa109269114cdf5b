"""Deliveries that wrap an event, put text before it, or write its parts as text: each event comes out the same."""

import base64
import gzip
import json
from time import process_time

import pandas as pd
import pytest

import oktakit as ok
from hostile import rejected
from records import event, uuid

ADA = event(
    1,
    "analytics.reports.export.request",
    actor={"id": "00uada", "type": "User", "alternateId": "ada@example.com"},
    client={
        "ipAddress": "192.0.2.10",
        "geographicalContext": {"country": "Norway", "geolocation": {"lat": 59.9, "lon": 10.75}},
    },
    securityContext={"isProxy": True, "asNumber": 64500},
    debugContext={"debugData": {"jobid": "j1", "requestUri": "/reports/x"}},
    target=[{"id": "mfa", "type": "Report", "displayName": "MFA, usage"}],
)
SAID = {
    "uuid": uuid(1),
    "event_type": "analytics.reports.export.request",
    "published": pd.Timestamp("2026-03-02T08:00:00Z"),
    "actor_id": "00uada",
    "actor_alternate_id": "ada@example.com",
    "ip_address": "192.0.2.10",
    "country": "Norway",
    "lat": 59.9,
    "is_proxy": True,
    "as_number": 64500,
    "job_id": "j1",
    "request_uri": "/reports/x",
    "report_id": "mfa",
    "report_name": "MFA, usage",
}
TEXT = json.dumps(ADA)
B64 = base64.b64encode(TEXT.encode()).decode()
GZ64 = base64.b64encode(
    gzip.compress(json.dumps({"logEvents": [{"id": "1", "message": TEXT}]}).encode(), mtime=0)
).decode()


def said(content, issues: str = "") -> None:
    """Check that one event was read, that it says what it should, and that nothing was rejected."""
    log = ok.read_log(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert (len(log.events), rejected(log)) == (1, [])
    row = log.events.iloc[0]
    assert {name: row[name] for name in SAID} == SAID
    assert row["issues"] == issues


WRAPPED = {
    "Datadog": {"_id": "A", "service": "okta", "status": "info", "tags": ["a"], "attributes": ADA},
    "Datadog, with the event deeper": {"_id": "A", "attributes": {"evt": {"name": "x"}, "data": ADA}},
    "Graylog": {"timestamp": "x", "source": "okta", "message": "export", "full_message": TEXT},
    "LogScale": {"@timestamp": 1773129600123, "@id": "1", "#repo": "okta", "@rawstring": TEXT},
    "LogScale, without the mark": {"rawstring": TEXT, "timezone": "Z"},
    "QRadar": {"qid": 1, "devicetime": 1773129600123, "payload": TEXT},
    "a raw event": {"id": 1, "rawEvent": TEXT},
    "Google Cloud": {"insertId": "1", "jsonPayload": ADA, "resource": {"type": "x"}},
    "Google Cloud, as text": {"insertId": "1", "textPayload": TEXT},
    "Snowflake": {"RAW": TEXT, "INGESTED_AT": "x"},
    "Snowflake, as an object": {"RAW": ADA},
    "Chronicle": {"event": {"metadata": {"x": 1}}, "raw_log": B64},
    "Firehose": {"records": [{"recordId": "1", "data": B64}]},
    "Firehose, transformed": {"recordId": "1", "rawData": B64},
    "Pub/Sub, pushed": {"message": {"data": B64, "messageId": "1"}, "subscription": "s"},
    "Pub/Sub, pulled": {"receivedMessages": [{"ackId": "1", "message": {"data": B64}}]},
    "Kinesis": {"Records": [{"kinesis": {"partitionKey": "1", "data": B64}}]},
    "CloudWatch, to a function": {"awslogs": {"data": GZ64}},
    "Docker": {"log": TEXT + "\n", "stream": "stdout", "time": "x"},
    "Vector": {"source_type": "http_server", "message": TEXT},
    "a queue": {"Messages": [{"MessageId": "1", "Body": TEXT}]},
}


@pytest.mark.parametrize("case", WRAPPED)
def test_an_event_comes_out_of_what_is_wrapped_around_it(case):
    """Whatever a platform puts around it, in text or in base64."""
    said(WRAPPED[case])


BEFORE = {
    "CloudWatch's export": "2026-03-10T08:00:00.123Z ",
    "fluentd": "2026-03-10T08:00:00+00:00\tokta.syslog\t",
    "syslog, RFC 3164": "<134>Mar 10 08:00:00 collector okta[12]: ",
    "syslog, RFC 3164, without a priority": "Mar 10 08:00:00 collector okta[12]: ",
    "syslog, RFC 5424": "<134>1 2026-03-10T08:00:00.000Z collector okta 12 - - ",
    "syslog, RFC 5424, with data": '<134>1 2026-03-10T08:00:00Z host okta 12 ID47 [a@1 iut="3"] ',
    "a container's log": "2026-03-10T08:00:00.000000000Z stdout F ",
    "grep": "okta/2026.json:",
    "grep with numbers": "okta/2026.json:12:",
    "a level": "INFO okta - ",
    "a time in brackets": "[2026-03-10 08:00:00] ",
}


@pytest.mark.parametrize("case", BEFORE)
def test_text_before_the_json_is_no_record(case):
    """Each line is one record with the number of its line; one that is cut off or no JSON is rejected alone."""
    first = BEFORE[case].encode()
    lines = [
        first + TEXT.encode(),
        b"",
        first + TEXT.encode()[:60],
        first + b"started",
        first + json.dumps(event(2, "a.b")).encode(),
    ]
    log = ok.read_log(b"\n".join(lines))
    assert list(log.events[["uuid", "record"]].itertuples(index=False, name=None)) == [(uuid(1), 1), (uuid(2), 5)]
    assert rejected(log) == [(3, "truncated"), (4, "bad_json")]
    assert log.sources["flags"][0] == "text_before_json"
    said(first + TEXT.encode())
    assert ok.read_raw(log, uuid(1)) == [TEXT]


def test_a_line_that_a_container_cut_in_parts_is_put_together():
    """Long lines come in several parts, the last of which is marked as full; the record has the number of the first."""
    time = b"2026-03-10T08:00:00Z stdout "
    raw, other = TEXT.encode(), json.dumps(event(2, "a.b")).encode()
    parts = time + b"P " + raw[:90] + b"\n" + time + b"P " + raw[90:200] + b"\n" + time + b"F " + raw[200:] + b"\n"
    log = ok.read_log(time + b"F " + other + b"\n" + parts + time + b"P " + raw[:50])
    assert list(log.events[["uuid", "record"]].itertuples(index=False, name=None)) == [(uuid(1), 2), (uuid(2), 1)]
    assert rejected(log) == [(5, "truncated")]
    assert ok.read_raw(log, uuid(1)) == [TEXT]


def test_parts_without_an_end_are_one_record():
    """However many there are, no more than a record's size is held."""
    time = b"2026-03-10T08:00:00Z stdout "
    log = ok.read_log(time + b"F " + TEXT.encode() + b"\n" + (time + b"P " + b"x" * 100 + b"\n") * 200_000)
    assert (list(log.events["record"]), rejected(log)) == ([1], [(2, "truncated")])


def test_text_in_text_is_opened_once_on_every_level():
    """An event is found nine envelopes deep, and what holds none takes no power of the depth."""
    value, nothing = ADA, {"x": ["y" * 10] * 5000}
    for _ in range(4):
        value, nothing = ({"message": base64.b64encode(json.dumps(one).encode()).decode()} for one in (value, nothing))
    said(value)
    for _ in range(12):
        nothing = {"message": base64.b64encode(json.dumps(nothing).encode()).decode()}
    start = process_time()
    assert rejected(ok.read_log([nothing])) == [(1, "no_event_type")]
    assert process_time() - start < 20


DEBUG = ADA["debugContext"]["debugData"]
OKTA = {
    "uuid": uuid(1),
    "event_type": ADA["eventType"],
    "actor": {"id": "00uada", "type": "User", "alternate_id": "ada@example.com"},
    "security_context": {"is_proxy": True, "as": {"number": 64500}},
    "debug_context": {"debug_data": {"jobid": "j1", "request_uri": "/reports/x"}},
    "client": {"ip": "192.0.2.10"},
    "target": [{"id": "mfa", "type": "Report", "display_name": "MFA, usage"}],
}
DOCUMENT = {
    "@timestamp": ADA["published"],
    "event": {"action": ADA["eventType"], "id": uuid(1), "dataset": "okta.system"},
    "okta": OKTA,
    "client": {"ip": "192.0.2.10", "geo": {"country_name": "Norway", "location": {"lat": 59.9, "lon": 10.75}}},
}


def dotted(value: dict, path: str = "") -> dict:
    """Return nested objects as one level of dotted names; lists of objects as one list for each of their keys."""
    cells = {}
    for key, item in value.items():
        if isinstance(item, dict):
            cells |= dotted(item, f"{path}{key}.")
        elif isinstance(item, list):
            cells |= {f"{path}{key}.{name}": [one[name] for one in item] for name in item[0]}
        else:
            cells[path + key] = item
    return cells


FLAT = dotted(DOCUMENT)
CELLS = {name: item[0] if isinstance(item, list) else item for name, item in FLAT.items()}
ELASTIC = {
    "documents": DOCUMENT,
    "hits": {"hits": {"hits": [{"_index": "logs-okta", "_source": DOCUMENT}]}},
    "dotted keys": FLAT,
    "arrays of fields": {
        "_id": "1",
        "fields": {name: item if isinstance(item, list) else [item] for name, item in FLAT.items()},
    },
    "Kibana's CSV": (",".join(CELLS) + "\n" + ",".join(f'"{cell}"' for cell in CELLS.values())).encode(),
    "flattened as well": {
        **DOCUMENT,
        "okta": {**OKTA, "debug_context": {"debug_data": {"request_uri": "/reports/x", "flattened": DEBUG}}},
    },
}


@pytest.mark.parametrize("form", ELASTIC)
def test_elastic_with_and_without_flattened_debug_data(form):
    """Keys directly under `debug_data` are Okta's, in each of the five forms and beside the flattened ones."""
    said(ELASTIC[form])


PARTS = ("actor", "client", "securityContext", "debugContext", "target")
AS_TEXT = {
    **{name: {**ADA, name: json.dumps(ADA[name])} for name in PARTS},
    "all of them": {key: json.dumps(item) if key in PARTS else item for key, item in ADA.items()},
    "debug data": {**ADA, "debugContext": {"debugData": json.dumps(DEBUG)}},
    "text in text": {**ADA, "debugContext": json.dumps({"debugData": json.dumps(DEBUG)})},
    "a word for nothing": {**ADA, "device": "null"},
    "each target": {**ADA, "target": [json.dumps(one) for one in ADA["target"]]},
}


@pytest.mark.parametrize("case", AS_TEXT)
def test_a_part_that_is_json_text_is_read(case):
    """As in a table with the same columns; that it is no object is flagged."""
    said(AS_TEXT[case], "bad_type")


@pytest.mark.parametrize(
    "first", [b"sep=,\r\n", b'"sep=,"\n', b"#TYPE System.Management.Automation.PSCustomObject\r\n", b""]
)
def test_a_line_that_a_program_puts_before_a_table_is_no_header(first):
    """The row is the first one."""
    log = ok.read_log(first + b"uuid,eventType,actor.id\r\n" + uuid(1).encode() + b",a.b,00u1\r\n")
    assert log.events[["actor_id", "record"]].iloc[0].tolist() == ["00u1", 1]


@pytest.mark.parametrize("key", ["domain", "domain_s", "Domain"])
def test_sentinel_names_the_organization_by_its_domain(key):
    """A host of Okta's is one; what else stands under such a name is none."""
    for name, organization in (
        ("acme.okta.com", "acme"),
        ("acme.oktapreview.com", "acme.oktapreview.com"),
        (".", None),
    ):
        row = ok.read_log([{**event(1, "a.b"), key: name}]).events.iloc[0]
        assert (None if pd.isna(row["organization"]) else row["organization"]) == organization
