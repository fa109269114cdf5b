"""Read notebooks, and take out of them what only the computer that ran them can use."""

import ast
import os
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError, ParameterError
from ..safe import text, write_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDGET: Final = "application/vnd.jupyter.widget-view+json"
NOT_PLAIN: Final = (MemoryError, RecursionError, SyntaxError, TypeError, ValueError)
"""What Python raises where a text is more than a plain value."""

_RUN: Final = ("ExecuteTime", "execution", "papermill")
"""What frontends and runners note about a run, in the metadata of a notebook or a cell."""


def read_notebook(notebook: str | os.PathLike[str]) -> "NotebookNode":
    """Return the notebook in this file, each cell with an id that is the same on every run.

    Raises
    ------
    InputError
        When the file is not a notebook.
    """
    import nbformat

    try:
        given = nbformat.reader.reads(Path(notebook).read_text(encoding="utf-8"))
        old = given.nbformat < 4
        nb = _with_ids(nbformat.convert(given, 4), old)
        nbformat.validate(nb, relax_add_props=True)
    except Exception as error:  # nbformat raises whatever a file that is no notebook runs it into
        found = getattr(error, "strerror", None) or text(getattr(error, "message", None) or "something else", 100)
        raise InputError(f"A Jupyter notebook is needed; {notebook} is not one ({found}). Check the path.") from error
    return nb


def literal(name: str, given: str) -> Any:
    """Return the plain value that a parameter is given as text.

    Raises
    ------
    ParameterError
        When there is more than a plain value.

    >>> literal("ROWS", "20")
    20
    """
    try:
        return ast.literal_eval(given)
    except NOT_PLAIN as error:
        needed = f"{name} needs a plain value, like 3, 0.5, True or ['a', 'b']"
        raise ParameterError(f"{needed}; found '{text(given, 80)}'. Write it that way.") from error


def strip(nb: "NotebookNode", outputs: bool = False) -> "NotebookNode":
    """Return the notebook without the state of widgets, times of runs and the version of Python.

    Parameters
    ----------
    nb : NotebookNode
        Any notebook of format 4.
    outputs : bool
        Take out the outputs and the numbers of the cells too.

    Returns
    -------
    NotebookNode
        A copy. Where a widget was shown, its text stays: without its state it cannot be drawn.

    Examples
    --------
    >>> from nbformat.v4 import new_notebook
    >>> strip(new_notebook(metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.11.7"}})).metadata
    {'language_info': {'name': 'python'}}
    """
    nb = deepcopy(nb)
    nb.metadata.pop("widgets", None)
    nb.metadata.get("language_info", {}).pop("version", None)
    for part in (nb, *nb.cells):
        for name in _RUN:
            part.metadata.pop(name, None)
    for cell in (cell for cell in nb.cells if cell.cell_type == "code"):
        cell.outputs = [] if outputs else [shown for output in cell.outputs if (shown := _without_widget(output))]
        cell.execution_count = None if outputs else cell.execution_count
    return nb


def strip_notebooks(paths: Iterable[str | os.PathLike[str]], outputs: bool = False) -> list[tuple[Path, int, int]]:
    """Write each notebook back as `strip` returns it, once all could be read.

    Returns
    -------
    list of tuple
        Each path, with its size in bytes before and after.

    Raises
    ------
    InputError
        When a file is no notebook; none is changed then. When one cannot be written, it stays as it was.
    """
    import nbformat

    read = [(Path(path), read_notebook(path)) for path in paths]
    sizes = [path.stat().st_size for path, _ in read]
    for path, nb in read:
        write_file(path.resolve(), nbformat.writes(strip(nb, outputs)) + "\n")
    return [(path, size, path.stat().st_size) for (path, _), size in zip(read, sizes, strict=True)]


def _with_ids(nb: "NotebookNode", old: bool) -> "NotebookNode":
    """Return the notebook with numbers for ids, unless each cell has its own; from an old format come random ones."""
    nb.nbformat_minor = max(nb.nbformat_minor, 5)
    ids = {cell.get("id") for cell in nb.cells}
    if old or None in ids or len(ids) < len(nb.cells):
        for number, cell in enumerate(nb.cells):
            cell.id = f"cell-{number}"
    return nb


def _without_widget(output: "NotebookNode") -> "NotebookNode | None":
    """Return an output without its widget, if anything is left of it."""
    if WIDGET not in output.get("data", {}):
        return output
    output.data.pop(WIDGET)
    return output if output.data else None
