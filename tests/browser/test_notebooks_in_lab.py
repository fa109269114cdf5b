"""Every notebook, as a reader sees it in JupyterLab: with a fresh run, and as it is stored."""

import json
from pathlib import Path

import nbformat
import pytest
from harness import Lab, Reader, Sight, read_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


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
    assert len(sight.figures) == figures
    assert [figure for figure in sight.figures if figure["empty"] or not figure["marks"]] == []


@each_notebook
def test_a_notebook_runs_and_draws_every_figure(notebook: Path, browser: Reader, lab: Lab, pictures: Path) -> None:
    """All cells run, every stored figure is drawn again, and no request leaves this computer."""
    visit = read_notebook(lab, f"notebooks/{notebook.name}", run=True, pictures=pictures)
    assert_fine(browser.visit(visit), figures_stored(notebook))


@each_notebook
def test_a_stored_notebook_shows_every_figure_unrun(notebook: Path, browser: Reader, lab: Lab) -> None:
    """A colleague who opens the file, without trusting or running it, sees all figures."""
    assert_fine(browser.visit(read_notebook(lab, f"stored/{notebook.name}", run=False)), figures_stored(notebook))


def test_the_browser_tells_when_a_notebook_is_not_fine(browser: Reader, lab: Lab) -> None:
    """A failing cell, a Share button and a request to elsewhere are seen, or the tests above would prove nothing."""
    share = "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['a'], y=[1]))"
    beacon = "from IPython.display import HTML\nHTML('<img src=\"https://192.0.2.1/beacon.png\">')"
    cells = [nbformat.v4.new_code_cell(source) for source in (share, beacon, "1 / 0")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.folder / "bad.ipynb")
    sight = browser.visit(read_notebook(lab, "bad.ipynb", run=True))
    assert sight.failures == ["ZeroDivisionError: division by zero"]
    assert set(sight.elsewhere) == {"https://192.0.2.1/beacon.png"}
    assert (sight.shares, len(sight.figures)) == (1, 1)
