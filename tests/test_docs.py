"""The docs: whatever the package offers stands in them. The pages are built and looked at in tests/browser."""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

import oktakit as ok
from oktakit import cli, schema

DOCS = Path(__file__).parents[1] / "docs"
PACKAGE = DOCS.parent / "oktakit"
sys.path.insert(0, str(DOCS))

import generate  # noqa: E402 - lies beside the docs


def test_every_public_name_stands_in_the_functions_page_once():
    """Each function, class and error is in one family; constants are in the table at the end."""
    text = generate.api_page()
    members = re.findall(r"auto(?:function|class):: oktakit\.(\w+)", text)
    assert sorted([*members, *re.findall(r"^\| `([A-Z]+)` \|", text, re.MULTILINE)]) == sorted(ok.__all__)


def test_every_command_and_option_stands_in_the_docs():
    """The page shows the help of each command."""
    text = generate.commands_page()
    (commands,) = (one for one in cli._parser()._actions if isinstance(one, argparse._SubParsersAction))
    assert [name for name in commands.choices if f"## oktakit {name}\n" not in text] == []
    actions = [action for one in commands.choices.values() for action in one._actions]
    options = {option for action in actions for option in action.option_strings}
    assert {"--out", "--help"} <= options
    assert [option for option in options if option not in text] == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (generate.tables_page, [one.name for columns in generate.TABLES.values() for one in columns]),
        (generate.flags_page, [one.name for one in schema.FLAGS]),
        (generate.event_types_page, [one.name for one in schema.EVENT_TYPES]),
    ],
    ids=["columns", "flags", "event types"],
)
def test_every_column_flag_and_event_type_has_a_row(page, names):
    """A row begins with the name as code."""
    rows = set(re.findall(r"^\| `([^`]+)` \|", page(), re.MULTILINE))
    assert [name for name in names if name not in rows] == []


def test_every_question_stands_in_the_docs_as_it_is_asked():
    """A question has a section with its key, its ordinary explanations and its source, word by word."""
    text = generate.questions_page()
    log = ok.read_log(DOCS.parent / "sample_logs" / "stolen_report.jsonl")
    watch = pd.DataFrame({"value": ["203.0.113.77"], "label": ["a watched address"]})
    asked = pd.concat([ok.check_exports(log, watch=watch), ok.check_feedback(log, watch=watch)])
    wanted = {
        f"## {one.question}\n\n- *Key*: `{one.key}`\n"
        f"- *Ordinary explanations*: {one.innocent}\n- *Source*: {one.source}\n"
        for one in asked.itertuples()
    }
    assert len(wanted) > 20
    assert {section for section in wanted if section not in text} == set()
    assert text.count("\n## ") == len(wanted)


def test_every_file_of_reading_and_log_is_explained_in_order():
    """The page names each file of the two rooms once, and no other."""
    named = re.findall(r"^\| `((?:reading|log)/\w+\.py)` \|", (DOCS / "reading.md").read_text(), re.MULTILINE)
    files = [path for room in ("reading", "log") for path in (PACKAGE / room).glob("*.py") if path.stem != "__init__"]
    assert sorted(named) == sorted(path.relative_to(PACKAGE).as_posix() for path in files)
