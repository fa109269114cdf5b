"""Notebook hygiene: what a run leaves behind is taken out, what it says stays."""

import json
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from oktakit import InputError
from oktakit.lab.notebook import WIDGET, strip, strip_notebooks
from oktakit.lab.report import run_notebook

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
FIGURE = """
import numpy as np
import plotly.graph_objects as go
go.FigureWidget(go.Scattergl(x=np.arange(250_000.0), y=np.arange(250_000.0)))
"""


def left_behind() -> nbformat.NotebookNode:
    """Return a notebook with everything that frontends and runners leave in it."""
    shown = new_output("execute_result", {WIDGET: {"model_id": "1"}, "text/plain": "VBox()"}, execution_count=2)
    alone = new_output("display_data", {WIDGET: {"model_id": "2"}})
    code = new_code_cell(
        "1 + 1",
        id="sum",
        execution_count=2,
        metadata={"tags": ["parameters"], "execution": {"iopub.busy": "2026"}, "papermill": {}, "ExecuteTime": {}},
        outputs=[new_output("stream", name="stdout", text="two\n"), shown, alone],
    )
    info = {"name": "python", "version": "3.11.7"}
    metadata = {"kernelspec": KERNEL, "language_info": info, "papermill": {"x": 1}, "widgets": {"y": 2}}
    return new_notebook(cells=[new_markdown_cell("# Sums", id="title"), code], metadata=metadata)


def test_traces_go_and_outputs_stay() -> None:
    """State, times and versions are gone, a widget is left as its text, and the notebook given is as it was."""
    given = left_behind()
    before = deepcopy(given)
    nb = strip(given)
    assert nb.metadata == {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    title, code = nb.cells
    assert (title.source, title.id, code.source, code.id) == ("# Sums", "title", "1 + 1", "sum")
    assert (code.metadata, code.execution_count) == ({"tags": ["parameters"]}, 2)
    assert [output.get("text") or output.data for output in code.outputs] == ["two\n", {"text/plain": "VBox()"}]
    assert given == before
    assert strip(nb) == nb


def test_outputs_go_when_asked() -> None:
    """Without outputs there are no numbers either, as in a notebook that was never run."""
    _, code = strip(left_behind(), outputs=True).cells
    assert (code.outputs, code.execution_count, code.source) == ([], None, "1 + 1")


def test_notebooks_are_written_back_whole_or_not_at_all(tmp_path: Path) -> None:
    """Each is replaced and its sizes are told; when one of them is no notebook, none is touched."""
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    nbformat.write(left_behind(), good)
    before = good.read_bytes()
    code = '{"cell_type": "code", "metadata": {}, "source": "", "execution_count": null}'  # it lacks outputs
    whole = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    pairs = [
        ('"nbformat_minor": 5', '"nbformat_minor": "5"'),
        ('"metadata": {}', '"metadata": {"language_info": null}'),
    ]
    pairs += [("[]", "1"), ("[]", "{}"), ("[]", "[" * 500 + "]" * 500), ("[]", f"[{code}]")]
    for text in ("{}", "not JSON", "\xff", "[" * 100_000, *(whole.replace(*pair) for pair in pairs)):
        bad.write_bytes(content := text.encode("latin-1"))
        with pytest.raises(InputError, match=r"A Jupyter notebook is needed; .*bad.ipynb is not one"):
            strip_notebooks([good, bad])
        assert (good.read_bytes(), bad.read_bytes()) == (before, content)
    good.chmod(0o600)
    told = strip_notebooks([str(good)])
    assert good.stat().st_mode & 0o777 == 0o600
    assert told == [(good, len(before), good.stat().st_size)]
    assert nbformat.read(good, 4) == strip(left_behind())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.ipynb", "good.ipynb"]


@pytest.mark.parametrize(
    ("version", "ids"), [(3, [None, None]), (4, [None, None]), (4, ["a", "a"]), (4, ["cell-1", None]), (4, ["a", "b"])]
)
def test_an_odd_notebook_is_the_same_after_every_run(version: int, ids: list[str | None], tmp_path: Path) -> None:
    """An old format, and ids that are missing or there twice, become one id per cell, without a warning."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "x"} | ({"id": name} if name else {}) for name in ids]
    sheet = {"worksheets": [{"cells": cells}]} if version == 3 else {"cells": cells}
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps(sheet | {"metadata": {}, "nbformat": version, "nbformat_minor": 5 * (version - 3)}))
    strip_notebooks([path])
    assert [cell.id for cell in nbformat.read(path, 4).cells] == (ids if ids == ["a", "b"] else ["cell-0", "cell-1"])


def test_what_is_not_for_everyone_to_write_or_hold_stays_as_it_is(tmp_path: Path) -> None:
    """A file that may only be read is left alone; half a character is written as it was; a link stays a link."""
    nb = new_notebook(cells=[new_markdown_cell("\ud800 é", id="half")], metadata={"widgets": {}})
    (tmp_path / "half.ipynb").write_text(json.dumps(nb))
    link = tmp_path / "link.ipynb"
    link.symlink_to("half.ipynb")
    strip_notebooks([link])
    assert link.is_symlink()
    assert nbformat.reads((tmp_path / "half.ipynb").read_text("utf-8"), 4) == strip(nb)
    link.chmod(0o444)
    with pytest.raises(InputError, match=r"A file that can be written is needed; .*half.ipynb: it is read-only"):
        strip_notebooks([link], outputs=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["half.ipynb", "link.ipynb"]


@pytest.mark.slow
def test_a_figure_widget_that_was_run_becomes_small(tmp_path: Path) -> None:
    """5 MB and more of widget state go; the notebook still says that there was a figure."""
    from nbclient import NotebookClient

    nb, path = new_notebook(cells=[new_code_cell(FIGURE)]), tmp_path / "figure.ipynb"
    NotebookClient(nb).execute()
    nbformat.write(nb, path)
    assert path.stat().st_size > 5_000_000
    ((_, _, after),) = strip_notebooks([path])
    assert after < 100_000
    (output,) = nbformat.read(path, 4).cells[-1].outputs
    assert [*output.data] == ["text/plain"]
    assert output.data["text/plain"].startswith("FigureWidget(")


def test_a_notebook_that_is_run_keeps_the_text_of_its_widgets(tmp_path: Path) -> None:
    """What is stored for others says that there was a widget, and nothing of its state."""
    cells = [new_code_cell("n = 1", metadata={"tags": ["parameters"]})]
    cells.append(new_code_cell("import ipywidgets\nipywidgets.Label('x')"))
    nbformat.write(new_notebook(cells=cells), tmp_path / "label.ipynb")
    nb = run_notebook(tmp_path / "label.ipynb", {})
    assert [dict(output.data) for output in nb.cells[-1].outputs] == [{"text/plain": "Label(value='x')"}]
    assert "widgets" not in nb.metadata
