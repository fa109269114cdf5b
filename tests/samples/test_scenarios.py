"""The synthetic logs: always the same, only reserved names, and everything in them that their truth says."""

import gzip
import ipaddress
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from oktakit.errors import InputError
from oktakit.samples.patterns import PATTERNS, plant_pattern
from oktakit.samples.people import staff
from oktakit.samples.scenarios import SCENARIOS, make_log, mixture, write_log
from oktakit.schema import DOWNLOAD, EXPORTS, FEEDBACK, GENERATE, REQUEST

SAMPLES = Path(__file__).parents[2] / "sample_logs"
RESERVED = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
TOP = (
    "actor authenticationContext client debugContext device displayMessage eventType outcome published request "
    "securityContext severity target transaction uuid version"
)
ADDRESS = r"(?<![\w./])\d+(?:\.\d+){3}(?![\w.])|(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])"
NAMES = [*SCENARIOS, "mixture"]
STORED = [name for name in SCENARIOS if name != "quiet_month"]
HASHES = (
    "import hashlib, json; from oktakit.samples.scenarios import SCENARIOS, make_log, mixture;"
    "names = [name for name in SCENARIOS if name != 'quiet_month'];"
    "texts = [json.dumps([log.records, log.truth]) for log in (mixture(1), *map(make_log, names))];"
    "print([hashlib.sha256(text.encode()).hexdigest() for text in texts])"
)


def make(name, seed=1):
    """Return a scenario, the month a small one, or a mixture."""
    size = {"events": 1_000} if name == "quiet_month" else {}
    return mixture(seed) if name == "mixture" else make_log(name, seed, **size)


@pytest.fixture(scope="module")
def logs():
    """Return every scenario and a mixture with seed 1, by name."""
    return {name: make(name) for name in NAMES}


def leaves(value, key=""):
    """Return every (key, value) at the ends of nested dicts and lists."""
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in leaves(inner, name)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner, key)]
    return [(key, value)]


def by_uuid(log):
    """Return the records of a log by uuid."""
    return {record["uuid"]: record for record in log.records}


def planted_of(log, kind):
    """Return the planted facts of one kind."""
    return [facts for facts in log.truth["planted"] if facts["kind"] == kind]


def run_ids(log, event_type):
    """Return (job id, actor id) of every event of a type, by any spelling of the key."""
    events = [record for record in by_uuid(log).values() if record["eventType"] == event_type]
    known = [event["debugContext"]["debugData"] for event in events]
    jobs = [data.get("jobid") or data.get("jobId") for data in known]
    return [(job, event["actor"]["id"]) for job, event in zip(jobs, events, strict=True)]


def test_the_logs_do_not_depend_on_hash_seed_or_time_zone():
    """Two interpreters with different PYTHONHASHSEED and TZ make the same logs."""
    runs = []
    for hash_seed, zone in (("1", "Asia/Tokyo"), ("2", "America/New_York")):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        runs.append(subprocess.run([sys.executable, "-c", HASHES], env=env, capture_output=True, check=True).stdout)
    assert runs[0] == runs[1]
    assert runs[0].count(b"'") == 2 * len(STORED) + 2


def test_an_unknown_name_is_refused_with_the_list_of_names():
    """The error names every scenario."""
    with pytest.raises(InputError, match="stolen_report, assistant, quiet_week, feedback"):
        make_log("stolen")


@pytest.mark.parametrize("size", [{"events": 9}, {"people": 3}])
def test_a_size_is_refused_where_there_is_none(size):
    """Only the month has a size, and its name is events."""
    with pytest.raises(InputError, match="Only quiet_month has a size: events"):
        make_log("assistant" if "events" in size else "quiet_month", **size)


@pytest.mark.parametrize("events", [2_000, 10_000])
def test_the_quiet_month_has_about_the_size_that_was_asked_for(events):
    """Four weeks, nothing planted, within a tenth of the size."""
    log = make_log("quiet_month", events=events)
    assert 0.9 * events < len(log.records) < 1.1 * events
    assert log.truth["planted"] == []
    assert (log.truth["first"][:10], log.truth["last"][:7]) == ("2026-03-02", "2026-03")


def test_many_people_have_as_many_logins_and_ids():
    """More people than there are names get numbers."""
    people = staff(Random(1), 1_000)
    assert len({one.login for one in people}) == len({one.id for one in people}) == 1_000


@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("name", [name for name in STORED if name != "quiet_week"])
def test_every_seed_plants_its_story(name, seed, logs):
    """All planted uuids are in the log, whatever the seed, and other seeds give other records."""
    log = make_log(name, seed)
    assert not by_uuid(log).keys() & by_uuid(logs[name]).keys()
    planted = {uuid for facts in log.truth["planted"] for _, uuid in leaves(facts["uuids"])}
    assert planted <= set(by_uuid(log))


@pytest.mark.parametrize("name", NAMES)
def test_only_reserved_addresses_domains_and_networks_appear(name, logs):
    """Every text of every record is free of addresses, domains and networks that might be somebody's."""
    check_names(logs[name].records)


def test_only_reserved_addresses_domains_and_networks_appear_in_patterns():
    """The same of everything that can be planted."""
    planted = [plant_pattern(Random(1), kind, staff(Random(1), 3), days=7, pace=1)[0] for kind in PATTERNS]
    check_names([event for events in planted for event in events])


def check_names(records):
    """Fail where a text holds an address, a domain or a network that is not reserved."""
    found = leaves(records)
    texts = {text for key, text in found if isinstance(text, str) and key != "published"}
    addresses = {match for text in texts for match in re.findall(ADDRESS, text)}
    assert {text for key, text in found if key in ("ip", "ipAddress") and text} <= addresses
    assert all(any(ipaddress.ip_address(one) in net for net in RESERVED) for one in addresses)
    domains = {match for text in texts for match in re.findall(r"@([\w.-]+)", text)}
    assert domains == {"example.com", "okta.com"}  # Okta's own actor is system@okta.com
    assert {text for text in texts if "okta.com" in text} == {"system@okta.com"}
    assert {text for key, text in found if key == "domain"} <= {".", "example.com", None}
    assert all(64496 <= number <= 64511 for key, number in found if key == "asNumber" and number is not None)
    assert not any("://" in text for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_records_are_spelled_and_typed_as_okta_does(name, logs):
    """Keys are Okta's, ids have their length, times have milliseconds and Z, debug values are texts."""
    for record in logs[name].records:
        assert set(record) - {"legacyEventType"} == set(TOP.split())
        assert ("legacyEventType" in record) == (record["eventType"] not in EXPORTS)
        assert set(record["actor"]) == {"id", "type", "alternateId", "displayName", "detailEntry"}
        assert set(record["client"]) == {"userAgent", "zone", "device", "id", "ipAddress", "geographicalContext"}
        assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["published"])
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", record["uuid"])
        assert re.fullmatch(r"00u[0-9A-Za-z]{17}", record["actor"]["id"])
        assert record["version"] == "0"
        assert all(isinstance(value, str) for value in record["debugContext"]["debugData"].values())


@pytest.mark.parametrize("name", NAMES)
def test_web_events_have_a_client_and_jobs_have_none(name, logs):
    """A WEB event's transaction is its request, its chain begins with the client; a JOB has neither."""
    for record in logs[name].records:
        client, chain = record["client"], record["request"]["ipChain"]
        if record["transaction"]["type"] == "JOB":
            assert set(client.values()) == {None}
            assert (chain, record["securityContext"]["isProxy"]) == ([], None)
            assert record["actor"]["type"] == "SystemPrincipal"
        else:
            assert record["transaction"]["id"] == record["debugContext"]["debugData"]["requestId"]
            assert chain[0]["ip"] == client["ipAddress"]
            assert chain[0]["geographicalContext"] == client["geographicalContext"]


@pytest.mark.parametrize("name", NAMES)
def test_one_record_comes_twice_and_some_come_late(name, logs):
    """Exactly the uuid that the truth names is there twice, identical, and delivery is not in order of time."""
    log = logs[name]
    twins = [record for record in log.records if record["uuid"] == log.truth["duplicate_uuid"]]
    assert len(twins) == 2
    assert twins[0] == twins[1]
    assert len(by_uuid(log)) == len(log.records) - 1 == log.truth["events"]
    times = [record["published"] for record in log.records]
    assert times != sorted(times)


def test_the_stolen_report_is_in_the_log_as_its_truth_says(logs):
    """Requester, downloader, job, places, lags and session are in the events that the truth names."""
    log = logs["stolen_report"]
    known, (export,), (hijack,) = by_uuid(log), planted_of(log, "export"), planted_of(log, "hijack")
    asked, made = known[export["uuids"]["request"]], known[export["uuids"]["generate"]]
    taken, again = (known[uuid] for uuid in export["uuids"]["downloads"])
    assert [event["eventType"] for event in (asked, made, taken, again)] == [REQUEST, GENERATE, DOWNLOAD, DOWNLOAD]
    assert {event["debugContext"]["debugData"]["jobid"] for event in (asked, made, taken, again)} == {export["job_id"]}
    assert made["transaction"]["type"] == "JOB"
    assert asked["actor"]["id"] == export["requested_by_id"] != export["downloaded_by_id"] == taken["actor"]["id"]
    assert asked["client"]["geographicalContext"]["country"] == export["requested_country"] == "Romania"
    assert taken["client"]["geographicalContext"]["country"] == export["downloaded_country"]
    assert (taken["securityContext"]["isProxy"], again["securityContext"]["isProxy"]) == (False, True)
    assert json.loads(taken["debugContext"]["debugData"]["tunnels"])[0]["type"] == "VPN"
    lag = datetime.fromisoformat(taken["published"]) - datetime.fromisoformat(asked["published"])
    assert lag.total_seconds() == export["request_to_download_seconds"]
    assert 3.9 < lag.total_seconds() / 3600 < 4.3
    assert (export["benign"], export["taken_by_other"], export["report_id"]) == (False, True, "password-health")
    assert asked["authenticationContext"]["externalSessionId"] == hijack["session"]


def test_the_stolen_session_has_two_places_and_no_admin_console(logs):
    """The session of the request is used from two addresses and browsers, and never opened the Admin Console."""
    log = logs["stolen_report"]
    (hijack,) = planted_of(log, "hijack")
    same = [one for one in log.records if one["authenticationContext"]["externalSessionId"] == hijack["session"]]
    assert {one["client"]["ipAddress"] for one in same} == set(hijack["ip_addresses"])
    assert len({one["client"]["userAgent"]["rawUserAgent"] for one in same}) == 2
    assert "user.session.access_admin_app" not in {one["eventType"] for one in same}
    assert by_uuid(log)[hijack["uuids"]["detection"]]["securityContext"]["risk"]["level"] == "HIGH"


def test_the_alarm_is_dismissed_by_the_account_that_took_the_report(logs):
    """The feedback names the detection in the stolen session and comes from the downloader."""
    log = logs["stolen_report"]
    (said,), (export,), (hijack,) = (planted_of(log, kind) for kind in ("feedback", "export", "hijack"))
    event = by_uuid(log)[said["uuids"]["feedback"][0]]
    data = event["debugContext"]["debugData"]
    assert (event["eventType"], data["label"]) == (FEEDBACK, "false_positive")
    assert data["eventUuid"] == hijack["uuids"]["detection"]
    assert event["actor"]["alternateId"] == export["downloaded_by"]


def test_the_assistant_sits_in_the_same_office_and_nothing_is_odd(logs):
    """Two accounts, one network, one country, no proxy, less than an hour, and the truth calls it benign."""
    log = logs["assistant"]
    (export,) = planted_of(log, "export")
    asked, taken = (by_uuid(log)[uuid] for uuid in (export["uuids"]["request"], *export["uuids"]["downloads"]))
    assert asked["actor"]["id"] != taken["actor"]["id"]
    assert asked["client"]["ipAddress"] == taken["client"]["ipAddress"] == "192.0.2.10"
    assert taken["securityContext"]["isProxy"] is False
    lag = datetime.fromisoformat(taken["published"]) - datetime.fromisoformat(asked["published"])
    assert lag.total_seconds() == export["request_to_download_seconds"] < 3600
    assert (export["benign"], export["taken_by_other"]) == (True, True)


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_planted_jobs_are_taken_by_somebody_else(name, logs):
    """Counted by job id alone: one job each in the theft and in its benign twin, none elsewhere."""
    asked = dict(run_ids(logs[name], REQUEST))
    taken = {job for job, actor in run_ids(logs[name], DOWNLOAD) if job in asked and asked[job] != actor}
    assert len(taken - {None}) == (name in {"stolen_report", "assistant"})


def test_the_quiet_week_has_the_size_and_the_ordinary_oddities(logs):
    """About 5,000 events, many exports, and every ending and spelling that occurs in reality."""
    log = logs["quiet_week"]
    assert 4500 < len(log.records) < 5500
    exports = [record for record in log.records if record["eventType"] in EXPORTS]
    keys = {key for one in exports for key in one["debugContext"]["debugData"] if key.lower() == "jobid"}
    assert keys == {"jobid", "jobId"}
    assert any(not {"jobid", "jobId"} & set(one["debugContext"]["debugData"]) for one in exports)
    made = [one for one in exports if one["eventType"] == GENERATE]
    assert {one["transaction"]["type"] for one in made} == {"WEB", "JOB"}
    assert {one["outcome"]["result"] for one in made} == {"SUCCESS", "FAILURE"}
    downloads = Counter(job for job, _ in run_ids(log, DOWNLOAD))
    requested = {job for job, _ in run_ids(log, REQUEST)}
    assert 2 in downloads.values()
    assert requested - set(downloads)
    assert set(downloads) - requested == {log.truth["planted"][0]["job_id"]}


def test_the_quiet_week_has_the_gaps_of_real_logs(logs):
    """Sentinels, nulls, IPv6 and a VPN that Okta does not call a proxy all occur in web events."""
    records = [one for one in logs["quiet_week"].records if one["transaction"]["type"] == "WEB"]
    found = set(leaves(records))
    assert {("zone", "null"), ("externalSessionId", "unknown"), ("alternateId", "unknown")} <= found
    assert {("externalSessionId", None), ("geographicalContext", None), ("isProxy", None), ("version", "V6")} <= found
    assert {one["target"] is None for one in records} == {True, False}
    tunnelled = [one for one in records if "tunnels" in one["debugContext"]["debugData"]]
    assert False in {one["securityContext"]["isProxy"] for one in tunnelled}
    assert all(isinstance(value, str) for key, value in found if key == "postalCode")


def test_a_report_can_be_collected_twenty_nine_days_later(logs):
    """The feedback log holds both ends of the longest wait that a mailed link allows."""
    (export,) = planted_of(logs["feedback"], "export")
    assert 29 * 86_400 < export["request_to_download_seconds"] < 30 * 86_400
    assert not export["taken_by_other"]


def test_the_feedback_log_has_every_kind_of_verdict(logs):
    """Right, wrong, contradicted, about oneself, missed and dangling: all told by the events themselves."""
    log = logs["feedback"]
    known, facts = by_uuid(log), planted_of(log, "feedback")
    labels = {known[uuid]["debugContext"]["debugData"]["label"] for one in facts for uuid in one["uuids"]["feedback"]}
    assert labels == {"true_positive", "false_positive", "false_negative"}
    assert [one["judged_uuid"] in known for one in facts] == [one["judged_in_log"] for one in facts]
    assert [one["judged_in_log"] for one in facts] == [True] * 6 + [False]
    assert [one["contradicted"] for one in facts] == [False] * 3 + [True] + [False] * 3
    (event,) = (known[one["uuids"]["feedback"][0]] for one in facts if one["self_feedback"])
    assert event["actor"]["id"] == event["target"][0]["id"]
    assert {one["judged_type"] for one in facts} == {"user.risk.detect", "user.session.context.change"}


def test_large_logs_are_compressed_without_a_date(tmp_path, logs):
    """The quiet week becomes gzip whose time field is zero, and holds the same records."""
    path, _ = write_log(logs["quiet_week"], tmp_path)
    data = path.read_bytes()
    assert (path.name, data[4:8]) == ("quiet_week.jsonl.gz", bytes(4))
    assert [json.loads(line) for line in gzip.decompress(data).splitlines()] == logs["quiet_week"].records


def test_a_folder_that_cannot_be_is_refused_in_words(tmp_path, logs):
    """A file stands where the folder should be: it stays, and nothing is half-written."""
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"A file that can be written is needed; .*assistant\.jsonl"):
        write_log(logs["assistant"], tmp_path / "taken")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("taken", "mine")]


@pytest.mark.parametrize("name", STORED)
def test_the_sample_files_and_their_readme_are_what_the_code_makes(name, tmp_path, logs):
    """Run tools/build_samples.py after a change; compressed files are compared by content.

    The truth file says that all is synthetic, the events do not.
    """
    for path in write_log(logs[name], tmp_path):
        stored, made = (SAMPLES / path.relative_to(tmp_path)).read_bytes(), path.read_bytes()
        text = gzip.decompress(made) if path.suffix == ".gz" else made
        assert stored == made or (path.suffix == ".gz" and gzip.decompress(stored) == text)
        assert (b"synthetic" in text.lower()) == (path.parent.name == "truth")
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for facts in logs[name].truth["planted"]:
        named = {
            facts.get("job_id", ""),
            facts.get("judged_uuid", ""),
            *facts.get("given_by", []),
            *facts.get("sessions", []),
        }
        assert {one for one in named if one not in text} == set()
    assert f"| {len(logs[name].records):,} |" in text
