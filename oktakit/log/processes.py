"""Processes that read parts of a log, and the folder through which they give back columns."""

import itertools
import math
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pyarrow as pa

from ..errors import InputError
from ..reading.streams import Source
from ..safe import text
from .order import Columns
from .scope import Scope
from .worker import Done, Task

_LIMITS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))


def count_cores(limits: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many processes can run at once, the limits of a container counted."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on
        cores = os.process_cpu_count() or 1
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for names in _LIMITS:
        with suppress(OSError, ValueError):  # there is no such limit
            quota, period = map(int, " ".join((limits / name).read_text() for name in names).split())
            cores = min(cores, math.ceil(quota / period)) if quota > 0 else cores
    return cores


class Processes:
    """So many processes that read what they are given, one task after the other, until they are ended."""

    def __init__(self, count: int) -> None:
        """Start them."""
        self.count, self.threads = count, ThreadPoolExecutor(count)
        self.folder = Path(tempfile.mkdtemp(prefix="oktakit-"))  # nobody else can look into it
        self._numbers, self._idle = itertools.count(), SimpleQueue[subprocess.Popen[bytes]]()
        # -P: what lies in the current folder is never imported.
        command = [sys.executable, "-P", "-m", "oktakit.log.worker", str(self.folder)]
        places = [*filter(None, sys.path), str(Path(__file__).parents[2])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        # An interrupt is for this process: it ends the others.
        pipes["start_new_session"] = True
        self.running = [subprocess.Popen(command, env=environment, **pipes) for _ in range(count)]  # noqa: S603
        for process in self.running:
            self._idle.put(process)

    def close(self) -> None:
        """End them, and remove what they wrote; what was mapped from there stays until it is let go of."""
        for process in self.running:
            process.kill()
        self.threads.shutdown(cancel_futures=True)
        for process in self.running:
            process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def submit(self, sources: list[Source], scope: Scope | None) -> Future[Done]:
        """Let one of them read these sources."""
        return self.threads.submit(self._run, sources, scope)

    def _run(self, sources: list[Source], scope: Scope | None) -> Done:
        process, number = self._idle.get(), next(self._numbers)
        task = Task(sources, scope, self.folder / f"{number}.events", self.folder / f"{number}.targets")
        try:
            pickle.dump(task, process.stdin)  # type: ignore[arg-type]  # there is a pipe
            process.stdin.flush()  # type: ignore[union-attr]
            answer = pickle.load(process.stdout)  # type: ignore[arg-type]  # noqa: S301  # it is our own process
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(
                f"A process that read {text(sources[0].name)} ended before it was done; perhaps there was too little "
                "memory. Read the log again, with processes=1 if this happens again."
            ) from error
        finally:
            self._idle.put(process)
        if isinstance(answer, OSError | MemoryError):
            raise InputError(
                f"A log that can be read is needed, and room for what is read of it in {tempfile.gettempdir()}; "
                f"{text(sources[0].name)}: {text(answer)}. With processes=1 nothing is written there."
            ) from answer
        if isinstance(answer, Exception):
            raise answer
        sources, collected = answer
        collected.events, collected.targets = _load(task.events), _load(task.targets)
        return sources, collected


def _load(path: Path) -> Columns:
    """Return columns from a file: mapped, so that nothing is copied, where a file in use can be removed."""
    file = pa.memory_map(str(path)) if os.name == "posix" else pa.OSFile(str(path))
    table = pa.ipc.open_file(file).read_all()
    return dict(zip(table.column_names, table.columns, strict=True))
