"""Notebooks with parameters, and what is written of them."""

import html
import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from oktakit.errors import InputError, OktakitError, ParameterError
from oktakit.lab.notebook import read_parameters
from oktakit.lab.page import to_html
from oktakit.lab.report import findings, run_notebook, write_report
from oktakit.log.log import LOG_TYPE

PARAMETERS = 'LOG = "../logs/a.jsonl"  # which log\nLIMIT = 3\nRATE = 0.5\nACTOR = None\nNAMES = ["a"]\nDEEP = False'
SHOW = "import os\nprint(LIMIT, RATE, ACTOR, NAMES, DEEP, open(LOG).read(), os.path.basename(os.getcwd()))"
PLOTLY = "application/vnd.plotly.v1+json"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that writes a notebook with these cells behind its parameters."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "notebooks").mkdir()
    for name in ("a", "b"):
        (tmp_path / "logs" / f"{name}.jsonl").write_text(f"log {name}")

    def _make(*sources: str, parameters: str = PARAMETERS) -> Path:
        cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]})]
        cells += [new_code_cell(source, metadata={"tags": ["findings"]}) for source in sources]
        path = tmp_path / "notebooks" / "look.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return _make


def figure(title: str, **config: Any) -> NotebookNode:
    """Return a cell that shows a figure."""
    data = {PLOTLY: {"data": [], "layout": {"title": {"text": title}}, "config": config}}
    return new_code_cell("secret_code()", outputs=[new_output("display_data", data=data)])


def figures_in(page: str) -> list[dict[str, Any]]:
    """Return the figures that a page holds."""
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', page)]


def test_the_defaults_are_read_as_values(make: Make) -> None:
    """Each line of the parameters cell is one name and its plain value."""
    expected = {"LOG": "../logs/a.jsonl", "LIMIT": 3, "RATE": 0.5, "ACTOR": None, "NAMES": ["a"], "DEEP": False}
    assert read_parameters(make()) == expected


@pytest.mark.parametrize("source", ["import os", "LIMIT = os.sep", "LIMIT += 1", "A = B = 1", "LIMIT = ", "open('x')"])
def test_a_parameters_cell_holds_plain_assignments_only(source: str, make: Make) -> None:
    """Anything that would have to be run to be known is refused."""
    with pytest.raises(ParameterError, match="NAME = value"):
        read_parameters(make(parameters=source))


def test_a_notebook_without_a_parameters_cell_is_refused(tmp_path: Path) -> None:
    """The message says how many such cells there are."""
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "plain.ipynb")
    with pytest.raises(ParameterError, match="one code cell tagged 'parameters'; it has 0"):
        read_parameters(tmp_path / "plain.ipynb")


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "no json", '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_named(content: str | None, tmp_path: Path) -> None:
    """A missing file and any other content give one error with the path."""
    path = tmp_path / "what.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"what\.ipynb"):
        read_parameters(path)


def test_a_run_takes_the_parameters_in_the_folder_of_the_notebook(make: Make) -> None:
    """Values given replace defaults, the others stay, and relative paths mean what they meant."""
    nb = run_notebook(make(SHOW), {"LOG": "../logs/b.jsonl", "RATE": 2, "ACTOR": 'ann "x"\n'})
    assert [cell.metadata.get("tags") for cell in nb.cells[:2]] == [["parameters"], ["injected-parameters"]]
    assert nb.cells[1].source == "LOG = '../logs/b.jsonl'\nRATE = 2.0\nACTOR = 'ann \"x\"\\n'"
    assert findings(nb) == "3 2.0 ann \"x\"\n ['a'] False log b notebooks"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"LIMITS": 4}, "'LIMITS'"),
        ({"LIMIT\nimport os": 4}, "Use one of its own names"),
        ({"LIMIT": "4"}, "LIMIT needs a value of type int, like 3; found '4' of type str"),
        ({"LIMIT": True}, "found True of type bool"),
        ({"DEEP": 1}, "needs a value of type bool"),
        ({"LOG": None}, "needs a value of type str"),
        ({"ACTOR": 3}, "needs a value of type str, like None"),
        ({"NAMES": [Path("x")]}, "NAMES needs a value of type list"),
        ({"RATE": float("inf")}, "RATE needs a value of type float"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(given: dict[str, Any], message: str, make: Make) -> None:
    """Unknown names, other types and values that cannot be written down are told before anything runs."""
    with pytest.raises(ParameterError, match=re.escape(message)):
        run_notebook(make("raise SystemError"), given)


def test_a_failing_cell_is_shown_without_a_traceback(make: Make) -> None:
    """The error has the reason and the source, and nothing of the machinery."""
    with pytest.raises(OktakitError) as caught:
        run_notebook(make("fine = 1", "int('none')"), {})
    assert str(caught.value).startswith("Every cell of the notebook has to run")
    assert "ValueError: invalid literal for int() with base 10: 'none'" in str(caught.value)
    assert str(caught.value).endswith("\n\nint('none')")
    assert "Traceback" not in str(caught.value)


def test_a_run_leaves_no_traces_of_this_computer(make: Make, tmp_path: Path) -> None:
    """Widgets, times and folders are not in the saved notebook; the name of the log is."""
    path = make("import warnings\nwarnings.warn('careful')", "import ipywidgets\nipywidgets.Label('x')")
    report = write_report(path, tmp_path / "out", {"LOG": str(tmp_path / "logs" / "b.jsonl")})
    saved = report.notebook.read_text(encoding="utf-8")
    assert "UserWarning: careful" in saved
    assert "LOG = 'b.jsonl'" in saved
    assert [trace for trace in (str(tmp_path), "ipykernel_", "widget-", "iopub") if trace in saved] == []


def test_a_report_is_the_same_whenever_it_is_written(make: Make, tmp_path: Path) -> None:
    """Two runs with the same parameters write the same bytes, and nothing else."""
    path = make(SHOW)
    first, second = (write_report(path, tmp_path / folder, {}) for folder in ("first", "second"))
    assert first.findings == "3 0.5 None ['a'] False log a notebooks"
    assert first.html.read_bytes() == second.html.read_bytes()
    assert first.notebook.read_bytes() == second.notebook.read_bytes()
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == ["look-a.html", "look-a.ipynb"]


def test_a_report_has_a_safe_name(make: Make, tmp_path: Path) -> None:
    """The name of a log cannot choose where the report goes, and a name that is given has to be a plain one."""
    (tmp_path / "logs" / "b c;é.jsonl").write_text("")
    report = write_report(make(SHOW), tmp_path / "out", {"LOG": "../logs/b c;é.jsonl"})
    assert report.html.name == "look-b_c__.html"
    with pytest.raises(InputError):
        write_report(make(SHOW), tmp_path / "out", {}, name="../up")


def test_a_folder_that_cannot_be_written_is_named(make: Make, tmp_path: Path) -> None:
    """A file in the place of the folder is told in one sentence."""
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="A file that can be written is needed"):
        write_report(make(), tmp_path / "out", {})


def test_findings_are_the_text_of_their_cells_in_order() -> None:
    """Printed text and values count; warnings, pictures and other cells do not."""
    tagged = {"tags": ["findings"]}
    outputs = [
        new_output("stream", name="stdout", text="one\n"),
        new_output("stream", name="stderr", text="warning"),
        new_output("execute_result", data={"text/plain": "two", "text/html": "<b>two</b>"}),
        new_output("display_data", data={"image/png": "AA=="}),
    ]
    other = new_code_cell(outputs=[new_output("stream", name="stdout", text="other")])
    cells = [new_code_cell(metadata=tagged, outputs=outputs), other, new_markdown_cell("three", metadata=tagged)]
    assert findings(new_notebook(cells=cells)) == "one\ntwo"


def test_a_page_loads_nothing_and_hides_the_code() -> None:
    """The policy allows two scripts by their hashes and no connection; the code cells are not shown."""
    page = to_html(new_notebook(cells=[new_markdown_cell("# Look"), figure("One"), figure("Two")]))
    policy = re.search(r'content="(default-src[^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert policy[1].count("sha256-") == 2
    assert "connect-src 'none'" in policy[1]
    assert len(page) < 5_500_000
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="', page.partition("<script>")[0]) == []
    assert "secret_code" not in page


def test_every_figure_has_a_name_and_a_safe_config() -> None:
    """What a figure asks for cannot bring back the button that uploads it; its title is its text for screen readers."""
    page = to_html(
        new_notebook(cells=[figure('Who &lt;took&gt; it? <b>"X"</b>', showSendToCloud=True, scrollZoom=True)])
    )
    config = figures_in(page)[0]["config"]
    unsafe = [config[key] for key in ("showSendToCloud", "displaylogo", "typesetMath", "plotlyServerURL")]
    assert unsafe == [False, False, False, ""]
    assert config["scrollZoom"] is True
    assert 'role="img"' in page
    assert [html.unescape(label) for _, label in re.findall(r"""aria-label=(["'])(.*?)\1""", page)] == [
        'Who <took> it?  "X"'
    ]


LOG = {"log": 'a".jsonl', "sha256": "ab" * 32, "span": "2026-03-02 to 2026-03-08", "records": "3 records <b>"}


def shows(data: dict[str, Any], source: str = "x") -> NotebookNode:
    """Return a cell that shows this."""
    return new_code_cell(source, outputs=[new_output("display_data", data=data)])


def log_of(text: str = "the log itself") -> NotebookNode:
    """Return a cell that shows a log."""
    return shows({LOG_TYPE: LOG, "text/plain": text})


def parameters(source: str) -> NotebookNode:
    """Return the cell of parameters."""
    return new_code_cell(source, metadata={"tags": ["parameters"]})


def test_the_head_of_a_page_says_which_log_it_is_and_what_made_it() -> None:
    """Name, hash, span and records of the log, once; version and parameters that are set; all of it as text."""
    page = to_html(new_notebook(cells=[parameters('LOG = "x"\nROWS = 3\nKNOWN = None'), log_of()]))
    head = re.sub(r"\s+", " ", page.partition("<header>")[2].partition("</header>")[0])
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", head)
    assert facts == [
        ("Log", "a&quot;.jsonl"),
        ("SHA-256", "ab" * 32),
        ("Span", "2026-03-02 to 2026-03-08"),
        ("Read", "3 records &lt;b&gt;"),
        ("Made by", f"oktakit {version('oktakit')} with ROWS = 3"),
    ]
    assert "<h1>What needs a look: a&quot;.jsonl</h1>" in head
    assert "the log itself" not in page


def test_the_title_is_the_heading_or_case_and_log() -> None:
    """A heading that is for the notebook only is not the title of the page."""
    heading = new_markdown_cell("# A <i>stolen</i> report")
    assert "<title>A stolen report</title>" in to_html(new_notebook(cells=[heading, log_of()]))
    hidden = new_markdown_cell("# Investigate", metadata={"tags": ["notebook-only"]})
    page = to_html(new_notebook(cells=[hidden, parameters('CASE = "Case 17"'), log_of()]))
    assert "<title>Case 17: a&quot;.jsonl</title>" in page
    assert "Investigate" not in page


def test_the_second_log_of_a_notebook_stays_where_it_is() -> None:
    """The head is about the first."""
    page = to_html(new_notebook(cells=[log_of("one log"), log_of("another log")]))
    assert ("one log" in page, "another log" in page) == (False, True)


def test_every_printed_page_has_name_and_hash_of_the_log() -> None:
    """No character of a name can end the text, the rule or the style."""
    name = '"}</style><script>x'
    page = to_html(new_notebook(cells=[shows({LOG_TYPE: {**LOG, "log": name}})]))
    rule = re.search(r'@bottom-left { content: "(.*?)"; }', page)
    assert rule
    assert rule[1].startswith(r"\22 \7d \3c \2f style\3e \3c script\3e x \b7  SHA-256 abab")


def test_the_contents_link_to_every_heading() -> None:
    """Sections and leads, in order; each link leads somewhere."""
    lead = shows({"text/html": '<h3 id="lead-1">Lead 1: <b>Users</b></h3>'})
    page = to_html(new_notebook(cells=[new_markdown_cell("# T\n\n## Findings"), lead, new_markdown_cell("### A & B")]))
    nav = page.partition("<nav")[2].partition("</nav>")[0]
    links = re.findall(r'<a href="#([\w-]+)">(.*?)</a>', nav)
    assert [name for _, name in links] == ["Findings", "Lead 1: Users", "A &amp; B"]
    assert [at for at, _ in links if f' id="{at}"' not in page.partition("</nav>")[2]] == []


def test_the_sentence_of_a_lead_links_to_where_it_is_told() -> None:
    """A sentence without a section has no link."""
    sentences = (
        f'<strong id="to-lead-{number}" class="a">{word}.</strong>' for number, word in ((1, "One"), (2, "Two"))
    )
    told = f'{"".join(sentences)}<h3 id="lead-1">Lead 1</h3>'
    page = to_html(new_notebook(cells=[shows({"text/html": told})]))
    assert '<a href="#lead-1" class="a">One.</a>' in page
    assert ">Two.</strong>" in page


def test_what_a_figure_shows_in_words_is_folded() -> None:
    """The words of `describe` are there, below a figure, and closed."""
    words = shows({"text/html": "<table><tr><td>marks</td></tr></table>"}, "ok.describe(figure)")
    page = to_html(new_notebook(cells=[figure("One"), words]))
    folded = re.search(
        r'<details class="words"><summary>This figure in words</summary>(.*?)</details>', page, re.DOTALL
    )
    assert folded
    assert "<td>marks</td>" in folded[1]
