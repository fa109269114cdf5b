"""Behaviors and API tokens, wherever Okta notes them."""

import json

import pandas as pd
import pytest

import oktakit as ok
from lives import act
from records import event, events

FOUND = {"New IP": "POSITIVE", "New Geo-Location": "NEGATIVE", "Velocity": "positive"}


def noted(**debug):
    """Return what a sign-in says was found, given its debug data."""
    return events(event(1, "policy.evaluate_sign_on", debugContext={"debugData": debug}))["behaviors"][0]


@pytest.mark.parametrize(
    "debug",
    [
        {"behaviors": "{New IP=POSITIVE, New Geo-Location=NEGATIVE, Velocity=POSITIVE}"},
        {"behaviors": json.dumps(FOUND)},
        {"behaviors": FOUND},
        {"logOnlySecurityData": json.dumps({"risk": {"level": "HIGH"}, "behaviors": FOUND})},
        {"logOnlySecurityData": {"risk": {"level": "HIGH"}, "behaviors": FOUND}},
        {"logOnlySecurityData": json.dumps({"risk": "{level=HIGH}", "behaviors": json.dumps(FOUND)})},
        {"logonlysecuritydata": "{risk={level=HIGH}, behaviors={New IP=POSITIVE, Velocity=POSITIVE, X=UNKNOWN}}"},
        {"behaviors": "", "log_only_security_data": json.dumps({"behaviors": FOUND})},
    ],
)
def test_behaviors_are_read_wherever_they_are_noted(debug):
    """Those that were found are named, in the order of the alphabet, each without a blank of its own."""
    assert noted(**debug) == "New_IP Velocity"


@pytest.mark.parametrize(
    "text", ["{New IP=NEGATIVE}", "{}", "", "(null)", '{"New IP": "BAD_REQUEST"}', "{NEW=NOT_POSITIVE}"]
)
def test_what_was_not_found_is_no_behavior(text):
    """Negative, unknown and missing are none."""
    assert pd.isna(noted(behaviors=text))


def test_okta_s_newer_list_comes_first():
    """`securityContext.userBehaviors` counts before the debug data, and both are kept."""
    listed = [{"id": "b1", "name": "New ASN", "result": "POSITIVE"}, {"id": "b2", "name": "X", "result": "NEGATIVE"}]
    debug = {"behaviors": "{New IP=POSITIVE}"}
    row = events(
        event(1, "user.session.start", securityContext={"userBehaviors": listed}, debugContext={"debugData": debug})
    ).iloc[0]
    assert row["behaviors"] == "New_ASN"
    assert json.loads(row["extra"])["securityContext.userBehaviors"] == listed
    assert json.loads(row["debug_data"]) == debug


def test_risk_and_behaviors_of_okta_classic():
    """A sign-on policy notes both in one text."""
    said = {"risk": {"level": "HIGH", "reasons": "Anomalous Location"}, "behaviors": {"New IP": "POSITIVE"}}
    debug = {"logOnlySecurityData": json.dumps(said)}
    row = events(event(1, "policy.evaluate_sign_on", debugContext={"debugData": debug})).iloc[0]
    assert (row["risk_level"], row["behaviors"]) == ("HIGH", "New_IP")


@pytest.mark.parametrize(
    ("detail", "token"),
    [
        ({"requestApiTokenId": "00T1"}, "00T1"),
        ({"rootApiTokenId": "00T2"}, "00T2"),
        ({"requestApiTokenId": "00T1", "rootApiTokenId": "00T2"}, "00T1"),
        ({"requestApiTokenId": "unknown", "rootApiTokenId": "00T2"}, "00T2"),
        ({"requestApiTokenId": None, "root_api_token_id": "00T2"}, "00T2"),
        ({"requestApiTokenId": "(null)"}, "(null)"),
        ({}, None),
    ],
)
def test_the_token_of_a_request_or_of_who_began_it_is_the_token(detail, token):
    """What is done on behalf of a token has that token's id under another name."""
    found = events(event(1, ok.DOWNLOAD, transaction={"type": "WEB", "id": "t", "detail": detail}))["api_token_id"][0]
    assert (None if pd.isna(found) else found) == token


def test_our_own_table_is_read_back_with_its_behaviors():
    """A table that is read again has the same behaviors and tokens, also where the debug data were left out."""
    debug = {"behaviors": "{New IP=POSITIVE}"}
    log = events(
        act(1, "user.session.start", "02T08:00", debug=debug),
        act(2, "user.session.start", "02T08:00", transaction={"id": "t", "detail": {"rootApiTokenId": "00T2"}}),
    )
    for table in (log, log.drop(columns=["debug_data"])):
        again = ok.read_log(table).events
        assert again["behaviors"].fillna("").tolist() == ["New_IP", ""]
        assert again["api_token_id"].fillna("").tolist() == ["", "00T2"]
