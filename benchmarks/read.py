"""Reading a log, against what an analyst would write: `python benchmarks/read.py [EVENTS] [ROUNDS] [ONLY ...]`.

Makes a synthetic log in a temporary folder and reads it in several ways, each in a process of its own, interleaved, so
that what else the machine does falls on all of them. Prints medians of wall time, CPU time and peak memory of all
processes together, their ratios to the first way, and what each way loses. Needs `pip install -e ".[bench]"`, and `grep`
for one row.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import psutil

from oktakit import ANALYTICS, make_log

PEERS = Path(__file__).with_name("peers.py")
READ = "import sys, oktakit as ok; ok.read_log(sys.argv[1]{}{})"
SOME = ", event_types=ok.ANALYTICS"
LOSES = {
    "orjson + json_normalize": "account; stops at a broken line; times stay text, numbers beside text change; no targets table",
    "json + json_normalize": "the same",
    "orjson, columns by hand": "account; stops at a broken line; new fields",
    "DuckDB, columns named": "account; stops at a broken line or a key that stands twice; zones other than Z; new fields",
    "DuckDB, columns named, one thread": "the same",
    "Polars, columns named": "account; stops at a broken line or another type; of a key that stands twice the second value; new fields, most of debugData",
    "pyarrow, columns named": "account; stops at a broken line, another type or a key that stands twice; new fields, most of debugData, details of targets",
}
"""What is lost of odd records, as `python benchmarks/peers.py` shows it; the account is hash, place and reason of each."""
WAYS = dict.fromkeys(LOSES, "") | {
    "oktakit read_log": READ.format("", ""),
    "oktakit read_log, one process": READ.format(", processes=1", ""),
    "oktakit read_log, 1 % odd records": READ.format(" + '.odd'", ""),
    "orjson + filter + json_normalize": "import sys, orjson, pandas as pd; "
    "all_ = [orjson.loads(line) for line in open(sys.argv[1], 'rb')]; "
    "few = [e for e in all_ if e['eventType'].startswith('analytics.')]; "
    "key = lambda e: (e['authenticationContext'] or {}).get('externalSessionId'); keys = {key(e) for e in few} - {None}; "
    "pd.json_normalize([e for e in all_ if key(e) in keys])",
    "oktakit read_log, analytics + related": READ.format(SOME, ", related=True"),
    "oktakit read_log, analytics + related, one process": READ.format(SOME, ", related=True, processes=1"),
    "oktakit read_log, analytics": READ.format(SOME, ""),
    "oktakit read_log, analytics, one process": READ.format(SOME, ", processes=1"),
    "oktakit read_log of the Parquet": READ.format(" + '.lake'", ""),
    "pandas, 15 columns of the Parquet": "import sys, pandas as pd; from oktakit.schema import EVENT_COLUMNS; "
    "pd.read_parquet(sys.argv[1] + '.lake/events', columns=list(EVENT_COLUMNS[:15]), partitioning=None)",
}
ALONE = {
    "import oktakit": "import oktakit.log.read",
    "SHA-256 of the file": "import sys, hashlib; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')",
    "grep -c -F analytics.": "import os, sys; os.execvp('grep', ['grep', '-c', '-F', 'analytics.', sys.argv[1]])",
}
"""What a way cannot do without, and what it is measured against."""
LARGE = 500_000
HUNGRY = ("json + json_normalize", "orjson, columns by hand")
"""Left out of large logs, for their time."""
# What this process does while no other reads: imports, dividing, putting together. Hashing goes on beside the others.
SERIAL = """
import resource, sys, time
import oktakit.log.read as read
from oktakit.log import parallel
spent = {"hash": 0.0}
def timed(name, function):
    def run(*arguments):
        start = time.thread_time()
        try:
            return function(*arguments)
        finally:
            spent[name] = spent.get(name, 0) + time.thread_time() - start
    return run
parallel.Divided.hash = timed("hash", parallel.Divided.hash)
read.read_log(sys.argv[1], processes=2)
others = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.process_time() - spent["hash"], spent["hash"], others.ru_utime + others.ru_stime)
"""


def write_load(path: Path, events: int) -> None:
    """Write so many events, 1 % of them exports and feedback, and a twin of which 1 % are odd in some field.

    The week of a small office comes again and again, with other sessions, operations and jobs, and with the people of
    eighty offices in turn; every other week has no exports and no feedback.
    """
    records = {record["uuid"]: record for record in make_log("quiet_week").records}
    week_of = sorted(records.values(), key=lambda record: str(record["published"]))
    rng, start = Random(7), datetime(2026, 1, 1, tzinfo=UTC)
    weeks = (
        (week, record) for week in count() for record in week_of if week % 2 or record["eventType"] not in ANALYTICS
    )
    with path.open("w") as file, Path(f"{path}.odd").open("w") as odd:
        for number, (week, known) in enumerate(islice(weeks, events)):
            record = _in_week(known, week)
            record["published"] = f"{start + timedelta(seconds=number * 7):%Y-%m-%dT%H:%M:%S}.{number % 1000:03d}Z"
            notes = (record.get("debugContext") or {}).get("debugData")
            if isinstance(notes, dict):
                record["debugContext"] = {"debugData": {**notes, **_notes(rng)}}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
            record |= {"securityContext": {"isProxy": "true"}} if number % 100 == 0 else {}
            odd.write(json.dumps(record, separators=(",", ":")) + "\n")


def _in_week(record: dict[str, Any], week: int) -> dict[str, Any]:
    """Return an event as it is in a later week: other ids in the same form, and people of another office."""
    office = f"{week % 80:04}"
    text = re.sub(r'("00u\w{13})\w{4}', rf"\g<1>{office}", json.dumps(record)).replace("@", f"{office}@")
    text = re.sub(r'("\w{8}-\w{4}-\w{4}-\w{4}-\w{8})\w{4}', rf"\g<1>{week:04}", text)
    session, notes = record["authenticationContext"] or {}, record["debugContext"]["debugData"] or {}
    own = {record["transaction"]["id"], session.get("externalSessionId"), session.get("rootSessionId")}
    own |= {notes.get(key) for key in ("jobid", "jobId", "traceId")}
    for name in own - {None, "unknown"}:
        text = text.replace(name, f"{name[:-4]}{week:04}")
    found: dict[str, Any] = json.loads(text)
    return found


def _notes(rng: Random) -> dict[str, str]:
    """Return what a sign-in notes beside the rest; every event has its own."""
    word = f"{rng.getrandbits(128):032x}"
    behaviors = ", ".join(
        f"New {name}=NEGATIVE" for name in ("Geo-Location", "Device", "IP", "State", "Country", "City")
    )
    return {
        "deviceFingerprint": word,
        "authnRequestId": word[:27],
        "risk": "{level=LOW}",
        "behaviors": f"{{{behaviors}, Velocity=NEGATIVE}}",
        "url": f"/idp/idx/identify?stateToken={word}",
        "logOnlySecurityData": json.dumps(
            {"risk": {"level": "LOW"}, "behaviors": dict.fromkeys(behaviors.split(", "), "")}
        ),
    }


def measure(name: str, code: str, path: Path) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MB of a process and those that it starts, all together."""
    command = [sys.executable, "-c", code, str(path)] if code else [sys.executable, str(PEERS), name, str(path)]
    begin = time.perf_counter()
    child = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, ended = 0.0, Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.2):
            with suppress(psutil.Error):
                every = [child, *child.children(recursive=True)]
                # A page that several processes share counts once.
                peak = max(peak, sum(one.memory_full_info().pss for one in every) / 2**20)

    watcher = Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    ended.set()
    watcher.join()
    if status:
        raise SystemExit(f"this way failed: {name}")
    return usage.ru_utime + usage.ru_stime, wall, peak


def show_amdahl(path: Path) -> None:
    """Print the CPU time that only one core can spend, and what that means for more cores."""
    runs = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", SERIAL, str(path)], check=True, capture_output=True, text=True)
        runs.append([float(value) for value in run.stdout.split()])
    serial, hashing, others = (statistics.median(column) for column in zip(*runs, strict=True))
    total = serial + hashing + others
    print(f"one core only {serial:.1f} s, hash beside the others {hashing:.1f} s, others {others:.1f} s of CPU")
    print(f"serial share {serial / total:.3f}; faster with 4, 8 and 16 cores, at most:")
    for cores in (4, 8, 16):
        bound = serial + max(hashing, (hashing + others) / cores)
        print(
            f"  {cores}: {total / (serial + (hashing + others) / cores):.1f} x; {total / bound:.1f} x with one thread that hashes"
        )


def main(events: int = 100_000, rounds: int = 3, *only: str) -> None:
    """Print the table; of all ways, or of those whose name holds one of some texts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        write_load(path, events)
        log = f"ok.read_log('{path}')"
        code = f"import oktakit as ok; log = {log}; ok.write_events(log, '{path}.lake'); print(log.events.external_session_id.nunique())"
        sessions = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        ways = {name: code for name, code in WAYS.items() if events < LARGE or name not in HUNGRY} | ALONE
        ways = {name: code for name, code in ways.items() if not only or any(text in name for text in only)}
        runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, code in ways.items():
                runs[name].append(measure(name, code, path))
        print(
            f"{events:,} events of {int(sessions):,} Okta sessions, {path.stat().st_size / 1e6:,.0f} MB; medians of {rounds} rounds\n"
        )
        print("| way | wall s | x faster | CPU s | x less CPU | peak MB | loses |\n|---|--:|--:|--:|--:|--:|---|")
        medians = {
            name: [statistics.median(column) for column in zip(*each, strict=True)] for name, each in runs.items()
        }
        base = medians.get("orjson + json_normalize", next(iter(medians.values())))
        for name, (cpu, wall, memory) in medians.items():
            row = f"{wall:.1f} | {base[1] / wall:.1f} | {cpu:.1f} | {base[0] / cpu:.1f} | {memory:,.0f}"
            print(f"| {name} | {row} | {LOSES.get(name, '')} |")
        show_amdahl(path)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
