"""What was refused did not happen, and what is not decided is not known: in every question."""

import pytest

import oktakit as ok
from lives import FEEDBACK, SERVER, STRANGER, about, act, job, life
from records import events, export, uuid

REQUEST, DOWNLOAD = ok.REQUEST, ok.DOWNLOAD
WEEKS = [*life(100, "ann"), *life(600, "bob")]
REFUSED = ("FAILURE", "DENY", "ABANDONED", "UNANSWERED", "RATE_LIMIT", "deny")
UNDECIDED = ("CHALLENGE", "DEFERRED", "SCHEDULED", "SKIPPED", "UNKNOWN", "A_NEW_VALUE")


def answers(card, subject=None):
    """Return the answers by question, about one subject or the only one."""
    rows = card if subject is None else card[card["subject"] == uuid(subject)]
    return dict(zip(rows["key"], rows["answer"], strict=True))


def why(card, key, subject):
    """Return the words beside one answer."""
    return card.loc[(card["subject"] == uuid(subject)) & (card["key"] == key), "why"].item()


def attempt(result):
    """Return a job that Ann asks for; Bob's download has this result, then Ann takes it."""
    return events(
        export(1, "request", "10T08:00", "ann", job="j1"),
        export(2, "generate", "10T08:05", "system", job="j1"),
        export(3, "download", "10T08:10", "bob", job="j1", result=result),
        export(4, "download", "10T08:12", "ann", job="j1"),
    )


@pytest.mark.parametrize("result", REFUSED)
def test_a_refused_download_is_told_as_an_attempt_and_counts_as_none(result):
    """Bob got nothing; Ann's download is the first of one."""
    card = ok.check_exports(attempt(result))
    assert answers(card, 3)["taken_by_other"] == "no"
    assert why(card, "taken_by_other", 3).startswith("MFA: bob@example.com (country not reported, 192.0.2.1,")
    assert "tried to download it" in why(card, "taken_by_other", 3)
    assert answers(card, 4)["taken_by_other"] == "no"
    assert why(card, "repeated", 4) == "Download 1 of 1 in this log, by ann@example.com."


@pytest.mark.parametrize("result", UNDECIDED)
def test_a_download_that_is_not_decided_leaves_open_who_took_it(result):
    """It may have gone on elsewhere."""
    card = ok.check_exports(attempt(result))
    assert answers(card, 3)["taken_by_other"] == "unknown"
    assert why(card, "repeated", 4) == "Download 1 of 1 in this log, by ann@example.com."


def test_a_delivery_without_outcomes_counts_as_recorded():
    """Some deliveries do not carry the outcome; the event is there all the same."""
    assert answers(ok.check_exports(attempt(None)), 3)["taken_by_other"] == "yes"


@pytest.mark.parametrize("result", REFUSED)
def test_refused_feedback_is_no_verdict(result):
    """Nothing was dismissed, nobody was contradicted."""
    high = {"securityContext": {"risk": {"level": "HIGH", "detectionName": "X"}}}
    said = {"eventUuid": uuid(1), "eventType": "user.risk.detect"}
    log = events(
        act(1, "user.risk.detect", "20T08:00", "ann", target=about("ann"), **high),
        act(
            2,
            FEEDBACK,
            "20T08:10",
            "bob",
            target=about("ann"),
            outcome={"result": result},
            debug=said | {"label": "false_positive"},
        ),
        act(3, FEEDBACK, "20T08:12", "eva", target=about("ann"), debug=said | {"label": "true_positive"}),
    )
    card = ok.check_feedback(log)
    assert set(answers(card, 2).values()) == {"no"}
    assert answers(card, 3)["contradicted"] == "no"
    assert why(card, "dismissed_high", 2).endswith("That is no verdict.")


def test_feedback_that_is_not_decided_leaves_everything_open():
    """A challenge is not yet an answer."""
    log = events(act(2, FEEDBACK, "20T08:10", "bob", target=about("ann"), outcome={"result": "CHALLENGE"}))
    assert set(answers(ok.check_feedback(log)).values()) == {"unknown"}


@pytest.mark.parametrize("label", ["not sure", "fp?", "spam", "0", "否"])
def test_a_label_that_is_not_understood_is_unknown(label):
    """It is not a plain no: it may mean a dismissal."""
    debug = {"eventUuid": uuid(1), "eventType": "user.risk.detect", "label": label}
    log = events(act(2, FEEDBACK, "20T08:10", "bob", target=about("ann"), debug=debug))
    card = ok.check_feedback(log)
    assert answers(card)["dismissed_high"] == "unknown"
    assert why(card, "dismissed_high", 2) == f"The label {label} is not understood."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("user.account.privilege.grant", "rights"),
        ("group.privilege.grant", "rights"),
        ("system.api_token.create", "rights"),
        ("policy.rule.update", "rights"),
        ("system.idp.lifecycle.create", "rights"),
        ("user.session.clear", "contained"),
        ("user.mfa.factor.reset_all", "contained"),
        ("user.account.reset_password", "contained"),
        ("system.api_token.revoke", "contained"),
        ("user.lifecycle.suspend", "contained"),
    ],
)
@pytest.mark.parametrize(
    ("result", "answer"), [("SUCCESS", "yes"), ("DENY", "no"), ("FAILURE", "no"), ("CHALLENGE", "unknown")]
)
def test_rights_and_containment_count_when_they_were_done(kind, key, result, answer):
    """A refused grant, token or reset is told as an attempt."""
    done = act(9, kind, "20T09:40", "ann", target=about("ann"), outcome={"result": result})
    card = ok.check_exports(events(*WEEKS, *job(1, 20), done))
    assert answers(card)[key] == answer
    assert answer == "yes" or why(card, key, 3).startswith(f"Tried: {kind}, ")


def test_a_sign_out_closes_no_access():
    """People sign out every day; sessions that somebody clears are another thing."""
    card = ok.check_exports(events(*WEEKS, *job(1, 20), act(9, "user.session.end", "20T09:40", "ann")))
    assert answers(card)["contained"] == "no"


@pytest.mark.parametrize("kind", ["policy.auth_reevaluate.action", "policy.entity_risk.action"])
def test_a_policy_that_acts_on_a_user_closes_access(kind):
    """Okta's own policies end sessions, too; their target is the user."""
    system = {"actor": {"id": "okta", "type": "SystemPrincipal", "alternateId": "system@okta.com"}}
    card = ok.check_exports(events(*WEEKS, *job(1, 20), act(9, kind, "20T09:22", target=about("ann"), **system)))
    assert answers(card)["contained"] == "yes"


def test_a_console_that_the_policy_refused_was_not_opened():
    """A denied sign-on to the Admin Console opens nothing."""
    quiet = [one for one in WEEKS if one["uuid"] != uuid(100 + 200 + 1)]  # Ann's console of the 20th
    console = [{"id": "0oa1", "type": "AppInstance", "displayName": "Okta Admin Console"}]
    denied = act(9, "policy.evaluate_sign_on", "20T09:05", "ann", target=console, outcome={"result": "DENY"})
    assert answers(ok.check_exports(events(*quiet, *job(1, 20), denied)))["no_admin_console"] == "yes"
    allowed = denied | {"outcome": {"result": "ALLOW"}}
    assert answers(ok.check_exports(events(*quiet, *job(1, 20), allowed)))["no_admin_console"] == "no"


def test_a_console_opened_before_the_session_changed_hands_is_told_as_that():
    """The owner opened it; whoever asked for the report came later, at another address and browser."""
    stolen = job(1, 20, origin=SERVER, agent=STRANGER)
    told = why(ok.check_exports(events(*WEEKS, *stolen)), "no_admin_console", 3)
    assert "the Admin Console was opened 17 min before, before the session went on at another address" in told


def test_settings_that_were_changed_are_no_threat():
    """An admin who sets up ThreatInsight is not attacked."""
    settings = act(9, "security.threat.configuration.update", "20T09:15", "ann")
    told = why(ok.check_exports(events(*WEEKS, *job(1, 20), settings)), "around_risk", 3)
    assert told.startswith("Within an hour: settings changed: ThreatInsight (security.threat.configuration.update")
    assert "threat detected" not in told


def test_a_missing_id_is_named_as_the_reason_for_not_knowing():
    """The link is exact, but whether it was one person cannot be told."""
    asked, made, taken = job(1, 20)
    taken = taken | {"actor": {"type": "User", "alternateId": "ann@example.com"}}
    card = ok.check_exports(events(*WEEKS, asked, made, taken))
    assert answers(card)["taken_by_other"] == "unknown"
    assert why(card, "taken_by_other", 3).endswith("linked by job_id (exact). The downloader has no id.")


def test_a_country_that_jumps_under_one_browser_is_told():
    """Address, network and country moved, the browser did not."""
    card = ok.check_exports(events(*WEEKS, *job(1, 20, origin=SERVER)))
    assert answers(card)["session_changed"] == "no"
    assert "the country jumped from Norway to Romania, the browser stayed" in why(card, "session_changed", 3)


@pytest.mark.parametrize("result", ["FAILURE", "CHALLENGE"])
def test_a_request_that_was_not_done_is_answered_too(result):
    """Somebody who never exported anything asks, and does not get it: every question has an answer."""
    asked = act(1, REQUEST, "20T09:10", "ann", outcome={"result": result})
    assert len(answers(ok.check_exports(events(*WEEKS, asked)))) == 20
