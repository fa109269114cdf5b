"""What needs a look, first: literal logs in, literal rows out."""

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from lives import DOWNLOAD, FEEDBACK, OFFICE, SERVER, STRANGER, about, act, job, life, report
from oktakit.checks.answers import WATCHED
from oktakit.checks.exports import EXPORT_QUESTIONS
from oktakit.checks.feedback import FEEDBACK_QUESTIONS
from oktakit.checks.leads import LEAD_COLUMNS, LEVELS, lead_rules
from records import events, uuid

VPN = {**SERVER, "ip": "203.0.113.77", "country": "Singapore", "lat": 1.35, "lon": 103.8, "is_proxy": True}
BASE = [*life(1000, "ann"), *life(2000, "bob"), *job(10, 9), *job(20, 20)]
KEY = {"jobid": "j20"}
DEVICE = {"dtHash": "d" * 64}


def leads(*records, **told):
    """Return the leads of some records."""
    return ok.find_leads(events(*records), **told)


def without(*numbers):
    """Return the base without some records."""
    return [one for one in BASE if one["uuid"] not in {uuid(number) for number in numbers}]


def theft():
    """Return the base in which bob, over a VPN, takes what ann requested, from the same strange device."""
    asked = act(20, "analytics.reports.export.request", "20T09:10", origin=SERVER, debug=KEY | DEVICE, target=report())
    abroad = {"origin": VPN, "agent": STRANGER, "session": "far"}
    taken = act(22, DOWNLOAD, "20T13:20", "bob", debug=KEY | DEVICE, target=report(), **abroad)
    return [*without(20, 22), asked, taken]


def silenced():
    """Return the theft, a HIGH detection about ann before it, and bob who dismisses it after it."""
    alarm = act(30, "user.risk.detect", "20T09:05", target=about("ann"), debug={"risk": "{level=HIGH}"})
    told = {"eventUuid": uuid(30), "eventType": "user.risk.detect", "label": "false_positive"}
    abroad = {"origin": VPN, "agent": STRANGER, "session": "far"}
    said = act(31, FEEDBACK, "20T13:40", "bob", target=about("ann"), debug=told | DEVICE, **abroad)
    return [*theft(), alarm, said]


def test_a_quiet_month_needs_no_look():
    """The one row says so, and what was checked."""
    assert leads(*BASE)[["level", "headline"]].to_numpy().tolist() == [
        [
            "ordinary",
            "Nothing needs a look. 2 exports: none was taken by anybody but the person who requested it. "
            "4 of 40 answers about them could not be determined.",
        ]
    ]


def test_what_cannot_be_told_is_no_all_clear():
    """An export without its request is not said to be taken by the person who requested it."""
    found = leads(*without(20, 21))
    assert found["level"].tolist() == ["ordinary"]
    assert "none was taken by anybody but the person who requested it; of 1 it cannot be told." in found["headline"][0]


def test_a_log_without_exports_says_that_there_are_none():
    """An empty log and one of sign-ins have the same row, in columns of the same types."""
    empty, signed_in = ok.find_leads(ok.read_log([])), leads(*life(1000, "ann"))
    assert empty["headline"].tolist() == ["Nothing needs a look. There are no exports and no verdicts in this log."]
    pd.testing.assert_frame_equal(empty, signed_in)
    assert tuple(empty.columns) == LEAD_COLUMNS


def test_a_report_taken_by_somebody_else_is_one_sentence():
    """Who requested, who took, from where, when, through what, and what is strange about it."""
    found = leads(*theft())
    assert found["level"].tolist() == ["needs a look", "ordinary"]
    assert found["headline"][0] == (
        "Okta Usage, requested by ann@example.com from Romania (203.0.113.9) at 20 Mar 09:10 UTC, "
        "was downloaded by bob@example.com from Singapore (203.0.113.77, proxy) at 20 Mar 13:20 UTC; "
        "one device or session acted as several accounts; a journey near it was faster than people travel; "
        "it went through a proxy."
    )
    row = found.iloc[0]
    assert (row["people"], row["reports"]) == ("ann@example.com, bob@example.com", "Okta Usage")
    assert (str(row["first"]), str(row["last"])) == ("2026-03-20 09:10:00+00:00", "2026-03-20 13:20:00+00:00")
    assert (row["exports"], row["feedback"]) == (uuid(22), "")
    assert {uuid(20), uuid(22)} <= {*row["evidence"].split()}
    ask = "Ask ann@example.com, by phone and not by mail, whether they requested the report and let bob@example.com"
    assert f"{ask} have it." in row["next"].splitlines()


def test_a_dismissed_alarm_belongs_to_the_story_of_the_report():
    """The one who took the report dismissed the detection about the one who requested it: one lead, not two."""
    found = leads(*silenced())
    assert found["level"].tolist() == ["needs a look", "ordinary"]
    assert (
        "; bob@example.com dismissed the HIGH detection about ann@example.com at 20 Mar 13:40 UTC;"
        in found["headline"][0]
    )
    reasons = found["reasons"][0].splitlines()
    shared = "The device ddddddddddddddd… acted as ann@example.com, bob@example.com."
    assert f"Did its device or session act as another account? Yes: {shared}" in reasons
    assert [one for one in reasons if one.startswith("Was a HIGH detection dismissed? Yes: ")]
    assert "Have the detection about ann@example.com judged again by somebody else." in found["next"][0].splitlines()
    assert (found["exports"][0], found["feedback"][0]) == (uuid(22), uuid(31))


def test_downloads_of_one_job_are_one_lead():
    """The second download has no row of its own."""
    abroad = {"origin": VPN, "agent": STRANGER, "session": "far"}
    again = act(23, DOWNLOAD, "20T13:50", "bob", debug=KEY | DEVICE, target=report(), **abroad)
    found = leads(*theft(), again)
    assert found["level"].tolist() == ["needs a look", "ordinary"]
    assert "was downloaded 2 times by bob@example.com" in found["headline"][0]
    assert "at 20 Mar 13:20 and 13:50 UTC" in found["headline"][0]
    assert found["exports"][0] == f"{uuid(22)} {uuid(23)}"


def test_a_colleague_who_collects_a_report_is_worth_knowing():
    """Somebody else took it, and nothing else is strange."""
    taken = act(22, DOWNLOAD, "20T09:20", "bob", debug=KEY, target=report())
    found = leads(*without(22), taken)
    assert found["level"].tolist() == ["worth knowing", "ordinary"]
    assert found["headline"][1].startswith("Nothing needs a look. 1 other export: none was taken by anybody")
    assert "An assistant or a colleague collects reports for others" in found["against"][0]


def test_a_refused_download_is_told_as_an_attempt():
    """Bob was refused over a VPN; ann has her report: nobody else took it."""
    tried = act(23, DOWNLOAD, "20T13:20", "bob", origin=VPN, debug=KEY, target=report(), outcome={"result": "FAILURE"})
    assert leads(*BASE, tried)["headline"][0].startswith(
        "Okta Usage was requested and downloaded by ann@example.com from Norway (192.0.2.10) "
        "at 20 Mar 09:10 and 09:20 UTC; Okta Usage: an attempt by bob@example.com from Singapore (203.0.113.77, proxy) "
        "at 20 Mar 13:20 UTC was refused or not decided"
    )


def test_a_mailed_link_over_a_vpn_is_ordinary():
    """The report was requested in the console; the mailed link was opened later, over a proxy and without it."""
    taken = act(
        22, DOWNLOAD, "20T13:20", origin={**OFFICE, "is_proxy": True}, session="mail", debug=KEY, target=report()
    )
    assert leads(*without(22), taken)["level"].tolist() == ["ordinary"]


@pytest.mark.parametrize(("risk", "level"), [("LOW", "worth knowing"), ("MEDIUM", "needs a look")])
def test_many_verdicts_at_once_need_a_look_unless_they_are_about_slight_detections(risk, level):
    """A queue of LOW detections is worked off in one sitting; dismissing six others within minutes needs a look."""
    alarms = [
        act(30 + n, "user.risk.detect", f"20T08:0{n}", "bob", target=about("bob"), debug={"risk": f"{{level={risk}}}"})
        for n in range(6)
    ]
    told = {"eventType": "user.risk.detect", "label": "false_positive"}
    said = [
        act(40 + n, FEEDBACK, f"20T09:0{n}", target=about("bob"), debug={**told, "eventUuid": uuid(30 + n)})
        for n in range(6)
    ]
    found = leads(*without(20, 21, 22), *alarms, *said)
    assert found["level"].tolist() == [level, "ordinary"]
    dismissed = "ann@example.com dismissed 6 detections about bob@example.com from Norway (192.0.2.10)"
    assert found["headline"][0].startswith(f"{dismissed} at 20 Mar 09:00 to 09:05 UTC")


def test_an_unknown_that_would_decide_is_not_dropped():
    """Without the request nobody knows who asked; a proxy beside it needs a look, and says what to fetch."""
    taken = act(22, DOWNLOAD, "20T09:20", "bob", origin=VPN, debug=KEY, target=report())
    found = leads(*without(20, 21, 22), taken)
    assert found["level"][0] == "needs a look"
    assert (
        "the request is not in the log; it cannot be told whether the person who requested it took it"
        in found["headline"][0]
    )
    assert 'Fetch: (eventType eq "analytics.reports.export.request")' in found["open"][0]


def test_a_session_that_changes_hands_needs_a_look_without_any_export():
    """Another address and another browser within one session, and nothing was exported."""
    moved = act(40, "user.authentication.sso", "20T09:30", origin=SERVER, agent=STRANGER)
    found = leads(*life(1000, "ann"), moved)
    assert found["level"].tolist() == ["needs a look", "ordinary"]
    assert found["headline"][0].startswith(
        "A session of ann@example.com, before in Norway (192.0.2.10), went on from Romania (203.0.113.9) "
        "with another browser at 20 Mar 09:30 UTC"
    )
    assert found["exports"][0] == ""


def test_what_is_the_habit_of_a_log_counts_one_level_less():
    """Of 21 exports all are taken without the Admin Console over a proxy: that is how this company works."""
    proxy = {**OFFICE, "is_proxy": True}
    own = [one for one in life(1000, "ann") if "admin_app" not in one["eventType"]]
    days = [*own, *life(2000, "bob")]
    few, many = (
        [one for n in range(count) for one in job(100 + 3 * n, 1 + n, origin=proxy, key=f"k{n}")] for count in (3, 21)
    )
    assert set(leads(*days, *few)["level"]) == {"needs a look", "ordinary"}
    assert set(leads(*days, *many)["level"]) == {"worth knowing", "ordinary"}


def test_times_are_told_by_the_analysts_clock():
    """Sentences tell the time of a zone; the columns stay in UTC."""
    found = leads(*theft(), timezone="Asia/Tokyo")
    assert "at 20 Mar 18:10 JST" in found["headline"][0]
    assert str(found["first"][0]) == "2026-03-20 09:10:00+00:00"


def test_what_is_watched_for_needs_a_look():
    """A match with the analyst's own list is said."""
    watch = pd.DataFrame({"value": ["192.0.2.10"], "label": ["bad office"]})
    found = leads(*BASE, watch=watch)
    assert set(found["level"]) == {"needs a look", "ordinary"}
    assert "it matches what is watched for" in found["headline"][0]


@pytest.mark.slow
def test_a_log_a_frame_and_polars_have_the_same_leads():
    """The input stays as it was."""
    log = ok.read_log(silenced())
    before = log.events.copy()
    found = ok.find_leads(log)
    pd.testing.assert_frame_equal(ok.find_leads(log.events), found)
    pd.testing.assert_frame_equal(ok.find_leads(pl.from_pandas(log.events)), found)
    pd.testing.assert_frame_equal(log.events, before)


def test_text_of_a_log_hides_nothing_in_sentences():
    """Characters that turn the reading around, links and line breaks are shown."""
    records = [one | {"actor": {**one["actor"], "alternateId": "b\u202eob\nhttps://x.test"}} for one in theft()[-1:]]
    row = leads(*theft()[:-1], *records).iloc[0]
    assert "b\\u202eob\\x0ahttps[:]//x.test" in row["headline"]
    assert "\u202e" not in "".join(map(str, row[["headline", "people", "reasons", "next", "open", "against"]]))


def test_every_rule_asks_a_question_that_there_is():
    """Names, levels and sources are whole."""
    keys = {
        "export": {one.key for one in (*EXPORT_QUESTIONS, *WATCHED)} | {"no_console_at_request"},
        "feedback": {one.key for one in (*FEEDBACK_QUESTIONS, *WATCHED)} | {"burst_above_low"},
        "session": {"session_changed"},
    }
    for rule in lead_rules():
        assert rule.yes | rule.any | rule.unknown <= keys[rule.about], rule
        assert rule.level in (*LEVELS[:2], "context")
        assert rule.source


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "first"), [("quiet_week", "Nothing needs a look."), ("stolen_report", "Okta Password")]
)
def test_the_samples_say_what_they_are_first(name, first):
    """A quiet week says so; of the stolen report the first sentence tells all."""
    found = ok.find_leads(ok.read_log(ok.make_log(name).records))
    assert found["headline"][0].startswith(first)
    if name == "stolen_report":
        told = ["carla.holm", "marek.park", "Romania", "Singapore", "Okta Password Health", "VPN", "one device"]
        told += ["6 Mar 15:58 UTC", "6 Mar 20:09 and 20:33 UTC", "dismissed the HIGH detection"]
        assert [word for word in told if word not in found["headline"][0]] == []
        assert (found["level"] == "needs a look").sum() == 1
