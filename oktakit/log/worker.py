"""A process that reads parts of a log: `python -m oktakit.log.worker FOLDER`, started by `processes.py`."""

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from ..reading.streams import Source
from .collect import Collected, Collector, fast_memory
from .scope import Scope

Done = tuple[list[Source], Collected]
"""What was learned about sources, and what was read of them."""


class Task(NamedTuple):
    """What one process reads in one go, and the files for the columns of events and of targets."""

    sources: list[Source]
    scope: Scope | None
    events: Path
    targets: Path


def work(task: Task) -> Done | Exception:
    """Return what was learned about sources and counted in them, or why they cannot be read; columns are in files."""
    try:
        with fast_memory():
            collector = Collector(task.scope)
            for source in task.sources:
                collector.read(source)
                source.origin = b""  # it need not be sent back
            collected = collector.finish()
        for path, columns in ((task.events, collected.events), (task.targets, collected.targets)):
            table = pa.table(columns)
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
        collected.events, collected.targets = {}, {}
        return task.sources, collected
    except Exception as error:
        return error


def main(folder: str, tasks: BinaryIO, answers: BinaryIO) -> None:
    """Read what the process that started this one wants, until it ends or has nothing more."""
    try:
        while True:
            pickle.dump(work(pickle.load(tasks)), answers)  # noqa: S301  # it comes from that process
            answers.flush()
    except (EOFError, OSError):
        shutil.rmtree(folder, ignore_errors=True)  # also where the other process could not


class _NoPandas:
    """Arrow imports pandas, if there is one, when it first makes an array of a list; a worker starts without it."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        """Say that there is no pandas."""
        if name == "pandas":
            raise ImportError(name)


if __name__ == "__main__":
    sys.meta_path.insert(0, _NoPandas)
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
