"""Leads, tables and the report of a log that was written to harm whoever reads it."""

import json
import re
from pathlib import Path

import pytest

import oktakit as ok
from oktakit.cli import main
from payloads import PAYLOADS, poisoned

ROOT = Path(__file__).parents[2]
HIDDEN = {"\u202e", "\u2066", "\x1b"}
LINK = re.compile(r"\bhttps?://192")
TAG = re.compile(r"<(?:img|script|span|a |iframe)[^>]*(?:192\.0\.2\.1|onerror|window\.ran)")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the poisoned sample of the stolen report, with a name that is markup."""
    lines = (ROOT / "sample_logs" / "stolen_report.jsonl").read_text().splitlines()
    path = tmp_path_factory.mktemp("hostile") / "<b>log&.jsonl"
    path.write_text("".join(json.dumps(poisoned(json.loads(line))) + "\n" for line in lines))
    return path


def harmless(text: str, markup: str = "") -> None:
    """Assert that nothing in a text reorders or links, and nothing in its markup runs or loads."""
    assert not HIDDEN & set(text + markup)
    assert LINK.findall(text + markup) + TAG.findall(markup) == []


def test_leads_of_a_hostile_log_do_nothing(path: Path) -> None:
    """The lead is found, and its people are told with their payloads as text: in text, HTML and Markdown."""
    log = ok.read_log(path)
    leads = ok.find_leads(log)
    assert leads["level"][0] == "needs a look"
    shown, table = ok.show_leads(leads, log), ok.show(leads)
    ticket = re.sub("```text.*?```", "", shown.markdown(), flags=re.DOTALL)
    harmless(repr(shown) + repr(table) + shown.markdown(), shown._repr_html_() + table._repr_html_() + ticket)
    assert all("window.ran" in told for told in (repr(shown), shown._repr_html_(), ticket, repr(table)))
    assert not re.search(r"(?<!\\)!\[x|(?<!\\)\]\(", ticket)


def test_tables_and_records_of_a_hostile_log_do_nothing(path: Path) -> None:
    """Events in full and the original text of one; the original itself is to the letter."""
    log = ok.read_log(path)
    shown, raw = ok.show(log.events), ok.read_raw(log, log.events["uuid"][0])
    harmless(repr(shown), shown._repr_html_() + raw._repr_html_())
    assert raw[0] in path.read_text().splitlines()
    assert any(payload in json.loads(raw[0])["actor"]["alternateId"] for payload in PAYLOADS.values())


def test_terminal_and_report_of_a_hostile_log_do_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed and what is written: the only links are those within the page."""
    assert main(["investigate", str(path), "--out", str(path.parent / "out")]) == 0
    printed = capsys.readouterr().out
    assert "NEEDS A LOOK" in printed
    page = next((path.parent / "out").glob("*.html")).read_text().partition("<script>")[0]
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page)
    body = re.sub(r'<script type="application/json">.*?</script>', "", page)
    harmless(printed + "".join(figures), body)
    assert [link for link in re.findall(r'href="([^"]*)"', body) if not link.startswith("#")] == []
    assert len(figures) > 5
    assert not any("<" in figure for figure in figures)
