"""The investigation of every sample log says what its truth file says, no more and no less."""

import json
from pathlib import Path

import pandas as pd
import pytest

import oktakit as ok

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def load(name):
    """Return the log and the truth of a sample."""
    (path,) = SAMPLES.glob(f"{name}.jsonl*")
    return ok.read_log(path), json.loads((SAMPLES / "truth" / f"{name}.json").read_text())


def planted(truth, kind):
    """Return the planted facts of one kind."""
    return [fact for fact in truth["planted"] if fact["kind"] == kind]


@pytest.mark.parametrize("name", ["stolen_report", "assistant", "quiet_week", "feedback", "sessions"])
def test_the_account_of_a_sample_is_its_truth(name):
    """Records and events are as many as were made; the one repeated record is the duplicate."""
    log, truth = load(name)
    account = log.sources.iloc[0]
    assert (account["records"], account["kept"], account["rejected"]) == (truth["records"], truth["events"], 0)
    assert account["duplicates"] == truth["records"] - truth["events"]
    assert log.events["issues"].eq("").all()


@pytest.mark.parametrize("name", ["stolen_report", "assistant"])
def test_the_finding_is_the_planted_fact(name):
    """Requester, downloader, report, places, lags and the way of linking are those of the truth file."""
    log, truth = load(name)
    (fact,) = planted(truth, "export")
    exports = ok.correlate_exports(log.events)
    found = exports[exports["taken_by_other"].fillna(False)].sort_values("downloaded_at")
    assert list(found["downloaded_uuid"]) == fact["uuids"]["downloads"]
    row = found.iloc[0]
    names = (
        "requested_by requested_by_id requested_from requested_country requested_session downloaded_by downloaded_by_id"
    )
    names += " downloaded_from downloaded_country downloaded_session report_id report_name job_id export_columns"
    names += " generated_linked_by downloaded_linked_by downloaded_confidence downloads"
    for name_ in names.split():
        assert row[name_] == fact[name_], name_
    assert (row["requested_uuid"], row["generated_uuid"]) == (fact["uuids"]["request"], fact["uuids"]["generate"])
    for lag in ("request_to_generate", "generate_to_download", "request_to_download"):
        assert row[lag].total_seconds() == pytest.approx(fact[f"{lag}_seconds"])


def test_the_benign_twin_shows_the_pattern_with_what_speaks_against_it():
    """The assistant is a yes like the thief, beside the same country and a benign explanation."""
    card = ok.check_exports(load("assistant")[0].events)
    yes = card[(card["key"] == "taken_by_other") & (card["answer"] == "yes")]
    assert (len(yes), "same country" in yes["against"].item()) == (1, True)
    assert "assistant" in yes["innocent"].item()


def test_a_quiet_week_has_no_download_by_somebody_else():
    """Five thousand events without a theft give no cross-user row."""
    exports = ok.correlate_exports(load("quiet_week")[0].events)
    assert not exports["taken_by_other"].fillna(False).any()
    assert exports["state"].isin(["downloaded"]).sum() > 20


@pytest.mark.parametrize("name", ["stolen_report", "assistant", "quiet_week"])
def test_ordinary_exports_are_followed_to_their_end(name):
    """Every export of the background has its request, file and downloads on its rows, whoever they were made by."""
    log, truth = load(name)
    exports = ok.correlate_exports(log.events)
    for fact in truth["ordinary_exports"]:
        uuids = fact["uuids"]
        rows = exports[exports["requested_uuid"] == uuids["request"]]
        assert list(rows["downloaded_uuid"].dropna().sort_values()) == sorted(uuids["downloads"])
        assert (rows["generated_uuid"] == uuids["generate"]).all()
        assert rows["requested_by"].unique().tolist() == [fact["requested_by"]]


def test_verdicts_are_those_that_were_planted():
    """Each planted judgement is found with its detection, its labels and whether it was contradicted or self-given."""
    log, truth = load("feedback")
    feedback = ok.correlate_feedback(log.events).set_index("feedback_uuid")
    for fact in planted(truth, "feedback"):
        rows = feedback.loc[fact["uuids"]["feedback"]]
        assert list(rows["label"]) == fact["labels"]
        assert list(rows["given_by"]) == fact["given_by"]
        assert (rows["judged_uuid"] == fact["judged_uuid"]).all()
        for name in ("judged_in_log", "contradicted", "self_feedback"):
            assert (rows[name] == fact[name]).all(), name
        assert rows["judged_risk_level"].dropna().isin([fact["judged_risk_level"]]).all()
        assert (rows["time_to_verdict"].isna() | (rows["time_to_verdict"] > pd.Timedelta(0))).all()
