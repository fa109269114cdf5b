"""The command line, run in this process."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from oktakit import cli, read_log
from oktakit.cli import main

PARAMETERS = 'LOG = "../sample_logs/stolen_report.jsonl"\nACTOR = "ann"\nLIMIT = 3\nSINCE = None'
SHOW = "print(LOG, ACTOR, LIMIT, SINCE)\nprint(open(LOG).readline()[:8])"
EVENT = '{"uuid": "00000000-0000-4000-8000-000000000001", "eventType": "user.session.start"}\n'

Run = Callable[..., tuple[int, str, str]]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Run:
    """Return a function that runs a command in a small project, and returns its exit code and what it said."""
    for folder in ("notebooks", "sample_logs", "mine"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sample_logs" / "stolen_report.jsonl").write_text(EVENT)
    (tmp_path / "mine" / "log one.jsonl").write_text(" " + EVENT)
    write_template(tmp_path, SHOW)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_bundled", lambda name: tmp_path / name)

    def _run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return _run


def write_template(folder: Path, source: str) -> None:
    """Write the notebook that the project investigates with."""
    cells = [new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    cells.append(new_code_cell(source, metadata={"tags": ["findings"]}))
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "10_investigate.ipynb")


def test_investigate_prints_the_findings_and_where_the_report_is(run: Run, tmp_path: Path) -> None:
    """Without a log the sample is read; the next step is named."""
    code, out, err = run("investigate")
    assert (code, err) == (0, "")
    assert out.startswith('../sample_logs/stolen_report.jsonl ann 3 None\n{"uuid":\n')
    assert "Wrote reports/10_investigate-stolen_report.html" in out
    assert "jupyter lab reports/10_investigate-stolen_report.ipynb" in out
    assert (tmp_path / "reports" / "10_investigate-stolen_report.ipynb").is_file()


def test_investigate_reads_a_log_seen_from_here(run: Run, tmp_path: Path) -> None:
    """A path is meant from the current folder, relative or not, though the notebook runs where it is written."""
    for path in ("mine/log one.jsonl", str(tmp_path / "mine" / "log one.jsonl")):
        code, out, _ = run("investigate", path, "--out", "else/where")
        assert code == 0
        assert out.startswith('../../mine/log one.jsonl ann 3 None\n {"uuid"\n')
    assert (tmp_path / "else" / "where" / "10_investigate-log_one.html").is_file()


@pytest.mark.parametrize(
    ("content", "found"),
    [("", "0 records"), ("hello\n", "1 records; rejected"), ('{"eventType": "user.session.start"}\n', "no_uuid: 1")],
)
def test_a_log_without_events_ends_with_2_and_one_sentence(content: str, found: str, run: Run, tmp_path: Path) -> None:
    """Nothing is run and nothing is written when nothing was kept; the account says why."""
    (tmp_path / "empty.jsonl").write_text(content)
    code, out, err = run("investigate", "empty.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "At least one event of an Okta System Log is needed; empty.jsonl has" in err
    assert found in err
    assert not (tmp_path / "reports").exists()


def test_a_log_that_is_not_there_ends_with_2(run: Run) -> None:
    """The path is named, without a traceback."""
    code, out, err = run("investigate", "no_such.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no_such.jsonl" in err


def test_investigate_works_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """From an empty folder, without a log, the sample is investigated with the template of the package."""
    monkeypatch.chdir(tmp_path)
    assert main(["investigate"]) == 0
    assert capsys.readouterr().out.startswith("390 records = 389 kept + 1 duplicate + 0 rejected, from 1 source\n")
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    saved = nbformat.read("reports/10_investigate-stolen_report.ipynb", 4)
    assert "LOG = 'stolen_report.jsonl'" in [cell.source for cell in saved.cells]


def test_report_reads_each_value_as_what_its_default_is(run: Run, tmp_path: Path) -> None:
    """Text stays text, numbers become numbers, paths are seen from here, and the last word counts."""
    values = ["LOG=mine/log one.jsonl", "ACTOR=3=x", "LIMIT=7", "SINCE=2026-01-01"]
    arguments = [word for value in values for word in ("--set", value)]
    code, out, _ = run("report", "notebooks/10_investigate.ipynb", *arguments, "--out", "out")
    assert code == 0
    assert out.startswith("../mine/log one.jsonl 3=x 7 2026-01-01\n")
    assert (tmp_path / "out" / "10_investigate-log_one.html").is_file()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("LIMIT", "NAME=VALUE"),
        ("LIMIT=seven", "found 'seven'"),
        ("LIMIT={[]: 1}", "found '{[]: 1}'"),
        ("LIMIT=" + "-" * 100_000 + "1", "needs a plain value"),
        ("LIMIT=0.5", "needs a value of type int"),
        ("WHO=ann", "LOG, ACTOR, LIMIT, SINCE"),
    ],
)
def test_a_value_that_does_not_fit_ends_with_2(value: str, message: str, run: Run) -> None:
    """What was needed and found is told in one line."""
    code, out, err = run("report", "notebooks/10_investigate.ipynb", "--set", value)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_failing_notebook_ends_with_2_and_its_cell(run: Run, tmp_path: Path) -> None:
    """The analyst sees the cell, not the machinery."""
    write_template(tmp_path, "1 / 0")
    code, _, err = run("investigate")
    assert code == 2
    assert err.endswith("ZeroDivisionError: division by zero\n\n1 / 0\n")
    assert "Traceback" not in err


def test_text_from_a_log_cannot_command_the_terminal(run: Run, tmp_path: Path) -> None:
    """Control characters are shown; lines stay lines."""
    write_template(tmp_path, r"print('one\x1b[8mhidden\nt\rwo')")
    code, out, _ = run("investigate")
    assert code == 0
    assert out.startswith("one\\x1b[8mhidden\nt\\x0dwo\n")


def test_scenario_writes_a_log_that_can_be_investigated(run: Run, tmp_path: Path) -> None:
    """The files are named, and another seed gives another log."""
    code, out, _ = run("scenario", "stolen_report", "--out", "one")
    assert code == 0
    assert f"Wrote {Path('one') / 'stolen_report.jsonl'}" in out
    run("scenario", "stolen_report", "--seed", "7", "--out", "two")
    first, second = (tmp_path / folder / "stolen_report.jsonl" for folder in ("one", "two"))
    assert first.read_bytes() != second.read_bytes()
    assert run("investigate", "one/stolen_report.jsonl")[0] == 0


@pytest.mark.parametrize(("name", "folder"), [("no_such_story", "out"), ("assistant", "mine/log one.jsonl")])
def test_a_scenario_that_cannot_be_written_ends_with_2(name: str, folder: str, run: Run) -> None:
    """An unknown name, or a folder that is a file, is named in one line."""
    code, _, err = run("scenario", name, "--out", folder)
    assert (code, err.count("\n")) == (2, 1)
    assert name in err or folder in err


def test_convert_writes_what_read_log_reads_back(run: Run, tmp_path: Path) -> None:
    """A log becomes a folder of Parquet, its account is printed; a folder that exists is refused."""
    code, out, err = run("convert", "mine/log one.jsonl", "--out", "lake")
    assert (code, err) == (0, "")
    assert out.startswith("1 record = 1 kept + 0 duplicates + 0 rejected, from 1 source\n")
    assert list(read_log(tmp_path / "lake").events["event_type"]) == ["user.session.start"]
    code, _, err = run("convert", "mine/log one.jsonl", "--out", "lake")
    assert (code, err) == (2, "A new folder is needed; lake exists. Name another one, or remove it first.\n")


def test_convert_writes_nothing_where_nothing_was_kept(run: Run, tmp_path: Path) -> None:
    """A file without events ends with 2 and no folder."""
    (tmp_path / "page.json").write_text("<html>")
    assert run("convert", "page.json", "--out", "lake")[0] == 2
    assert not (tmp_path / "lake").exists()


def test_strip_says_what_it_did(run: Run, tmp_path: Path) -> None:
    """The notebook is written back without its traces, and with --outputs without its outputs."""
    path = tmp_path / "notebooks" / "10_investigate.ipynb"
    nb = nbformat.read(path, 4)
    nb.metadata["widgets"] = {"state": "x" * 1000}
    nb.cells[1].outputs = [new_output("stream", text="found\n")]
    nbformat.write(nb, path)
    size = path.stat().st_size
    code, out, err = run("strip", "notebooks/10_investigate.ipynb")
    assert (code, err) == (0, "")
    assert out == f"notebooks/10_investigate.ipynb: {size:,} bytes, now {path.stat().st_size:,}\n"
    assert "widgets" not in nbformat.read(path, 4).metadata
    assert nbformat.read(path, 4).cells[1].outputs[0].text == "found\n"
    assert run("strip", "--outputs", "notebooks/10_investigate.ipynb")[0] == 0
    assert nbformat.read(path, 4).cells[1].outputs == []


@pytest.mark.parametrize("name", ["mine/log one.jsonl", "no_such.ipynb", "mine"])
def test_strip_refuses_what_is_no_notebook(name: str, run: Run) -> None:
    """One sentence names the file, and nothing is changed."""
    code, out, err = run("strip", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"A Jupyter notebook is needed; {name} is not one" in err
    assert Path("mine/log one.jsonl").read_text() == " " + EVENT
