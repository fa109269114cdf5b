"""Okta's dotted names, and rules in Sigma's format that run on them."""

import duckdb
import pandas as pd
import pytest
from sigma.collection import SigmaCollection
from sigma_backend_duckdb import DuckDBBackend

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


def hits(selection):
    """Return the last digits of the events that a Sigma rule picks."""
    logs = to_okta_names(events(*RECORDS))
    (query,) = DuckDBBackend().convert(SigmaCollection.from_yaml(RULE.format(selection)))
    with duckdb.connect() as engine:
        engine.register("logs", logs)
        return [int(one[-2:]) for (one,) in engine.execute(query.replace("*", "uuid", 1)).fetchall()]


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
