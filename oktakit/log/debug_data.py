"""Debug data: what is read of the notes that Okta adds to an event, under whatever spelling."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ..reading.model import Outline
from ..reading.repair import read_flag
from ..schema import ANALYTICS, FEEDBACK, fold

Notes = dict[str, str | None]

NOTED: Final = (
    *("job_id", "request_uri", "trace_id", "dt_hash", "_noted_level", "_noted_detection", "threat_suspected"),
    *("judged_uuid", "judged_type", "feedback_label", "feedback_reason"),
)
"""The columns that debug data fills."""
_TOLD = ("jobid", "requesturi", "traceid", "dthash", "risk", "detectionname", "threatsuspected")
_JUDGED = dict(zip(NOTED[-4:], ("eventuuid", "eventtype", "label", "reason"), strict=True))
_PROXIES = ("proxytype", "tunnels", "anonymizerstatus", "associatedproxies")
_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_LEVEL = re.compile(r"\blevel\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
_DETECTION = re.compile(r"detection_?name\"?\s*[=:]\s*\"?([^\",}]+)", re.IGNORECASE)
_THREATS = {"true": True, "false": False, None: None}
_SPECIAL = frozenset(ANALYTICS)


def read_notes(
    event_types: Sequence[str], notes: Sequence[Notes]
) -> tuple[dict[str, list[Any]], dict[int, tuple[str, ...]]]:
    """Return the columns that debug data fills, and what it says about proxies, by the place of the event.

    Columns that nothing fills are left out; those about a judged event are filled for feedback only.
    """
    found = told(notes, (*_TOLD, *_PROXIES))
    cells = dict(zip(NOTED, (*_general(found[: len(_TOLD)]), *([None] * len(notes) for _ in _JUDGED)), strict=True))
    for at in [at for at, kind in enumerate(event_types) if kind in _SPECIAL]:
        _add_special(cells, event_types[at], notes[at], at)
    proxies = zip(*found[len(_TOLD) :], strict=True) if any(map(_says, found[len(_TOLD) :])) else ()
    words = {at: _services(*said) for at, said in enumerate(proxies) if any(said)}
    return {name: column for name, column in cells.items() if _says(column)}, words


def notes_of(events: Sequence[Outline]) -> list[Notes]:
    """Return the debug data of each event."""
    return [(context.debug_data or {}) if (context := event.debug_context) else {} for event in events]


def told(notes: Sequence[Notes], names: tuple[str, ...]) -> list[list[Any]]:
    """Return some of the notes of each event; in most runs there is one way to spell each, or nobody tells it."""
    spelt: dict[str, list[str]] = {}
    for key in set[str]().union(*notes):
        spelt.setdefault(fold(key), []).append(key)
    return [_told(notes, name, spelt.get(name, [])) for name in names]


def _told(notes: Sequence[Notes], name: str, keys: list[str]) -> list[Any]:
    if len(keys) > 1:
        return [_one(note, name) for note in notes]
    return [note.get(key) for note in notes for key in keys] if keys else [None] * len(notes)


def _says(column: list[Any]) -> bool:
    return column.count(None) < len(column)


def _one(note: Notes, name: str) -> Any:
    """Return one of the notes of an event, whatever its spelling."""
    key = _spelling(tuple(note)).get(name)
    return None if key is None else note[key]


@lru_cache(4096)
def _spelling(keys: tuple[str, ...]) -> dict[str, str]:
    """Return how keys are spelt, by the form in which they are matched."""
    return {fold(key): key for key in keys}


def _general(notes: list[list[Any]]) -> tuple[list[Any], ...]:
    """Return the columns that any event may fill, from what is noted."""
    jobs, uris, traces, hashes, risks, names, threats = notes
    levels, detections = map(list, zip(*map(_risk, risks), strict=True)) if _says(risks) else (risks, risks)
    if any(names):
        detections = [name or detection for name, detection in zip(names, detections, strict=True)]
    if _says(threats):
        threats = [_THREATS[threat] if threat in _THREATS else read_flag(threat) for threat in threats]
    return ([job or None for job in jobs], uris, traces, hashes, levels, detections, threats)


def _add_special(cells: dict[str, list[Any]], event_type: str, note: Notes, at: int) -> None:
    """Fill in what only feedback tells, or, for an export, the job that its address names."""
    if event_type == FEEDBACK:
        for name, key in _JUDGED.items():
            cells[name][at] = _one(note, key)
    else:
        jobs, uris = cells["job_id"], cells["request_uri"]
        jobs[at] = jobs[at] or _found(_JOB, uris[at]) or _found(_JOB, _one(note, "url"))


@lru_cache(4096)
def _risk(text: str | None) -> tuple[str | None, str | None]:
    """Return level and detection from Okta's printed map, or from JSON."""
    return _found(_LEVEL, text), _found(_DETECTION, text)


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _services(proxy: str | None, tunnels: str | None, status: str | None, associated: str | None) -> tuple[str, ...]:
    """Return what the notes say about proxies: type of proxy, tunnels, anonymizer, proxies seen before."""
    words = [proxy, *_tunnels(tunnels), status and f"anonymizer {status}"]
    if associated not in (None, "", "[]"):
        words.append("associated proxy")
    return tuple(filter(None, words))


@lru_cache(4096)
def _tunnels(text: str | None) -> tuple[str, ...]:
    """Return what is said about the tunnels in a JSON text."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    tunnels = [tunnel for tunnel in found if isinstance(tunnel, dict)] if isinstance(found, list) else []
    words = ((str(one.get("type") or ""), "anonymous" if read_flag(one.get("anonymous")) else "") for one in tunnels)
    return tuple(word for both in words for word in both)
