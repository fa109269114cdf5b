"""What was around an export: refused phishing, bursts of refused pushes, settings changed from the same address."""

import pytest

import oktakit as ok
from lives import OFFICE, SERVER, STRANGER, act, job, life
from records import events, uuid

MFA = "user.authentication.auth_via_mfa"
WEEKS = life(100, "ann")
REFUSED = {"result": "FAILURE", "reason": "User rejected Okta push verify"}


def around(*records, **fields):
    """Return the answer about the surroundings of Ann's export of the twentieth, and why."""
    card = ok.check_exports(events(*WEEKS, *job(1, 20, **fields), *records)).set_index(["subject", "key"])
    row = card.loc[(uuid(3), "around_risk")]
    return row["answer"], row["why"]


def test_a_phishing_page_that_was_refused_is_said():
    """FastPass says so in the reason alone; nobody got in, but somebody tried."""
    reason = {"result": "FAILURE", "reason": "FastPass declined phishing attempt"}
    answer, why = around(act(9, MFA, "20T08:40", "ann", outcome=reason))
    assert answer == "yes"
    assert why.startswith(f"Within an hour: FastPass declined a phishing attempt ({MFA}, 40 min before the download)")
    assert around(act(9, MFA, "20T08:40", "ann", outcome={"result": "FAILURE", "reason": "Wrong code"}))[0] == "no"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("minutes", "result", "answer"),
    [
        ((40, 43, 46), "FAILURE", "yes"),
        ((40, 43, 46, 49, 52), "DENY", "yes"),
        ((40, 45, 50), "UNANSWERED", "yes"),
        ((40, 43), "FAILURE", "no"),
        ((20, 31, 42, 53), "FAILURE", "no"),
        ((40, 43, 46), "SUCCESS", "no"),
        ((40, 43, 46), "CHALLENGE", "no"),
    ],
)
def test_refused_pushes_are_a_burst_when_three_are_within_ten_minutes(minutes, result, answer):
    """One or two are mistyped codes; what was asked for or went well is none."""
    pushes = [
        act(10 + number, MFA, f"20T08:{minute}", "ann", outcome={"result": result, "reason": "push"})
        for number, minute in enumerate(minutes)
    ]
    told, why = around(*pushes)
    assert told == answer
    if answer == "yes":
        run = [minute for minute in minutes if minute <= minutes[0] + 10]
        assert f"{len(run)} pushes or codes refused within 10 min" in why


def test_pushes_that_the_user_denied_are_a_burst_too():
    """Okta Verify's own event says that the user said no."""
    pushes = [act(10 + number, "user.mfa.okta_verify.deny_push", f"20T08:4{number}", "ann") for number in range(4)]
    told = "4 pushes or codes refused within 10 min (user.mfa.okta_verify.deny_push, 37 min before the download)"
    assert around(*pushes) == ("yes", f"Within an hour: {told}.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("system.idp.lifecycle.create", "identity provider changed"),
        ("policy.rule.update", "policy changed"),
        ("policy.lifecycle.deactivate", "policy changed"),
    ],
)
def test_what_somebody_else_changed_from_the_same_new_address_is_told(kind, words):
    """Bob's account changes who gets in, from the address from which Ann's account takes the report."""
    change = act(9, kind, "20T08:30", "bob", origin=SERVER, agent=STRANGER)
    answer, why = around(change, origin=SERVER, agent=STRANGER)
    assert answer == "yes"
    assert f"{words} by bob@example.com from the same address ({kind}, 50 min before the download)" in why


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        act(9, "policy.rule.update", "20T08:30", "bob", origin=OFFICE),
        act(9, "policy.rule.update", "20T08:30", "bob", origin={**SERVER, "ip": "203.0.113.99"}),
        act(9, "policy.rule.update", "20T08:30", "bob", origin=SERVER, outcome={"result": "DENY"}),
        act(9, "policy.rule.update", "20T06:30", "bob", origin=SERVER),
        act(9, "user.account.update_profile", "20T08:30", "bob", origin=SERVER),
    ],
)
def test_changes_elsewhere_refused_ones_and_others_are_not_told(change):
    """Another address, a refusal, another hour or an ordinary change has nothing to do with the export."""
    assert "same address" not in around(change, origin=SERVER, agent=STRANGER)[1]


def test_a_colleague_s_change_from_the_office_is_no_sign():
    """An office shares its address; it is not new for Ann."""
    assert around(act(9, "policy.rule.update", "20T08:30", "bob", origin=OFFICE))[0] == "no"
