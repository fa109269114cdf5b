"""What was refused did not happen, and what is not decided is not known: links, verdicts, counts and journeys."""

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from lives import about, act
from oktakit.log.keys import done, outcome, outcomes, were_done
from oktakit.schema import meaning_of_result
from records import event, events, export, uuid

MEANINGS = {
    "SUCCESS": "happened",
    "ALLOW": "happened",
    " allow ": "happened",
    "FAILURE": "refused",
    "DENY": "refused",
    "Deny": "refused",
    "ABANDONED": "refused",
    "UNANSWERED": "refused",
    "RATE_LIMIT": "refused",
    "CHALLENGE": "undecided",
    "DEFERRED": "undecided",
    "SCHEDULED": "undecided",
    "SKIPPED": "undecided",
    "UNKNOWN": "undecided",
    "unknown": "undecided",
    "PARTIAL": "undecided",
    "": "not delivered",
    "null": "not delivered",
    None: "not delivered",
}
REFUSED = [result for result, meaning in MEANINGS.items() if meaning == "refused"]
UNDECIDED = [result for result, meaning in MEANINGS.items() if meaning == "undecided"]
ASK, MAKE = export(1, "request", "02T08:00", "ada", job="j1"), export(2, "generate", "02T08:05", "system", job="j1")
ALARM = event(40, "user.risk.detect", target=about("bob"), debugContext={"debugData": {"risk": "{level=HIGH}"}})


def test_expression_series_and_function_agree():
    """Every documented value, other cases, a new value and three ways of saying nothing."""
    results, meanings = list(MEANINGS), list(MEANINGS.values())
    series = pd.Series(results, dtype="str")
    counts = [meaning in ("happened", "not delivered") for meaning in meanings]
    assert [meaning_of_result(one) for one in results] == meanings
    assert (outcomes(series).tolist(), were_done(series).tolist()) == (meanings, counts)
    for native in (pd.DataFrame({"outcome_result": series}), pl.DataFrame({"outcome_result": results})):
        told = nw.from_native(native).with_columns(outcome(), done=done())
        assert (told["outcome"].to_list(), told["done"].to_list()) == (meanings, counts)


def ledger(*records):
    """Return who downloaded, how far it came, whether somebody else took it, and how many downloads the job has."""
    rows = ok.correlate_exports(events(*records))
    taken = rows["taken_by_other"].astype(object).where(rows["taken_by_other"].notna(), None)
    return list(zip(rows["downloaded_by"], rows["state"], taken, rows["downloads"], strict=True))


@pytest.mark.parametrize("result", [*REFUSED, *UNDECIDED])
def test_a_download_that_was_not_done_is_no_download(result):
    """Bob is refused at 08:08, Ada takes the report at 08:10: nobody else took it, and it was taken once."""
    tried = export(3, "download", "02T08:08", "bob", job="j1", result=result)
    taken = export(4, "download", "02T08:10", "ada", job="j1")
    state = f"download {meaning_of_result(result)}"
    assert ledger(ASK, MAKE, tried, taken) == [
        ("bob@example.com", state, None, 1),
        ("ada@example.com", "downloaded", False, 1),
    ]
    assert ledger(ASK, MAKE, tried) == [("bob@example.com", state, None, 0)]


@pytest.mark.parametrize("result", ["SUCCESS", "ALLOW", None, "null"])
def test_a_download_that_was_done_or_whose_outcome_is_not_delivered_counts(result):
    """A delivery without outcomes still says who downloaded."""
    taken = export(3, "download", "02T08:08", "bob", job="j1", result=result)
    assert ledger(ASK, MAKE, taken) == [("bob@example.com", "downloaded", True, 1)]


def test_a_refused_request_was_nobodys_report():
    """Ada's request was refused: Bob did not take a report of hers."""
    tried = export(1, "request", "02T08:00", "ada", job="j1", result="DENY")
    assert ledger(tried, MAKE, export(3, "download", "02T08:08", "bob", job="j1")) == [
        ("bob@example.com", "downloaded", None, 1)
    ]


def test_two_reports_under_one_job_are_told():
    """A job id that stands on two different reports proves nothing about who took whose."""
    taken = export(3, "download", "02T08:08", "bob", job="j1", report="apps")
    row = ok.correlate_exports(events(ASK, MAKE, taken)).iloc[0]
    assert (row["downloaded_linked_by"], row["ambiguous"], pd.isna(row["taken_by_other"])) == ("job_id", True, True)


def verdict(number, result="SUCCESS", label="false_positive", who="ann"):
    """Return what an admin says about the detection."""
    debug = {"eventUuid": uuid(40), "eventType": "user.risk.detect", "label": label}
    fields = {"target": about("bob"), "outcome": {"result": result}}
    return act(number, ok.FEEDBACK, f"02T09:{number - 40:02}", who, debug=debug, **fields)


@pytest.mark.parametrize("result", [*REFUSED, *UNDECIDED])
def test_feedback_that_was_not_given_is_no_verdict(result):
    """Ann's dismissal is refused, Bea's confirmation stands alone: one verdict, not dismissed, not contradicted."""
    log = events(ALARM, verdict(41, result), verdict(42, label="true_positive", who="bea"))
    rows = ok.correlate_feedback(log)
    assert rows["verdict"].tolist() == [meaning_of_result(result), "confirmed"]
    assert rows["contradicted"].tolist() == [False, False]
    summary = ok.summarize_feedback(log)[["judged", "verdicts", "dismissed", "contradicted", "reviewers"]]
    assert summary.to_numpy().tolist() == [[1, 1, 0, 0, 1]]
    alone = ok.summarize_feedback(events(ALARM, verdict(41, result)))[["judged", "verdicts", "open_high"]]
    assert alone.to_numpy().tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("False Positive", "dismissed"),
        ("falsePositive", "dismissed"),
        ("false-positive ", "dismissed"),
        ("FALSE_POSITIVE", "dismissed"),
        ("TruePositive", "confirmed"),
        ("true positive", "confirmed"),
        ("false negative", "missed"),
        ("benign", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_label_is_read_however_it_is_spelt(label, meaning):
    """Case, blanks, hyphens and underscores make no difference; the label stays as logged."""
    row = ok.correlate_feedback(events(ALARM, verdict(41, label=label))).iloc[0]
    assert (row["verdict"], None if pd.isna(row["label"]) else row["label"]) == (meaning, label)


@pytest.mark.parametrize("result", ["DENY", "FAILURE", "CHALLENGE", "UNKNOWN"])
def test_sessions_and_summaries_count_what_was_done(result):
    """One request, download, verdict and opening of the console that did not happen: four events, nothing done."""
    kinds = (ok.REQUEST, ok.DOWNLOAD, ok.FEEDBACK, "user.session.access_admin_app")
    tried = [
        act(number, kind, f"02T08:0{number}", session="s", outcome={"result": result})
        for number, kind in enumerate(kinds, 1)
    ]
    names = ["events", "requests", "downloads", "feedback"]
    session = ok.correlate_sessions(events(*tried))[[*names, "admin_console"]]
    assert session.to_numpy().tolist() == [[4, 0, 0, 0, 0]]
    assert ok.summarize_actors(events(*tried))[names].to_numpy().tolist() == [[4, 0, 0, 0]]
    assert ok.summarize_geo(events(*tried))["downloads"].tolist() == [0]
    assert ok.summarize_proxy(events(*tried))["downloads"].tolist() == [0]


ABROAD = {"ip": "203.0.113.9", "country": "Japan", "lat": 35.68, "lon": 139.69, "network": 64510, "is_proxy": False}


@pytest.mark.parametrize("kind", ["user.session.start", "policy.evaluate_sign_on", "user.authentication.auth_via_mfa"])
@pytest.mark.parametrize("result", ["FAILURE", "DENY", "CHALLENGE", "UNANSWERED", "RATE_LIMIT"])
def test_a_strangers_refused_sign_in_is_no_journey_and_no_habit(kind, result):
    """It may be anybody's, although a sign-in that fails already has the number of a session."""
    usual = [act(day, "user.session.start", f"{day:02}T08:00") for day in (1, 2, 3, 10)]
    tried = act(20, kind, "10T08:10", session="idx1", origin=ABROAD, outcome={"result": result})
    log = events(*usual, tried)
    assert ok.find_travel(log).empty
    assert ok.find_first_seen(log, "country").empty
    done = act(20, kind, "10T08:10", session="idx1", origin=ABROAD)
    assert len(ok.find_travel(events(*usual, done))) == len(ok.find_first_seen(events(*usual, done), "country")) == 1
