"""Read notebooks and their parameters, and take out what only the computer that ran them can use."""

import ast
import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError, ParameterError
from ..safe import text, write_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_NOT_PLAIN: Final = (MemoryError, RecursionError, SyntaxError, TypeError, ValueError)
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
        reason = getattr(error, "strerror", None) or text(getattr(error, "message", None) or "something else", 100)
        raise InputError(f"A Jupyter notebook is needed; {notebook} is not one ({reason}). Check the path.") from error
    return nb


def read_parameters(notebook: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the parameters of a notebook and their defaults.

    Parameters
    ----------
    notebook : path
        A notebook with one cell tagged `parameters`, whose lines are plain assignments.

    Returns
    -------
    dict
        The default of each parameter, by name, in the order of the cell.

    Raises
    ------
    InputError
        When the file is not a notebook.
    ParameterError
        When there is not exactly one such cell, or it holds more than plain assignments.
    """
    return parse_assignments(_parameters_cell(read_notebook(notebook)).source)


def inject_parameters(nb: "NotebookNode", parameters: Mapping[str, Any]) -> "NotebookNode":
    """Return the cell, now below the one tagged `parameters`, that assigns these values once they are checked."""
    from nbformat.v4 import new_code_cell

    cell = _parameters_cell(nb)
    source = format_assignments(check_parameters(parameters, parse_assignments(cell.source)))
    injected: NotebookNode = new_code_cell(source, id="injected-parameters", metadata={"tags": ["injected-parameters"]})
    nb.cells.insert(nb.cells.index(cell) + 1, injected)
    return injected


def _parameters_cell(nb: "NotebookNode") -> "NotebookNode":
    """Return the one cell that holds the parameters."""
    cells = [cell for cell in nb.cells if cell.cell_type == "code" and "parameters" in tags(cell)]
    if len(cells) != 1:
        raise ParameterError(f"The notebook needs one code cell tagged 'parameters'; it has {len(cells)}. Tag one.")
    cell: NotebookNode = cells[0]
    return cell


def tags(cell: "NotebookNode") -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def parse_assignments(source: str) -> dict[str, Any]:
    """Return the values that the lines of a parameters cell assign."""
    try:
        return dict(_assignment(statement) for statement in ast.parse(source).body)
    except _NOT_PLAIN as error:
        raise ParameterError(
            "The cell tagged 'parameters' needs lines like NAME = value, with a plain value; "
            f"found: {getattr(error, 'text', None) or error}. Move everything else to another cell."
        ) from error


def _assignment(statement: ast.stmt) -> tuple[str, Any]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, ast.literal_eval(value)
    raise ValueError(ast.unparse(statement))


def format_assignments(parameters: Mapping[str, Any]) -> str:
    """Return parameters as the lines of a cell."""
    return "\n".join(f"{name} = {value!r}" for name, value in parameters.items())


def parse_parameter(name: str, given: str | bool, default: Any) -> Any:
    """Return the value that a text field, a checkbox or the command line gives, as what the default is.

    Raises
    ------
    ParameterError
        When there is more than a plain value.

    >>> parse_parameter("ROWS", "20", 50), parse_parameter("TIMEZONE", "20", "UTC"), parse_parameter("SINCE", "", None)
    (20, '20', None)
    """
    if default is None:
        return given or None
    if isinstance(default, str) or isinstance(given, bool):
        return given
    try:
        return ast.literal_eval(given)
    except _NOT_PLAIN as error:
        needed = f"{name} needs a plain value, like 3, 0.5, True or ['a', 'b']"
        raise ParameterError(f"{needed}; found '{text(given, 80)}'. Write it that way.") from error


def check_parameters(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters given, once each is known and of the type of its default."""
    unknown = [name for name in given if name not in defaults]
    if unknown:
        raise ParameterError(
            f"The notebook has the parameters {', '.join(defaults) or 'none'}; "
            f"found {', '.join(map(repr, unknown))}. Use one of its own names."
        )
    return {name: _typed(name, value, defaults[name]) for name, value in given.items()}


def _typed(name: str, value: Any, default: Any) -> Any:
    """Return the value, once it is of the type of the default and can be written as a plain value."""
    needed = str if default is None else type(default)
    if needed is float and type(value) is int:
        return float(value)
    if (value is None and default is None) or (type(value) is needed and _is_plain(value)):
        return value
    raise ParameterError(
        f"The parameter {name} needs a value of type {needed.__name__}, like {default!r}; "
        f"found {value!r} of type {type(value).__name__}. Give a value of that type."
    )


def _is_plain(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except _NOT_PLAIN:
        return False


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
