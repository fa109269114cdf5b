"""What was planted is what the cards say: malicious patterns found, benign twins not accused."""

import pandas as pd
import pytest

import oktakit as ok
from oktakit.checks.exports import check_exports
from oktakit.checks.feedback import check_feedback
from oktakit.samples.scenarios import mixture


@pytest.mark.parametrize("seed", range(12))
def test_every_planted_answer_is_given_and_no_other(seed):
    """Each question about each planted subject is answered as its pattern says, in a month of ordinary work."""
    made = mixture(seed)
    events = ok.read_log(made.records).events
    card = pd.concat([check_exports(events), check_feedback(events)])
    said = card.set_index(["subject", "key"])["answer"].to_dict()
    expected = {
        (uuid, key): answer
        for facts in made.truth["planted"]
        for uuid in facts["subjects"]
        for key, answer in facts["expect"].items()
    }
    assert {key: said[key] for key in expected} == expected
    assert {"yes", "no"} <= set(expected.values())
