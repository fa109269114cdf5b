"""What was planted is what the cards say: malicious patterns found, benign twins not accused."""

from random import Random

import pandas as pd
import pytest

import oktakit as ok
from oktakit.checks.exports import check_exports
from oktakit.checks.feedback import check_feedback
from oktakit.samples.patterns import PATTERNS, plant_pattern
from oktakit.samples.people import staff
from oktakit.samples.scenarios import mixture

SIGNS = ("console_elsewhere", "new_place", "new_device", "shared_device", "scripted")
"""Questions that only stories are planted for: those that their records show are a yes, no others."""


def card_of(records):
    """Return the answers about some records by subject and question."""
    events = ok.read_log(records).events
    card = pd.concat([check_exports(events), check_feedback(events)])
    return card.set_index(["subject", "key"])["answer"].to_dict()


def expected_of(planted):
    """Return the answers that are right about what was planted."""
    subjects = [(uuid, facts["expect"]) for facts in planted for uuid in facts["subjects"]]
    return {(uuid, key): answer for uuid, expect in subjects for key, answer in expect.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, pattern in PATTERNS.items() if pattern.steps])
def test_every_story_by_itself_is_answered_as_planted(kind):
    """Whatever a mixture happens to choose: each story once, with the working life of its people."""
    records, facts = plant_pattern(Random(kind), kind, staff(Random(kind), 3))
    answers, expected = card_of(records), expected_of([facts])
    assert {key: answers[key] for key in expected} == expected
    if all(step[2] != "feedback" for step in PATTERNS[kind].steps):
        signs = {(uuid, key) for uuid in facts["subjects"] for key in SIGNS if answers[uuid, key] == "yes"}
        assert signs == {(uuid, key) for uuid in facts["subjects"] for key in PATTERNS[kind].signs.split()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_every_planted_answer_is_given_and_no_other(seed):
    """Each question about each planted subject is answered as its pattern says, in a month of ordinary work."""
    made = mixture(seed)
    answers, expected = card_of(made.records), expected_of(made.truth["planted"])
    assert {key: answers[key] for key in expected} == expected
    assert {"yes", "no"} <= set(expected.values())
