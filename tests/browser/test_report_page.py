"""The report, as a colleague without a network sees it."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from harness import Reader, read_page
from oktakit.lab.page import to_html
from oktakit.lab.report import write_report

POINTS = {
    "data": [{"type": "scatter", "mode": "markers", "x": [1, 2, 3], "y": [4, 5, 6]}],
    "layout": {"title": {"text": "Points"}},
}
BARS = {
    "data": [{"type": "bar", "x": ["a </script>", "b"], "y": [1, 2]}],
    "layout": {"title": {"text": "Bars"}},
    "config": {"showSendToCloud": True},
}
PLOTLY = "application/vnd.plotly.v1+json"
PAYLOADS = [
    "<script>fetch('https://192.0.2.1/script')</script>",
    "<img src=x onerror=\"fetch('https://192.0.2.1/onerror')\">",
    '<img src="https://192.0.2.1/beacon.png">',
    '<a href="javascript:alert(1)">a link</a>',
]


def shown(bundle: dict[str, Any]) -> NotebookNode:
    """Return a cell that shows this."""
    return new_code_cell(outputs=[new_output("display_data", data=bundle)])


def page_of(cells: list[NotebookNode], folder: Path) -> Path:
    """Return the page made of these cells."""
    path = folder / "report.html"
    path.write_text(to_html(new_notebook(cells=cells)), encoding="utf-8")
    return path


def test_every_figure_is_drawn_offline(browser: Reader, tmp_path: Path) -> None:
    """Figures are drawn from the file alone, without a Share button."""
    path = page_of([shown({PLOTLY: POINTS}), shown({PLOTLY: BARS})], tmp_path)
    sight = browser.visit(read_page(path))
    assert [(figure["title"], figure["marks"]) for figure in sight.figures] == [("Points", 3), ("Bars", 2)]
    assert (sight.shares, sight.elsewhere, sight.errors) == (0, [], [])


@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "cell"])
def test_text_from_a_log_cannot_act(kind: str, browser: Reader, tmp_path: Path) -> None:
    """Markup that found its way into an output or a text cell runs nothing and asks nobody."""
    cells = [new_markdown_cell(payload) if kind == "cell" else shown({kind: payload}) for payload in PAYLOADS]
    path = page_of([*cells, shown({PLOTLY: BARS})], tmp_path)
    sight = browser.visit(read_page(path))
    assert (sight.elsewhere, len(sight.figures)) == ([], 1)
    assert "javascript:" not in path.read_text(encoding="utf-8").partition("<script>")[0]


def test_the_browser_tells_when_a_page_asks_elsewhere(browser: Reader, tmp_path: Path) -> None:
    """A request to another computer is seen, or the tests above would prove nothing."""
    path = tmp_path / "page.html"
    path.write_text(PAYLOADS[2] + "<script>nothing()</script>")
    sight = browser.visit(read_page(path))
    assert sight.elsewhere == ["https://192.0.2.1/beacon.png"]
    assert sight.errors == ["nothing is not defined"]


def test_the_report_of_the_template_is_complete_offline(browser: Reader, tmp_path: Path, pictures: Path) -> None:
    """The write-up of the sample log shows all its figures without a network."""
    template = Path(__file__).parents[2] / "notebooks" / "10_investigate.ipynb"
    report = write_report(template, tmp_path, {})
    outputs = [output for cell in nbformat.read(report.notebook, 4).cells for output in cell.get("outputs", [])]
    sight = browser.visit(read_page(report.html, pictures=pictures))
    assert len(sight.figures) == sum(PLOTLY in output.get("data", {}) for output in outputs) > 0
    assert [figure for figure in sight.figures if figure["empty"] or not figure["marks"]] == []
    assert (sight.shares, sight.elsewhere, sight.errors) == (0, [], [])
