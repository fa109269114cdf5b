"""Correlations, summaries and checks against reading: `python benchmarks/helpers.py [EVENTS]`.

Prints the CPU time of each helper and of all together as a part of the time that reading the same log took, and the peak
memory of the one process that does it all as a multiple of the frame.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from read import write_load

import oktakit as ok

HELPERS = (
    *(ok.find_related, ok.correlate_exports, ok.correlate_feedback, ok.correlate_sessions, ok.find_session_changes),
    *(ok.find_travel, ok.find_first_seen, ok.find_around, ok.summarize_geo, ok.summarize_proxy, ok.summarize_actors),
    *(ok.summarize_feedback, ok.summarize_coverage, ok.check_exports, ok.check_feedback),
)


def main(events: int = 100_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        write_load(Path(folder) / "log.jsonl", events)
        begin = time.process_time()
        log = ok.read_log(Path(folder) / "log.jsonl")
        read = time.process_time() - begin
    export = log.events.loc[log.events["event_type"] == ok.REQUEST, "uuid"].iloc[-1]
    more: dict[Any, tuple[str, ...]] = {ok.find_first_seen: ("country",), ok.find_around: (export,)}
    print(f"{events:,} events\n\n| helper | part of the time of reading | rows |\n|---|---|---|")
    total = 0.0
    for helper in HELPERS:
        begin = time.process_time()
        rows = len(helper(log.events, *more.get(helper, ())))
        part = (time.process_time() - begin) / read
        total += part
        print(f"| {helper.__name__} | {part:.3f} | {rows:,} |")
    print(f"| all together | {total:.2f} | |")
    frame = log.events.memory_usage(deep=True).sum() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"\nThe frame has {frame:,.0f} MB, the process at its peak {peak:,.0f} MB: {peak / frame:.2f} times as many.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
