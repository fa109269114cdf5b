"""New places and devices, a device of two accounts, programs, and a console that was opened elsewhere."""

import pandas as pd
import pytest

import oktakit as ok
from lives import DOWNLOAD, REQUEST, SERVER, STRANGER, act, changed, job, life, report
from oktakit.checks.answers import WATCHED
from oktakit.checks.exports import EXPORT_QUESTIONS, check_exports
from oktakit.checks.feedback import FEEDBACK_QUESTIONS, check_feedback
from records import events, uuid

ASKED, MADE, TAKEN = 20, 21, 22
HASH = {"dtHash": "ann-laptop"}


def hashed(records, who="ann"):
    """Return the records with the device hash of a laptop for what somebody does."""
    return [
        {**one, "debugContext": {"debugData": {"dtHash": f"{who}-laptop", **one["debugContext"]["debugData"]}}}
        if one["actor"]["id"] == who
        else one
        for one in records
    ]


BASE = hashed([*life(1000, "ann"), *job(10, 9), *job(20, 20)])


def answer(records, key, subject=TAKEN):
    """Return the answer to one question about one export, and why."""
    found = check_exports(events(*records))
    row = found[(found["subject"] == uuid(subject)) & (found["key"] == key)].iloc[0]
    return row["answer"], row["why"]


ELSEWHERE = {"origin": SERVER, "agent": STRANGER}


def stolen(debug=HASH):
    """Return the base in which the session of the twentieth is somebody else's when the report is asked for."""
    other = [one for one in BASE if one["uuid"] not in {uuid(ASKED), uuid(MADE), uuid(TAKEN)}]
    detail = {"filter": "x", "columns": "a", "exportType": "CSV"}
    return [
        *other,
        act(ASKED, REQUEST, "20T09:10", debug={"jobid": "j20", **debug}, target=report(detail=detail), **ELSEWHERE),
        act(TAKEN, DOWNLOAD, "20T09:20", debug={"jobid": "j20", **debug}, target=report(), **ELSEWHERE),
    ]


def test_a_console_of_the_owner_is_told_apart_from_that_of_the_thief():
    """The owner opened it in the office; seven minutes later the session is in Romania with another browser."""
    assert answer(stolen(), "console_elsewhere") == (
        "yes",
        "request: the Admin Console was opened 7 min before, before the session went on at another address and "
        "browser; download: the Admin Console was opened 17 min before, before the session went on at another address "
        "and browser.",
    )
    assert answer(BASE, "console_elsewhere")[0] == "no"
    again = act(90, "user.session.access_admin_app", "20T09:08", **ELSEWHERE)
    assert answer([*stolen(), again], "console_elsewhere")[0] == "no"
    alone = [one for one in BASE if one["eventType"].startswith("analytics.")]
    assert answer(alone, "console_elsewhere")[0] == "unknown"


@pytest.mark.slow
def test_a_place_or_device_nobody_used_before_is_new():
    """Ann works in Norway on one laptop for three weeks; the report is asked for in Romania with another device."""
    records = stolen({"dtHash": "server"})
    assert answer(records, "new_place") == (
        "yes",
        "New for ann@example.com: country of the request, network of the request, country of the download and 1 more "
        "(Romania, AS64508, 203.0.113.9).",
    )
    assert answer(records, "new_device")[0] == "yes"
    assert answer(stolen(), "new_device")[0] == "no"
    assert [answer(BASE, key)[0] for key in ("new_place", "new_device")] == ["no", "no"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("records", "place", "device"),
    [
        (changed(BASE, TAKEN, debugContext={"debugData": {"jobid": "j20"}}), "no", "unknown"),
        (changed(BASE, TAKEN, debugContext={"debugData": {"jobid": "j20", "dtHash": "unknown"}}), "no", "unknown"),
        (changed(BASE, TAKEN, securityContext={}), "unknown", "no"),
        (changed(BASE, TAKEN, actor={"type": "User"}), "unknown", "unknown"),
        ([one for one in BASE if one["published"] > "2026-03-20"], "unknown", "unknown"),
        ([one for one in BASE if one["eventType"].startswith("analytics.")], "no", "no"),
    ],
)
def test_what_is_not_reported_or_has_no_past_is_neither_new_nor_known(records, place, device):
    """Hash, network and person are missing, or there is nothing before; a place seen before is not new anywhere."""
    assert (answer(records, "new_place")[0], answer(records, "new_device")[0]) == (place, device)


@pytest.mark.slow
def test_one_device_or_session_as_two_accounts_is_told():
    """Bob signs in with ann's laptop; in another log he acts in her session; his own laptop is nobody else's."""
    same_device = act(90, "user.session.start", "18T07:00", "bob", debug=HASH)
    same_session = act(91, "user.authentication.sso", "20T09:15", "bob", session="ann-20")
    own = act(92, "user.session.start", "18T07:00", "bob", debug={"dtHash": "bob-laptop"})
    assert answer([*BASE, same_device], "shared_device") == (
        "yes",
        "The device ann-laptop acted as ann@example.com, bob@example.com.",
    )
    assert answer([*BASE, same_session], "shared_device") == (
        "yes",
        "The session ann-20 acted as ann@example.com, bob@example.com.",
    )
    assert answer([*BASE, own], "shared_device")[0] == "no"
    assert answer([*BASE, {**same_device, "outcome": {"result": "FAILURE"}}], "shared_device")[0] == "no"
    system = {**same_device, "actor": {"id": "system", "type": "SystemPrincipal"}}
    assert answer([*BASE, system], "shared_device")[0] == "no"


@pytest.mark.slow
@pytest.mark.parametrize("sentinel", ["unknown", "(null)", "<NA>", "-", ""])
def test_a_device_or_session_that_is_not_known_is_shared_by_nobody(sentinel):
    """Two people whose hash and session are not reported have nothing in common."""
    debug, session = {"jobid": "j20", "dtHash": sentinel}, {"externalSessionId": sentinel}
    records = changed(BASE, TAKEN, debugContext={"debugData": debug}, authenticationContext=session)
    other = act(90, "user.session.start", "18T07:00", "bob", debug={"dtHash": sentinel})
    other["authenticationContext"] = session
    assert answer([*records, other], "shared_device")[0] == "unknown"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/145.0", "yes"),
        ("python-requests/2.32.3", "yes"),
        ("curl/8.9.1", "yes"),
        ("Go-http-client/2.0", "yes"),
        ("PostmanRuntime/7.43.0", "yes"),
        ("Mozilla/5.0 (Windows NT; en-US) WindowsPowerShell/5.1.19041", "yes"),
        ("okta-sdk-python/2.9", "yes"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0", "no"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19.1 Safari/605.1.15", "no"),
        (None, "unknown"),
    ],
)
def test_a_program_is_told_by_what_it_calls_itself(agent, expected):
    """Scripts and headless browsers name themselves; what names nothing is unknown."""
    client = {"ipAddress": "192.0.2.10", "userAgent": {"rawUserAgent": agent}}
    assert answer(changed(BASE, TAKEN, client=client), "scripted")[0] == expected


ASKED_OF_ALL = (*EXPORT_QUESTIONS, *FEEDBACK_QUESTIONS, *WATCHED)
ABSENCE = {question.key for question in ASKED_OF_ALL if question.refusal == "absence"}


def test_the_questions_that_count_what_was_only_tried_are_about_what_it_was_tried_with():
    """A proxy, a script, what is watched for, and the report that was asked for: refused or not."""
    counted = {question.key for question in ASKED_OF_ALL if question.refusal == "counts"}
    assert counted == {"proxy", "scripted", "watched", "sensitive_report", "unfiltered"}


def test_the_questions_that_a_refusal_may_turn_to_yes_are_about_absence_or_first_times():
    """Without the console, the earlier export, hour, place or device that was refused, there was none."""
    assert {
        *("no_admin_console", "console_elsewhere", "first_export", "bulk", "off_hours"),
        *("new_place", "new_device", "feedback_from_risky_place"),
    } == ABSENCE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stolen_report", "assistant"])
def test_a_refusal_in_place_of_a_success_accuses_nobody(name):
    """No answer goes from no to yes, but to questions about absence or first times."""
    log = ok.make_log(name)
    frame = ok.read_log(log.records).events
    core = frame["event_type"].str.startswith(("analytics.", "user.account", "user.mfa.factor", "system."))
    near = frame[core & (frame["outcome_result"] == "SUCCESS")]

    def answers(table):
        cards = pd.concat([check_exports(table), check_feedback(table)])
        return cards[~cards["key"].isin(ABSENCE)].set_index(["subject", "key"])["answer"]

    before = answers(frame)
    for index in near.sample(6, random_state=5).index:
        swapped = frame.copy()
        swapped.loc[index, "outcome_result"] = "DENY"
        after = answers(swapped)
        both = pd.concat([before, after], axis=1, keys=["before", "after"]).dropna()
        assert both[(both["before"] == "no") & (both["after"] == "yes")].empty


@pytest.mark.slow
@pytest.mark.parametrize(
    "column", ["job_id", "actor_id", "external_session_id", "report_id", "dt_hash", "transaction_id"]
)
def test_a_key_that_stands_for_not_known_links_as_little_as_none(column):
    """With every spelling of "not known" in the steps of two exports, the answers are those without the key."""
    frame = events(*BASE)
    core = frame["event_type"].str.startswith("analytics.")
    nothing = frame.assign(**{column: frame[column].mask(core)})
    expected = check_exports(nothing)[["subject", "key", "answer"]]
    for sentinel in ("unknown", "(null)"):
        found = check_exports(frame.assign(**{column: frame[column].mask(core, sentinel)}))
        pd.testing.assert_frame_equal(found[["subject", "key", "answer"]], expected)
