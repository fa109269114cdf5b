"""Write the sample logs and their truth: `python tools/build_samples.py [folder]`."""

import sys
from pathlib import Path

from oktakit.samples.scenarios import SCENARIOS, make_log, write_log

SAMPLES = Path(__file__).parents[1] / "sample_logs"


def main(folder: Path = SAMPLES) -> None:
    """Write every scenario but the month, which comes in any size, seed 1, into `folder`."""
    for name in SCENARIOS:
        if name != "quiet_month":
            write_log(make_log(name), folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
