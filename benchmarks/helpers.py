"""Correlations, summaries and checks against reading: `python benchmarks/helpers.py [EVENTS]`.

Prints the CPU time of each helper as a part of the time that reading the same log took, in one process.
"""

import sys
import tempfile
import time
from pathlib import Path

from read import write_load

import oktakit as ok

HELPERS = (
    *(ok.related, ok.correlate_exports, ok.correlate_feedback, ok.correlate_sessions),
    *(ok.find_session_changes, ok.find_travel, ok.summarize_geo, ok.summarize_proxy, ok.summarize_actors),
    *(ok.summarize_feedback, ok.check_exports, ok.check_feedback),
)


def main(events: int = 100_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        write_load(Path(folder) / "log.jsonl", events)
        begin = time.process_time()
        log = ok.read_log(Path(folder) / "log.jsonl")
        read = time.process_time() - begin
    print(f"{events:,} events\n\n| helper | part of the time of reading | rows |\n|---|---|---|")
    for helper in HELPERS:
        begin = time.process_time()
        rows = len(helper(log.events))
        print(f"| {helper.__name__} | {(time.process_time() - begin) / read:.2f} | {rows:,} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
