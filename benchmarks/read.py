"""Reading a log, against what an analyst would write: `python benchmarks/read.py [EVENTS] [ROUNDS]`.

Makes a synthetic log in a temporary folder and reads it in several ways, each in a process of its own, interleaved,
so that what else the machine does falls on all of them. Prints medians of CPU time, wall time and peak memory, and their
ratios to the first way. Needs `pip install -e ".[bench]"`, and `grep` for one row.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

from oktakit import ANALYTICS, make_log

NORMALIZE = "import sys, pandas as pd; f = open(sys.argv[1], 'rb'); pd.json_normalize([{0}(line) for line in f])"
WAYS = {
    "orjson + json_normalize": "import orjson; " + NORMALIZE.format("orjson.loads"),
    "json + json_normalize": "import json; " + NORMALIZE.format("json.loads"),
    "pd.read_json + json_normalize": "import sys, pandas as pd; "
    "pd.json_normalize(pd.read_json(sys.argv[1], lines=True).to_dict('records'))",
    "DuckDB read_json, ignoring errors": "import sys, duckdb; duckdb.sql(f\"from read_json('{sys.argv[1]}', ignore_errors=true)\").df()",
    "Polars read_ndjson": "import sys, polars as pl; pl.read_ndjson(sys.argv[1], infer_schema_length=None)",
    "oktakit read_log": "import sys, oktakit as ok; ok.read_log(sys.argv[1])",
    "oktakit read_log, 1 % odd records": "import sys, oktakit as ok; ok.read_log(sys.argv[1] + '.odd')",
    "orjson + filter + json_normalize": "import sys, orjson, pandas as pd; "
    "all_ = [orjson.loads(line) for line in open(sys.argv[1], 'rb')]; "
    "few = [e for e in all_ if e['eventType'].startswith('analytics.')]; "
    "key = lambda e: (e['authenticationContext'] or {}).get('externalSessionId'); keys = {key(e) for e in few} - {None}; "
    "pd.json_normalize([e for e in all_ if key(e) in keys])",
    "oktakit read_log, analytics + related": "import sys, oktakit as ok; "
    "ok.read_log(sys.argv[1], event_types=ok.ANALYTICS, related=True)",
    "oktakit read_log, analytics": "import sys, oktakit as ok; ok.read_log(sys.argv[1], event_types=ok.ANALYTICS)",
    "oktakit read_log of the Parquet": "import sys, oktakit as ok; ok.read_log(sys.argv[1] + '.lake')",
    "pandas, 15 columns of the Parquet": "import sys, pandas as pd; from oktakit.schema import EVENT_COLUMNS; "
    "pd.read_parquet(sys.argv[1] + '.lake/events', columns=list(EVENT_COLUMNS[:15]), partitioning=None)",
}
ALONE = {
    "import oktakit": "import oktakit",
    "SHA-256 of the file": "import sys, hashlib; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')",
    "grep -c -F analytics.": "import os, sys; os.execvp('grep', ['grep', '-c', '-F', 'analytics.', sys.argv[1]])",
}
"""What a way cannot do without, and what it is measured against."""
LARGE = 500_000
HUNGRY = (
    "json + json_normalize",
    "pd.read_json + json_normalize",
    "DuckDB read_json, ignoring errors",
    "Polars read_ndjson",
)
"""Left out of large logs: they would need more memory than most machines have."""


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


def measure(code: str, path: Path) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MB of a process."""
    begin = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"this way failed: {code}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, usage.ru_maxrss / 1024


def main(events: int = 100_000, rounds: int = 3) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        write_load(path, events)
        subprocess.run(
            [sys.executable, "-c", f"import oktakit as ok; ok.write_events(ok.read_log('{path}'), '{path}.lake')"],
            check=True,
        )
        wanted = [name for name in WAYS if events < LARGE or name not in HUNGRY]
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in wanted}
        for _ in range(rounds):
            for name in wanted:
                found[name].append(measure(WAYS[name], path))
            for name, code in ALONE.items():
                found.setdefault(name, []).append(measure(code, path))
        size = path.stat().st_size / 1e6
    print(f"{events:,} events, {size:,.0f} MB; medians of {rounds} rounds")
    print("| way | CPU s | x less CPU | wall s | x faster | peak MB |\n|---|---|---|---|---|---|")
    base = [statistics.median(column) for column in zip(*found["orjson + json_normalize"], strict=True)]
    for name, runs in found.items():
        cpu, wall, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"| {name} | {cpu:.2f} | {base[0] / cpu:.1f} | {wall:.2f} | {base[1] / wall:.1f} | {memory:,.0f} |")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
