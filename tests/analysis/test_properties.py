"""What holds for any log: a word for "missing" ties no more than nothing does, and a refusal accuses nobody."""

from functools import cache

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import oktakit as ok
from lives import SERVER, STRANGER, about, act, job, life, report
from oktakit.checks.exports import EXPORT_QUESTIONS
from oktakit.checks.feedback import FEEDBACK_QUESTIONS
from oktakit.checks.surroundings import TELLING
from oktakit.schema import SENTINELS
from records import events, uuid

MFA = "user.authentication.auth_via_mfa"
TOKEN = {"id": "t", "type": "WEB", "detail": {"requestApiTokenId": "00T1"}}
VERDICT = {"eventUuid": uuid(70), "eventType": "user.risk.detect", "label": "false_positive"}
OPPOSED = {**VERDICT, "label": "true_positive"}
STORY = (
    *job(1, 20, taken_by="bob", session="s"),
    *job(11, 21, key="k", session="s"),
    act(21, ok.REQUEST, "21T11:00", "bob", session="s", debug={"jobid": "m"}, target=report("mfa")),
    act(22, ok.DOWNLOAD, "21T11:05", "bob", session="s", debug={"jobid": "m"}, target=report("mfa"), transaction=TOKEN),
    act(50, "user.session.start", "20T08:40", "bob", session="b"),
    act(51, "user.account.privilege.grant", "20T08:50", "bob", session="b", target=about("ann")),
    act(52, "user.mfa.factor.activate", "20T08:55", "bob", session="b", target=about("bob")),
    act(53, "user.authentication.sso", "20T09:15", "bob", session="b", origin=SERVER, agent=STRANGER),
    act(54, "user.session.clear", "21T12:00", "ann", session="s", target=about("bob")),
    *(act(60 + turn, MFA, f"21T10:4{turn}", "bob", session="s") for turn in range(4)),
    act(70, "user.risk.detect", "20T09:16", "bob", session="b", target=about("bob"), debug={"risk": "{level=HIGH}"}),
    act(71, ok.FEEDBACK, "20T10:00", "bob", session="b", target=about("bob"), debug=VERDICT),
    act(72, ok.FEEDBACK, "20T11:00", "ann", session="s", target=about("bob"), debug=OPPOSED),
)


@cache
def story():
    """Return the events of a small log in which everything happens that questions look for, and ordinary days."""
    return events(*life(100, "ann", range(1, 13)), *STORY)


KEYS = ("job_id", "transaction_id", "external_session_id", "root_session_id", "report_id", "actor_id", "judged_uuid")
KEYS += ("target_user_id", "ip_address", "dt_hash", "raw_user_agent", "country", "api_token_id", "trace_id")
STEPS = [f"{step}_uuid" for step in ("requested", "generated", "downloaded")]
LINKS = {
    "exports": lambda log: ok.correlate_exports(log)[[*STEPS, "downloaded_linked_by", "taken_by_other", "downloads"]],
    "feedback": lambda log: ok.correlate_feedback(log)[["judged_in_log", "self_feedback", "contradicted"]],
    "sessions": lambda log: ok.correlate_sessions(log).drop(columns=["actor_id", "actor_alternate_id"]),
    "changes": lambda log: ok.find_session_changes(log)[["uuid", "previous_uuid", "moved", "explained_by"]],
    "travel": lambda log: ok.find_travel(log)[["from_uuid", "to_uuid"]],
    "firsts": lambda log: ok.find_first_seen(log, "country")[["uuid", "value"]],
    "around": lambda log: ok.find_around(log, uuid(3), "3h")[["uuid", "reason"]],
    "related": lambda log: ok.find_related(log)[["uuid"]],
}

written = st.tuples(
    st.sampled_from(SENTINELS),
    st.sampled_from([str.lower, str.upper, str.title, str.swapcase]),
    st.sampled_from(["{}", " {}", "{} ", "\t{}", "{}\n"]),
).map(lambda parts: parts[2].format(parts[1](parts[0])))


@pytest.mark.slow
@given(st.sampled_from(KEYS), written, st.sets(st.integers(1, 72), min_size=1), st.booleans())
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_a_word_for_missing_ties_no_more_than_nothing_does(key, word, numbers, everywhere):
    """Whatever key of whichever events becomes such a word, every table links what it links without that key."""
    log = story()
    where = log["uuid"].isin({uuid(number) for number in numbers}) | everywhere
    nothing, said = log[key].mask(where), log[key].mask(where, word)
    for name, links in LINKS.items():
        pd.testing.assert_frame_equal(links(log.assign(**{key: said})), links(log.assign(**{key: nothing})), obj=name)


ASKED = {question.key: question.refusal for question in (*EXPORT_QUESTIONS, *FEEDBACK_QUESTIONS)}


def answers(log):
    """Return all answers about a log, by subject and question."""
    cards = pd.concat([ok.check_exports(log), ok.check_feedback(log)])
    return cards.set_index(["subject", "key"])["answer"]


@pytest.mark.slow
def test_no_refusal_in_place_of_a_success_turns_an_answer_to_yes():
    """Each event that questions look at is refused in turn; only what is about attempts or absence may turn to yes."""
    log = story()
    before = answers(log)
    assert {"yes", "no"} <= set(before)
    looked_at = log["event_type"].str.startswith((*TELLING, MFA)) & (log["outcome_result"] == "SUCCESS")
    assert looked_at.sum() >= 18
    turned = set()
    for turn, index in enumerate(log.index[looked_at]):
        refused = log.assign(
            outcome_result=log["outcome_result"].mask(log.index == index, ("DENY", "FAILURE")[turn % 2])
        )
        after = answers(refused).reindex(before.index)
        turned |= {key for _, key in before.index[(before == "no") & (after == "yes")]}
    assert {key for key in turned if not ASKED[key]} == set()


@pytest.mark.slow
def test_the_third_of_three_refused_pushes_is_an_attempt_that_is_told():
    """The question about the surroundings is one of those about attempts, and is named as that."""
    assert ASKED["around_risk"] == "attempts"
    base = [*life(100, "ann"), *job(1, 20)]
    refused = [act(60 + n, MFA, f"20T08:4{n}", outcome={"result": "FAILURE"}) for n in range(2)]
    third = act(69, MFA, "20T08:45")
    assert answers(events(*base, *refused, third))[uuid(3), "around_risk"] == "no"
    denied = {**third, "outcome": {"result": "DENY"}}
    assert answers(events(*base, *refused, denied))[uuid(3), "around_risk"] == "yes"
