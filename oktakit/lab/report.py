"""Run a notebook with parameters and write what came out; the one place that knows nbclient."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import OktakitError
from ..safe import filename, write_file
from . import notebook as notebooks
from .page import to_html

if TYPE_CHECKING:
    from nbformat import NotebookNode


class Report(NamedTuple):
    """What `write_report` wrote: the two files, and the findings as text."""

    notebook: Path
    html: Path
    findings: str


def run_notebook(
    notebook: str | os.PathLike[str], parameters: Mapping[str, Any], cwd: str | os.PathLike[str] | None = None
) -> "NotebookNode":
    """Return the notebook as it is after a run with these parameters.

    Parameters
    ----------
    notebook : path
        A notebook with one cell tagged `parameters`. The file is not changed.
    parameters : dict
        Values by name, each of the type of its default; a default of None takes text.
    cwd : path, optional
        The folder to run in: the notebook's own by default, so that its relative paths keep their meaning.

    Returns
    -------
    NotebookNode
        With outputs, of widgets their text; without times of execution and folders of this computer.

    Raises
    ------
    ParameterError
        When a parameter is unknown or of another type than its default.
    OktakitError
        When a cell fails; the message shows the cell.

    """
    return notebooks.strip(_run(notebook, parameters, cwd))


def findings(nb: "NotebookNode") -> str:
    """Return the text that the cells tagged `findings` show, in their order.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook, new_output
    >>> said = new_output("stream", name="stdout", text="2 exports were taken by someone else.")
    >>> findings(new_notebook(cells=[new_code_cell(metadata={"tags": ["findings"]}, outputs=[said])]))
    '2 exports were taken by someone else.'

    """
    outputs = [output for cell in nb.cells if "findings" in notebooks.tags(cell) for output in cell.get("outputs", [])]
    texts = [_text(output).rstrip("\n") for output in outputs]
    return "\n".join(text for text in texts if text)


def write_report(
    notebook: str | os.PathLike[str],
    output_folder: str | os.PathLike[str],
    parameters: Mapping[str, Any],
    name: str | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Report:
    """Write a run of the notebook as `<name>.ipynb` and as `<name>.html`, which opens offline.

    Parameters
    ----------
    notebook : path
        A notebook with one cell tagged `parameters`.
    output_folder : path
        Made when it is missing. Files of the same name are replaced.
    parameters : dict
        As for `run_notebook`.
    name : str, optional
        1 to 64 letters, digits, dots, dashes and underscores. By default the notebook's name and that of its LOG.
    cwd : path, optional
        As for `run_notebook`.

    Returns
    -------
    Report
        The paths of both files, and the findings as text.

    Raises
    ------
    InputError
        When the name cannot be used or the folder cannot be written.
    ParameterError, OktakitError
        As for `run_notebook`.

    """
    import nbformat

    stem = filename(name or _stem(notebook, parameters))
    nb = notebooks.strip(_without_widgets(_run(notebook, parameters, cwd)))
    html = to_html(nb, stem)
    folder = Path(output_folder)
    saved = write_file(folder / f"{stem}.ipynb", nbformat.writes(nb) + "\n")
    return Report(saved, write_file(folder / f"{stem}.html", html), findings(nb))


def _run(
    notebook: str | os.PathLike[str], parameters: Mapping[str, Any], cwd: str | os.PathLike[str] | None = None
) -> "NotebookNode":
    """Return the notebook as the kernel left it, but for folders of this computer."""
    nb = notebooks.read_notebook(notebook)
    injected = notebooks.inject_parameters(nb, parameters)
    _execute(nb, Path(cwd or Path(notebook).parent))
    values = notebooks.parse_assignments(injected.source)
    injected.source = notebooks.format_assignments({name: _shareable(value) for name, value in values.items()})
    return _without_folders(nb)


def _execute(nb: "NotebookNode", folder: Path) -> None:
    """Run the notebook in place, in a kernel of the interpreter that runs this."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    # Without folders to look into, python3 can only be the running interpreter, never another one of that name.
    kernel = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), transport_encryption="auto"
    )
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(nb, km=kernel, timeout=None, record_timing=False, resources=resources)
    try:
        client.execute(cleanup_kc=True)
    except CellExecutionError as error:
        raise OktakitError(_failure(nb, f"{error.ename}: {error.evalue}")) from None
    except DeadKernelError:
        raise OktakitError(
            "The notebook needs more memory than there is; its kernel ended. Use a smaller log."
        ) from None


def _failure(nb: "NotebookNode", what: str) -> str:
    """Return the message that shows the cell that failed."""
    outputs = ((cell.source, output) for cell in nb.cells for output in cell.get("outputs", []))
    source = next(source for source, output in outputs if output.output_type == "error")
    return f"Every cell of the notebook has to run; mend this one, or pass other parameters. {what}\n\n{source}"


def _shareable(value: Any) -> Any:
    """Return a path that leads out of the project as its last name: folders tell who works where."""
    far = isinstance(value, str) and (value.startswith("../../") or Path(value).is_absolute())
    return Path(value).name if far else value


def _without_folders(nb: "NotebookNode") -> "NotebookNode":
    """Return the notebook without the folders that warnings name."""
    for output in (output for cell in nb.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"):
        output.text = re.sub(r"[^\s\"']*[/\\]([^/\\\s\"']+\.py)", r"\1", output.text)
    return nb


def _without_widgets(nb: "NotebookNode") -> "NotebookNode":
    """Return the notebook without widgets, which are dead on a page."""
    for cell in (cell for cell in nb.cells if cell.cell_type == "code"):
        cell.outputs = [output for output in cell.outputs if notebooks.WIDGET not in output.get("data", {})]
    return nb


def _text(output: "NotebookNode") -> str:
    """Return what an output says as plain text; warnings say nothing here."""
    if output.output_type == "stream":
        return str(output.text) if output.name == "stdout" else ""
    return str(output.get("data", {}).get("text/plain", ""))


def _stem(notebook: str | os.PathLike[str], parameters: Mapping[str, Any]) -> str:
    """Return the usual name of a report: the notebook's, and that of its log."""
    log = str(parameters.get("LOG") or notebooks.read_parameters(notebook).get("LOG") or "")
    name = "-".join(part for part in (Path(notebook).stem, Path(log).name.split(".")[0]) if part)
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:64]
