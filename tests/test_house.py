"""The house: what may import what, what is public, and what notebooks and packaging promise."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

import oktakit as ok

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "oktakit").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LAYERS = [
    {"schema", "errors"},
    {"safe", "model", "cast", "bytescan", "queries", "delivery", "order"},
    {"files", "frames", "places", "repair", "synth", "containers"},
    {"columns", "own", "known", "ordinary", "answers", "okta_names"},
    {"rebuild", "tables"},
    {"sources", "parts", "noted", "log", "figure", "deeds", "casefile", "notebook"},
    {"runs"},
    {"flatten", "account", "scope", "inputs", "pieces", "plot_map", "patterns", "shapes", "facets"},
    {"documents"},
    {"records", "scenarios", "parquet"},
    {"load", "caselog"},
    {"correlate", "exports", "summarize", "sessions", "find", "around"},
    {"case", "triage"},
    {"ask_exports", "ask_habits", "ask_around", "coverage"},
    {"check", "check_feedback"},
    {"plot", "plot_cards", "plot_places", "plot_strips", "plot_times", "plot_verdicts", "plot_ways"},
    {"page"},
    {"report", "plot_explorer"},
    {"widgets"},
    {"explorer"},
    {"cli"},
    {"__init__"},
]
PLOTS = {path.stem for path in MODULES if path.stem.startswith("plot")}
HEAVY = {
    "plotly": PLOTS | {"figure", "page"},
    "ipywidgets": {"widgets", "explorer"},
    "anywidget": {"widgets"},
    "filelock": {"casefile"},
    "tqdm": {"load"},
    "nbclient": {"report"},
    "nbconvert": {"page"},
}
CODE = [(path, cell) for path in NOTEBOOKS for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def imports(path):
    """Return the modules of this package, and the packages of others, that a file imports anywhere."""
    own, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            own |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            others.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
    return own, others


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_run_one_way(path):
    """A module imports only from the layers below its own, and heavy packages only where they belong."""
    level = next(n for n, layer in enumerate(LAYERS) if path.stem in layer)
    own, others = imports(path)
    assert own <= set().union(*LAYERS[:level])
    assert {name for name in others if path.stem not in HEAVY.get(name, {path.stem})} == set()


def test_importing_the_package_costs_no_more_than_pandas():
    """Plotting, widgets and notebook machinery are loaded when they are first used."""
    code = "import sys, oktakit; print([name for name in sys.argv[1:] if name in sys.modules])"
    run = [sys.executable, "-c", code, *HEAVY]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_every_public_name_is_listed_and_documented():
    """`__all__` is what the package offers, and each function says what it returns, with an example."""
    tree = ast.parse((ROOT / "oktakit" / "__init__.py").read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level for a in n.names}
    assert set(ok.__all__) == imported
    for name in ok.__all__:
        thing = getattr(ok, name)
        if callable(thing) and not isinstance(thing, type):
            assert re.match(r"(Return|Draw|Write|Read) ", thing.__doc__), name
            assert name == "write_report" or ">>> " in thing.__doc__, name


def test_no_file_is_longer_than_a_reader_bears():
    """300 lines a file, and for the whole package as many as CONTRIBUTING.md says."""
    (limit,) = re.findall(r"the package at most ([\d,]+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert sum(len(path.read_text().splitlines()) for path in MODULES) <= int(limit.replace(",", ""))
    assert {path.name: n for path in MODULES if (n := len(path.read_text().splitlines())) > 300} == {}


def test_conda_and_pip_agree():
    """`environment.yml` has the names and ranges of `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    wanted = {name.replace("jupyter-server", "jupyter_server") for name in project["dependencies"]}
    own = {f"python{project['requires-python']}", "pip"}
    assert {name for name in conda if isinstance(name, str)} - own == wanted


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_run_in_order(path):
    """Every code cell has its number and its outputs: an unrun notebook would pass whatever it prints."""
    cells = [cell for where, cell in CODE if where == path]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    silent = [cell.source for cell in cells if not cell.outputs and "parameters" not in cell.metadata.get("tags", [])]
    assert silent == []
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_to_its_spine(path):
    """A title with a question, one cell of parameters, then findings, limits and exercises, in this order."""
    notebook = nbformat.read(path, 4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    marks = [r"^# \w+", r"\*\*Question\.\*\*", r"^## Findings", r"^## What this cannot show", r"^## On your own"]
    places = [re.search(mark, text, re.MULTILINE).start() for mark in marks]
    assert places == sorted(places)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) == 1
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize(("path", "cell"), CODE, ids=lambda value: getattr(value, "stem", ""))
def test_a_cell_is_short_and_safe(path, cell):
    """At most six lines, no definitions, and nothing that would run or follow what a log contains."""
    assert len(cell.source.splitlines()) <= 6
    assert not re.search(r"\b(def|class) |\.style\b|HTML\(|Markdown\(|\.query\(|\.eval\(|escape=False", cell.source)
    drawn = any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in cell.outputs)
    assert drawn == ("nbval-ignore-output" in cell.metadata.get("tags", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_is_followed_by_its_words(path):
    """The cell after a figure describes it."""
    cells = [cell for where, cell in CODE if where == path]
    after = [
        cells[n + 1].source for n, cell in enumerate(cells) if "nbval-ignore-output" in cell.metadata.get("tags", [])
    ]
    assert all(source.startswith("ok.describe(") for source in after)


def test_notebooks_hold_nothing_private():
    """No token, no folder of anybody's computer, no widget state in what is stored."""
    for path in NOTEBOOKS:
        text = path.read_text()
        assert not re.search(r"\bSSWS |\b00[A-Za-z0-9_-]{40}\b|eyJ[\w-]+\.eyJ|/(home|Users|root|work|tmp)/", text), path
        assert "widgets" not in json.loads(text)["metadata"]
