"""Rejected lines, against good ones: `python benchmarks/rejected.py [LINES] [ROUNDS]`.

Makes files in a temporary folder and reads each in a process of its own, with one process for reading, interleaved. Prints
medians of CPU time and peak memory, and the ratio to the good lines.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from read import measure

GOOD = '{{"uuid":"00000000-0000-4000-8000-{0:012}","eventType":"a.b","published":"2026-03-02T08:00:00.000Z"}}\n'
KINDS: dict[str, Callable[[int], str]] = {
    "good lines": GOOD.format,
    "words": lambda _: "no event at all, but words and words\n",
    "records that are cut off": lambda _: '{"uuid":"x","actor":{"id":\n',
    "JSON of another log": lambda number: json.dumps({"message": "hello", "level": "info", "line": number}) + "\n",
    "stray brackets": lambda _: "]\n",
}
READ = "import sys, oktakit as ok; ok.read_log(sys.argv[1], processes=1)"


def main(count: int = 1_000_000, rounds: int = 3) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder) / f"{number}.log" for number, kind in enumerate(KINDS)}
        for kind, path in paths.items():
            with path.open("w") as file:
                file.write(GOOD.format(count))
                file.writelines(map(KINDS[kind], range(count)))
        runs = [{kind: measure(READ, path) for kind, path in paths.items()} for _ in range(rounds)]
    medians = {kind: [statistics.median(run[kind][at] for run in runs) for at in (0, 2)] for kind in KINDS}
    print(f"{count:,} lines; medians of {rounds} rounds\n| lines | CPU s | x good lines | peak MB |\n|---|---|---|---|")
    for kind, (cpu, memory) in medians.items():
        print(f"| {kind} | {cpu:.1f} | {cpu / medians['good lines'][0]:.1f} | {memory:,.0f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
