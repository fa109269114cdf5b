"""The notebooks under papermill, which many use to run notebooks with parameters."""

from pathlib import Path

import nbformat
import papermill
import pytest

from oktakit.lab.notebook import read_parameters
from oktakit.lab.report import findings

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_papermill_knows_the_parameters_of_every_notebook(notebook: Path) -> None:
    """It reads the same names and defaults from the cell tagged `parameters` as we do."""
    seen = {name: one["default"] for name, one in papermill.inspect_notebook(notebook).items()}
    assert seen == {name: repr(value).replace("'", '"') for name, value in read_parameters(notebook).items()}


@pytest.mark.slow
def test_papermill_runs_the_template_on_another_log(tmp_path: Path) -> None:
    """The log that is passed to it is the one that the findings are about."""
    notebook, saved = NOTEBOOKS / "10_investigate.ipynb", tmp_path / "run.ipynb"
    parameters = {"LOG": "../sample_logs/feedback.jsonl", "ROWS": 3}
    papermill.execute_notebook(notebook, saved, parameters, cwd=NOTEBOOKS, kernel_name="python3", progress_bar=False)
    assert "feedback.jsonl" in saved.read_text()
    assert findings(nbformat.read(saved, 4)) != findings(nbformat.read(notebook, 4)) != ""
