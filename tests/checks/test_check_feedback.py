"""The verdict card of feedback, and how the triage is counted."""

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from lives import DOWNLOAD, FEEDBACK, OFFICE, SERVER, about, act, changed, events, job, life, report
from oktakit.analysis.feedback import FEEDBACK_SUMMARY_COLUMNS, summarize_feedback
from oktakit.checks.answers import CHECK_COLUMNS
from oktakit.checks.feedback import FEEDBACK_QUESTIONS, check_feedback
from records import uuid

KEYS = {question.key for question in FEEDBACK_QUESTIONS}
ALARM, OTHER, GIVEN = 40, 41, 42


def alarm(number, at, who, level="LOW", session=None):
    """Return a detection about somebody."""
    risk = {"risk": f"{{level={level}, detectionName=New Place}}"} if level else {"risk": "{detectionName=New Place}"}
    return act(number, "user.risk.detect", at, who, session=session, target=about(who), debug=risk)


def verdict(number, at, judged=ALARM, label="false_positive", who="ann", of="bob", **fields):
    """Return what somebody says about a detection."""
    debug = {"eventUuid": uuid(judged), "eventType": "user.risk.detect", "label": label} if judged else {"label": label}
    return act(number, FEEDBACK, at, who, debug=debug, target=of and about(of), **fields)


def test_unknown_ids_make_neither_self_feedback_nor_contradiction():
    """Two opposite verdicts on `unknown` about people without an id say nothing of one another or of themselves."""
    labels = ("false_positive", "true_positive")
    given = [verdict(50 + n, f"20T09:3{n}", who="unknown", of="unknown", label=label) for n, label in enumerate(labels)]
    for record in given:
        record["debugContext"]["debugData"]["eventUuid"] = "unknown"
        record["actor"]["id"] = record["target"][0]["id"] = "unknown"
    found = ok.correlate_feedback(events(*given))
    assert found[["contradicted", "self_feedback"]].isna().to_numpy().tolist() == [[True, True]] * 2


BASE = [
    *(*life(1000, "ann"), *life(2000, "bob"), *life(3000, "carl")),
    *(*job(10, 9), *job(20, 9, "bob", key="k")),
    *(alarm(ALARM, "20T09:00", "bob"), alarm(OTHER, "20T09:00", "carl"), verdict(GIVEN, "20T09:30")),
]


def card(records, **told):
    """Return the answers about the verdict, by key."""
    found = check_feedback(events(*records), **told)
    return found[found["subject"] == uuid(GIVEN)].set_index("key")


def instead(number, *records):
    """Return the base with other records in place of one."""
    return [*(one for one in BASE if one["uuid"] != uuid(number)), *records]


FACTS = {
    "nothing": (BASE, ""),
    "about the judge": (instead(GIVEN, verdict(GIVEN, "20T09:30", of="ann")), "yes: self_given"),
    "about nobody": (instead(GIVEN, verdict(GIVEN, "20T09:30", of=None)), "unknown: self_given export_after_feedback"),
    "a HIGH one": (instead(ALARM, alarm(ALARM, "20T09:00", "bob", "HIGH")), "yes: dismissed_high"),
    "a HIGH one confirmed": (
        [
            *(one for one in BASE if one["uuid"] not in (uuid(ALARM), uuid(GIVEN))),
            *(alarm(ALARM, "20T09:00", "bob", "HIGH"), verdict(GIVEN, "20T09:30", label="true_positive")),
        ],
        "",
    ),
    "no level": (instead(ALARM, alarm(ALARM, "20T09:00", "bob", None)), "unknown: dismissed_high"),
    "somebody disagrees": ([*BASE, verdict(50, "21T09:30", label="true_positive", who="carl")], "yes: contradicted"),
    "somebody agrees": ([*BASE, verdict(50, "21T09:30", who="carl")], ""),
    "no detection named": (
        instead(GIVEN, verdict(GIVEN, "20T09:30", None)),
        "unknown: contradicted judged_missing dismissed_high feedback_from_risky_place",
    ),
    "five in ten minutes": (
        [*BASE, *(verdict(50 + n, f"20T09:3{n}", OTHER, of="carl") for n in range(1, 5))],
        "yes: burst",
    ),
    "five in an hour": ([*BASE, *(verdict(50 + n, f"20T09:{30 + 6 * n}", OTHER, of="carl") for n in range(1, 5))], ""),
    "a proxy": (
        instead(GIVEN, verdict(GIVEN, "20T09:30", origin={**OFFICE, "is_proxy": True})),
        "yes: feedback_from_risky_place",
    ),
    "a new country": (instead(GIVEN, verdict(GIVEN, "20T09:30", origin=SERVER)), "yes: feedback_from_risky_place"),
    "the judged session": (
        instead(GIVEN, verdict(GIVEN, "20T09:30", session="bob-20")),
        "yes: feedback_from_risky_place shared_device",
    ),
    "no word about proxies": (changed(BASE, GIVEN, securityContext={}), "unknown: feedback_from_risky_place"),
    "no country": (
        changed(BASE, GIVEN, client={"ipAddress": "192.0.2.10"}),
        "unknown: feedback_from_risky_place",
    ),
    "the judged exports": (
        [*BASE, *job(60, 20, "bob", key="z", times=("15:00", "15:01", "15:02"))],
        "yes: export_after_feedback",
    ),
    "the judge takes a report": ([*BASE, act(60, DOWNLOAD, "21T09:00", target=report())], "yes: export_after_feedback"),
    "exports two days later": ([*BASE, *job(60, 22, "bob", key="z")], ""),
    "the log ends that day": (
        [one for one in BASE if one["published"] < "2026-03-20T12"],
        "unknown: export_after_feedback",
    ),
    "the detection is missing": (
        instead(ALARM),
        "yes: judged_missing; unknown: dismissed_high feedback_from_risky_place",
    ),
    "exports and feedback alone": (
        [one for one in BASE if one["eventType"].startswith("analytics.")],
        "unknown: judged_missing dismissed_high feedback_from_risky_place export_after_feedback",
    ),
    "feedback alone": (
        [*(one for one in BASE if one["eventType"] == FEEDBACK), verdict(50, "25T09:30", OTHER, who="carl", of="bob")],
        "unknown: judged_missing dismissed_high feedback_from_risky_place export_after_feedback",
    ),
    "an event of another type with the same uuid": ([*BASE, act(GIVEN, "user.session.start", "19T08:00")], ""),
    "nobody gave it": (
        changed(BASE, GIVEN, actor={}),
        "unknown: self_given burst feedback_from_risky_place export_after_feedback shared_device",
    ),
}


@pytest.mark.parametrize("fact", FACTS)
def test_one_fact_moves_the_answers_that_rest_on_it_and_no_other(fact):
    """A reviewer dismisses a slight detection in the office: all noes, but for what the fact is about."""
    records, words = FACTS[fact]
    expected = dict.fromkeys(KEYS, "no")
    for part in words.split("; ") if words else ():
        answer, _, names = part.partition(": ")
        expected |= dict.fromkeys(names.split(), answer)
    assert card(records)["answer"].to_dict() == expected


def test_an_answer_names_level_reason_and_time():
    """The dismissal of a HIGH detection is told with who it is about, how soon and why."""
    said = verdict(GIVEN, "20T09:30")
    said["debugContext"]["debugData"]["reason"] = "new laptop"
    high = alarm(ALARM, "20T09:00", "bob", "HIGH")
    records = [*(one for one in BASE if one["uuid"] not in (uuid(ALARM), uuid(GIVEN))), high, said]
    row = card(records).loc["dismissed_high"]
    assert row["why"] == "HIGH New Place about bob@example.com dismissed after 30 min, because: new laptop."
    assert row["evidence"].split() == [uuid(ALARM), uuid(GIVEN)]


def test_a_missing_detection_can_be_fetched_by_its_uuid():
    """The unknown beside it offers the one event; licences are the innocent reason."""
    found = card(instead(ALARM))
    assert found.loc["dismissed_high", "fetch"] == f'(uuid eq "{uuid(ALARM)}")'
    assert "licence" in found.loc["judged_missing", "innocent"]


def test_known_and_watched_places_are_labelled():
    """What is known stands against the yes; what is watched for is a question of its own."""
    records = instead(GIVEN, verdict(GIVEN, "20T09:30", origin={**OFFICE, "is_proxy": True}))
    table = pd.DataFrame({"value": ["AS64496"], "label": ["office"]})
    found = card(records, known=table, watch=table)
    assert found.loc["feedback_from_risky_place", "against"] == "known: office"
    assert found.loc["watched", ["answer", "why"]].tolist() == ["yes", "office."]


@pytest.mark.parametrize(
    ("device", "told", "against"),
    [
        ({"managed": True, "registered": True}, "", "managed device, registered device"),
        ({"managed": False, "registered": False}, " Verdict: device not managed, device not registered.", ""),
        (None, "", ""),
    ],
)
def test_the_device_of_a_verdict_is_told_where_it_is_recorded(device, told, against):
    """A managed device speaks against a stranger, one that is not is told, and of an unknown one nothing is."""
    row = card(instead(GIVEN, verdict(GIVEN, "20T09:30", device=device))).loc["feedback_from_risky_place"]
    assert row["why"] == f"Norway, AS64496, 192.0.2.10; from 192.0.2.10: not flagged as a proxy.{told}"
    assert row["against"] == against


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, len(BASE)])
def test_order_and_engine_make_no_difference_and_nothing_is_changed(size):
    """Newest first, shuffled and Polars give the same card and the same counts; the events stay as they were."""
    frame = ok.read_log(BASE[:size]).events
    before = frame.copy(deep=True)
    expected, counts = check_feedback(frame), summarize_feedback(frame)
    assert expected.columns.tolist() == list(CHECK_COLUMNS)
    assert counts.columns.tolist() == list(FEEDBACK_SUMMARY_COLUMNS)
    assert len(expected) == (len(KEYS) if size else 0)
    for other in (
        frame[::-1],
        frame.sample(frac=1, random_state=3),
        pl.from_pandas(frame),
        pl.from_pandas(frame).lazy(),
    ):
        pd.testing.assert_frame_equal(check_feedback(other), expected)
        pd.testing.assert_frame_equal(summarize_feedback(other), counts)
    pd.testing.assert_frame_equal(frame, before)


def test_triage_is_counted_per_kind_of_detection():
    """Four detections, one HIGH one open, two judged three times; a verdict on a missing one is a row of its own."""
    records = [
        *(alarm(1, "01T08:00", "bob"), alarm(2, "01T08:00", "bob"), alarm(3, "01T08:00", "bob", "HIGH")),
        *(alarm(4, "01T08:00", "carl", "HIGH"), verdict(5, "01T09:00", 1), verdict(6, "01T10:00", 4, who="bob")),
        *(verdict(7, "01T13:00", 4, "true_positive"), verdict(8, "01T14:00", 99)),
    ]
    rows = summarize_feedback(events(*records)).set_index("detection_name", drop=False)
    row, lost = rows.iloc[0], rows.iloc[1]
    assert row[["event_type", "detection_name"]].tolist() == ["user.risk.detect", "New Place"]
    assert row[["detections", "judged", "share_judged", "verdicts", "dismissed"]].tolist() == [4, 2, 0.5, 3, 2]
    assert row["share_dismissed"] == pytest.approx(2 / 3)
    # Wilson by hand: (2/3 + 1.96**2/6 -+ 1.96 * sqrt(2/27 + 1.96**2/36)) / (1 + 1.96**2/3)
    assert row[["share_dismissed_from", "share_dismissed_to"]].tolist() == pytest.approx([0.2077, 0.9385], abs=1e-4)
    assert row[["contradicted", "reviewers", "open_high"]].tolist() == [1, 2, 1]
    assert row["median_time_to_verdict"] == pd.Timedelta("2h")
    assert pd.isna(lost["detection_name"])
    assert lost[["detections", "verdicts", "dismissed", "open_high"]].tolist() == [0, 1, 1, 0]
    assert pd.isna(lost["share_judged"])
