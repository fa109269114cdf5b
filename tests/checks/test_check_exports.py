"""The verdict card of exports: every question answered yes, no and unknown, and nothing else moved by one fact."""

import duckdb
import pandas as pd
import polars as pl
import pytest

import oktakit as ok
from deliveries import admin
from deliveries import table as csv
from lives import DOWNLOAD, OFFICE, REQUEST, SERVER, STRANGER, about, act, changed, events, job, life, report
from oktakit.checks.answers import CHECK_COLUMNS
from oktakit.checks.exports import EXPORT_QUESTIONS, check_exports
from records import export, uuid

KEYS = {question.key for question in EXPORT_QUESTIONS}
BASE = [*life(1000, "ann"), *life(2000, "bob"), *job(10, 9), *job(20, 20)]
ASKED, MADE, TAKEN = 20, 21, 22
ELSEWHERE = {"origin": SERVER, "agent": STRANGER}
JOB = {"jobid": "j20"}


def card(records, **told):
    """Return the answers about the export of the twentieth, by key."""
    found = check_exports(events(*records), **told)
    return found[found["subject"] == uuid(TAKEN)].set_index("key")


def taken(at="20T09:20", who="ann", **fields):
    """Return the base in which the last download is another one."""
    other = act(TAKEN, DOWNLOAD, at, who, debug=JOB, target=report(), **fields)
    return [*(one for one in BASE if one["uuid"] != uuid(TAKEN)), other]


def without(*numbers, records=BASE):
    """Return the records without some."""
    return [one for one in records if one["uuid"] not in {uuid(number) for number in numbers}]


def renamed(name):
    """Return the base in which the report of the last export is another one."""
    records = changed(BASE, ASKED, target=report(name, {"filter": "x", "columns": "a", "exportType": "CSV"}))
    return changed(changed(records, MADE, target=report(name)), TAKEN, target=report(name))


def scoped(detail):
    """Return the base in which the request tells something else about its scope."""
    return changed(BASE, ASKED, target=report(detail=detail))


def near(event_type, at="20T09:15", **fields):
    """Return the base and one more event."""
    return [*BASE, act(90, event_type, at, **fields)]


def bulk():
    """Return the base with four more exports in the same ten minutes."""
    return [*BASE, *(one for n in range(4) for one in job(30 + 3 * n, 20, key=f"k{n}", session="ann-20"))]


def only(records):
    """Return exports alone, as a filtered download has them."""
    return [one for one in records if one["eventType"].startswith("analytics.")]


FACTS = {
    "somebody else took it, in a session of his own": (
        without(2202, records=taken(who="bob")),
        "yes: taken_by_other other_place first_export",
    ),
    "no request in the log": (without(ASKED, MADE), "unknown: taken_by_other other_place unfiltered"),
    "the request has another country": (
        changed(BASE, ASKED, client=act(1, REQUEST, "20T09:10", origin={**SERVER, "network": 64496})["client"]),
        "yes: other_place travel new_place",
    ),
    "the network is not reported, the address differs": (
        changed(taken(origin={**OFFICE, "ip": "192.0.2.11"}), TAKEN, securityContext={"isProxy": False}),
        "unknown: other_place new_place",
    ),
    "no filter": (scoped({"filter": None, "columns": "a,b", "exportType": "CSV"}), "yes: unfiltered"),
    "ten columns": (scoped({"filter": "x", "columns": "a,b,c,d,e,f,g,h,i,j", "exportType": "CSV"}), "yes: unfiltered"),
    "no scope": (scoped(None), "unknown: unfiltered"),
    "a report that hurts": (renamed("password-health"), "yes: sensitive_report"),
    "a report nobody knows": (renamed("zebra"), "unknown: sensitive_report"),
    "a flagged proxy": (changed(BASE, TAKEN, securityContext__isProxy=True), "yes: proxy"),
    "a tunnel that is no flagged proxy": (
        taken(origin={**OFFICE, "debug": {"tunnels": '[{"type":"VPN","anonymous":true}]'}}),
        "yes: proxy",
    ),
    "no word about proxies": (changed(BASE, ASKED, securityContext__isProxy=None), "unknown: proxy"),
    "downloaded twice": ([*BASE, act(90, DOWNLOAD, "20T09:15", debug=JOB, target=report())], "yes: repeated"),
    "never opened the console": (without(1201), "yes: no_admin_console"),
    "opened it afterwards only": (changed(BASE, 1201, published="2026-03-20T09:30:00.000Z"), "yes: no_admin_console"),
    "opened it by policy": (
        [
            *without(1201),
            act(90, "policy.evaluate_sign_on", "20T09:04", target=[{"displayName": "Okta Admin Console"}]),
        ],
        "",
    ),
    "an own VPN": (
        near("user.authentication.sso", origin={**OFFICE, "ip": "192.0.2.99", "network": 64507}),
        "",
    ),
    "another browser at another address": (
        near("user.authentication.sso", origin={**OFFICE, "ip": "192.0.2.99"}, agent=STRANGER),
        "yes: session_changed around_risk",
    ),
    "Okta's own agent": (
        near("user.authentication.sso", origin=SERVER, agent={"rawUserAgent": "Okta-Integrations"}),
        "",
    ),
    "an impossible journey": (near("user.authentication.sso", session="x", **ELSEWHERE), "yes: travel"),
    "a possible journey": (near("user.authentication.sso", "20T16:00", session="x", **ELSEWHERE), ""),
    "a detection about the same person": (near("user.risk.detect", who="bob", target=about("ann")), "yes: around_risk"),
    "a detection about somebody else": (near("user.risk.detect", who="bob", target=about("bob")), ""),
    "a detection two hours later": (near("user.risk.detect", "20T11:30"), ""),
    "a factor": (near("user.mfa.factor.activate"), "yes: around_risk"),
    "a right, days before": (near("user.account.privilege.grant", "15T09:00", target=about("ann")), "yes: rights"),
    "at night": (taken("20T23:40"), "yes: off_hours"),
    "never exported before": (without(10, 11, 12), "yes: first_export"),
    "five within an hour": (bulk(), "yes: bulk"),
    "the session ended": (changed(BASE, 1202, published="2026-03-20T09:25:00.000Z"), ""),
    "another session ended": (near("user.session.end", "20T10:00", session="x"), ""),
    "a password was reset": (
        near("user.account.reset_password", "21T10:00", who="bob", target=about("ann")),
        "yes: contained",
    ),
    "nobody has an id": (
        changed(changed(BASE, TAKEN, actor__id=None), ASKED, actor__id=None),
        "unknown: taken_by_other around_risk travel off_hours first_export bulk rights contained new_place new_device "
        "shared_device",
    ),
    "nobody's session is known": (
        changed(changed(BASE, TAKEN, authenticationContext={}), ASKED, authenticationContext={}),
        "unknown: other_place no_admin_console session_changed console_elsewhere shared_device",
    ),
    "the address is not reported": (
        changed(BASE, TAKEN, client__ipAddress=None),
        "unknown: travel session_changed console_elsewhere",
    ),
    "one session is not reported": (
        changed(BASE, TAKEN, authenticationContext={}),
        "unknown: other_place no_admin_console session_changed console_elsewhere shared_device",
    ),
    "the time is not reported": (
        changed(BASE, TAKEN, published=None),
        "unknown: taken_by_other other_place unfiltered no_admin_console session_changed travel around_risk rights "
        "contained off_hours first_export bulk console_elsewhere new_place new_device",
    ),
    "an event of another type with the same uuid": ([*BASE, act(TAKEN, "user.session.start", "19T08:00")], ""),
    "exports alone": (
        only(BASE),
        "unknown: no_admin_console off_hours around_risk travel session_changed rights contained console_elsewhere",
    ),
}
QUIET = without(1202)  # the session of the twentieth does not end


def told(cards):
    """Return the answers of a card by key."""
    return cards["answer"].to_dict()


def test_an_ordinary_export_is_a_row_of_noes():
    """Somebody asks for a filtered harmless report in the console, at work, and takes it; nobody needs to react."""
    assert set(KEYS) == set(card(QUIET).index)
    assert told(card(QUIET)) == dict.fromkeys(KEYS, "no")


@pytest.mark.slow
@pytest.mark.parametrize("fact", FACTS)
def test_one_fact_moves_the_answers_that_rest_on_it_and_no_other(fact):
    """The answers are those of the ordinary export, but for the questions that the fact is about."""
    records, words = FACTS[fact]
    answer, _, names = words.partition(": ")
    silent = records if fact == "the session ended" else without(1202, records=records)
    expected = dict.fromkeys(KEYS, "no") | dict.fromkeys(names.split(), answer)
    assert told(card(silent)) == expected


def test_a_log_that_begins_or_ends_just_there_decides_no_habits_and_no_surroundings():
    """What lies outside the log is not a no: hours, first times and the hour around stay open."""
    young = [one for one in QUIET if "2026-03-20" < one["published"] < "2026-03-20T09:30"]
    answers = told(card(young))
    assert {key for key in KEYS if answers[key] == "unknown"} == {
        *("off_hours", "first_export", "around_risk", "new_place", "new_device"),
    }
    why = card(young).loc["around_risk", "why"]
    assert why == "Nothing found within an hour, but the log ends too early."


def test_a_first_export_in_a_log_of_exports_is_no_first_export():
    """Without anything else about a person, nobody knows whether they were there before."""
    assert card(only(without(10, 11, 12))).loc["first_export", "answer"] == "unknown"


def test_many_exports_of_somebody_new_are_not_called_bulk():
    """Five within an hour, with nothing to compare them with: cold start."""
    young = [one for one in bulk() if one["published"] > "2026-03-20"]
    assert card(young).loc["bulk", ["answer", "fetch"]].tolist() == [
        "unknown",
        f'(eventType eq "{REQUEST}" or eventType eq "{DOWNLOAD}") and (actor.id eq "ann")',
    ]


def test_a_month_end_is_usual():
    """Who took five in an hour before does not stand out with five."""
    before = [one for n in range(4) for one in job(60 + 3 * n, 9, key=f"m{n}")]
    answer = card([*bulk(), *before]).loc["bulk"]
    assert answer["answer"] == "no"
    assert "ann@example.com: 5 within an hour, 5 at most before" in answer["why"]


def test_without_job_ids_downloads_cannot_be_counted():
    """A link by session presupposes one job; whether a file was taken twice stays open."""
    nameless = [changed([one], int(one["uuid"][-12:]), debugContext={"debugData": {}})[0] for one in QUIET]
    answers = told(card(nameless))
    assert {key for key in KEYS if answers[key] != "no"} == {"repeated"}
    assert answers["repeated"] == "unknown"


def test_a_request_that_nobody_collected_is_no_theft():
    """Never collected is a state: the questions about taking say no, and the subject is the last event of the job."""
    found = check_exports(events(*without(1202, TAKEN)))
    asked = found[found["subject"] == uuid(MADE)].set_index("key")
    assert asked.loc["taken_by_other", "why"] == "Okta Usage: nobody downloaded it (never downloaded)."
    assert set(asked["answer"]) == {"no"}


def test_a_file_without_request_and_download_is_not_accused():
    """A generation alone, by Okta's system without a client, answers nothing with yes."""
    found = check_exports(events(*without(1202, ASKED, TAKEN)))
    made = found[found["subject"] == uuid(MADE)]
    assert set(made["answer"]) == {"no", "unknown"}


def test_unknown_sessions_and_addresses_tie_nothing():
    """A hundred strangers whose session is "unknown" are nobody's session, change or journey."""
    storm = [
        act(5000 + n, "user.authentication.sso", "20T09:15", f"u{n}", session="unknown", origin=SERVER, agent=STRANGER)
        for n in range(100)
    ]
    blank = changed(QUIET, TAKEN, authenticationContext={"externalSessionId": "unknown"})
    assert told(card([*blank, *storm])) == told(card(blank))


def test_an_answer_names_its_evidence_and_what_speaks_against_it():
    """The other place is told in full; person, country and a managed device speak against a theft."""
    elsewhere = taken(session="new", origin={**OFFICE, "ip": "192.0.2.11", "network": 64507}, device={"managed": True})
    row = card(without(1202, records=elsewhere)).loc["other_place"]
    assert row["why"] == (
        "Another network, session. Requested from Norway, AS64496, 192.0.2.10; "
        "downloaded from Norway, AS64507, 192.0.2.11."
    )
    assert row["against"] == "same country, same person, managed device"
    assert row["evidence"].split() == [uuid(ASKED), uuid(MADE), uuid(TAKEN)]


def mfa(at, factor="Okta Verify", result="SUCCESS", **fields):
    """Return the base with a second factor proved in the session of the export."""
    enrolment = [*about("ann"), {"id": "lae1", "type": "AuthenticatorEnrollment", "displayName": factor}]
    proof = {"target": enrolment, "outcome": {"result": result}, **fields}
    return [*QUIET, act(80, "user.authentication.auth_via_mfa", at, **proof)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("records", "told_of", "against"),
    [
        (QUIET, "", ""),
        (
            changed(QUIET, TAKEN, device={"managed": True, "registered": True}),
            "",
            "managed device, registered device",
        ),
        (
            changed(QUIET, TAKEN, device={"managed": False, "registered": False}),
            " Download: device not managed, device not registered.",
            "",
        ),
        (changed(QUIET, ASKED, device={"registered": False}), " Request: device not registered.", ""),
        (mfa("20T08:01"), " Request: signed in with Okta Verify. Download: signed in with Okta Verify.", ""),
        (mfa("20T09:15", debug={"factor": "SMS_FACTOR"}), " Download: signed in with SMS_FACTOR.", ""),
        (mfa("20T09:15", "Okta\u202e"), " Download: signed in with Okta\\u202e.", ""),
        (mfa("20T09:15", result="FAILURE"), "", ""),
        (mfa("20T09:25"), "", ""),
        (mfa("20T09:15", session="another"), "", ""),
        (
            changed(QUIET, TAKEN, authenticationContext={"externalSessionId": "ann-20", "credentialType": "PASSWORD"}),
            " Download: signed in with PASSWORD.",
            "",
        ),
    ],
)
def test_device_and_factor_are_told_where_they_are_recorded(records, told_of, against):
    """A managed device speaks against a theft; one that is not is told once, as is the last factor; else no word."""
    rows = card(records).loc[["taken_by_other", "other_place"]]
    ann, place = "ann@example.com (Norway, 192.0.2.10, not flagged as a proxy)", "from Norway, AS64496, 192.0.2.10"
    assert rows["why"].tolist() == [
        f"Okta Usage: requested by {ann}, downloaded by {ann} 10 min later; linked by job_id (exact).{told_of}",
        f"Requested {place}; downloaded {place}.",
    ]
    alike = ["same country, same address, same session", "same country, same network, same session, same person"]
    assert rows["against"].tolist() == [", ".join(filter(None, [one, against])) for one in alike]


def test_a_session_that_changed_hands_tells_when_and_what_changed():
    """In words, not by the names of columns."""
    records = near("user.authentication.sso", origin={**OFFICE, "ip": "192.0.2.99"}, agent=STRANGER)
    row = card(changed(records, TAKEN, device={"managed": False, "registered": True})).loc["session_changed"]
    assert row["why"].startswith("20 Mar 09:15 UTC: IP address, operating system, browser and user agent changed.")
    assert row["against"] == "registered device"


def test_the_evidence_of_what_is_near_is_what_is_near():
    """A detection is cited beside the download, with its type and the time between them."""
    row = card(near("user.risk.detect", who="bob", target=about("ann"))).loc["around_risk"]
    assert row["why"] == "Within an hour: risk detection (user.risk.detect, 5 min before the download)."
    assert row["evidence"].split() == [uuid(TAKEN), uuid(90)]


def test_an_unknown_says_what_would_answer_it():
    """The filter names event types and session, also for Splunk and Sentinel; a no needs none."""
    row = card(only(BASE)).loc["no_admin_console"]
    assert row["why"] == "request: no sign-in events in this log; download: no sign-in events in this log."
    kinds = 'eventType eq "user.session.access_admin_app" or eventType eq "policy.evaluate_sign_on"'
    assert row["fetch"] == f'({kinds}) and (authenticationContext.externalSessionId eq "ann-20")'
    assert '"authenticationContext.externalSessionId"="ann-20"' in row["fetch_splunk"]
    assert 'authenticationContext_externalSessionId_s == "ann-20"' in row["fetch_kql"]
    assert card(QUIET)[["fetch", "fetch_splunk", "fetch_kql"]].isna().all(axis=None)


@pytest.mark.slow
def test_every_unknown_offers_a_query():
    """Whatever is missing, there is a filter for it, but for a report that the analyst's table lacks."""
    open_ones = [fact for fact in FACTS if FACTS[fact][1].startswith("unknown") and fact != "a report nobody knows"]
    for fact in open_ones:
        found = card(FACTS[fact][0])
        assert found.loc[found["answer"] == "unknown", "fetch"].notna().all(), fact


def test_a_hostile_id_stays_out_of_the_queries():
    """A session that would end a string of the query language is left out of it."""
    hostile = [
        changed([one], number, authenticationContext={"externalSessionId": 'x" or uuid pr'})[0]
        for one in only(BASE)
        for number in [int(one["uuid"][-12:])]
    ]
    row = card(hostile).loc["no_admin_console"]
    assert "uuid pr" not in row["fetch"] + row["fetch_splunk"] + row["fetch_kql"]


def test_what_a_log_says_cannot_hide_in_an_answer():
    """Characters that turn text around are shown as escapes, in event types, logins and addresses alike."""
    turned = near("user.mfa.\u202efactor", who="ann")
    for path in ("actor__alternateId", "client__ipAddress"):
        turned = changed(turned, TAKEN, **{path: "x\u202ey"})
    found = card([*turned, act(91, "iam.\u202e", "20T09:16", target=about("ann"))])
    told_all = " ".join(found[["why", "against"]].to_numpy().ravel())
    assert "\u202e" not in told_all
    assert told_all.count("\\u202e") > 3


def test_an_export_by_okta_itself_is_not_accused():
    """The system as an actor without client and session: noes and unknowns, and no count of what nobody did."""
    okta = {"actor": {"id": "system", "type": "SystemPrincipal"}, "client": {}, "authenticationContext": {}}
    found = card(changed(changed(QUIET, ASKED, **okta), TAKEN, **okta))
    assert set(found["answer"]) == {"no", "unknown"}
    assert found.loc["bulk", "why"] == "By downloads: not counted, because it was refused or is Okta's own doing."


def test_an_earlier_request_and_its_download_are_one_export():
    """Two reports asked for and taken before are two, not four."""
    before = job(60, 10, key="m")
    why = card([*QUIET, *before]).loc["first_export", "why"]
    assert why == "ann@example.com exported 2 times before, first at 2026-03-09 09:10."


def test_what_is_known_speaks_against_a_yes():
    """A label stands beside the yes of a question about places, with how many steps it is about; no answer changes."""
    records = changed(QUIET, TAKEN, securityContext__isProxy=True)
    known = pd.DataFrame({"value": ["192.0.2.0/24"], "label": ["office Oslo"]})
    plain, labelled = card(records), card(records, known=known)
    assert labelled.loc["proxy", "against"] == "known: office Oslo (2 of 2 steps)"
    pd.testing.assert_frame_equal(labelled.drop("proxy"), plain.drop("proxy"))
    assert told(labelled) == told(plain)


def test_what_is_watched_for_is_a_question_of_its_own():
    """A listed address is a yes with its label, another list is a no, and without a list nobody asks."""
    seen = pd.DataFrame({"value": ["192.0.2.10"], "label": ["seen in March"]})
    other = pd.DataFrame({"value": ["evil-agent"], "label": ["x"]})
    assert card(QUIET, watch=seen).loc["watched", ["answer", "why"]].tolist() == ["yes", "seen in March."]
    assert card(QUIET, watch=other).loc["watched", "answer"] == "no"
    assert "watched" not in card(QUIET).index


def test_the_clock_is_the_analysts():
    """The hour is told in his time zone, and days end at his midnight."""
    why = card(QUIET, timezone="Europe/Oslo").loc["off_hours", "why"]
    assert why == "ann@example.com at 10:20 Europe/Oslo: active within an hour of that on 19 of 19 earlier days."
    with pytest.raises(ok.InputError, match="'Mars/Base' is none"):
        check_exports(events(*QUIET), timezone="Mars/Base")


def test_the_table_of_reports_is_the_analysts():
    """His own table replaces ours; a level that does not exist is refused by row."""
    table = pd.DataFrame({"pattern": ["usage"], "level": ["high"], "reason": ["ours"]})
    assert card(QUIET, sensitivities=table).loc["sensitive_report", ["answer", "why"]].tolist() == [
        "yes",
        "Okta Usage: high sensitivity, ours.",
    ]
    with pytest.raises(ok.InputError, match="row 1 has the level 'grave'"):
        check_exports(events(*QUIET), sensitivities=table.assign(level="grave"))


def test_a_console_csv_without_proxies_and_scope_leaves_them_open(tmp_path):
    """What the Admin Console's CSV does not carry is unknown: proxies, networks, scope, the job of a request."""
    path = tmp_path / "syslog.csv"
    path.write_bytes(csv([admin({"target": None, "request": {"ipChain": None}, **one}) for one in QUIET]))
    found = check_exports(ok.read_log(path).events)
    answers = told(found[found["subject"] == uuid(TAKEN)].set_index("key"))
    assert {"proxy", "unfiltered"} <= {key for key in KEYS if answers[key] == "unknown"}
    assert "yes" not in answers.values()


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, len(BASE)])
def test_order_and_engine_make_no_difference_and_nothing_is_changed(size):
    """Shuffled, newest first, Polars eager and lazy, DuckDB: the same card; the events stay as they were."""
    records = [*BASE, *FACTS["another browser at another address"][0][-1:]][:size]
    frame = ok.read_log(records).events
    before, expected = frame.copy(deep=True), check_exports(frame)
    assert expected.columns.tolist() == list(CHECK_COLUMNS)
    assert len(expected) == (0 if size == 0 else 2 * len(KEYS))
    shuffled, polars = frame.sample(frac=1, random_state=7), pl.from_pandas(frame)
    lake = duckdb.from_df(frame.assign(published_us=frame["published"].astype("int64")))
    for other in (frame[::-1], shuffled, polars, polars.lazy(), lake):
        pd.testing.assert_frame_equal(check_exports(other), expected)
    pd.testing.assert_frame_equal(frame, before)
    assert not check_exports(pd.concat([frame, frame])).duplicated(["subject", "key"]).any()


def test_a_missing_column_is_named():
    """The error names the helper and the column."""
    with pytest.raises(ok.ColumnError, match=r"needs the columns .*actor_type"):
        check_exports(pd.DataFrame({"uuid": ["a"]}))


def test_a_time_that_is_none_is_named():
    """Texts, and a time of DuckDB, which cannot count microseconds for everybody: the error says what is needed."""
    frame = events(*QUIET)
    for other in (frame.assign(published=frame["published"].astype(str)), duckdb.from_df(frame)):
        with pytest.raises(ok.ColumnError, match="needs `published` as times, or `published_us`"):
            check_exports(other)


def test_every_question_cites_its_source_and_its_innocent_reasons():
    """No question stands without both, and each has one key and one text."""
    for question in EXPORT_QUESTIONS:
        assert question.source, question.key
        assert question.innocent, question.key
        assert question.name.endswith("?"), question.key
    assert len(KEYS) == len({question.name for question in EXPORT_QUESTIONS}) == len(EXPORT_QUESTIONS)


def test_the_first_question_tells_who_asked_and_who_took():
    """The answer names people, places, time and link; a download without a request is unknown, never no."""
    ledger = [
        export(1, "request", "02T08:00", "ann", job="j1", country="Norway"),
        export(2, "generate", "02T08:02", "system", job="j1"),
        export(3, "download", "02T12:30", "bob", job="j1", country="Romania"),
        export(5, "download", "02T09:00", "eve", job="j9"),
    ]
    found = check_exports(events(*ledger))
    first = found[found["key"] == "taken_by_other"].set_index("answer")
    assert first.loc["yes", "why"] == (
        "MFA: requested by ann@example.com (Norway, 192.0.2.1, proxy not reported), downloaded by bob@example.com "
        "(Romania, 192.0.2.1, proxy not reported) 4 h 30 min later; linked by job_id (exact)."
    )
    assert first.loc["yes", "against"] == "same address"
    assert first.loc["yes", "evidence"].split() == [uuid(1), uuid(2), uuid(3)]
    assert "its request may lie before the log begins" in first.loc["unknown", "why"]
