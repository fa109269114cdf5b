"""One thing in several spellings is one thing; what says that it is missing joins nothing; every table is one log."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

import oktakit as ok
from lives import about, act
from oktakit.analysis.labels import label
from records import event, events, export, uuid

MISSING = [
    *("", "unknown", "null", "None", "NIL", "undefined", "NaN", "NaT", "n/a", "N.A.", "(null)", "(none)", "(empty)"),
    *("<NA>", "<null>", "#N/A", "\\N", "-", "--", "?", "[]", "{}", '""', " (Null) ", "not set"),
    "00000000-0000-0000-0000-000000000000",
]


@pytest.mark.parametrize("word", MISSING)
def test_no_word_for_missing_links_two_events(word):
    """Ada's request and Bob's download share nothing but a word that says that the job is not known."""
    asked = export(1, "request", "02T08:00", "ada", job=word, session=word)
    taken = export(2, "download", "02T08:10", "bob", job=word, session=word, report="apps")
    rows = ok.correlate_exports(events(asked, taken))
    assert rows["state"].tolist() == ["never generated", "download only"]
    assert rows["taken_by_other"].isna().all()


@pytest.mark.parametrize(
    "written",
    [uuid(0xA).upper(), "{" + uuid(0xA) + "}", " " + uuid(0xA), uuid(0xA) + "\t", "{" + uuid(0xA).upper() + "} "],
)
def test_feedback_finds_its_detection_however_the_uuid_is_written(written):
    """Case, braces and blanks make no second detection."""
    alarm = event(0xA, "user.risk.detect", debugContext={"debugData": {"risk": "{level=HIGH}"}})
    given = act(41, ok.FEEDBACK, "02T09:00", debug={"eventUuid": written, "label": "false_positive"})
    log = events(alarm, given)
    row = ok.correlate_feedback(log).iloc[0]
    assert (row["judged_in_log"], row["judged_uuid"], row["judged_risk_level"]) == (True, uuid(0xA), "HIGH")
    assert ok.summarize_feedback(log)[["detections", "judged", "dismissed"]].to_numpy().tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(
    ("detected", "judged", "self_given"),
    [("bob", "bob", False), ("ann", "ann", True), ("cyd", None, None), (None, None, None)],
)
def test_of_two_users_the_one_whom_the_detection_names_was_judged(detected, judged, self_given):
    """Ann's feedback names Bob and Ann; a detection about neither, or that is not in the log, decides nothing."""
    alarm = [event(40, "user.risk.detect", target=about(detected))] if detected else []
    given = act(41, ok.FEEDBACK, "02T09:00", target=about("bob") + about("ann"), debug={"eventUuid": uuid(40)})
    row = ok.correlate_feedback(events(*alarm, given)).iloc[0]
    told = [None if pd.isna(row[name]) else row[name] for name in ("about_user_id", "about_user", "self_feedback")]
    assert told == [judged, judged and f"{judged}@example.com", self_given]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("2001:db8::1", "[2001:db8::1]:443"),
        ("2001:db8::1", "2001:db8::1%eth0"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "192.0.2.1:50312"),
        ("192.0.2.1", "::FFFF:c000:0201"),
    ],
)
def test_one_address_is_one_address(first, second):
    """It is no change of a session, no journey, nothing new, and it has the label of its network."""
    far = {"geographicalContext": {"country": "Japan", "geolocation": {"lat": 35.7, "lon": 139.7}}}
    near = {"geographicalContext": {"country": "Norway", "geolocation": {"lat": 59.9, "lon": 10.8}}}
    records = [
        act(day, "user.authentication.sso", f"{day:02}T08:00", session="s", client={"ipAddress": first, **near})
        for day in (1, 2, 3)
    ]
    last = act(10, "user.authentication.sso", "10T08:00", session="s", client={"ipAddress": second, **far})
    log = events(*records, last).assign(ip_address=[first] * 3 + [second])
    assert not ok.find_session_changes(log)["moved"].str.contains("ip_address").any()
    assert ok.find_travel(log, kmh=0).empty
    assert ok.find_first_seen(log, "ip_address").empty
    known = pd.DataFrame({"value": [first], "label": ["office"]})
    assert label(pd.DataFrame({"ip_address": [second]}), known).tolist() == ["office"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Turkey", "Türkiye"),
        ("Czechia", "Czech Republic"),
        ("United States", "US"),
        ("NO", "Norway"),
        ("Korea, Republic of", "South Korea"),
        ("Viet Nam", "Vietnam"),
    ],
)
def test_one_country_is_one_country(first, second):
    """Its other name is neither new for somebody nor a change of a session."""
    records = [
        act(
            day,
            "user.authentication.sso",
            f"{day:02}T08:00",
            session="s",
            client={"ipAddress": "192.0.2.1", "geographicalContext": {"country": first if day < 9 else second}},
        )
        for day in (1, 2, 3, 10)
    ]
    log = events(*records)
    assert ok.find_first_seen(log, "country").empty
    assert not ok.find_session_changes(log)["moved"].str.contains("country").any()


ODD_TIMES = ["0001-01-01", "1677-09-21", "1970-01-01", "2008-12-31", "2300-01-01", "9999-12-31"]


@pytest.mark.slow
@pytest.mark.parametrize("day", ODD_TIMES)
def test_a_time_that_cannot_be_right_moves_nothing(day):
    """Neither the edge of the log, nor a baseline, nor a first time."""
    usual = [act(number, "user.session.start", f"{number:02}T08:00") for number in (1, 2, 3)]
    abroad = act(11, "user.session.start", "11T08:00", origin=TOKYO)
    made = export(20, "generate", "11T09:00", "system", job="j1")
    odd = {**act(30, "user.session.start", "01T08:00"), "published": f"{day}T00:00:00.000Z"}
    without, log = events(*usual, abroad, made), events(*usual, abroad, made, odd)
    assert ok.find_first_seen(log, "country")["value"].tolist() == ["Japan"]
    assert ok.find_around(log, uuid(11))["uuid"].tolist() == ok.find_around(without, uuid(11))["uuid"].tolist()
    for helper in (ok.correlate_exports, ok.find_travel):
        pd.testing.assert_frame_equal(helper(log), helper(without))


TOKYO = {"ip": "203.0.113.9", "country": "Japan", "lat": 35.68, "lon": 139.69, "network": 64510, "is_proxy": False}
LOG = ok.read_log(ok.make_log("stolen_report").records).events
HELPERS = {
    "exports": ok.correlate_exports,
    "feedback": ok.correlate_feedback,
    "sessions": ok.correlate_sessions,
    "travel": ok.find_travel,
    "first": lambda log: ok.find_first_seen(log, "country", baseline="3D"),
    "geo": ok.summarize_geo,
    "related": ok.find_related,
}
TEXTS = [name for name in LOG if pd.api.types.is_string_dtype(LOG[name])]
FORMS = {
    "arrow table": lambda log: pa.Table.from_pandas(log),
    "arrow data set": lambda log: pyarrow.dataset.dataset(pa.Table.from_pandas(log)),
    "polars categories": lambda log: pl.from_pandas(log).with_columns(pl.col(pl.String).cast(pl.Categorical)),
    "pandas categories": lambda log: log.astype(dict.fromkeys(TEXTS, "category")),
    "pandas objects": lambda log: log.astype(dict.fromkeys(TEXTS, object)),
    "pandas on arrow": lambda log: log.convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda log: log.convert_dtypes(),
    "index called uuid": lambda log: log.set_index(log["uuid"]),
    "rows twice": lambda log: pd.concat([log, log]),
    "New York": lambda log: log.assign(published=log["published"].dt.tz_convert("America/New_York")),
    "Kathmandu": lambda log: log.assign(published=log["published"].dt.tz_convert("Asia/Kathmandu")),
    "an offset": lambda log: log.assign(published=log["published"].dt.tz_convert("+05:30")),
    "nanoseconds": lambda log: log.assign(published=log["published"].dt.as_unit("ns")),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_rows(form):
    """Arrow, Polars, categories, pandas' own types, another index, doubled rows, other time zones."""
    table = FORMS[form](LOG)
    for helper in HELPERS.values():
        pd.testing.assert_frame_equal(helper(table), helper(LOG))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [0, 1])
def test_tables_of_one_row_or_none_have_the_same_columns(form, size):
    """Nothing is an answer, too."""
    table = FORMS[form](LOG.head(size))
    for helper in HELPERS.values():
        assert helper(table).columns.tolist() == helper(LOG).columns.tolist()


ALARMS = {
    *("security.events.provider.receive_event", "security.threat.detected", "policy.continuous_access.action"),
    *("policy.auth_reevaluate.fail", "policy.entity_risk.action"),
}


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("security.threat.configuration.update", "settings changed: ThreatInsight"),
        ("security.attack_protection.settings.update", "settings changed: attack protection"),
        ("security.authenticator.lifecycle.deactivate", "settings changed: authenticators"),
        ("security.events.provider.receive_event", "risk reported by a security provider"),
        ("policy.continuous_access.action", "a session policy acted on a change of risk"),
        ("policy.auth_reevaluate.fail", "session policy applied again"),
        ("policy.entity_risk.action", "a risk policy acted on the user"),
        ("user.lifecycle.create", "user created"),
        ("user.account.update_primary_email", "primary e-mail of the user changed"),
        ("application.lifecycle.create", "application created"),
        ("policy.continuous_access.evaluate", None),
        ("security.threat.detected", "threat detected"),
    ],
)
def test_what_happens_around_is_said_by_what_it_is(kind, meaning):
    """A change of settings is no threat; what was refused is told as an attempt, but an alarm is an alarm."""
    middle = act(1, ok.DOWNLOAD, "02T08:00")
    told = ok.find_around(events(middle, act(2, kind, "02T08:05")), uuid(1))["matters"]
    assert (None if pd.isna(told[1]) else told[1]) == meaning
    tried = ok.find_around(events(middle, act(2, kind, "02T08:05", outcome={"result": "DENY"})), uuid(1))["matters"]
    attempt = meaning if kind in ALARMS else meaning and f"attempt refused: {meaning}"
    assert (None if pd.isna(tried[1]) else tried[1]) == attempt


def test_a_refused_phishing_attempt_is_told():
    """FastPass refuses to sign in at a page that is not Okta's, and says so in the reason alone."""
    refused = {"result": "FAILURE", "reason": "FastPass declined phishing attempt"}
    log = events(
        act(1, ok.DOWNLOAD, "02T08:00"), act(2, "user.authentication.auth_via_mfa", "02T08:05", outcome=refused)
    )
    assert ok.find_around(log, uuid(1))["matters"][1] == "FastPass declined a phishing attempt"
