"""An oracle that shares nothing with the reader: the standard library's JSON, and paths written out by hand."""

import json
from typing import Any

import pandas as pd

GEO = "client.geographicalContext."
PATHS = {
    "event_type": "eventType",
    "severity": "severity",
    "display_message": "displayMessage",
    "actor_id": "actor.id",
    "actor_type": "actor.type",
    "actor_alternate_id": "actor.alternateId",
    "actor_display_name": "actor.displayName",
    "outcome_result": "outcome.result",
    "outcome_reason": "outcome.reason",
    "ip_address": "client.ipAddress",
    "raw_user_agent": "client.userAgent.rawUserAgent",
    "browser": "client.userAgent.browser",
    "os": "client.userAgent.os",
    "device": "client.device",
    "zone": "client.zone",
    "country": GEO + "country",
    "city": GEO + "city",
    "postal_code": GEO + "postalCode",
    "as_org": "securityContext.asOrg",
    "isp": "securityContext.isp",
    "external_session_id": "authenticationContext.externalSessionId",
    "root_session_id": "authenticationContext.rootSessionId",
    "transaction_id": "transaction.id",
    "transaction_type": "transaction.type",
    "request_uri": "debugContext.debugData.requestUri",
}
_NEAREST = 60
_DECODER = json.JSONDecoder()


def reach(value: Any, path: str) -> list[Any]:
    """Return all values at a dotted path, whatever the case of its keys, without those that are null."""
    found = [value]
    for key in path.lower().split("."):
        objects = [item for item in found if isinstance(item, dict)]
        found = [inner for item in objects for name, inner in item.items() if name.replace("_", "").lower() == key]
    return [item for item in found if item is not None]


def differences(row: dict[str, Any], record: dict[str, Any]) -> list[str]:
    """Return the text columns of a kept row that do not say what the record says."""
    return [column for column, path in PATHS.items() if not _agrees(row[column], reach(record, path))]


def _agrees(cell: Any, values: list[Any]) -> bool:
    if pd.isna(cell):
        return not any(isinstance(value, str) for value in values)
    return any(cell == value or (not isinstance(value, str) and _same(cell, value)) for value in values)


def _same(cell: str, value: Any) -> bool:
    """Return whether a cell is the JSON text of a value that should have been a text."""
    try:
        return bool(json.loads(cell) == value)
    except ValueError:
        return False


def candidates(text: str, uuid: str) -> list[dict[str, Any]]:
    """Return every JSON object in `text` that has this uuid, wherever it stands and however it is escaped."""
    written = {uuid, json.dumps(uuid)[1:-1], json.dumps(uuid, ensure_ascii=False)[1:-1]}
    starts = {start for form in written for start in _starts(text, form)}
    records = [_decoded(text, start) for start in sorted(starts)]
    return [record for record in records if uuid in reach(record, "uuid")]


def _starts(text: str, word: str) -> set[int]:
    """Return where the braces are that open before a word."""
    starts = set[int]()
    at = text.find(word)
    while at >= 0:
        start = at
        for _ in range(_NEAREST):
            start = text.rfind("{", 0, start)
            starts |= {start} - {-1}
        at = text.find(word, at + 1)
    return starts


def _decoded(text: str, start: int) -> Any:
    try:
        return _DECODER.raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None


def disagreements(rows: list[dict[str, Any]], content: bytes) -> list[Any]:
    """Return the kept rows that say what no object in `content` says."""
    text = content.decode(errors="surrogateescape")
    return [row for row in rows if all(differences(row, record) for record in candidates(text, row["uuid"]))]


def lost(rows: list[dict[str, Any]], whole: list[bytes]) -> list[bytes]:
    """Return the records among `whole` that are in none of the rows."""
    return [raw for raw in whole if not any(_is(row, json.loads(raw)) for row in rows)]


def _is(row: dict[str, Any], record: dict[str, Any]) -> bool:
    texts = {column: reach(record, path)[:1] for column, path in PATHS.items()}
    return row["uuid"] == record["uuid"] and all(row[column] in found for column, found in texts.items() if found)
