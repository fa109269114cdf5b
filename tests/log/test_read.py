"""Reading: everything is accounted for, and kept text is the text of the source."""

import gzip
import json

import pandas as pd
import pytest

import oktakit as ok
from records import event, events, uuid

ONE = event(1, "user.session.start", "2026-03-02T08:00:00.000Z")
TWO = event(2, "user.session.end", "2026-03-02T09:00:00.000Z")


def line(record) -> bytes:
    """Return a record as one line of JSON without blanks."""
    return json.dumps(record, separators=(",", ":")).encode()


def account(log) -> tuple[int, int, int, int]:
    """Return records, kept, duplicates and rejected of a whole log, which must add up."""
    total = log.sources[["records", "kept", "duplicates", "rejected", "other_types"]].sum()
    assert total["records"] == total["kept"] + total["duplicates"] + total["rejected"] + total["other_types"]
    assert (len(log.events), len(log.rejected)) == (total["kept"], total["rejected"])
    return tuple(int(total[name]) for name in ("records", "kept", "duplicates", "rejected"))


SHAPES = {
    "an array": b"[" + line(ONE) + b"," + line(TWO) + b"]",
    "a pretty array": json.dumps([ONE, TWO], indent=2).encode(),
    "an array with one event per line": b"[\n" + line(ONE) + b",\n" + line(TWO) + b"\n]\n",
    "one event per line": line(ONE) + b"\n" + line(TWO) + b"\n",
    "Windows line ends, blank lines and a byte-order mark": b"\xef\xbb\xbf"
    + line(ONE)
    + b"\r\n\r\n"
    + line(TWO)
    + b"\r\n",
    "trailing commas": line(ONE) + b",\n" + line(TWO) + b",\n",
    "events without anything between them": line(ONE) + line(TWO),
    "a page per line": b"[" + line(ONE) + b"]\n[" + line(TWO) + b"]\n",
    "pretty events one after the other": (json.dumps(ONE, indent=4) + "\n" + json.dumps(TWO, indent=4)).encode(),
    "UTF-16": json.dumps([ONE, TWO]).encode("utf-16"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_arrangement_gives_the_same_events(shape, pack, tmp_path):
    """Arrays, lines, runs of objects, plain or compressed under any name: the same two events."""
    path = tmp_path / "export.dat"
    path.write_bytes(pack(SHAPES[shape]))
    log = ok.read_log(path)
    assert account(log) == (2, 2, 0, 0)
    same = [column for column in log.events if column not in ("source", "record", "issues")]
    pd.testing.assert_frame_equal(log.events[same], ok.read_log([ONE, TWO]).events[same])
    assert list(log.events["issues"]) == ["", ""]


def test_a_single_object_is_a_log():
    """One event alone, as a dict or as a file's whole content, is read."""
    assert account(ok.read_log(ONE)) == (1, 1, 0, 0)
    assert account(ok.read_log(json.dumps(ONE, indent=2).encode())) == (1, 1, 0, 0)


def test_one_bad_line_costs_one_line():
    """Garbage, a cut-off event and a bare value are rejected with line and reason; their neighbours are kept."""
    broken = [line(ONE), b"not json", line(TWO)[:40], line(event(3, "user.session.start")), b"42", b'{"uuid": "x"}']
    log = ok.read_log(b"\n".join(broken))
    assert account(log) == (6, 2, 0, 4)
    assert list(log.events["record"]) == [1, 4]
    assert list(log.rejected[["record", "reason"]].itertuples(index=False, name=None)) == [
        (2, "bad_json"),
        (3, "truncated"),
        (5, "not_object"),
        (6, "no_event_type"),
    ]
    assert log.rejected["excerpt"][0] == "not json"


def test_a_broken_element_of_a_pretty_array_costs_one_element():
    """A cut in the middle of an indented object ends where the next one begins."""
    third = event(3, "user.session.start", "2026-03-02T10:00:00.000Z")
    text = json.dumps([ONE, TWO, third], indent=2)
    at = text.index(TWO["uuid"])
    cut = text[: at + 10] + "\n" + text[text.index("  {", at) :]
    log = ok.read_log(cut.encode())
    assert list(log.events["uuid"]) == [ONE["uuid"], third["uuid"]]
    assert list(log.rejected["reason"]) == ["truncated"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"uuid": uuid(1)}, "no_event_type"),
        ({"eventType": "user.session.start"}, "no_uuid"),
        ({"errorCode": "E0000011", "errorSummary": "Invalid token provided"}, "api_error"),
    ],
)
def test_what_is_no_event_is_rejected(record, reason):
    """A record without type or uuid, and a saved API error, are named for what they are."""
    log = ok.read_log(json.dumps(record).encode())
    assert (account(log), list(log.rejected["reason"])) == ((1, 0, 0, 1), [reason])


@pytest.mark.parametrize(
    ("content", "flag", "records"),
    [
        (b"", "empty", 0),
        (b" \n \n", "empty", 0),
        (b"<!DOCTYPE html>\n<style>a {b: c}</style>", "not_json", 1),
        (b"name,amount\nann,1\n", "unknown_format", 1),
    ],
)
def test_a_file_that_is_no_log_is_said_to_be_none(content, flag, records):
    """An empty file, a login page and some table come back as an account, not as an error."""
    log = ok.read_log(content)
    assert (account(log), log.sources["flags"][0]) == ((records, 0, 0, records), flag)


def test_a_path_without_anything_is_an_error(tmp_path):
    """A missing path and a folder without logs say what was needed, found and to do."""
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(ok.InputError, match=r"Needed a System Log .*found nothing there.*Check the path"):
        ok.read_log(tmp_path / "missing.json")
    with pytest.raises(ok.InputError, match="found a folder without log files"):
        ok.read_log(tmp_path)


def test_folders_patterns_and_lists_give_the_same_log(tmp_path):
    """Sources are named below their common parent and read in their own order, not the argument's."""
    (tmp_path / "a").mkdir()
    one, two = tmp_path / "a" / "x.json", tmp_path / "b.jsonl"
    one.write_bytes(line(ONE))
    two.write_bytes(line(TWO))
    logs = [ok.read_log(way) for way in (tmp_path, str(tmp_path / "**" / "*.json*"), [two, one], [one, two, one])]
    for log in logs:
        assert list(log.sources["source"]) == ["a/x.json", "b.jsonl"]
        pd.testing.assert_frame_equal(log.events, logs[0].events)


def test_damaged_gzip_gives_what_there_is(tmp_path):
    """A cut-off archive and one with rubbish behind it are flagged; their whole lines are kept."""
    whole = gzip.compress(b"\n".join(line(event(n, "user.session.start")) for n in range(2000)), mtime=0)
    for content, flag in ((whole[:-2000], "truncated_gzip"), (whole + b"rubbish", "trailing_garbage")):
        (tmp_path / "log").write_bytes(content)
        log = ok.read_log(tmp_path / "log")
        assert log.sources["flags"][0] == flag
        assert account(log)[1] > 500


def test_the_same_event_twice_is_a_duplicate():
    """Key order, blanks and undocumented keys aside, one event delivered twice is kept once, in its fuller form."""
    fuller = {"p_row_id": "7", **dict(reversed(ONE.items())), "severity": "INFO"}
    log = ok.read_log([ONE, fuller])
    assert account(log) == (2, 1, 1, 0)
    assert (log.events["severity"][0], log.events["issues"][0]) == ("INFO", "")


def test_one_uuid_with_two_contents_is_kept_twice_and_flagged():
    """Records that share a uuid but disagree are both evidence."""
    log = ok.read_log([ONE, {**ONE, "eventType": "user.session.end"}])
    assert account(log) == (2, 2, 0, 0)
    assert list(log.events["issues"]) == ["uuid_conflict", "uuid_conflict"]


@pytest.mark.parametrize(
    ("given", "value", "flag"),
    [
        (True, True, ""),
        (False, False, ""),
        (None, pd.NA, ""),
        ("true", True, "bad_type"),
        ("FALSE", False, "bad_type"),
        (0, False, "bad_type"),
        (1, True, "bad_type"),
        ("unknown", pd.NA, "bad_type"),
        ({}, pd.NA, "bad_type"),
    ],
)
def test_is_proxy_has_three_values(given, value, flag):
    """True, False and not reported stay three; text and numbers are read, and flagged."""
    row = events({**ONE, "securityContext": {"isProxy": given}}).iloc[0]
    assert (pd.isna(row["is_proxy"]), row["issues"]) == (pd.isna(value), flag)
    assert pd.isna(value) or row["is_proxy"] == value


def test_missing_is_not_false():
    """Without a security context nothing is known of a proxy."""
    assert events(ONE)["is_proxy"].isna().all()


@pytest.mark.parametrize("text", ["NA", "Null", "None", "00012", "  blank", "nan", "1e5", "Zürich 東京", "a\u2028b"])
def test_kept_text_is_the_text_of_the_source(text):
    """No text is taken for a number, for nothing or for something nicer."""
    row = events({**ONE, "client": {"zone": text, "geographicalContext": {"country": text, "postalCode": text}}}).iloc[
        0
    ]
    assert (row["zone"], row["country"], row["postal_code"]) == (text, text, text)


@pytest.mark.parametrize(
    ("fields", "column", "value", "flag"),
    [
        (
            {"published": "2026-03-02 08:00:00.123"},
            "published",
            pd.Timestamp("2026-03-02T08:00:00.123Z"),
            "no_timezone",
        ),
        ({"published": "2026-03-02T10:00:00+02:00"}, "published", pd.Timestamp("2026-03-02T08:00:00Z"), ""),
        ({"published": "2026-02-30T08:00:00Z"}, "published", pd.NaT, "bad_published"),
        ({"published": None}, "published", pd.NaT, "bad_published"),
        ({"published": "1970-01-01T00:00:00Z"}, "published", pd.Timestamp("1970-01-01T00:00:00Z"), "implausible_time"),
        ({"securityContext": {"asNumber": 2**70}}, "as_number", pd.NA, "huge_int"),
        ({"securityContext": {"asNumber": "64500"}}, "as_number", 64500, "bad_type"),
        ({"client": {"ipAddress": "999.1.1.1"}}, "ip_address", "999.1.1.1", "bad_ip"),
        ({"displayMessage": 7}, "display_message", "7", "bad_type"),
    ],
)
def test_field_trouble_is_a_flag_on_a_kept_row(fields, column, value, flag):
    """What can be read of a field is read; what cannot is missing, flagged, and never makes the record vanish."""
    row = events({**ONE, **fields}).iloc[0]
    assert (pd.isna(row[column]) and pd.isna(value)) or row[column] == value
    assert row["issues"] == flag


@pytest.mark.parametrize(
    ("lat", "lon", "kept", "flag"), [(91, 0, False, "bad_geo"), (0, 0, True, "null_island"), (59.9, 10.7, True, "")]
)
def test_coordinates_that_cannot_be_are_missing(lat, lon, kept, flag):
    """A latitude beyond the pole is no place; zero and zero is one, though a doubtful one."""
    place = {"geographicalContext": {"geolocation": {"lat": lat, "lon": lon}}}
    row = events({**ONE, "client": place}).iloc[0]
    assert (pd.notna(row["lat"]), row["issues"]) == (kept, flag)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ('"severity":"INFO","severity":"WARN"', "duplicate_key"),
        ('"securityContext":{"asNumber":NaN}', "non_finite"),
        ('"displayMessage":"a\\ud800b"', "lone_surrogate"),
    ],
)
def test_what_json_forbids_is_flagged(text, flag):
    """A key given twice, a number that is none and half a character harm only their own field."""
    log = ok.read_log(line(ONE)[:-1] + b"," + text.encode() + b"}\n" + line(TWO))
    assert list(log.events["issues"]) == [flag, ""]


@pytest.mark.parametrize(
    ("data", "uri"),
    [
        ({"jobId": "j1"}, None),
        ({"job_id": "j1"}, None),
        ({"JOBID": "j1"}, None),
        ({"requestUri": "/reports/user/mfa/download/j1.csv"}, "/reports/user/mfa/download/j1.csv"),
        ({"url": "/reports/user/mfa/download/j1.csv?"}, None),
    ],
)
def test_the_export_job_is_found_however_it_is_spelt(data, uri):
    """Any case and underscores of the key, or else the address of the download, give the job id."""
    row = events(event(1, ok.DOWNLOAD, debugContext={"debugData": data})).iloc[0]
    assert row["job_id"] == "j1"
    assert (None if pd.isna(row["request_uri"]) else row["request_uri"]) == uri


def test_keys_are_matched_without_case_and_underscores():
    """Deliveries that spell Okta's keys their own way give the same row."""
    given = {
        "UUID": uuid(1),
        "eventtype": "user.session.start",
        "published": "2026-03-02T08:00:00.000Z",
        "security_context": {"is_proxy": True},
        "client": {"geographicalcontext": {"country": "Norway"}},
    }
    row = events(given).iloc[0]
    assert (row["is_proxy"], row["country"], row["issues"]) == (True, "Norway", "")


def test_all_proxy_evidence_is_collected():
    """Typed categories of client and chain, tunnels, proxy type and anonymizer status stand side by side."""
    record = event(
        1,
        "user.session.start",
        securityContext={"isProxy": False, "ipDetails": {"ipServiceCategories": [{"type": "Residential Proxy"}]}},
        request={"ipChain": [{"ip": "192.0.2.1", "ipDetails": {"ipServiceCategories": [{"type": "Tor"}]}}]},
        debugContext={
            "debugData": {
                "tunnels": '[{"anonymous":true,"operator":"X","type":"VPN"}]',
                "proxyType": "service",
                "anonymizerStatus": "active",
            }
        },
    )
    row = events(record).iloc[0]
    assert row["ip_categories"] == "ANONYMIZER_ACTIVE ANONYMOUS RESIDENTIAL_PROXY SERVICE TOR VPN"
    assert not row["is_proxy"]


def test_feedback_fields_are_those_of_feedback_only():
    """The judged event, the label and the reason are read from feedback and from nothing else."""
    data = {"eventUuid": uuid(9), "eventType": "user.risk.detect", "label": "false_positive", "reason": "my own phone"}
    given, other = (
        events(event(1, kind, debugContext={"debugData": data})).iloc[0] for kind in (ok.FEEDBACK, "user.risk.detect")
    )
    wanted = ["judged_uuid", "judged_type", "feedback_label", "feedback_reason"]
    assert list(given[wanted]) == list(data.values())
    assert other[wanted].isna().all()


def test_risk_is_read_from_either_place():
    """The typed risk object and Okta's printed map give level and detection."""
    typed = event(1, "user.risk.detect", securityContext={"risk": {"level": "HIGH", "detectionName": "New Device"}})
    printed = event(
        2, "user.risk.detect", debugContext={"debugData": {"risk": "{level=HIGH, detectionName=New Device, reasons=x}"}}
    )
    found = events(typed, printed)
    assert list(found["risk_level"]) == ["HIGH", "HIGH"]
    assert list(found["detection_name"]) == ["New Device", "New Device"]


RISKS = {
    "JSON": ('{"level":"HIGH","detectionName":"Login from Tor, VPN or proxy"}', "HIGH", "Login from Tor, VPN or proxy"),
    "JSON with quotes": (r'{"level":"HIGH","detectionName":"Access of \"Wiki\""}', "HIGH", 'Access of "Wiki"'),
    "JSON with braces": ('{"detectionName":"a}, level=LOW","level":"HIGH"}', "HIGH", "a}, level=LOW"),
    "JSON with blanks": ('{ "Level" : "HIGH", "detection_name" : "New Device" }', "HIGH", "New Device"),
    "JSON that is cut off": (r'{"level":"HIGH","detectionName":"a, \"b\"","reasons":"x', "HIGH", 'a, "b"'),
    "JSON with nothing": ('{"level":null,"detectionName":null}', None, None),
    "half a character": (r'{"level":"HIGH","detectionName":"a\ud800"}', "HIGH", "a\ufffd"),
    "a map": ("{level=HIGH, detectionName=Suspicious App, Wiki, issuer=OKTA}", "HIGH", "Suspicious App, Wiki"),
    "a map that ends with the name": ("{level=HIGH, detectionName=App, Wiki}", "HIGH", "App, Wiki"),
    "a map with braces": ("{detectionName=App {x}, level=HIGH}", "HIGH", "App {x}"),
    "a map with quotes": ('{detectionName=App "Wiki", level=HIGH}', "HIGH", 'App "Wiki"'),
    "a map without blanks": ("{level=HIGH,detectionName=New Device}", "HIGH", "New Device"),
    "a map with other names": ("{reasons=no level, no detectionName, level=HIGH}", "HIGH", None),
    "a list": ("[HIGH]", None, None),
    "a word": ("HIGH", None, None),
}


@pytest.mark.parametrize("case", RISKS)
def test_the_name_of_a_detection_is_whole(case):
    """It may hold commas, quotes and braces; it ends where the next key begins, or at the closing brace."""
    risk, level, name = RISKS[case]
    row = events(event(1, "user.risk.detect", debugContext={"debugData": {"risk": risk}})).iloc[0]
    assert [None if pd.isna(one) else one for one in row[["risk_level", "detection_name"]]] == [level, name]


ONLY = {"risk": {"level": "HIGH", "detectionName": "New, Device"}, "behaviors": {"New IP": "POSITIVE"}}


@pytest.mark.parametrize(
    ("data", "level"),
    [
        ({"logOnlySecurityData": json.dumps(ONLY)}, "HIGH"),
        ({"logOnlySecurityData": ONLY}, "HIGH"),
        ({"log_only_security_data": json.dumps(ONLY, indent=1)}, "HIGH"),
        ({"logOnlySecurityData": json.dumps({"risk": json.dumps(ONLY["risk"])})}, "HIGH"),
        ({"logOnlySecurityData": '{"risk":"{level=HIGH, detectionName=New, Device}"}'}, "HIGH"),
        ({"logOnlySecurityData": json.dumps(ONLY), "risk": "{level=LOW}"}, "LOW"),
        ({"logOnlySecurityData": '{"behaviors":{"New IP":"POSITIVE"}}'}, None),
        ({"logOnlySecurityData": '{"risk":null}'}, None),
        ({"logOnlySecurityData": "x"}, None),
    ],
)
def test_okta_classic_gives_the_risk_in_another_place(data, level):
    """It counts where the usual one is missing."""
    row = events(event(1, "policy.evaluate_sign_on", debugContext={"debugData": data})).iloc[0]
    named = level and "New, Device"
    assert [None if pd.isna(one) else one for one in row[["risk_level", "detection_name"]]] == [level, named]


def test_what_several_targets_have_that_okta_does_not_document_is_kept_for_each():
    """By the place of the target, which tells whose it is; a documented part of it stays in its place."""
    record = event(1, "a.b", target=[{"id": "a", "x": 1}, {"id": "b"}, {"id": "c", "x": 3, "detailEntry": {"x": 4}}])
    row = events(record).iloc[0]
    assert json.loads(row["extra"]) == {"target[0].x": 1, "target[2].x": 3}
    assert json.loads(row["targets"]) == [{"id": "a"}, {"id": "b"}, {"id": "c", "detailEntry": {"x": 4}}]


def test_nothing_is_dropped():
    """Fields without a column of their own, documented or not, are kept as JSON text."""
    record = event(
        1, "user.session.start", legacyEventType="core.x", p_row_id="7", device={"id": "guo1", "jailbreak": True}
    )
    row = events(record).iloc[0]
    assert json.loads(row["extra"]) == {
        "legacyEventType": "core.x",
        "device": {"id": "guo1", "jailbreak": True},
        "p_row_id": "7",
    }
    assert row["device_id"] == "guo1"


def test_targets_are_rows_of_their_own():
    """One row per target, in the event's order, with its details as JSON text."""
    record = event(
        1,
        ok.REQUEST,
        target=[
            {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"},
            {
                "id": "mfa",
                "type": "Report",
                "displayName": "MFA Usage",
                "detailEntry": {"exporttype": "CSV", "columns": "a,b"},
            },
        ],
    )
    log = ok.read_log([record, TWO])
    assert list(log.targets["position"]) == [0, 1]
    assert list(log.targets["target_type"]) == ["User", "Report"]
    assert json.loads(log.targets["detail"][1]) == {"exporttype": "CSV", "columns": "a,b"}
    row = log.events.iloc[0]
    assert (row["report_id"], row["export_columns"], row["export_type"]) == ("mfa", "a,b", "CSV")
    assert (row["target_user_id"], row["target_user_alternate_id"]) == ("00u1", "ann@example.com")


def test_every_event_leads_back_to_its_source(tmp_path):
    """The original text of an event can be had by its uuid, to the letter."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"rubbish\n" + json.dumps(ONE).encode() + b"\n" + line(TWO))
    log = ok.read_log(path)
    assert ok.read_raw(log, uuid(1)) == [json.dumps(ONE)]
    with pytest.raises(ok.InputError, match="found no uuid x"):
        ok.read_raw(log, "x")


def test_the_account_is_shown_and_nothing_in_it_is_live(tmp_path):
    """Text and table show what was read; a hostile file name is only text."""
    path = tmp_path / "<img src=x onerror=alert(1)>.jsonl"
    path.write_bytes(line(ONE) + b"\n" + line(ONE) + b"\nrubbish")
    log = ok.read_log(path)
    assert repr(log).splitlines()[:2] == [
        "3 records = 1 kept + 1 duplicate + 1 rejected, from 1 source",
        "rejected: 1 bad_json",
    ]
    assert "<img" not in log._repr_html_()
    assert "3 records" in log._repr_html_()


def test_events_come_in_the_order_of_time():
    """The order of the file does not show."""
    assert list(ok.read_log([TWO, ONE]).events["uuid"]) == [uuid(1), uuid(2)]


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2008-12-31T23:59:59Z", "2300-01-01T00:00:00Z"]
)
def test_a_time_that_cannot_be_right_is_no_edge_of_the_log(at):
    """The event keeps its time and is flagged; the log is as long as without it."""
    log = ok.read_log([event(1, "user.session.start", "2026-03-02T08:00:00Z"), event(2, "user.session.end", at)])
    assert repr(log).splitlines()[-1] == "2026-03-02 08:00:00 to 2026-03-02 08:00:00 UTC, 0 days"
    assert [str(log.sources[name][0]) for name in ("first", "last")] == ["2026-03-02 08:00:00+00:00"] * 2
    assert [*map(str, log.edges)] == ["2026-03-02 08:00:00+00:00"] * 2
    assert log.events.set_index("uuid").loc[uuid(2), "issues"] == "implausible_time"
