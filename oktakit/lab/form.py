"""What answers to mouse and keyboard: what all widgets share, and the form for a notebook's parameters.

Text from a log becomes options and text nodes, never HTML.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

import anywidget
import ipywidgets
import traitlets

from .. import safe
from ..errors import ParameterError
from .notebook import check_parameters, format_assignments, parse_parameter, read_parameters

_DATA: Final = resources.files("oktakit.lab")


class Panel(anywidget.AnyWidget):
    """A line that is read out when it changes, a table or text to copy, and the guard of the keyboard around it."""

    _esm = (_DATA / "panel.js").read_text("utf-8")
    _css = (_DATA / "panel.css").read_text("utf-8")
    status = traitlets.Unicode().tag(sync=True)
    table = traitlets.Dict().tag(sync=True)
    source = traitlets.Unicode().tag(sync=True)


class Box(ipywidgets.VBox):  # type: ignore[misc] # it carries no types
    """Widgets below each other, with a twin in words for a notebook that does not run."""

    def __init__(self, children: list[Any]) -> None:
        """Put them below each other."""
        super().__init__(children)
        self.add_class("oktakit")
        self._held = False

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": repr(self)}

    @contextmanager
    def _hold(self) -> Iterator[None]:
        """Let controls change without an answer to each."""
        self._held = True
        try:
            yield
        finally:
            self._held = False


class ParameterForm(Box):
    """Show the parameters of a notebook as a form that writes them as lines to paste.

    Parameters
    ----------
    notebook : path
        A notebook with one cell tagged `parameters`, such as `10_investigate.ipynb`.
    parameters : dict, optional
        Values to begin with, by name; the others begin with their defaults.

    Attributes
    ----------
    parameters : dict
        All parameters, each of the type of its default, as `write_report` takes them. Reading it raises ParameterError
        while a field holds something else.
    source : str
        The same as Python assignments, one a line.

    Raises
    ------
    InputError
        If the file is not a notebook.
    ParameterError
        If a parameter is unknown or of another type than its default.

    Examples
    --------
    >>> form = ParameterForm("notebooks/10_investigate.ipynb", {"ROWS": 50})
    >>> print(form.source)
    LOG = '../sample_logs/stolen_report.jsonl'
    CASE = None
    TIMEZONE = 'UTC'
    KNOWN = None
    WATCH = None
    ROWS = 50
    """

    def __init__(self, notebook: str | os.PathLike[str], parameters: Mapping[str, Any] | None = None) -> None:
        """Show the defaults, and what is given instead."""
        self._name, self._defaults = Path(notebook).name, read_parameters(notebook)
        values = self._defaults | check_parameters(parameters or {}, self._defaults)
        self.controls = {name: _field(name, value, self._defaults[name]) for name, value in values.items()}
        self._panel = Panel()
        fields = ipywidgets.VBox([*self.controls.values()])
        fields.add_class("oktakit-fields")
        super().__init__([fields, self._panel])
        self._show_source()
        for control in self.controls.values():
            control.observe(self._show_source, "value")

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the value of every parameter, once all are of their type."""
        given = {name: control.value for name, control in self.controls.items()}
        values = {name: parse_parameter(name, given[name], default) for name, default in self._defaults.items()}
        return check_parameters(values, self._defaults)

    @property
    def source(self) -> str:
        """Return the parameters as Python assignments, one a line."""
        return format_assignments(self.parameters)

    def __repr__(self) -> str:
        """Return the parameters as text, or what is wrong with them."""
        return f"ParameterForm: {safe.text(self._name)}\n{self._panel.source or self._panel.status}"

    def _show_source(self, _: Any = None) -> None:
        """Write the lines, or why there are none."""
        try:
            lines = self.source, "To repeat this, paste the lines into the cell tagged parameters."
        except ParameterError as error:
            lines = "", str(error)
        self._panel.source, self._panel.status = lines


def _field(name: str, value: Any, default: Any) -> Any:
    """Return the widget for a parameter."""
    if isinstance(default, bool):
        return ipywidgets.Checkbox(value, description=name, indent=False)
    text = value or "" if default is None or isinstance(default, str) else repr(value)
    return ipywidgets.Text(text, description=name, continuous_update=False)
