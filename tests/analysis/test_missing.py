"""Words for "missing" in keys, proxies and labels; further spellings; tables that are odd in other ways."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

import oktakit as ok
from lives import LAPTOP, OFFICE, act, job
from oktakit.analysis.labels import label
from oktakit.log.keys import known, known_values
from oktakit.schema import SENTINELS, is_sentinel
from records import event, events, export, uuid

WORDS = ("(null)", "NaN", "<NA>", "undefined", "\\N", "#N/A", "(empty)", "null", "-", "—")


@pytest.mark.parametrize("word", SENTINELS)
def test_one_meaning_of_missing_in_every_way_to_ask(word):
    """The function for one text, the expression for engines and the one for pandas agree, whatever case and blanks."""
    for text in (word, word.upper(), f" {word}\t"):
        assert is_sentinel(text)
        for frame in (pl.DataFrame({"job_id": [text]}), pd.DataFrame({"job_id": [text]})):
            assert frame_without(frame) == [None]
        assert known_values(pd.DataFrame({"job_id": [text]}), "job_id") == []


@pytest.mark.parametrize("word", ["NA", "00u1", "j-1", "Null Island Ltd", "nonesuch", "0", "?!"])
def test_what_is_somebody_or_something_is_not_missing(word):
    """NA is Namibia; a word that only begins like one for "missing" is a value."""
    assert not is_sentinel(word)
    assert frame_without(pl.DataFrame({"job_id": [word]})) == [word]
    assert known_values(pd.DataFrame({"job_id": [word]}), "job_id") == [word]


def frame_without(frame):
    """Return a column without what is missing, as `known` sees it in an engine."""
    import narwhals.stable.v2 as nw

    values = nw.from_native(frame).select(known("job_id"))["job_id"].to_list()
    return [None if pd.isna(value) else value for value in values]


COLUMNS = ("published", "uuid", "eventType", "actor.id", "actor.alternateId", "target0.id", "target0.type")
DEBUG = "debugContext.debugData.jobid"


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_a_table_that_writes_missing_in_its_own_way_accuses_nobody(word):
    """Bob takes the report that he asked for himself, and Ada's request has nothing to do with it."""
    steps = (("08:00", "request", "bob", "pw"), ("09:00", "request", "ada", "mfa"), ("09:05", "download", "bob", "pw"))
    cells = [
        (f"2026-03-10T{at}:00Z", uuid(number), f"analytics.reports.export.{step}", who, f"{who}@example.com", report)
        for number, (at, step, who, report) in enumerate(steps, 1)
    ]
    table = pd.DataFrame([(*row, "Report", word) for row in cells], columns=[*COLUMNS, DEBUG])
    log = ok.read_log(table.to_csv(index=False).encode())
    assert log.events["job_id"].tolist() == [word] * 3
    row = ok.correlate_exports(log).iloc[0]
    assert (row["requested_by"], row["downloaded_by"]) == ("bob@example.com", "bob@example.com")
    assert (row["downloaded_linked_by"], row["downloaded_confidence"]) == ("actor", "medium")
    assert row["taken_by_other"] is False or not row["taken_by_other"]
    card = ok.check_exports(log)
    assert card.loc[card["key"] == "taken_by_other", "answer"].tolist() == ["no", "no"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_missing_is_no_proxy(word):
    """Neither as a type of proxy, an anonymizer or a tunnel, nor as a category of Okta's newer fields."""
    debug = {
        "proxyType": word,
        "anonymizerStatus": word,
        "associatedProxies": word,
        "tunnels": json.dumps([{"type": word, "anonymous": False}]),
    }
    details = {"ipServiceCategories": [{"type": word, "isAnonymous": None}]}
    old = event(1, "user.session.start", debugContext={"debugData": debug})
    new = event(2, "user.session.start", securityContext={"ipDetails": details})
    assert events(old, new)["ip_categories"].isna().all()
    real = event(3, "user.session.start", debugContext={"debugData": {**debug, "proxyType": "tor"}})
    assert events(real)["ip_categories"].tolist() == ["TOR"]


@pytest.mark.parametrize("word", WORDS)
def test_a_job_that_only_the_address_names_is_that_job(word):
    """A word for "missing" under jobid does not hide the job of the address."""
    taken = export(2, "download", "02T08:10", "bob", job=word)
    taken["debugContext"]["debugData"]["requestUri"] = "/reports/user/mfa/download/j1.csv"
    rows = ok.correlate_exports(events(export(1, "request", "02T08:00", "ada", job="j1"), taken))
    assert rows[["job_id", "downloaded_linked_by", "taken_by_other"]].to_numpy().tolist() == [["j1", "job_id", True]]


@pytest.mark.parametrize("word", WORDS)
def test_what_is_missing_has_no_label(word):
    """A list of the analyst that holds such a word says nothing about people whose name is not known."""
    told = pd.DataFrame({"value": [word], "label": ["watch"]})
    log = events(act(1, "user.session.start", "02T08:00", actor={"id": word, "type": "User", "alternateId": word}))
    assert label(log, told).isna().all()


@pytest.mark.parametrize("job_id", [" j1", "j1 ", "{j1}", " {j1}", "\tj1"])
def test_a_job_is_one_job_with_braces_and_blanks(job_id):
    """Blanks and braces around the id of a job make no second job."""
    asked = export(1, "request", "02T08:00", "ada", job="j1")
    row = ok.correlate_exports(events(asked, export(2, "download", "02T08:10", "bob", job=job_id))).iloc[0]
    assert (row["downloaded_linked_by"], row["taken_by_other"]) == ("job_id", True)


@pytest.mark.parametrize("written", [uuid(0xA).upper(), "{" + uuid(0xA) + "}", uuid(0xA) + " "])
@pytest.mark.parametrize("logged", [True, False])
def test_two_verdicts_on_one_detection_contradict_each_other_however_it_is_written(written, logged):
    """Ann confirms, Bob dismisses, and each names the detection in another way; it need not be in the log."""
    alarm = [event(0xA, "user.risk.detect")] if logged else []
    first = act(1, ok.FEEDBACK, "02T09:00", debug={"eventUuid": uuid(0xA), "label": "true_positive"})
    second = act(2, ok.FEEDBACK, "02T09:10", "bob", debug={"eventUuid": written, "label": "false_positive"})
    log = events(*alarm, first, second)
    assert ok.correlate_feedback(log)["contradicted"].tolist() == [True, True]
    card = ok.check_feedback(log)
    told = card[card["key"] == "contradicted"]
    assert told["answer"].tolist() == ["yes", "yes"]
    assert told["evidence"].str.split().map(len).tolist() == [2, 2]
    tied = ok.find_related(log, (ok.FEEDBACK,))["uuid"].tolist()
    assert tied == [*([uuid(0xA)] if logged else []), uuid(1), uuid(2)]


def placed(records, number, country):
    """Return the records with the country of one event written in another way."""
    for record in records:
        if record["uuid"] == uuid(number):
            record["client"]["geographicalContext"]["country"] = country
    return records


@pytest.mark.parametrize("country", ["NO", "NOR", "norway", " Norway", "NORWAY"])
def test_a_report_taken_in_the_same_country_is_not_taken_elsewhere(country):
    """Asked for in Norway and taken in NO, at another address: no other country, but the same one."""
    elsewhere = {**OFFICE, "ip": "192.0.2.77"}
    steps = job(1, 20)
    steps[2] = act(3, steps[2]["eventType"], "20T09:20", origin=elsewhere, debug={"jobid": "j20"})
    card = ok.check_exports(events(*placed(steps, 3, country))).set_index("key").loc[["other_place", "taken_by_other"]]
    assert card["answer"].tolist() == ["no", "no"]
    assert card["against"].str.contains("same country").all()


@pytest.mark.parametrize(
    ("value", "country", "fits"),
    [
        ("Türkiye", "Turkey", True),
        ("TR", "Turkey", True),
        ("TUR", "Türkiye", True),
        ("Czech Republic", "Czechia", True),
        ("viet nam", "Vietnam", True),
        ("US", "United States", True),
        ("mac", "Macao", False),
        ("unknown", "unknown", False),
    ],
)
def test_a_country_that_is_known_or_watched_for_fits_by_name_and_code(value, country, fits):
    """Code and name are one country; a part of a user agent and a word for "missing" are none."""
    told = pd.DataFrame({"value": [value], "label": ["branch"]})
    assert label(pd.DataFrame({"country": [country]}), told).tolist() == ["branch" if fits else None]


def test_the_code_of_a_country_is_no_part_of_a_user_agent():
    """WI would be in "Windows"; a part of an agent has three letters at least."""
    agents = pd.DataFrame({"raw_user_agent": ["Chrome on Windows", "Safari on Mac"]})
    told = pd.DataFrame({"value": ["in", "mac"], "label": ["India", "Mac"]})
    assert label(agents, told).tolist() == [None, "Mac"]


def test_a_country_that_is_watched_for_is_counted_in_summaries_and_checks():
    """The office in Norway is known, and every event from there is counted."""
    told = pd.DataFrame({"value": ["NO"], "label": ["head office"]})
    log = events(*job(1, 20))
    assert ok.summarize_actors(log, known=told)["known_events"].tolist() == [2, 0]
    card = ok.check_exports(log, watch=told).set_index("key")
    assert card.loc["watched", "answer"] == "yes"


TEXTS = ("uuid", "event_type", "actor_id", "country", "job_id", "ip_address", "outcome_result")
FORMS = {
    "arrow table": lambda log: pa.Table.from_pandas(log),
    "arrow data set": lambda log: pyarrow.dataset.dataset(pa.Table.from_pandas(log)),
    "polars categories": lambda log: pl.from_pandas(log).with_columns(pl.col(*TEXTS).cast(pl.Categorical)),
    "polars lazy": lambda log: pl.from_pandas(log).lazy(),
    "pandas on arrow": lambda log: log.convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda log: log.convert_dtypes(),
    "index called uuid": lambda log: log.set_index(log["uuid"]),
    "rows twice": lambda log: pd.concat([log, log]),
    "rows twice in polars": lambda log: pl.concat([pl.from_pandas(log)] * 2),
    "rows twice in arrow": lambda log: pa.concat_tables([pa.Table.from_pandas(log)] * 2),
    "New York": lambda log: log.assign(published=log["published"].dt.tz_convert("America/New_York")),
    "columns the other way round": lambda log: log[[*log][::-1]],
}
VERDICT = act(5, ok.FEEDBACK, "20T10:00", "bob", debug={"eventUuid": uuid(4), "label": "false_positive"})
LOG = events(*job(1, 20, taken_by="bob"), event(4, "user.risk.detect", "2026-03-20T09:00:00.000Z"), VERDICT)
TABLES = {
    "exports": ok.correlate_exports,
    "actors": ok.summarize_actors,
    "triage": ok.summarize_feedback,
    "around": lambda log: ok.find_around(log, uuid(3)),
    "checks": ok.check_exports,
    "verdicts": ok.check_feedback,
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("table", TABLES)
def test_every_form_of_a_table_gives_the_same_counts_and_answers(form, table):
    """Doubled rows are counted once, and the download stays the first of one."""
    pd.testing.assert_frame_equal(TABLES[table](FORMS[form](LOG)), TABLES[table](LOG))


def test_doubled_rows_are_one_download():
    """The table put together twice has one download of one, taken by Bob."""
    rows = ok.correlate_exports(pd.concat([LOG, LOG.assign(source="again.jsonl", record=7)]))
    assert rows[["downloads", "downloaded_by"]].to_numpy().tolist() == [[1, "bob@example.com"]]


@pytest.mark.slow
def test_leads_are_the_same_in_other_forms_of_a_table():
    """What needs a look does not depend on who holds the table."""
    expected = ok.find_leads(LOG)
    for form in ("arrow table", "rows twice in polars", "New York"):
        pd.testing.assert_frame_equal(ok.find_leads(FORMS[form](LOG)), expected)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("table", ["exports", "actors", "triage", "checks", "verdicts"])
def test_a_table_of_one_row_or_none_in_any_form_is_answered(table, size):
    """Nothing to correlate and nothing to ask is an answer with the same columns."""
    expected = TABLES[table](LOG.head(size))
    for form in ("arrow table", "pandas on arrow", "polars categories"):
        pd.testing.assert_frame_equal(TABLES[table](FORMS[form](LOG.head(size))), expected)


@pytest.mark.slow
@pytest.mark.parametrize("published", ["0001-01-01T00:00:00Z", "1677-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_request_at_an_impossible_time_is_still_the_request(published):
    """The exact link stays; how long it took and where the log begins are not worked out from such a time."""
    asked = {**export(1, "request", "02T08:00", "ada", job="j1"), "published": published}
    taken = export(2, "download", "02T08:10", "ada", job="j2")
    rows = ok.correlate_exports(events(asked, taken)).set_index("state")
    assert rows.loc["download only", "orphan_reason"] == "request_before_window"
    assert pd.isna(rows.loc["never generated", "requested_at"])
    assert set(ok.check_exports(events(asked, taken))["subject"]) == {uuid(1), uuid(2)}


def test_sessions_keep_their_hands_whatever_the_addresses_are_called():
    """Four words for "missing" and five spellings of two addresses are two addresses, and two changes."""
    written = ("192.0.2.10", "null", "unknown", "", "-", "192.0.2.10:52344", "::ffff:192.0.2.10", "[2001:db8::1]:443")
    written += ("2001:db8::1", "2001:DB8:0:0::1", "192.0.2.10")
    records = [
        act(number, "user.authentication.sso", f"02T08:{number:02}", session="s", agent=LAPTOP)
        for number in range(1, len(written) + 1)
    ]
    log = events(*records).assign(ip_address=list(written))
    changes = ok.find_session_changes(log)
    assert changes["uuid"].tolist() == [uuid(8), uuid(11)]
    assert changes["moved"].tolist() == ["ip_address", "ip_address"]
