"""The pages that say what the package says of itself: tables, questions, flags, event types, commands and functions."""

import argparse
import csv
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import oktakit as ok
from oktakit import cli, schema
from oktakit.lab import page

FAMILIES = {
    "Read": ("read_", "Log"),
    "Put together what belongs together": ("correlate_",),
    "Find what is worth a look": ("find_",),
    "Check": ("check_",),
    "Count": ("summarize_",),
    "Draw": ("plot_", "describe"),
    "Show": ("show",),
    "Work in JupyterLab": ("EventExplorer", "ParameterForm", "CaseLog"),
    "Write": ("write_", "make_log", "to_okta_names"),
}
"""The families of functions, by how their names begin."""
TABLES = {
    "events": schema.COLUMNS,
    "targets": schema.TARGET_COLUMNS,
    "rejected": schema.REJECTED_COLUMNS,
    "sources": schema.SOURCE_COLUMNS,
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', '/') or ' ' for cell in line)} |\n" for line in lines)


def listed(about: dict[str, str]) -> str:
    """Return what there is to say about a thing as a Markdown list."""
    return "".join(f"- *{name}*: {words}\n" for name, words in about.items())


def code(text: str) -> str:
    """Return a text as code, or nothing."""
    return f"`{text}`" if text else ""


def tables_page() -> str:
    """Return the page about the four tables of a log."""
    intro = "# Tables\n\n`read_log` returns a `Log` with four tables. Every column of each, from `oktakit/schema.py`.\n"
    kinds = "`text`, `time` (UTC, microseconds), `bool` and `int` (may be missing), `float`, `count`, `json` (as text)."
    parts = [intro, f"Kinds: {kinds} A path in brackets is worked out from several places.\n"]
    for name, columns in TABLES.items():
        rows = ([code(one.name), one.kind, code(one.path), one.meaning] for one in columns)
        parts.append(f"## {name}\n\n{table(['column', 'kind', 'in Okta', 'meaning'], rows)}")
    return "\n".join(parts)


def questions_page() -> str:
    """Return the page about the questions of the checks."""
    with (files("oktakit.checks") / "questions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = ["# Questions\n\nWhat `check_exports` and `check_feedback` ask, each answered yes, no or unknown.\n"]
    for row in rows:
        about = {"Key": code(row["key"]), "Ordinary explanations": row["innocent"], "Source": row["source"]}
        parts.append(f"## {row['name']}\n\n{listed(about)}")
    return "\n".join(parts)


def leads_page() -> str:
    """Return the page about the rules by which something needs a look."""
    with (files("oktakit.checks") / "lead_rules.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = ["# Rules for leads\n\n`find_leads` sets the level of a lead by these rules alone; there is no score.\n"]
    for about in dict.fromkeys(row["about"] for row in rows):
        parts.append(f"## {about.capitalize()}\n")
        parts += [_rule(row) for row in rows if row["about"] == about]
        parts.append("")
    return "\n".join(parts)


def _rule(row: dict[str, str]) -> str:
    """Return a rule as an item of a list; names in braces are filled in by what is found."""
    answers = [f"{words} {', '.join(map(code, row[name].split()))}" for name, words in _ANSWERS.items() if row[name]]
    following = re.sub(r"{(.+?)}", r"the \1", f" *Next*: {row['next']}" if row["next"] else "")
    return f"- **{row['level']}** if {'; '.join(answers)}.{following} *Source*: {row['source']}."


_ANSWERS = {"yes": "yes to", "any": "yes to one of", "unknown": "unknown:"}


def flags_page() -> str:
    """Return the page about everything that may be odd in a log."""
    parts = ["# Flags and reasons\n\nWhat may be odd, and how it is named in `issues`, `reason` and `flags`.\n"]
    for about, title in {
        "record": "Flags of a kept record",
        "rejection": "Why a record is rejected",
        "file": "Flags of a file",
    }.items():
        rows = ([code(one.name), one.meaning] for one in schema.FLAGS if one.about == about)
        parts.append(f"## {title}\n\n{table(['name', 'meaning'], rows)}")
    return "\n".join(parts)


def event_types_page() -> str:
    """Return the page about the event types that are looked at beside the four."""
    rows = ([code(one.name), one.meaning, one.groups] for one in schema.EVENT_TYPES)
    intro = "# Event types\n\nWhat is looked at beside exports and feedback. A dot at the end: all that begin so.\n\n"
    return intro + table(["event type", "meaning", "groups"], rows)


def commands_page() -> str:
    """Return the page about the command line."""
    parser = cli._parser()
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    parts = [f"# Command line\n\n```text\n{_help(parser)}```\n"]
    parts += [f"## oktakit {name}\n\n```text\n{_help(one)}```\n" for name, one in commands.choices.items()]
    return "\n".join(parts)


def _help(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=96)
    return parser.format_help()


def api_page() -> str:
    """Return the page about every public name."""
    parts = ["# Functions and classes\n\n```{eval-rst}\n.. currentmodule:: oktakit\n```\n"]
    for title, starts in FAMILIES.items():
        parts += [f"## {title}\n", *(_member(name) for name in ok.__all__ if name.startswith(starts))]
    parts += ["## Errors\n", *(_member(name) for name in ok.__all__ if name.endswith("Error"))]
    constants = [name for name in ok.__all__ if name.isupper()]
    rows = ([code(name), ", ".join(code(one) for one in _several(getattr(ok, name)))] for name in constants)
    return "\n".join([*parts, f"## Event types\n\n{table(['name', 'what it is'], rows)}"])


def _member(name: str) -> str:
    is_class = isinstance(getattr(ok, name), type)
    kind, options = ("autoclass", "\n   :members:") if is_class else ("autofunction", "")
    return f"```{{eval-rst}}\n.. {kind}:: oktakit.{name}{options}\n```\n"


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


PAGES = {
    "tables": tables_page,
    "questions": questions_page,
    "leads": leads_page,
    "flags": flags_page,
    "event_types": event_types_page,
    "commands": commands_page,
    "api": api_page,
}


def write_pages(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (folder / f"{name}.md").write_text(make(), encoding="utf-8")


def write_notebooks(source: Path, folder: Path) -> None:
    """Write the notebooks with their stored outputs, figures as places where the page's script draws them."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.ipynb")):
        notebook = nbformat.read(path, 4)
        for output in _outputs(notebook):
            if figure := output.data.pop(page.PLOTLY, None):
                output.data["text/html"] = page.figure_html(figure)
        notebook.metadata["hide-toc"] = True  # leaves its place to tables and figures
        nbformat.write(notebook, folder / path.name)


def _outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        yield from (output for output in cell.get("outputs", []) if "data" in output)


def copy_scripts(folder: Path) -> None:
    """Copy the plotly.js that the plotly package ships, and the script that draws figures."""
    folder.mkdir(parents=True, exist_ok=True)
    for script in (files("plotly") / "package_data/plotly.min.js", files("oktakit.lab") / "report_template/draw.js"):
        shutil.copyfile(str(script), folder / script.name)
