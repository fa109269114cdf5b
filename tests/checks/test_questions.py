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


def given_and_expected(records, planted):
    """Return the answers to what was planted in some records, and those that are right."""
    events = ok.read_log(records).events
    card = pd.concat([check_exports(events), check_feedback(events)])
    answers = card.set_index(["subject", "key"])["answer"].to_dict()
    subjects = [(uuid, facts["expect"]) for facts in planted for uuid in facts["subjects"]]
    expected = {(uuid, key): answer for uuid, expect in subjects for key, answer in expect.items()}
    return {key: answers[key] for key in expected}, expected


@pytest.mark.parametrize("kind", [kind for kind, pattern in PATTERNS.items() if pattern.steps])
def test_every_story_by_itself_is_answered_as_planted(kind):
    """Whatever a mixture happens to choose: each story once, with the working life of its people."""
    records, facts = plant_pattern(Random(kind), kind, staff(Random(kind), 3))
    given, expected = given_and_expected(records, [facts])
    assert given == expected


SIGNS = ("console_elsewhere", "new_place", "new_device", "shared_device", "scripted")
EXPORT_STORIES = [
    kind for kind, one in PATTERNS.items() if one.steps and all(step[2] != "feedback" for step in one.steps)
]


@pytest.mark.parametrize("kind", EXPORT_STORIES)
def test_the_clients_and_places_of_every_story_are_answered_as_planted(kind):
    """New places and devices, devices of two accounts, programs, and a console that was opened elsewhere."""
    records, facts = plant_pattern(Random(kind), kind, staff(Random(kind), 3))
    card = check_exports(ok.read_log(records))
    yes = card[card["key"].isin(SIGNS) & (card["answer"] == "yes")].groupby("subject")["key"].agg(set)
    signs = set(PATTERNS[kind].signs.split())
    assert {uuid: yes.get(uuid, set()) for uuid in facts["subjects"]} == dict.fromkeys(facts["subjects"], signs)


@pytest.mark.parametrize("seed", range(12))
def test_every_planted_answer_is_given_and_no_other(seed):
    """Each question about each planted subject is answered as its pattern says, in a month of ordinary work."""
    made = mixture(seed)
    given, expected = given_and_expected(made.records, made.truth["planted"])
    assert given == expected
    assert {"yes", "no"} <= set(expected.values())
