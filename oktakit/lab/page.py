"""Show a notebook that was run as one HTML page that opens offline; the one place that knows nbconvert."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape, unescape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from ..figures.style import CONFIG

if TYPE_CHECKING:
    from nbformat import NotebookNode

PLOTLY: Final = "application/vnd.plotly.v1+json"
SHOWN: Final = (PLOTLY, "text/html", "text/markdown", "image/png", "image/jpeg", "text/plain")
SAFE_CONFIG: Final = CONFIG | {"responsive": True}


def to_html(nb: "NotebookNode", name: str = "report") -> str:
    """Return the notebook as one HTML page that loads nothing and runs no script but its own.

    Parameters
    ----------
    nb : NotebookNode
        A notebook that was run. Its code is not shown.
    name : str
        The title of the page where the notebook has no heading.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> page = to_html(new_notebook(cells=[new_markdown_cell("# A stolen report")]))
    >>> "<title>A stolen report</title>" in page, "script-src 'none'" in page
    (True, True)

    """
    programs = _programs(nb)
    resources = {"metadata": {"name": _title(nb, name)}, "policy": _policy(programs), "figure_type": PLOTLY}
    page: str = _exporter().from_notebook_node(nb, resources=resources)[0]
    # Put in last: nothing may touch the scripts once their hashes are in the policy.
    scripts = "\n".join(f"<script>{program}</script>" for program in programs)
    return page.replace("<!-- scripts -->", scripts, 1)


def _programs(nb: "NotebookNode") -> list[str]:
    """Return the scripts that draw the figures: none for a notebook without figures."""
    outputs = (output for cell in nb.cells for output in cell.get("outputs", []))
    if not any(PLOTLY in output.get("data", {}) for output in outputs):
        return []
    # Read as a file: importing plotly would cost more than the page.
    places = (files("plotly") / "package_data/plotly.min.js", files("oktakit.lab") / "report_template/draw.js")
    return [place.read_text(encoding="utf-8") for place in places]


def _policy(programs: list[str]) -> str:
    """Return the content security policy that lets these scripts run and nothing else."""
    hashes = [base64.b64encode(hashlib.sha256(program.encode()).digest()).decode() for program in programs]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _exporter() -> Any:
    """Return nbconvert's exporter with our template and without inputs, anchors, widgets and scripts."""
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    options = {
        "template_name": "report_template",
        "extra_template_basedirs": [str(files("oktakit.lab"))],
        "exclude_anchor_links": True,
        "exclude_input": True,
        "exclude_input_prompt": True,
        "exclude_output_prompt": True,
        "sanitize_html": True,
    }
    config = Config(HTMLExporter=options, NbConvertBase={"display_data_priority": list(SHOWN)})
    exporter = HTMLExporter(config=config)
    exporter.register_filter("figure", figure_html)
    exporter.register_filter("clean_html", _clean)
    return exporter


def _title(nb: "NotebookNode", name: str) -> str:
    """Return the first heading of the notebook, or the name."""
    lines = [line for cell in nb.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), name)


def figure_html(figure: Mapping[str, Any]) -> str:
    """Return the place of a figure with its data, for the script that draws it."""
    label = figure.get("layout", {}).get("title", {}).get("text") or ""
    # plotly's titles are HTML with escaped text, and so is the attribute once its tags are gone.
    label = escape(unescape(re.sub(r"<[^>]*>", " ", label)).strip()) or "Figure without a title"
    data = json.dumps({**figure, "config": {**figure.get("config", {}), **SAFE_CONFIG}}, sort_keys=True)
    data = data.replace("<", r"\u003c")  # so that it cannot end the script element that holds it
    script = f'<script type="application/json">{data}</script>'
    return f'<div class="figure" role="img" aria-label="{label}">{script}</div>'


def _clean(html: str) -> str:
    """Return the HTML without what could load or run something."""
    import nh3

    allowed = json.loads((files("oktakit.lab") / "report_template/allowed.json").read_text("utf-8"))
    tags, attributes, schemes = (set(allowed[name]) for name in ("tags", "attributes", "schemes"))
    places = {"*": attributes, "img": {"src"}}
    return nh3.clean(str(html), tags, attributes=places, attribute_filter=_keep, url_schemes=schemes)


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute that may stay: a picture only when it is part of the page."""
    return value if attribute != "src" or value.startswith("data:image/") else None
