"""What others read a System Log with, as fast as each can be made: `python benchmarks/peers.py NAME FILE`.

All give a pandas frame with the columns of `oktakit.schema` that Okta has in one place; what is nested besides them stays
JSON text where the reader can do that. `python benchmarks/peers.py` alone says what each loses of odd records.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

# In the words of oktakit.schema, which is not imported: oktakit is no part of what these take.
COLUMNS = [
    "published",
    "eventType",
    "severity",
    "displayMessage",
    "uuid",
    "actor.id",
    "actor.type",
    "actor.alternateId",
    "actor.displayName",
    "outcome.result",
    "outcome.reason",
    "client.ipAddress",
    "client.userAgent.rawUserAgent",
    "client.userAgent.browser",
    "client.userAgent.os",
    "client.device",
    "client.zone",
    "client.id",
    "client.geographicalContext.country",
    "client.geographicalContext.state",
    "client.geographicalContext.city",
    "client.geographicalContext.postalCode",
    "client.geographicalContext.geolocation.lat",
    "client.geographicalContext.geolocation.lon",
    "device.id",
    "device.managed",
    "device.registered",
    "authenticationContext.credentialType",
    "authenticationContext.externalSessionId",
    "authenticationContext.rootSessionId",
    "securityContext.isProxy",
    "securityContext.asNumber",
    "securityContext.asOrg",
    "securityContext.isp",
    "securityContext.domain",
    "transaction.id",
    "transaction.type",
    "debugContext.debugData.jobId",
    "debugContext.debugData.jobid",
    "debugContext.debugData.requestUri",
    "debugContext.debugData.traceId",
    "debugContext.debugData.dtHash",
    "debugContext.debugData.risk",
    "debugContext.debugData.threatSuspected",
    "debugContext.debugData.eventUuid",
    "debugContext.debugData.eventType",
    "debugContext.debugData.label",
    "debugContext.debugData.reason",
]
TEXTS = {"target": "target", "debug_data": "debugContext.debugData", "ip_chain": "request.ipChain"}
"""What is kept as JSON text."""
KINDS = {"lat": "DOUBLE", "lon": "DOUBLE", "asNumber": "BIGINT"} | dict.fromkeys(
    ("isProxy", "managed", "registered"), "BOOLEAN"
)
TARGET = ("id", "type", "alternateId", "displayName")


def name_of(path: str) -> str:
    """Return the column for a path."""
    return path.replace(".", "_")


def tree() -> dict[str, Any]:
    """Return the columns as nested dicts of the names of types."""
    root: dict[str, Any] = {}
    for path in COLUMNS:
        *above, last = path.split(".")
        node = root
        for key in above:
            node = node.setdefault(key, {})
        node[last] = KINDS.get(last, "TEXT")
    return root


def orjson_normalize(path: str, loads: Callable[[bytes], Any] | None = None) -> Any:
    """Read line by line, and let pandas flatten everything."""
    import orjson
    import pandas as pd

    with open(path, "rb") as file:  # noqa: PTH123  # as people write it
        return pd.json_normalize([(loads or orjson.loads)(line) for line in file])


def json_normalize(path: str) -> Any:
    """Do the same with the standard library."""
    return orjson_normalize(path, json.loads)


def orjson_columns(path: str) -> Any:
    """Read line by line, and pick each column by hand."""
    import orjson
    import pandas as pd

    parts = [path.split(".") for path in COLUMNS]
    columns: list[list[Any]] = [[] for _ in (*parts, *TEXTS)]
    with open(path, "rb") as file:  # noqa: PTH123
        for line in file:
            event = orjson.loads(line)
            for keys, column in zip(parts, columns, strict=False):
                value = event
                for key in keys:
                    value = value.get(key) if value else None
                column.append(value)
            columns[-3].append(orjson.dumps(event.get("target")).decode())
            columns[-2].append(orjson.dumps((event.get("debugContext") or {}).get("debugData")).decode())
            columns[-1].append(orjson.dumps((event.get("request") or {}).get("ipChain")).decode())
    frame = pd.DataFrame(dict(zip([*map(name_of, COLUMNS), *TEXTS], columns, strict=True)))
    return frame.assign(published=pd.to_datetime(frame["published"], utc=True, format="ISO8601"))


def duckdb_columns(path: str, threads: int = 0) -> Any:
    """Name the top fields, so that nothing is sniffed, and extract from their JSON."""
    import duckdb

    top = dict.fromkeys([one.split(".")[0] for one in (*COLUMNS, *TEXTS.values())], "JSON")
    top |= {one: "VARCHAR" for one in COLUMNS if "." not in one}
    picked = ["published::timestamp as published", *(one if one in top else _extract(one) for one in COLUMNS[1:])]
    for name, path_ in TEXTS.items():
        first, *rest = path_.split(".")
        picked.append(f"{first}->'$.{'.'.join(rest)}' as {name}" if rest else first)
    connection = duckdb.connect(config={"threads": threads or os.cpu_count() or 1})
    columns = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in top.items()) + "}"
    source = f"read_json('{path}', format='newline_delimited', columns={columns})"
    return connection.sql(f"select {', '.join(picked)} from {source}").to_arrow_table().to_pandas()


def duckdb_one_thread(path: str) -> Any:
    """Do the same on one core."""
    return duckdb_columns(path, 1)


def _extract(path: str) -> str:
    top, *rest = path.split(".")
    text = f"{top}->>'$.{'.'.join(rest)}'"
    kind = KINDS.get(rest[-1])
    return f"({text})::{kind} as {name_of(path)}" if kind else f"{text} as {name_of(path)}"


def polars_columns(path: str) -> Any:
    """Name every field, so that nothing is inferred, and flatten the structs."""
    import polars as pl

    kinds = {"TEXT": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}

    def struct(node: Any) -> Any:
        return pl.Struct({key: struct(one) for key, one in node.items()}) if isinstance(node, dict) else kinds[node]

    schema = {key: struct(one) for key, one in tree().items()} | {"target": pl.String, "request": pl.String}
    picked = [_field(pl.col(one.split(".")[0]), one.split(".")[1:]).alias(name_of(one)) for one in COLUMNS]
    frame = pl.scan_ndjson(path, schema=schema).select(*picked, "target", "request").collect()
    return frame.with_columns(pl.col("published").str.to_datetime(time_zone="UTC", strict=True)).to_pandas()


def _field(column: Any, keys: list[str]) -> Any:
    for key in keys:
        column = column.struct.field(key)
    return column


def pyarrow_columns(path: str) -> Any:
    """Name every field, leave out all others, and flatten the structs."""
    import pyarrow as pa
    import pyarrow.json as pj

    kinds = {"TEXT": pa.string(), "DOUBLE": pa.float64(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}

    def struct(node: Any) -> Any:
        return pa.struct([(key, struct(one)) for key, one in node.items()]) if isinstance(node, dict) else kinds[node]

    named = tree()
    schema = pa.schema([(key, struct(one)) for key, one in named.items()])
    schema = schema.append(pa.field("target", pa.list_(pa.struct([(key, pa.string()) for key in TARGET]))))
    schema = schema.set(schema.get_field_index("published"), pa.field("published", pa.timestamp("us", "UTC")))
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    table = pj.read_json(path, pj.ReadOptions(block_size=1 << 24), options)
    while any(pa.types.is_struct(one.type) for one in table.schema):
        table = table.flatten()
    return table.to_pandas()


WAYS = {
    "orjson + json_normalize": orjson_normalize,
    "json + json_normalize": json_normalize,
    "orjson, columns by hand": orjson_columns,
    "DuckDB, columns named": duckdb_columns,
    "DuckDB, columns named, one thread": duckdb_one_thread,
    "Polars, columns named": polars_columns,
    "pyarrow, columns named": pyarrow_columns,
}
GOOD = {"uuid": "00000000-0000-4000-8000-000000000001", "eventType": "a.b", "published": "2026-03-02T08:00:00.000Z"}
ODD: dict[str, Any] = {
    "a line that is cut off": json.dumps(GOOD)[:60],
    "a time with +02:00": json.dumps({**GOOD, "published": "2026-03-02T10:00:00.000+02:00"}),
    "a time in microseconds": json.dumps({**GOOD, "published": "2026-03-02T08:00:00.123456Z"}),
    "a field that is new": json.dumps({**GOOD, "newField": {"a": 1}}),
    "a boolean as text": json.dumps({**GOOD, "securityContext": {"isProxy": "true"}}),
    "a number in debugData": json.dumps({**GOOD, "debugContext": {"debugData": {"dtHash": 5}}}),
    "a key that stands twice": '{"eventType":"x",' + json.dumps(GOOD)[1:],
    "a detail of a target": json.dumps({**GOOD, "target": [{"id": "r", "detailEntry": {"columns": "a,b"}}]}),
}


def show_losses() -> None:
    """Print what each way makes of a file whose middle line is odd."""
    for name, read in WAYS.items():
        for what, line in ODD.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "log.jsonl"
                path.write_text("\n".join([json.dumps(GOOD), line, json.dumps(GOOD)]) + "\n")
                try:
                    frame = read(str(path))
                    row = {
                        key: value
                        for key, value in frame.iloc[1].items()
                        if str(value) not in ("None", "nan", "<NA>", "null", "NaT")
                    }
                    print(f"{name} | {what} | {len(frame)} rows; {row}")
                except Exception as error:
                    print(f"{name} | {what} | {type(error).__name__}: {str(error).splitlines()[0][:90]}")


if __name__ == "__main__":
    print(len(WAYS[sys.argv[1]](sys.argv[2]))) if sys.argv[1:] else show_losses()
