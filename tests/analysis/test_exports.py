"""The export ledger: what is linked, how, and what is not."""

import itertools

import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from records import event, events, export, uuid


def ledger(*records):
    """Return the ledger of some records as a list of dicts in which nothing missing is a value."""
    frame = ok.correlate_exports(events(*records))
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]


ASK = export(1, "request", "02T08:00", "ann", job="j1", country="Norway")
MAKE = export(2, "generate", "02T08:02", "system", job="j1")
TAKE = export(3, "download", "02T12:30", "bob", job="j1", country="Romania")


def test_a_job_is_one_row_with_its_three_steps():
    """Request, generation and download of one job id stand on one row, each event whole."""
    (row,) = ledger(ASK, MAKE, TAKE)
    assert (row["job_id"], row["report_id"], row["report_name"], row["state"]) == ("j1", "mfa", "MFA", "downloaded")
    assert (row["requested_uuid"], row["generated_uuid"], row["downloaded_uuid"]) == (uuid(1), uuid(2), uuid(3))
    assert (row["requested_by"], row["downloaded_by"]) == ("ann@example.com", "bob@example.com")
    assert (row["requested_country"], row["generated_country"], row["downloaded_country"]) == (
        "Norway",
        None,
        "Romania",
    )
    assert (row["generated_linked_by"], row["downloaded_linked_by"]) == ("job_id", "job_id")
    assert (row["generated_confidence"], row["downloaded_confidence"]) == ("exact", "exact")
    assert row["taken_by_other"] is True
    assert row["request_to_generate"] == pd.Timedelta(minutes=2)
    assert row["generate_to_download"] == pd.Timedelta(hours=4, minutes=28)
    assert row["request_to_download"] == pd.Timedelta(hours=4, minutes=30)
    assert (row["downloads"], row["ambiguous"], row["orphan_reason"]) == (1, False, None)


def test_two_downloads_are_two_rows_and_nobody_is_merged_with_anybody():
    """A download without a country never borrows the country of the next one, which is another person's."""
    mine = export(4, "download", "02T09:00", "ann", job="j1", country=None)
    first, second = ledger(ASK, MAKE, TAKE, mine)
    assert (first["downloaded_by"], first["downloaded_country"], first["taken_by_other"]) == (
        "ann@example.com",
        None,
        False,
    )
    assert (second["downloaded_by"], second["downloaded_country"], second["taken_by_other"]) == (
        "bob@example.com",
        "Romania",
        True,
    )
    assert first["downloads"] == second["downloads"] == 2


def test_a_download_whose_request_lies_before_the_log_is_kept_and_undecided():
    """It is a row of its own; who asked for it is unknown, and the reason is said."""
    (row,) = ledger(TAKE)
    assert (row["state"], row["taken_by_other"], row["requested_by"]) == ("download only", None, None)
    assert row["orphan_reason"] == "request_before_window"


def test_a_request_that_should_be_in_the_log_is_said_to_be_missing():
    """A log that reaches back further than a link is good for must hold the request."""
    (row,) = ledger(event(9, "user.session.start", "2026-01-15T08:00:00.000Z"), TAKE)
    assert row["orphan_reason"] == "request_not_in_log"


@pytest.mark.parametrize("session", [None, "unknown", "null", "", " Unknown "])
def test_what_is_not_known_never_links(session):
    """Events without a session, or with a text that stands for none, are not tied together by it."""
    asked = export(1, "request", "02T08:00", "ann", session=session)
    taken = export(2, "download", "02T09:00", None, session=session, report="usage")
    rows = ledger(asked, taken)
    assert [row["state"] for row in rows] == ["never generated", "download only"]


def test_the_same_transaction_links_exactly():
    """A shared transaction is an exact link, so another person is another person."""
    (row,) = ledger(
        export(1, "request", "02T08:00", "ann", transaction="t1"),
        export(2, "download", "02T08:01", "bob", transaction="t1"),
    )
    assert (row["downloaded_linked_by"], row["downloaded_confidence"]) == ("transaction", "exact")
    assert row["taken_by_other"] is True


def test_a_session_links_with_high_confidence():
    """Same report, actor and session: high; the link presupposes one person, so nobody else took it."""
    (row,) = ledger(
        export(1, "request", "02T08:00", "ann", session="s1"), export(2, "download", "02T09:00", "ann", session="s1")
    )
    assert (row["downloaded_linked_by"], row["downloaded_confidence"]) == ("session", "high")
    assert row["taken_by_other"] is False


def test_the_root_session_links_like_the_session():
    """Where only the root session is shared, it is the session that links."""
    root = {"authenticationContext": {"rootSessionId": "r1"}}
    (row,) = ledger(
        {**export(1, "request", "02T08:00", "ann"), **root}, {**export(2, "download", "02T09:00", "ann"), **root}
    )
    assert (row["downloaded_linked_by"], row["downloaded_confidence"]) == ("session", "high")


def test_the_actor_links_with_medium_confidence_to_the_nearest_earlier_request():
    """Of two requests of one person for one report, the later one that still precedes the download is meant."""
    rows = ledger(
        export(1, "request", "02T08:00", "ann"),
        export(2, "request", "02T09:00", "ann"),
        export(3, "request", "02T11:00", "ann"),
        export(4, "download", "02T10:00", "ann"),
    )
    taken = [row for row in rows if row["state"] == "downloaded"]
    assert [(row["requested_uuid"], row["downloaded_linked_by"], row["downloaded_confidence"]) for row in taken] == [
        (uuid(2), "actor", "medium")
    ]
    assert [row["ambiguous"] for row in taken] == [False]
    assert len(rows) == 3


def test_the_report_alone_links_with_low_confidence_and_decides_nothing():
    """Another person's request for the same report is a candidate, not a proof."""
    (row,) = ledger(export(1, "request", "02T08:00", "ann"), export(2, "download", "02T09:00", "bob"))
    assert (row["downloaded_linked_by"], row["downloaded_confidence"]) == ("report", "low")
    assert row["taken_by_other"] is None


def test_candidates_that_tie_are_listed():
    """Two requests of the same moment cannot be told apart, and the row says so."""
    rows = ledger(
        export(1, "request", "02T08:00", "ann"),
        export(2, "request", "02T08:00", "ann"),
        export(3, "download", "02T09:00", "ann"),
    )
    taken = next(row for row in rows if row["state"] == "downloaded")
    assert (taken["ambiguous"], taken["candidates"]) == (True, f"{uuid(1)} {uuid(2)}")


@pytest.mark.parametrize("rule", ["session", "transaction"])
def test_job_ids_that_disagree_are_never_linked(rule):
    """Two different jobs stay two, however much else their events share."""
    shared = {rule: "x1"}
    rows = ledger(
        export(1, "request", "02T08:00", "ann", job="j1", **shared),
        export(2, "download", "02T09:00", "ann", job="j2", **shared),
    )
    assert [(row["state"], row["job_id"]) for row in rows] == [("never generated", "j1"), ("download only", "j2")]


@pytest.mark.parametrize(("day", "linked"), [("03T07:59", True), ("03T08:01", False)])
def test_a_file_is_made_within_a_day_of_its_request(day, linked):
    """The same actor's generation counts for 24 hours after the request."""
    rows = ledger(export(1, "request", "02T08:00", "ann"), export(2, "generate", day, "ann"))
    assert (len(rows) == 1) is linked


@pytest.mark.parametrize(("day", "linked"), [("31T07:59", True), ("31T08:01", False)])
def test_a_file_is_taken_within_thirty_days(day, linked):
    """A mailed link is good for 30 days after the file was made."""
    rows = ledger(
        export(1, "request", "01T07:00", "ann", job="j1"),
        export(2, "generate", "01T08:00", "ann", job="j1"),
        export(3, "download", day, "ann"),
    )
    assert (rows[0]["state"] == "downloaded") is linked


def test_a_server_side_file_is_tied_to_the_person_who_asked_for_it():
    """A download without a job id belongs to the job of its own actor, although the system made the file."""
    (row,) = ledger(ASK, MAKE, export(3, "download", "02T09:00", "ann"))
    assert (row["requested_uuid"], row["generated_uuid"]) == (uuid(1), uuid(2))
    assert (row["downloaded_linked_by"], row["taken_by_other"], row["ambiguous"]) == ("actor", False, False)


def test_a_failed_job_is_failed_and_offers_nothing():
    """Nothing can be taken from a job that failed, except by proof of its job id."""
    broken = export(2, "generate", "02T08:02", "ann", job="j1", result="FAILURE")
    rows = ledger(ASK, broken, export(3, "download", "02T09:00", "ann"))
    assert [row["state"] for row in rows] == ["failed", "download only"]
    assert rows[0]["generate_result"] == "FAILURE"


def test_a_second_attempt_counts():
    """Of two attempts to make the file, the good one before the download is shown."""
    broken = export(4, "generate", "02T08:01", "system", job="j1", result="FAILURE")
    (row,) = ledger(ASK, broken, MAKE, export(3, "download", "02T09:00", "ann", job="j1"))
    assert (row["generated_uuid"], row["generate_result"], row["state"]) == (uuid(2), "SUCCESS", "downloaded")


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([ASK], "never generated"),
        ([ASK, MAKE], "never downloaded"),
        ([MAKE], "generate only"),
        ([MAKE, TAKE], "downloaded"),
        ([TAKE], "download only"),
        ([{**TAKE, "outcome": {"result": "DENY"}}], "download refused"),
        ([{**TAKE, "outcome": {"result": "ABANDONED"}}], "download refused"),
        ([{**TAKE, "outcome": {"result": "DEFERRED"}}], "download undecided"),
    ],
)
def test_the_state_says_how_far_a_job_came(records, state):
    """Each combination of steps has its own state."""
    assert [row["state"] for row in ledger(*records)] == [state]


def test_links_of_different_strength_decide_only_what_both_prove():
    """File and download share a job id, but the request is tied to the file by its session only."""
    asked = export(1, "request", "02T08:00", "ann", session="s1")
    made = export(2, "generate", "02T08:02", "ann", session="s1", job="j1")
    (other,) = ledger(asked, made, export(3, "download", "02T09:00", "bob", job="j1"))
    (own,) = ledger(asked, made, export(3, "download", "02T09:00", "ann", job="j1"))
    assert (other["generated_linked_by"], other["downloaded_linked_by"]) == ("session", "job_id")
    assert (other["taken_by_other"], own["taken_by_other"]) == (None, False)


def test_people_are_compared_by_id_not_by_login():
    """A login that changed is the same person; a missing id decides nothing."""
    renamed = export(3, "download", "02T09:00", "ann", job="j1")
    renamed["actor"]["alternateId"] = "ann.new@example.com"
    nameless = export(3, "download", "02T09:00", None, job="j1")
    assert [ledger(ASK, taken)[0]["taken_by_other"] for taken in (renamed, nameless)] == [False, None]


@pytest.mark.slow
def test_the_order_of_the_records_does_not_matter():
    """Every order of the same records gives the same ledger."""
    records = [ASK, MAKE, TAKE, export(4, "download", "02T09:00", "ann")]
    expected = ok.correlate_exports(events(*records))
    for shuffled in itertools.permutations(records):
        pd.testing.assert_frame_equal(ok.correlate_exports(events(*shuffled)), expected)


@pytest.mark.parametrize("records", [[], [ASK, MAKE, TAKE, event(8, "user.session.start")]])
def test_polars_gives_the_same_ledger_and_nothing_is_changed(records):
    """pandas and Polars, eager and lazy, agree in values, types and order; the input stays as it was."""
    frame = ok.read_log(records).events
    before = frame.copy(deep=True)
    expected = ok.correlate_exports(frame)
    pd.testing.assert_frame_equal(frame, before)
    for other in (pl.from_pandas(frame), pl.from_pandas(frame).lazy()):
        pd.testing.assert_frame_equal(ok.correlate_exports(other), expected)


def test_a_missing_column_is_named():
    """The error names the helper, what is missing and what is there."""
    with pytest.raises(ok.ColumnError, match=r"correlate_exports needs the columns .*actor_id.* It has: uuid"):
        ok.correlate_exports(pd.DataFrame({"uuid": ["a"]}))


def test_the_card_tells_who_asked_and_who_took():
    """The answer names people, places, time and link; a download without a request is unknown, never no."""
    card = ok.check_exports(events(ASK, MAKE, TAKE, export(5, "download", "02T09:00", "eve", job="j9")))
    card = card[card["key"] == "taken_by_other"]
    yes, unknown = card.loc[card["answer"] == "yes"].iloc[0], card.loc[card["answer"] == "unknown"].iloc[0]
    assert yes["why"] == (
        "MFA: requested by ann@example.com (Norway, 192.0.2.1, proxy not reported), downloaded by bob@example.com "
        "(Romania, 192.0.2.1, proxy not reported) 4 h 30 min later; linked by job_id (exact)."
    )
    assert yes["against"] == "same address"
    assert yes["evidence"].split() == [uuid(1), uuid(2), uuid(3)]
    assert "its request may lie before the log begins" in unknown["why"]


def bridged(*records, organization):
    """Return records as Amazon EventBridge delivers them from an organization."""
    source = f"aws.partner/okta.com/{organization}/log"
    return [{"detail-type": "SystemLog", "source": source, "detail": record} for record in records]


def steps(first, **fields):
    """Return a request and a download of one report, minutes apart, by somebody of that organization alone."""
    return export(first, "request", "02T08:00", "ann", **fields), export(
        first + 1, "download", "02T08:10", "bob", **fields
    )


@pytest.mark.parametrize("job", [None, "j1"])
def test_organizations_are_kept_apart(job):
    """Both export the report that every organization has at the same time: each keeps to itself, even by the job id."""
    one, two = bridged(*steps(1, job=job), organization="one"), bridged(*steps(3, job=job), organization="two")
    rows = ledger(*one, *two)
    assert [(row["requested_uuid"], row["downloaded_uuid"]) for row in rows] == [(uuid(1), uuid(2)), (uuid(3), uuid(4))]
    assert [row["candidates"] for row in rows] == [None, None]
    taken = ledger(one[0], two[1])
    assert [(row["requested_uuid"], row["downloaded_uuid"]) for row in taken] == [(uuid(1), None), (None, uuid(4))]


def test_an_event_that_names_no_organization_may_be_of_any_one_but_not_of_two():
    """A request without a name goes with the download; a file without one does not tie two organizations together."""
    asked, taken = steps(1)
    (row,) = ledger(asked, *bridged(taken, organization="one"))
    assert row["downloaded_uuid"] == uuid(2)
    made = export(5, "generate", "02T08:05", "system")
    (one,), (two,) = bridged(asked, organization="one"), bridged(taken, organization="two")
    assert [row["state"] for row in ledger(one, made, two)] == ["never downloaded", "download only"]
    (file,) = bridged(made, organization="one")
    assert [row["state"] for row in ledger(asked, file, two)] == ["never downloaded", "download only"]
