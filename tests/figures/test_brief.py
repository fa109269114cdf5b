"""A lead to read: as text, as HTML and as Markdown, with nothing of a log that could act."""

import pandas as pd
import pytest

import oktakit as ok
from lives import DOWNLOAD, FEEDBACK, REQUEST, SERVER, about, act, report
from oktakit.figures.brief import STEPS, Brief
from records import events, uuid

LEAD = {
    "level": "needs a look",
    "headline": "Okta Usage was taken by bob@example.com.",
    "reasons": "Did somebody else take it? Yes: bob.",
    "against": "A colleague collects reports for others.",
    "open": "",
    "next": "Ask ann@example.com.",
    "evidence": f"{uuid(1)} {uuid(2)} {uuid(3)}",
}
ASKED = act(1, REQUEST, "20T08:00", target=report())
TAKEN = act(2, DOWNLOAD, "20T09:00", "bob", origin={**SERVER, "is_proxy": True}, target=report())
SAID = act(3, FEEDBACK, "20T10:00", "bob", target=about("ann"), debug={"label": "false_positive"})


def brief(*records, **changes):
    """Return the lead beside these records."""
    return ok.show_lead({**LEAD, **changes}, events(*records) if records else None)


def test_a_lead_as_text():
    """The sentence, who did what on a time axis, who, what, when and where, then the sentences."""
    axis = ["ann@example.com  1" + "-" * 59, "bob@example.com  " + "-" * 30 + "2" + "-" * 28 + "3"]
    lines = repr(brief(ASKED, TAKEN, SAID)).splitlines()
    assert lines[4:6] == axis
    assert [" ".join(line.split()) for line in lines[:4] + lines[6:]] == [
        "NEEDS A LOOK",
        "Okta Usage was taken by bob@example.com.",
        "",
        "20 Mar 08:00 UTC 20 Mar 10:00 UTC",
        "",
        "when who what where",
        "1 20 Mar 08:00 UTC ann@example.com requested Okta Usage Norway, 192.0.2.10",
        "2 20 Mar 09:00 UTC bob@example.com downloaded Okta Usage Romania, 203.0.113.9, proxy",
        "3 20 Mar 10:00 UTC bob@example.com judged a detection as false_positive (about ann@example.com) "
        "Norway, 192.0.2.10",
        "",
        "Why",
        "- Did somebody else take it? Yes: bob.",
        "",
        "What speaks against it",
        "- A colleague collects reports for others.",
        "",
        "What to do next",
        "- Ask ann@example.com.",
    ]


def test_without_events_there_are_the_sentences():
    """A row alone tells the sentence and the lists."""
    lines = repr(brief()).splitlines()
    assert lines[:4] == ["NEEDS A LOOK", "Okta Usage was taken by bob@example.com.", "", "Why"]
    assert brief().steps == ()
    assert brief().records == {}


def test_the_last_row_of_leads_is_one_sentence():
    """What is ordinary has neither reasons nor events."""
    log = ok.read_log([ASKED, TAKEN])
    assert len(repr(ok.show_lead(ok.find_leads(log).iloc[-1], log)).splitlines()) == 2


def test_events_at_one_moment_stand_side_by_side():
    """No mark hides another."""
    both = [ASKED, act(2, DOWNLOAD, "20T08:00", target=report()), act(3, DOWNLOAD, "20T08:00", target=report())]
    assert brief(*both).axis[1] == "ann@example.com  123" + "-" * 57


def test_what_was_refused_is_not_told_as_done():
    """The table says so beside the attempt."""
    refused = act(2, DOWNLOAD, "20T09:00", "bob", target=report(), outcome={"result": "DENY"})
    assert brief(ASKED, refused).steps[2][3] == "downloaded Okta Usage: refused or not decided"


def test_the_events_that_tell_most_are_shown():
    """Of 20 events the request is there, and 12 in all."""
    others = [act(10 + n, "user.authentication.sso", f"20T07:{n + 10}") for n in range(19)]
    named = " ".join(uuid(number) for number in (*range(10, 29), 1))
    shown = brief(*others, ASKED, evidence=named)
    assert len(shown.steps) == 1 + STEPS
    assert shown.steps[-1][3] == "requested Okta Usage"


def test_a_lead_as_html():
    """Events are folded, as indented JSON with their nested parts."""
    page = brief(ASKED, TAKEN, SAID)._repr_html_()
    assert page.startswith("<p><strong>Needs a look.</strong> Okta Usage was taken by bob@example.com.</p>")
    assert f"<details><summary>1: {uuid(1)}</summary><pre>{{\n  &quot;uuid&quot;: &quot;{uuid(1)}&quot;," in page
    assert "\n      &quot;displayName&quot;: &quot;Okta Usage&quot;" in page


def test_a_lead_as_markdown():
    """A table of events and lists, ready for a ticket."""
    lines = brief(ASKED, TAKEN).markdown().splitlines()
    assert lines[0] == "**Needs a look.** Okta Usage was taken by bob@example.com."
    assert "| 1 | 20 Mar 08:00 UTC | ann@example.com | requested Okta Usage | Norway, 192.0.2.10 |" in lines
    assert lines[-3:] == ["**What to do next**", "", "- Ask ann@example.com."]


HOSTILE = "<img src=x onerror=alert(1)> [a](https://x.test) `b` | \u202egnp \x1b[8m ```"


def test_text_of_a_log_does_nothing():
    """No tag, no link, no markup, no control character, in any of the three forms."""
    bad = {**ASKED, "actor": {"id": "ann", "type": "User", "alternateId": HOSTILE}, "displayMessage": HOSTILE}
    shown = brief(bad, headline=HOSTILE, reasons=HOSTILE)
    for told in (repr(shown), shown._repr_html_(), shown.markdown()):
        assert "\u202e" not in told
        assert "\x1b" not in told
        assert "https://" not in told
    assert "<img" not in shown._repr_html_()
    assert "<img" not in shown.markdown().replace("```text", "```").split("```")[0]
    assert "[a]" not in shown.markdown().split("```")[0]


def test_what_is_no_lead_is_refused():
    """A row of another table says what it lacks."""
    with pytest.raises(ok.ColumnError, match="show_lead needs"):
        ok.show_lead(pd.Series({"uuid": "a"}))
    assert isinstance(brief(), Brief)
