"""The table of flags: every name that reading a log can give, what it is about and what it means, and no other."""

import ast
import re
from pathlib import Path

import oktakit as ok
from oktakit.schema import FLAGS

ROOMS = ("reading", "log")
NAMES = {flag.name for flag in FLAGS}


def literals() -> set[str]:
    """Return all text constants of the rooms that give flags."""
    trees = [ast.parse(path.read_text()) for room in ROOMS for path in (Path(ok.__file__).parent / room).glob("*.py")]
    return {
        n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def given() -> set[str]:
    """Return the texts that stand in the rooms where only a flag or a reason can stand."""
    source = "\n".join(path.read_text() for room in ROOMS for path in (Path(ok.__file__).parent / room).glob("*.py"))
    places = (
        r'\b(?:reason|flag)="(\w+)"',
        r'flags\.add\("(\w+)"\)',
        r'flags(?: \|)?= ?\{"(\w+)"\}',
        r'\.note\([^()]*(?:\([^()]*\))?[^()]*"([a-z_]+)"\)',
        r'return None, "(\w+)"',
        r'yield [^"\n]*, "(\w+)"\n',
        r'add_flag\(.*"(\w+)"\)',
    )
    return {name for place in places for name in re.findall(place, source)}


def test_every_flag_that_can_be_given_stands_in_the_table_and_nothing_else():
    """Each name of the table is in the code, and each name that the code gives is in the table."""
    assert NAMES - literals() == set()
    assert given() - NAMES == set()
    assert {"truncated", "too_large", "no_timezone", "uuid_conflict", "symlink", "empty"} <= given()


def test_the_table_says_what_each_flag_means():
    """One plain sentence each, one kind of three, no name twice."""
    assert len(NAMES) == len(FLAGS)
    assert {flag.about for flag in FLAGS} == {"record", "rejection", "file"}
    assert all(re.fullmatch(r"[A-Z].*[^.]\.", flag.meaning) for flag in FLAGS)
