"""The command line, run in this process."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from oktakit import cli, make_log, read_log, write_log
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


def test_investigate_says_what_it_reads_and_where_the_report_is(run: Run, tmp_path: Path) -> None:
    """Without a log the sample is read, and said to be one; each step is a line; the next step is named."""
    code, out, err = run("investigate")
    assert code == 0
    assert err.splitlines() == [
        "No LOG was named: this is a synthetic log of a stolen report.",
        f"Reading {tmp_path / 'sample_logs' / 'stolen_report.jsonl'}",
        "Asking about exports and feedback in 1 events",
        "Writing the report",
    ]
    name = f"reports/stolen_report-{sha256(EVENT.encode()).hexdigest()[:8]}"
    assert out.splitlines() == [
        f"stolen_report.jsonl (SHA-256 {sha256(EVENT.encode()).hexdigest()[:12]})",
        "1 record = 1 kept + 0 duplicates + 0 rejected, from 1 source",
        "kept, but flagged: 1 bad_published",
        "No event with a plausible time was kept.",
        "",
        "Nothing needs a look. There are no exports and no verdicts in this log.",
        "",
        f"Report: {name}.html (opens in any browser, offline)",
        f"To go on: jupyter lab {name}.ipynb",
    ]
    assert (tmp_path / f"{name}.html").is_file()


@pytest.mark.slow
def test_investigate_reads_a_log_seen_from_here(run: Run, tmp_path: Path) -> None:
    """A path is meant from the current folder, relative or not, though the notebook runs where it is written."""
    name = f"log_one-{sha256(b' ' + EVENT.encode()).hexdigest()[:8]}"
    for path in ("mine/log one.jsonl", str(tmp_path / "mine" / "log one.jsonl")):
        assert run("investigate", path, "--out", "else/where")[0] == 0
        saved = nbformat.read(tmp_path / "else" / "where" / f"{name}.ipynb", 4)
        assert saved.cells[-1].outputs[0].text.startswith('../../mine/log one.jsonl ann 3 None\n {"uuid"\n')


@pytest.mark.slow
def test_two_logs_of_one_name_have_two_reports(run: Run, tmp_path: Path) -> None:
    """The name has the days and a part of the hash."""
    for folder, day in (("one", 3), ("two", 4)):
        (tmp_path / folder).mkdir()
        event = EVENT.replace("}", f', "published": "2026-03-0{day}T08:00:00.000Z"}}')
        (tmp_path / folder / "log.json").write_text(event)
        assert run("investigate", f"{folder}/log.json")[0] == 0
    names = sorted(path.name[:-14] for path in (tmp_path / "reports").glob("*.html"))
    assert names == ["log-20260303", "log-20260304"]


@pytest.mark.slow
def test_what_needs_a_look_is_said_and_may_be_the_exit_code(run: Run, tmp_path: Path) -> None:
    """The stolen report is the first thing said; JSON holds the same, escaped; 1 is returned where it is asked for."""
    write_log(make_log("stolen_report"), tmp_path / "mine")
    code, out, _ = run("investigate", "mine/stolen_report.jsonl", "--set", "ACTOR=eve")
    lines = out.splitlines()
    assert code == 0
    assert lines[4:6] == [
        "NEEDS A LOOK",
        "1. Okta Password Health, requested by carla.holm@example.com from Romania (203.0.113.24) at 6 Mar",
    ]
    assert "EVERYTHING ELSE" in lines
    code, out, _ = run("investigate", "mine/stolen_report.jsonl", "--json", "--exit-code")
    told = json.loads(out)
    assert (code, told["needs_a_look"], told["log"]["name"]) == (1, 1, "stolen_report.jsonl")
    assert told["leads"][0]["people"] == "carla.holm@example.com, marek.park@example.com"
    assert told["leads"][0]["first"].startswith("2026-03-06T15:45:48")
    assert len(told["leads"][0]["exports"]) == 2
    assert told["leads"][-1]["level"] == "ordinary"
    assert told["report"].endswith(".html")


def test_help_has_examples_and_the_version_can_be_asked(run: Run, capsys: Captured) -> None:
    """Both end with 0."""
    for asked, said in (("--help", "oktakit investigate log.json"), ("--version", "oktakit ")):
        with pytest.raises(SystemExit) as ended:
            main([asked])
        assert ended.value.code == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.json", "<!DOCTYPE html><html><title>Sign In</title></html>", "is an HTML page, perhaps a sign-in page"),
        (
            "error.json",
            '{"errorCode": "E0000011", "errorSummary": "Invalid token provided"}',
            "an error of Okta's API instead of events: Invalid token provided",
        ),
        (
            "table.csv",
            "date,user\n2026-03-01,ann\n",
            "a table with the columns date,user; it needs at least uuid, eventType and published",
        ),
    ],
)
def test_what_is_no_log_is_called_by_its_name(name: str, content: str, said: str, run: Run, tmp_path: Path) -> None:
    """A page, an error of the API and another table are told apart."""
    (tmp_path / name).write_text(content)
    code, out, err = run("investigate", name)
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert said in err.splitlines()[1]


@pytest.mark.parametrize(
    ("content", "found"),
    [("", "0 records"), ("hello\n", "1 records; rejected"), ('{"eventType": "user.session.start"}\n', "no_uuid: 1")],
)
def test_a_log_without_events_ends_with_2_and_one_sentence(content: str, found: str, run: Run, tmp_path: Path) -> None:
    """Nothing is run and nothing is written when nothing was kept; the account says why."""
    (tmp_path / "empty.jsonl").write_text(content)
    code, out, err = run("investigate", "empty.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 2)
    assert "At least one event of an Okta System Log is needed; empty.jsonl has" in err
    assert found in err
    assert not (tmp_path / "reports").exists()


def test_a_log_that_is_not_there_ends_with_2(run: Run) -> None:
    """The path is named, without a traceback."""
    code, out, err = run("investigate", "no_such.jsonl")
    assert (code, out, err.count("\n")) == (2, "", 2)
    assert "no_such.jsonl" in err


@pytest.mark.slow
def test_investigate_works_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """From an empty folder, without a log, the sample is investigated with the template of the package."""
    monkeypatch.chdir(tmp_path)
    assert main(["investigate"]) == 0
    assert "\nNEEDS A LOOK\n1. Okta Password Health, requested by carla.holm@example.com" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    saved = nbformat.read(next((tmp_path / "reports").glob("stolen_report-20260302-20260308-*.ipynb")), 4)
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
    code, out, _ = run("report", "notebooks/10_investigate.ipynb")
    assert code == 0
    assert out.startswith("one\\x1b[8mhidden\nt\\x0dwo\n")


@pytest.mark.slow
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
    code, _, err = run("convert", "mine/log one.jsonl", "--out", "other", "--processes", "0")
    assert (code, err[:48]) == (2, "At least one process is needed; found processes=")


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
