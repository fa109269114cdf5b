"""Every notebook, as a reader sees it in JupyterLab: with a fresh run, and as it is stored."""

import json
from pathlib import Path

import nbformat
import pytest

from harness import Lab, Reader, Sight, read_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def write_notebook(path: Path, sources: list[str]) -> None:
    """Write a notebook of code cells that were never run."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def figures_stored(notebook: Path) -> int:
    """Return how many figures the outputs in the file hold."""
    outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", [])]
    return sum(PLOTLY in output.get("data", {}) for output in outputs)


def assert_fine(sight: Sight, figures: int) -> None:
    """Assert that all figures are drawn with something in them, and that nothing failed or left this computer."""
    assert sight.failures == []
    assert sight.errors == []
    assert sight.elsewhere == []
    assert sight.shares == 0
    assert sight.links == []
    assert len(sight.figures) == figures
    assert [(figure["title"], figure["wrong"]) for figure in sight.figures if figure["wrong"]] == []
    assert [figure for figure in sight.figures if figure["empty"] or not figure["marks"]] == []


@each_notebook
def test_a_notebook_runs_and_draws_every_figure(notebook: Path, browser: Reader, lab: Lab, pictures: Path) -> None:
    """All cells run, every stored figure is drawn again on its white card, and no request leaves this computer."""
    visit = read_notebook(lab, f"notebooks/{notebook.name}", run=True, pictures=pictures)
    sight = browser.visit(visit)
    assert_fine(sight, figures_stored(notebook))
    assert [theme["light"] for theme in sight.themes] == ["true", "false"]
    cards = ["rgb(255, 255, 255)", "rgb(34, 34, 34)"] if sight.figures else []
    assert [theme["papers"] + theme["inks"] for theme in sight.themes] == [cards] * 2


@each_notebook
def test_a_stored_notebook_shows_every_figure_unrun(notebook: Path, browser: Reader, lab: Lab) -> None:
    """A colleague who opens the file, without trusting or running it, sees all figures."""
    assert_fine(browser.visit(read_notebook(lab, f"stored/{notebook.name}", run=False)), figures_stored(notebook))


SUPPORT = str(Path(__file__).parents[1] / "support")
SETUP = f"import sys\nsys.path.insert(0, {SUPPORT!r})\nfrom drawn import *\nimport oktakit as ok"
CALLS = [
    "plot_timeline(poisoned(events(), text))",
    "plot_timeline(poisoned(events(), text), lane='session')",
    "plot_exports(poisoned(exports(), text))",
    "plot_geo(poisoned(geo(), text))",
    "plot_proxy(poisoned(proxy(), text))",
    "plot_movements(poisoned(moves(), text))",
    "plot_sessions(poisoned(strip(), text), poisoned(changes(), text))",
    "plot_feedback(poisoned(feedback(), text), poisoned(detections(), text))",
    "plot_coverage(week(), poisoned(coverage(), text))",
    "plot_checks(poisoned(card(), text))",
]


def test_text_from_a_log_acts_in_no_figure(browser: Reader, lab: Lab) -> None:
    """With markup, links and formulas in every text, all figures are whole and nothing runs, links or asks."""
    shown = [f"text = HOSTILE[{n} % len(HOSTILE)]\nok.{call}" for n, call in enumerate(CALLS)]
    write_notebook(lab.folder / "hostile.ipynb", [SETUP, *shown, "poisoned(events(), HOSTILE[0])"])
    assert_fine(browser.visit(read_notebook(lab, "hostile.ipynb", run=True)), len(CALLS))


def test_the_browser_tells_when_a_notebook_is_not_fine(browser: Reader, lab: Lab) -> None:
    """A failing cell, a Share button, a link, a lost mark and a request are seen, or the tests above prove nothing."""
    share = "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['a'], y=[1]))"
    beacon = "from IPython.display import HTML\nHTML('<img src=\"https://192.0.2.1/beacon.png\">')"
    link = "print('https://192.0.2.1/link')"
    lost = f"{SETUP}\nfigure = ok.plot_checks(card().head(1))\nfigure.data[0].x = [None]\nfigure"
    write_notebook(lab.folder / "bad.ipynb", [share, beacon, link, lost, "1 / 0"])
    sight = browser.visit(read_notebook(lab, "bad.ipynb", run=True))
    assert sight.failures == ["ZeroDivisionError: division by zero"]
    assert set(sight.elsewhere) == {"https://192.0.2.1/beacon.png"}
    assert (sight.shares, len(sight.figures)) == (1, 2)
    assert "https://192.0.2.1/link" in sight.links
    assert sight.figures[1]["wrong"] == [["yes", 0, 1]]
