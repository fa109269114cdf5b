"""Golden frames: what five sample logs, a console CSV and an odd log come to, table by table, as hashes.

A hash is renewed only together with a line in CHANGELOG.md that says why the table changed:
`OKTAKIT_RENEW_GOLDEN=1 pytest tests/test_golden.py`.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import oktakit as ok
from deliveries import admin, bridge, elastic, panther, table, text

ROOT = Path(__file__).parents[1]
HASHES = Path(__file__).with_name("golden.json")
SAMPLES = ("assistant.jsonl", "feedback.jsonl", "quiet_week.jsonl.gz", "sessions.jsonl", "stolen_report.jsonl")
ODD_LINES = (
    "[",
    '{"uuid":1}',
    "not a record",
    '{"uuid":"A","eventType":"user.session.start","published":"yesterday","client":{"ipAddress":"null"}}',
    '{"uuid":"B","uuid":"C","eventType":"user.session.end","published":"2026-03-02T08:00:00"}',
    '{"eventType":"x"',
)


def records(name: str) -> list[dict[str, Any]]:
    """Return the records of a sample log."""
    raw = (ROOT / "sample_logs" / name).read_bytes()
    raw = gzip.decompress(raw) if name.endswith("gz") else raw
    return [json.loads(line) for line in raw.splitlines()]


def odd() -> bytes:
    """Return lines of many deliveries, with some between them that are no events or only nearly so."""
    several = records("stolen_report.jsonl")
    kinds: tuple[Callable[[Any], Any], ...] = (dict, elastic, panther, bridge)
    lines = [text(kinds[number % len(kinds)](one)) for number, one in enumerate(several)]
    for number, line in enumerate(ODD_LINES):
        lines.insert(number * 40, line)
    return "\n".join([*lines, *lines[7:9]]).encode()


def make(name: str) -> Any:
    """Return what `read_log` is given: a path, or bytes."""
    if name == "admin_console.csv":
        return table([admin(one) for one in records("stolen_report.jsonl")])
    return odd() if name == "odd.log" else ROOT / "sample_logs" / name


def digest(frame: pd.DataFrame) -> str:
    """Return the hash of a frame's names and values, whatever the version of pandas calls its types."""
    rows = [[None if pd.isna(cell) else str(cell) for cell in row] for row in frame.astype(object).to_numpy().tolist()]
    return hashlib.sha256(json.dumps([list(frame.columns), rows]).encode()).hexdigest()


def tables(log: ok.Log) -> dict[str, pd.DataFrame]:
    """Return everything that must not drift unseen."""
    return {
        "events": log.events,
        "targets": log.targets,
        "rejected": log.rejected,
        "sources": log.sources,
        "exports": ok.correlate_exports(log.events),
        "feedback": ok.correlate_feedback(log.events),
        "export_card": ok.check_exports(log.events),
        "feedback_card": ok.check_feedback(log.events),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SAMPLES, "admin_console.csv", "odd.log"])
def test_the_tables_of_a_log_stay_as_they_are(name: str) -> None:
    """Every table of the log has the hash that was seen before."""
    found = {table_name: digest(frame) for table_name, frame in tables(ok.read_log(make(name))).items()}
    golden = json.loads(HASHES.read_text()) if HASHES.exists() else {}
    if os.environ.get("OKTAKIT_RENEW_GOLDEN") == "1":
        HASHES.write_text(json.dumps({**golden, name: found}, indent=1, sort_keys=True) + "\n")
        golden[name] = found
    assert found == golden[name]
