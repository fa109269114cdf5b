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
    head = f"1. 20 Mar 08:00 UTC ann@example.com: requested Okta Usage ({uuid(1)})"
    assert f"<details><summary>{head}</summary><pre>{{\n  &quot;uuid&quot;: &quot;{uuid(1)}&quot;," in page
    assert "\n      &quot;displayName&quot;: &quot;Okta Usage&quot;" in page


def test_a_lead_as_markdown():
    """A table of events and lists, ready for a ticket."""
    lines = brief(ASKED, TAKEN).markdown().splitlines()
    assert lines[0] == "**Needs a look.** Okta Usage was taken by bob@example.com."
    assert "| 1 | 20 Mar 08:00 UTC | ann@example.com | requested Okta Usage | Norway, 192.0.2.10 |" in lines
    assert lines[-3:] == ["**What to do next**", "", "- Ask ann@example.com."]


def several(rows):
    """Return two leads beside the last row, so many of them with all that is known."""
    other = {**LEAD, "level": "worth knowing", "headline": "Bob asked.", "people": "bob@example.com", "evidence": ""}
    rest = {"level": "ordinary", "headline": "3 other exports."}
    return ok.show_leads(pd.DataFrame([LEAD, other, rest]), events(ASKED), rows=rows)


def test_leads_as_text_begin_with_every_sentence():
    """Sentences by level, then what was not chosen; then each lead without its sentence."""
    lines = repr(several(1)).splitlines()
    assert lines[:9] == [
        "NEEDS A LOOK",
        "1. Okta Usage was taken by bob@example.com.",
        "",
        "WORTH KNOWING",
        "2. Bob asked.",
        "",
        "EVERYTHING ELSE",
        "3 other exports.",
        "",
    ]
    assert lines[9] == "Lead 1"
    assert lines[-1] == "Of 1 more leads, only the sentences are shown above."
    assert repr(several(0)).splitlines()[-1] == "3 other exports."


def test_leads_as_html_are_said_once_and_have_places_to_go_to():
    """Each sentence is there once, with an id that a report makes a link of; a lead is named by report and people."""
    page = several(2)._repr_html_()
    assert page.count("Okta Usage was taken by bob@example.com.") == 1
    assert '<li><strong id="to-lead-1" class="needs-a-look">Needs a look.</strong> Okta Usage was taken' in page
    assert '<h3 id="lead-2">Lead 2: bob@example.com</h3>' in page
    assert page.index("3 other exports.") < page.index('<h3 id="lead-1">')


def test_leads_as_markdown():
    """One after the other, each with its sentence."""
    lines = several(2).markdown().splitlines()
    assert [line for line in lines if line.startswith(("#", "**N", "**Wo"))] == [
        "## Lead 1",
        "**Needs a look.** Okta Usage was taken by bob@example.com.",
        "## Lead 2: bob@example.com",
        "**Worth knowing.** Bob asked.",
    ]
    assert lines[-1] == "3 other exports."


HOSTILE = "<img src=x onerror=alert(1)> [a](https://x.test) `b` | \u202egnp \x1b[8m ```"


def test_text_of_a_log_does_nothing():
    """No tag, no link, no markup, no control character, in any of the three forms."""
    bad = {**ASKED, "actor": {"id": "ann", "type": "User", "alternateId": HOSTILE}, "displayMessage": HOSTILE}
    lead = {**LEAD, "headline": HOSTILE, "reasons": HOSTILE, "people": HOSTILE, "reports": HOSTILE}
    shown, leads = ok.show_lead(lead, events(bad)), ok.show_leads(pd.DataFrame([lead]), events(bad))
    for told in (repr(shown), shown._repr_html_(), repr(leads), leads._repr_html_(), leads.markdown()):
        assert "\u202e" not in told
        assert "\x1b" not in told
        assert "https://" not in told
    assert "<img" not in shown._repr_html_() + leads._repr_html_()
    assert "<img" not in leads.markdown().replace("```text", "```").split("```")[0]
    assert "[a]" not in leads.markdown().split("```")[0]


def test_what_is_no_lead_is_refused():
    """A row of another table says what it lacks."""
    with pytest.raises(ok.ColumnError, match="show_lead needs"):
        ok.show_lead(pd.Series({"uuid": "a"}))
    assert isinstance(brief(), Brief)
