"""The command line: `oktakit investigate`, `report`, `scenario`, `convert` and `strip`.

It ends with 0 when all is well and with 2, and one sentence, when the input cannot be used; `investigate --exit-code`
with 1 when something needs a look.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from .errors import InputError, OktakitError, ParameterError
from .safe import text

if TYPE_CHECKING:
    import pandas as pd

    from .lab.report import Report
    from .log.log import Log

TEMPLATE: Final = "notebooks/10_investigate.ipynb"
SAMPLE: Final = "sample_logs/stolen_report.jsonl"
LINE_LIMIT: Final = 2000
EXAMPLES: Final = """\
examples:
  oktakit investigate                         read a synthetic log of a stolen report, to see how it looks
  oktakit investigate log.json                say what needs a look, and write the report
  oktakit investigate logs/ --known offices.csv --timezone Europe/Oslo
  oktakit investigate log.json --json --exit-code
  oktakit convert year/ --out lake            keep a large log as Parquet
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of a command: 0, 2 when its input cannot be used, or 1 where `--exit-code` asks for it.

    Parameters
    ----------
    arguments : list of str, optional
        What follows `oktakit` on the command line; that of this process by default.

    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (OktakitError, OSError) as error:
        _say(str(error), sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oktakit",
        description="Follow report exports and risk feedback through an Okta System Log.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"oktakit {version('oktakit')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _command(commands, _investigate, "say what needs a look, and write the report", "the report", "reports")
    command.add_argument("log", nargs="?", metavar="LOG", help="file, folder or glob [a synthetic log of a theft]")
    command.add_argument("--timezone", metavar="NAME", help="whose clock tells the usual hours [UTC]")
    command.add_argument("--known", metavar="CSV", help="what you know: value,label of offices, VPNs, programs")
    command.add_argument("--watch", metavar="CSV", help="what you watch for: value,label of addresses, agents, people")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.add_argument("--exit-code", action="store_true", help="end with 1 when something needs a look")
    _settable(command)
    command = _command(commands, _report, "run a notebook and write it as one HTML file", "the report", "reports")
    command.add_argument("notebook", metavar="NOTEBOOK")
    _settable(command)
    command = _command(commands, _scenario, "write a synthetic log with known truth", "the log", "sample_logs")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="another log of the kind [%(default)s]")
    command = _command(commands, _convert, "write a log as Parquet, by day, with what was read")
    command.add_argument("log", metavar="LOG", help="file, folder or glob")
    command.add_argument("--out", required=True, metavar="FOLDER", help="a new folder")
    command.add_argument("--processes", type=int, metavar="N", help="how many read a large log [one per core]")
    command = _command(commands, _strip, "take widget state and traces of runs out of notebooks, in place")
    command.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")
    command.add_argument("--outputs", action="store_true", help="take the outputs out too: do it before sharing")
    return parser


def _settable(command: argparse.ArgumentParser) -> None:
    about = "a parameter of the notebook; a path, where the default has a slash, is meant from here"
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=about)


def _command(
    commands: Any, run: Callable[[argparse.Namespace], int | None], about: str, what: str = "", out: str = ""
) -> Any:
    """Return a command named after what it runs, with the folder that it writes to by default."""
    command = commands.add_parser(run.__name__.removeprefix("_"), help=about)
    if out:
        command.add_argument("--out", default=out, metavar="FOLDER", help=f"folder of {what} [%(default)s]")
    command.set_defaults(run=run)
    return command


def _investigate(options: argparse.Namespace) -> int:
    """Print what needs a look, write the report, and return the exit code."""
    from .checks.leads import find_leads
    from .figures.brief import show_leads
    from .lab.report import write_report

    path, folder, template = options.log or str(_bundled(SAMPLE)), Path(options.out), _bundled(TEMPLATE)
    if not options.log:
        _say("No LOG was named: this is a synthetic log of a stolen report.", sys.stderr)
    _say(f"Reading {path}", sys.stderr)
    log = _read(path)
    _say(f"Asking about exports and feedback in {len(log.events):,} events", sys.stderr)
    asked = {"timezone": options.timezone, "known": options.known, "watch": options.watch}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    leads = find_leads(log, **given)
    _say("Writing the report", sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    seen = {name: value if name == "timezone" else _seen_from(folder, value) for name, value in given.items()}
    parameters = {name.upper(): value for name, value in {"log": _seen_from(folder, path), **seen}.items()}
    parameters |= _parameters(options, template, folder)
    # Run where it is written, so that its path to the log holds when it is opened there.
    report = write_report(template, folder, parameters, _report_name(path, log), cwd=folder)
    if options.json:
        sys.stdout.write(json.dumps(_as_json(path, log, leads, report), indent=2) + "\n")
    else:
        _say(f"{Path(path).name} (SHA-256 {log.sha256[:12]})\n{log}\n\n{show_leads(leads, rows=0)}")
        _say(f"\nReport: {report.html} (opens in any browser, offline)\nTo go on: jupyter lab {report.notebook}")
    return int(options.exit_code and leads["level"].eq("needs a look").any())


def _report_name(path: str, log: "Log") -> str:
    """Return a name with that of the log, its days and a part of its hash: two logs of one name are two reports."""
    days = [f"{day:%Y%m%d}" for day in log.edges if day == day]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", Path(path).name.split(".")[0])[:36]
    return "-".join(filter(None, [stem, *dict.fromkeys(days), log.sha256[:8]]))


def _as_json(path: str, log: "Log", leads: "pd.DataFrame", report: "Report") -> dict[str, Any]:
    """Return what was found, for a program: texts as the log has them, times in UTC."""
    rows = json.loads(leads.to_json(orient="records", date_format="iso", date_unit="us"))
    for row in rows:
        row |= {name: (row[name] or "").splitlines() for name in ("reasons", "against", "open", "next")}
        row |= {name: (row[name] or "").split() for name in ("exports", "feedback", "evidence")}
    return {
        "oktakit": version("oktakit"),
        "log": {"name": Path(path).name, "sha256": log.sha256, "events": len(log.events)},
        "needs_a_look": int(leads["level"].eq("needs a look").sum()),
        "leads": rows,
        "report": report.html.as_posix(),
        "notebook": report.notebook.as_posix(),
    }


def _bundled(name: str) -> Path:
    """Return a file of the project: the copy in the wheel, or in a checkout the file itself."""
    package = Path(str(files("oktakit")))
    copy = package / "lab" / "investigate" / Path(name).name
    return copy if copy.is_file() else package.parent / name


def _report(options: argparse.Namespace) -> None:
    from .lab.report import write_report

    folder = Path(options.notebook).parent
    _tell(write_report(options.notebook, options.out, _parameters(options, options.notebook, folder)))


def _parameters(options: argparse.Namespace, notebook: str | Path, folder: Path) -> dict[str, Any]:
    """Return what `--set` gives to a notebook that runs in a folder."""
    from .lab.notebook import read_parameters

    defaults = read_parameters(notebook) if options.set else {}
    return dict(_parameter(pair, defaults, folder) for pair in options.set)


def _scenario(options: argparse.Namespace) -> None:
    from .samples.scenarios import make_log, write_log

    for path in write_log(make_log(options.name, options.seed), options.out):
        _say(f"Wrote {path}")


def _convert(options: argparse.Namespace) -> None:
    from .log.lake import write_events

    log = _read(options.log, options.processes)
    folder = write_events(log, options.out)
    _say(f"{log}\n\nWrote {folder} (read_log reads it, and any engine that reads Parquet)")


def _strip(options: argparse.Namespace) -> None:
    from .lab.notebook import strip_notebooks

    for path, before, after in strip_notebooks(options.notebooks, options.outputs):
        _say(f"{path}: {before:,} bytes, now {after:,}")


def _read(path: str, processes: int | None = None) -> "Log":
    """Return the log, if it holds any event."""
    from .log.read import read_log

    log = read_log(path, processes=processes)
    if log.events.empty:
        raise InputError(_nothing_kept(path, log))
    return log


def _parameter(pair: str, defaults: dict[str, Any], folder: Path) -> tuple[str, Any]:
    """Return the name and the value of NAME=VALUE, read as what the default is."""
    from .lab.notebook import parse_parameter

    name, equals, value = pair.partition("=")
    if not equals:
        raise ParameterError(f"--set needs NAME=VALUE; found {pair!r}. Put the value behind an equals sign.")
    default = defaults.get(name)
    if isinstance(default, str) and "/" in default:
        return name, _seen_from(folder, value)
    return name, parse_parameter(name, value, default)


def _seen_from(folder: Path, path: str) -> str:
    """Return a path that is meant from the current folder, as a notebook that runs in `folder` has to write it."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _nothing_kept(path: str, log: "Log") -> str:
    """Return the sentence that says what was found instead of events."""
    shapes, errors = {*log.sources["shape"]}, log.rejected.loc[log.rejected["reason"] == "api_error", "excerpt"]
    needed = "Pass a log as Okta's API, console or log streaming delivers it."
    if shapes == {"markup"}:
        return f"{path} is an HTML page, perhaps a sign-in page, and no log. {needed}"
    if len(errors):
        told = re.search(r'"errorSummary"\s*:\s*"([^"]*)', errors.iloc[0])
        return f"{path} holds an error of Okta's API instead of events: {told[1] if told else errors.iloc[0]}"
    if shapes == {"csv"} and len(log.rejected):
        columns = str(log.rejected["excerpt"].iloc[0]).split("\\x0a")[0]
        return (
            f"{path} is a table with the columns {columns}; it needs at least uuid, eventType and published. {needed}"
        )
    reasons = ", ".join(f"{reason}: {count}" for reason, count in log.rejected["reason"].value_counts().items())
    flags = ", ".join(sorted({flag for flags in log.sources["flags"] for flag in str(flags).split()}))
    found = f"{log.sources['records'].sum()} records"
    found += f"; rejected {reasons}" if reasons else ""
    found += f"; flagged {flags}" if flags else ""
    return f"At least one event of an Okta System Log is needed; {path} has {found}. {needed}"


def _tell(report: "Report") -> None:
    """Print the findings and where the report is."""
    _say(report.findings)
    _say(f"\nWrote {report.html} (open it in any browser, offline)\nWrote {report.notebook} (the same, to go on with)")


def _say(what: str, stream: TextIO | None = None) -> None:
    """Print text that may come from a log: a terminal obeys control characters, so they are shown instead."""
    for line in what.split("\n"):
        print(text(line, LINE_LIMIT), file=stream or sys.stdout)
