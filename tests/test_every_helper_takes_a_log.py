"""Every public function that takes events takes a `Log`, too."""

import inspect
from functools import cache

import pandas as pd
import pytest

import oktakit as ok

REST = {
    "find_around": lambda log: {"uuid_or_row": log.events["uuid"][30]},
    "find_first_seen": lambda log: {"column": "country"},
    "plot_coverage": lambda log: {"coverage": ok.summarize_coverage(log)},
    "plot_sessions": lambda log: {"changes": ok.find_session_changes(log)},
}
"""What else a function cannot do without."""
HELPERS = [
    name
    for name in ok.__all__
    if callable(getattr(ok, name))
    and not isinstance(getattr(ok, name), type)
    and [*inspect.signature(getattr(ok, name)).parameters][:1] == ["events"]
]


@cache
def sample():
    """Return a sample log."""
    return ok.read_log("sample_logs/sessions.jsonl")


def test_the_list_is_not_empty():
    """All families are there."""
    assert {name.partition("_")[0] for name in HELPERS} == {"check", "correlate", "find", "plot", "summarize", "to"}


@pytest.mark.slow
@pytest.mark.parametrize("name", HELPERS)
def test_a_log_gives_the_same_as_its_events(name):
    """The answer is the same, whatever of the two is given."""
    log, helper = sample(), getattr(ok, name)
    rest = REST.get(name, lambda log: {})(log)
    one, other = helper(log, **rest), helper(log.events, **rest)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    else:
        assert one.to_json() == other.to_json()
