"""Show a notebook that was run as one HTML page that opens offline; the one place that knows nbconvert."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from copy import deepcopy
from html import escape, unescape
from importlib.metadata import version
from importlib.resources import files
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ..figures.style import CONFIG
from ..log.log import LOG_TYPE
from ..safe import html as safe_html
from .notebook import format_assignments, parse_assignments, tags

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
        A notebook that was run. Its code is not shown, nor its cells tagged `notebook-only`. Its first heading is the
        title; below it stands which log it is, where a cell shows one, and with what the page was made.
    name : str
        The title of the page where the notebook has neither a heading, nor a log, nor a parameter CASE.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> page = to_html(new_notebook(cells=[new_markdown_cell("# A stolen report")]))
    >>> "<title>A stolen report</title>" in page, "script-src 'none'" in page
    (True, True)

    """
    nb, log = _without_log(nb)
    parameters = _parameters(nb)
    nb.cells = [cell for cell in nb.cells if "notebook-only" not in tags(cell)]
    programs = _programs(nb)
    resources = {"metadata": {"name": name}, "policy": _policy(programs), "figure_type": PLOTLY}
    page: str = _exporter().from_notebook_node(nb, resources=resources | {"paper_mark": _paper_mark(log)})[0]
    head, _, body = page.partition("<main>")
    heading, body = _heading(_with_ids(body))
    title = heading or _title(parameters.pop("CASE", None), log) or name
    parts = {"title": escape(title), "facts": _facts(log, parameters), "contents": _contents(body)}
    for part, told in parts.items():
        head = head.replace(f"<!-- {part} -->", told)
    # Put in last: nothing may touch the scripts once their hashes are in the policy.
    scripts = "\n".join(f"<script>{program}</script>" for program in programs)
    return f"{head}<main>{_linked(body)}".replace("<!-- scripts -->", scripts, 1)


def _without_log(nb: "NotebookNode") -> tuple["NotebookNode", dict[str, str]]:
    """Return the notebook without the first log that it shows, and what the head of the page says of that log."""
    nb = deepcopy(nb)
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if log := output.get("data", {}).get(LOG_TYPE):
                cell.outputs.remove(output)
                return nb, log
    return nb, {}


def _parameters(nb: "NotebookNode") -> dict[str, Any]:
    """Return the parameters that are set, but for the log, which is named by itself."""
    cells = [cell for cell in nb.cells if {"parameters", "injected-parameters"} & {*tags(cell)}]
    values = {name: value for cell in cells for name, value in parse_assignments(cell.source).items()}
    return {name: value for name, value in values.items() if name != "LOG" and value is not None}


def _title(case: str | None, log: Mapping[str, str]) -> str:
    """Return case and log as a title, if either is known."""
    parts = [case or "What needs a look", log.get("log")] if case or log else []
    return ": ".join(filter(None, parts))


def _heading(body: str) -> tuple[str, str]:
    """Return the first heading of the page as text, and the page without it."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.DOTALL)
    if not found:
        return "", body
    return _plain(found[1]), body[: found.start()] + body[found.end() :]


def _with_ids(body: str) -> str:
    """Return the page with an id for every heading, so that the contents can link to it."""
    numbers = count(1)
    return re.sub(r"<h([23])(?![^>]* id=)", lambda found: f'<h{found[1]} id="section-{next(numbers)}"', body)


def _plain(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def _facts(log: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """Return which log it is and with what the page was made, as a list of terms."""
    settings = format_assignments(parameters).replace("\n", ", ")
    terms = {"Log": "log", "SHA-256": "sha256", "Span": "span", "Read": "records"}
    facts = {term: log[name] for term, name in terms.items() if log.get(name)}
    facts["Made by"] = f"oktakit {version('oktakit')}" + f" with {settings}" * bool(settings)
    told = "".join(f"<dt>{term}</dt><dd>{safe_html(fact, 2000)}</dd>" for term, fact in facts.items())
    return f"<dl>{told}</dl>"


def _contents(body: str) -> str:
    """Return links to the headings of the page."""
    found = re.findall(r'<h([23])[^>]* id="([^"]*)"[^>]*>(.*?)</h\1>', body, re.DOTALL)
    links = [f'<li class="level-{level}"><a href="#{at}">{escape(_plain(head))}</a></li>' for level, at, head in found]
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>' if links else ""


def _linked(body: str) -> str:
    """Return the page with links from the sentence of a lead to its events and reasons, where they are told."""
    targets = {*re.findall(r'<h3 id="(lead-\d+)"', body)}
    return re.sub(
        r'<strong(?=[^>]* id="to-(lead-\d+)")(?=[^>]* class="([\w-]*)")[^>]*>(.*?)</strong>',
        lambda level: f'<a href="#{level[1]}" class="{level[2]}">{level[3]}</a>' if level[1] in targets else level[0],
        body,
    )


def _paper_mark(log: Mapping[str, str]) -> str:
    """Return the rule that puts name and hash of the log on every printed page."""
    words = " · SHA-256 ".join(log[name] for name in ("log", "sha256") if log.get(name))
    # As escapes, so that no name ends the text, the rule or the style that it stands in.
    mark = "".join(one if one.isascii() and (one.isalnum() or one in " .-_") else f"\\{ord(one):x} " for one in words)
    return f'@page {{ @bottom-left {{ content: "{mark}"; }} }}' if mark else ""


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
