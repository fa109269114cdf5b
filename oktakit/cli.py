"""The command line: `oktakit investigate`, `report`, `scenario`, `convert` and `strip`.

It ends with 0 when all is well and with 2, and one sentence, when the input cannot be used.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from .errors import InputError, OktakitError, ParameterError
from .safe import text

if TYPE_CHECKING:
    from .lab.report import Report
    from .log.log import Log

TEMPLATE: Final = "notebooks/10_investigate.ipynb"
SAMPLE: Final = "sample_logs/stolen_report.jsonl"
LINE_LIMIT: Final = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of a command: 0, or 2 when its input cannot be used.

    Parameters
    ----------
    arguments : list of str, optional
        What follows `oktakit` on the command line; that of this process by default.

    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OktakitError, OSError) as error:
        _say(str(error), sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oktakit", description="Follow report exports through an Okta System Log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = _command(commands, _investigate, "investigate a log and write the report", "the report", "reports")
    command.add_argument("log", nargs="?", metavar="LOG", help="file, folder or glob [a synthetic log of a theft]")
    command = _command(commands, _report, "run a notebook and write it as one HTML file", "the report", "reports")
    command.add_argument("notebook", metavar="NOTEBOOK")
    about = "a parameter of the notebook; a path, where the default has a slash, is meant from here"
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=about)
    command = _command(commands, _scenario, "write a synthetic log with known truth", "the log", "sample_logs")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="another log of the kind [%(default)s]")
    command = _command(commands, _convert, "write a log as Parquet, by day, with its account")
    command.add_argument("log", metavar="LOG", help="file, folder or glob")
    command.add_argument("--out", required=True, metavar="FOLDER", help="a new folder")
    command = _command(commands, _strip, "take widget state and traces of runs out of notebooks, in place")
    command.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")
    command.add_argument("--outputs", action="store_true", help="take the outputs out too: do it before sharing")
    return parser


def _command(
    commands: Any, run: Callable[[argparse.Namespace], None], about: str, what: str = "", out: str = ""
) -> Any:
    """Return a command named after what it runs, with the folder that it writes to by default."""
    command = commands.add_parser(run.__name__.removeprefix("_"), help=about)
    if out:
        command.add_argument("--out", default=out, metavar="FOLDER", help=f"folder of {what} [%(default)s]")
    command.set_defaults(run=run)
    return command


def _investigate(options: argparse.Namespace) -> None:
    from .lab.report import write_report

    log, folder = options.log or str(_bundled(SAMPLE)), Path(options.out)
    _read(log)
    folder.mkdir(parents=True, exist_ok=True)
    # Run where it is written, so that its path to the log holds when it is opened there.
    report = write_report(_bundled(TEMPLATE), folder, {"LOG": _seen_from(folder, log)}, cwd=folder)
    _tell(report)
    _say(f"To look closer: jupyter lab {report.notebook} (in a checkout: make lab)")


def _bundled(name: str) -> Path:
    """Return a file of the project: the copy in the wheel, or in a checkout the file itself."""
    package = Path(str(files("oktakit")))
    copy = package / "lab" / "investigate" / Path(name).name
    return copy if copy.is_file() else package.parent / name


def _report(options: argparse.Namespace) -> None:
    from .lab.notebook import read_parameters
    from .lab.report import write_report

    defaults = read_parameters(options.notebook)
    parameters = dict(_parameter(pair, defaults, options.notebook) for pair in options.set)
    _tell(write_report(options.notebook, options.out, parameters))


def _scenario(options: argparse.Namespace) -> None:
    from .samples.scenarios import make_log, write_log

    for path in write_log(make_log(options.name, options.seed), options.out):
        _say(f"Wrote {path}")


def _convert(options: argparse.Namespace) -> None:
    from .log.lake import write_events

    log = _read(options.log)
    folder = write_events(log, options.out)
    _say(f"{log}\n\nWrote {folder} (read_log reads it, and any engine that reads Parquet)")


def _strip(options: argparse.Namespace) -> None:
    from .lab.notebook import strip_notebooks

    for path, before, after in strip_notebooks(options.notebooks, options.outputs):
        _say(f"{path}: {before:,} bytes, now {after:,}")


def _read(path: str) -> "Log":
    """Return the log, if it holds any event."""
    from .log.read import read_log

    log = read_log(path)
    if log.events.empty:
        raise InputError(_nothing_kept(path, log))
    return log


def _parameter(pair: str, defaults: dict[str, Any], notebook: str) -> tuple[str, Any]:
    """Return the name and the value of NAME=VALUE, read as what the default is."""
    from .lab.notebook import parse_parameter

    name, equals, value = pair.partition("=")
    if not equals:
        raise ParameterError(f"--set needs NAME=VALUE; found {pair!r}. Put the value behind an equals sign.")
    default = defaults.get(name)
    if isinstance(default, str) and "/" in default:
        return name, _seen_from(Path(notebook).parent, value)
    return name, parse_parameter(name, value, default)


def _seen_from(folder: Path, path: str) -> str:
    """Return a path that is meant from the current folder, as a notebook that runs in `folder` has to write it."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _nothing_kept(path: str, log: "Log") -> str:
    """Return the sentence that says what was found instead of events."""
    reasons = ", ".join(f"{reason}: {count}" for reason, count in log.rejected["reason"].value_counts().items())
    flags = ", ".join(sorted({flag for flags in log.sources["flags"] for flag in str(flags).split()}))
    found = f"{log.sources['records'].sum()} records"
    found += f"; rejected {reasons}" if reasons else ""
    found += f"; flagged {flags}" if flags else ""
    needed = f"At least one event of an Okta System Log is needed; {path} has {found}."
    return f"{needed} Pass a log as Okta's API, console or log streaming delivers it."


def _tell(report: "Report") -> None:
    """Print the findings and where the report is."""
    _say(report.findings)
    _say(f"\nWrote {report.html} (open it in any browser, offline)\nWrote {report.notebook} (the same, to go on with)")


def _say(what: str, stream: TextIO | None = None) -> None:
    """Print text that may come from a log: a terminal obeys control characters, so they are shown instead."""
    for line in what.split("\n"):
        print(text(line, LINE_LIMIT), file=stream or sys.stdout)
