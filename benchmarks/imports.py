"""What `import oktakit` costs beside `import pandas`: `python benchmarks/imports.py [ROUNDS]`.

Every import has a process of its own, in turn; the medians of their CPU times are compared.
"""

import resource
import subprocess
import sys
from statistics import median

WAYS = ("pandas", "oktakit")


def main(rounds: int = 9) -> None:
    """Print the medians and their ratio."""
    costs = [[_cost(way) for way in WAYS] for _ in range(rounds + 1)][1:]  # the first round warms up the disk
    middle = dict(zip(WAYS, map(median, zip(*costs, strict=True)), strict=True))
    print(*(f"import {way}: {seconds:.2f} s CPU" for way, seconds in middle.items()), sep="\n")
    print(f"ratio: {middle['oktakit'] / middle['pandas']:.2f} (medians of {rounds})")


def _cost(way: str) -> float:
    """Return the CPU seconds of a new process that does nothing but import."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {way}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
