"""Okta's dotted names, and rules in Sigma's format that run on them."""

import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from sigma.collection import SigmaCollection
from sigma_backend_duckdb import DuckDBBackend

import oktakit as ok
from lives import OFFICE, about, act, job, report
from oktakit.analysis.okta_names import to_okta_names
from records import event, events, uuid

HEALTH = "/reports/password-health/async_csv_download_schedule"
RECORDS = [
    act(1, "user.session.start", "20T08:00"),
    act(
        2,
        "analytics.reports.export.request",
        "20T08:01",
        debug={"requestUri": HEALTH},
        target=report("password-health"),
    ),
    act(3, "user.session.start", "20T08:02", origin={**OFFICE, "is_proxy": True}),
    act(4, "user.account.privilege.grant", "20T08:03", target=[*about("bob"), *report("Super Admins")]),
    act(5, "user.session.start", "20T08:04", "eve", origin={**OFFICE, "ip": "203.0.113.7"}),
    event(6, "system.email.delivery"),
]
RULE = """
title: written for this test
logsource: {{product: okta, service: okta}}
detection:
  selection:
    {}
  condition: selection
"""


def pick(rule, logs):
    """Return the uuids of the events that a Sigma rule picks."""
    (query,) = DuckDBBackend().convert(SigmaCollection.from_yaml(rule))
    with duckdb.connect() as engine:
        engine.register("logs", logs)
        return [one for (one,) in engine.execute(query.replace("*", "uuid", 1)).fetchall()]


def hits(selection):
    """Return the last digits of the events that a Sigma rule picks."""
    return [int(one[-2:]) for one in pick(RULE.format(selection), to_okta_names(events(*RECORDS)))]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("eventType: user.session.start", [1, 3, 5]),
        ("eventtype: user.session.start\n    securitycontext.isproxy: true", [3]),
        ("debugContext.debugData.requestUri|startswith: /reports/password-health/", [2]),
        ("debugcontext.debugdata.requesturi|contains: async_csv", [2]),
        ("target.displayName|contains: super admins", [4]),
        ("target.alternateId|contains: bob@example.com", [4]),
        ("client.ipAddress|cidr: 203.0.113.0/24", [5]),
        ("actor.alternateId: eve@example.com\n    client.geographicalContext.country: Norway", [5]),
        ("outcome.result: FAILURE", []),
        ("client.ipAddress: null", [6]),
    ],
)
def test_a_sigma_rule_picks_its_events(selection, expected):
    """Rules in Okta's names, in any case of letters, pick the events they are meant for and no other."""
    assert sorted(hits(selection)) == expected


def test_columns_have_okta_s_names_and_values_stay():
    """Paths, debug keys and all targets; one row per event in the same order; the events stay as they were."""
    frame = events(*RECORDS)
    before = frame.copy(deep=True)
    named = to_okta_names(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert named["uuid"].tolist() == [uuid(number) for number in (6, 1, 2, 3, 4, 5)]
    granted = named[named["uuid"] == uuid(4)].iloc[0]
    assert granted["target.id"] == "bob\nSuper Admins"
    assert granted["securityContext.asNumber"] == 64496
    assert pd.isna(granted["debugContext.debugData.requestUri"])
    assert not [name for name in named if name.startswith("[") or name in ("organization", "received")]


WHOLE = event(
    1,
    "user.risk.detect",
    "yesterday",
    version=0,
    legacyEventType="core.x",
    device={"id": "guo1", "name": "laptop", "managed": True, "osPlatform": "MACOS"},
    securityContext={
        "isProxy": True,
        "risk": {"level": "HIGH", "previousLevel": "LOW", "reasons": ["New IP", "New City"]},
        "ipDetails": {"asNumber": 64500, "ipServiceCategories": [{"type": "VPN", "operator": "x"}]},
    },
    transaction={"type": "WEB", "id": "t1", "detail": {"requestApiTokenId": "00T1", "rootApiTokenId": "00T2"}},
    debugContext={"debugData": {"jobId": "1", "jobid": "2", "more": {"a": {"b": 1}}, "behaviors": "{New IP=POSITIVE}"}},
    request={"ipChain": [{"ip": "192.0.2.1", "version": "V4"}, {"ip": "192.0.2.2", "source": "x"}]},
    target=[{"id": "mfa", "detailEntry": {"columns": "a,b"}}, {"id": "00u2", "displayName": "Bo"}],
    p_row={"list": [1, 2], "none": None, "empty": {}},
)
NAMED = {
    "version": "0",
    "legacyEventType": "core.x",
    "device.id": "guo1",
    "device.name": "laptop",
    "device.osPlatform": "MACOS",
    "device.managed": True,
    "securityContext.isProxy": True,
    "securityContext.risk.level": "HIGH",
    "securityContext.risk.previousLevel": "LOW",
    "securityContext.risk.reasons": '["New IP", "New City"]',
    "securityContext.ipDetails.asNumber": "64500",
    "securityContext.ipDetails.ipServiceCategories.type": "VPN",
    "securityContext.ipDetails.ipServiceCategories.operator": "x",
    "transaction.detail.requestApiTokenId": "00T1",
    "transaction.detail.rootApiTokenId": "00T2",
    "debugContext.debugData.jobId": "1\n2",
    "debugContext.debugData.more.a.b": "1",
    "debugContext.debugData.behaviors": "{New IP=POSITIVE}",
    "request.ipChain.ip": "192.0.2.1\n192.0.2.2",
    "request.ipChain.version": "V4",
    "request.ipChain.source": "x",
    "target.id": "mfa\n00u2",
    "target.displayName": "Bo",
    "target.detailEntry.columns": "a,b",
    "p_row.list": "[1, 2]",
    "p_row.empty": "{}",
    "extra.published": "yesterday",
}


def test_everything_that_was_logged_comes_back_under_okta_s_names():
    """Documented fields without a column of ours, debug data and fields of nobody, and what could not be read."""
    row = to_okta_names(events(WHOLE, event(2, "a.b"))).set_index("uuid").loc[uuid(1)].dropna()
    given = {"uuid", "eventType", "target", "request.ipChain", "debugContext.debugData", "transaction.id"}
    assert {name: row[name] for name in NAMED} == NAMED
    assert set(row.index) - set(NAMED) - given == {"transaction.type"}


def leaves(value, path):
    """Yield paths and texts of everything in nested objects."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves(item, path)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)


SAMPLES = sorted((Path(__file__).parents[2] / "sample_logs").glob("*.jsonl*"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_nothing_in_a_sample_is_lost(path):
    """Every value in the debug data, targets, chains and `extra` of every event stands in a column of its path."""
    log = ok.read_log(path)
    named = to_okta_names(log)
    places = {"debug_data": "debugContext.debugData", "targets": "target", "ip_chain": "request.ipChain", "extra": ""}
    columns = {name.casefold(): named[name] for name in named}
    missing = [
        (at, key)
        for column, where in places.items()
        for at, text in log.events[column].dropna().items()
        for key, value in leaves(json.loads(text), where)
        if str(value) not in str(columns[key.casefold()][at]).split("\n")
    ]
    assert missing == []
    assert {name for name, count in log.events.count().items() if count} >= set(places) - {"extra"}


FIELDS = {
    "": "displayMessage eventType legacyEventType outcome.reason outcome.result severity version transaction.id",
    "actor.": "alternateId displayName id type",
    "authenticationContext.": "authenticationProvider credentialType externalSessionId rootSessionId",
    "client.": "device geographicalContext.city geographicalContext.country id ipAddress userAgent.browser zone "
    "userAgent.os userAgent.rawUserAgent",
    "debugContext.debugData.": "behaviors deviceFingerprint dtHash factor grantType logOnlySecurityData origin risk "
    "requestUri url suspiciousActivityEventType threatDetections threatSuspected tunnels",
    "device.": "id name",
    "request.ipChain.": "ip geographicalContext.country",
    "securityContext.": "asOrg domain isp risk.level risk.detectionName risk.reasons ipDetails.isp",
    "target.": "alternateId displayName id type",
    "transaction.detail.": "requestApiTokenId",
}


@pytest.mark.parametrize("spell", [str, str.lower], ids=["as documented", "in lower case"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_rules_may_name_every_field_that_public_ones_use(path, spell):
    """On a log in which no event has it, too: the rule runs, and picks nothing."""
    names = [spell(before + name) for before, names in FIELDS.items() for name in names.split()]
    typed = spell("securityContext.isProxy: true") + spell("\n      securityContext.asNumber: -1")
    cases = "\n    ".join(f"- {one}" for one in (typed, *(f"{name}: no event says this" for name in names)))
    assert pick(RULE.format(cases), to_okta_names(ok.read_log(path))) == []


def test_rules_in_the_form_of_public_ones_pick_what_they_describe():
    """New behavior in the Admin Console, a password in the field of the login, administration through a proxy."""
    logs = to_okta_names(
        events(
            event(
                1,
                "policy.evaluate_sign_on",
                target=[{"id": "0oa1", "displayName": "Okta Admin Console"}],
                debugContext={"debugData": {"logOnlySecurityData": '{"behaviors":{"New IP":"POSITIVE"}}'}},
            ),
            event(
                2,
                "user.session.start",
                legacyEventType="core.user_auth.login_failed",
                actor={"id": "unknown", "alternateId": "hunter2"},
            ),
            event(
                3,
                "user.session.start",
                securityContext={"isProxy": True},
                debugContext={"debugData": {"requestUri": "/admin/home"}},
            ),
        )
    )
    rules = {
        """
  one: {eventType: policy.evaluate_sign_on, target.displayName: Okta Admin Console}
  two:
    - debugContext.debugData.behaviors|contains: POSITIVE
    - debugContext.debugData.logOnlySecurityData|contains: POSITIVE
  condition: one and two""": 1,
        """
  one: {legacyeventtype: core.user_auth.login_failed}
  two: {actor.alternateid|re: '(^0oa.*|[a-z]+@[a-z.]+)'}
  condition: one and not two""": 2,
        """
  one: {debugcontext.debugdata.requesturi|contains: admin, securitycontext.isproxy: true}
  condition: one""": 3,
    }
    for rule, number in rules.items():
        assert pick("title: x\nlogsource: {product: okta, service: okta}\ndetection:" + rule, logs) == [uuid(number)]


def test_spellings_of_one_debug_key_are_one_column():
    """`jobid` twice and `jobId` once are one column under the name seen most; engines know no case."""
    first, _, taken = job(1, 9)
    other = act(9, "analytics.reports.export.download", "09T10:00", debug={"jobId": "j10"})
    named = to_okta_names(events(first, taken, other))
    found = [name for name in named if "job" in name.lower()]
    assert found == ["debugContext.debugData.jobid"]
    assert named[found[0]].tolist() == ["j9", "j9", "j10"]


def test_an_empty_log_keeps_its_names():
    """No events, no error: the columns of the paths are there."""
    named = to_okta_names(events())
    assert len(named) == 0
    assert {"uuid", "eventType", "target", "target.type"} <= set(named)
