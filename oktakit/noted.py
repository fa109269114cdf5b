"""Debug data: what is read of the notes that Okta adds to an event, under whatever spelling."""

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from .repair import read_flag
from .schema import EXPORTS, FEEDBACK, fold

Notes = dict[str | None, str | None]
"""Notes by their key; none has the key None, so that a key that is not there finds nothing."""

_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_LEVEL = re.compile(r"\blevel\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
_DETECTION = re.compile(r"detection_?name\"?\s*[=:]\s*\"?([^\",}]+)", re.IGNORECASE)
_THREATS = {"true": True, "false": False, None: None}


class _Keys(NamedTuple):
    """How the notes that matter are spelt in one set of keys; None where they are not among them."""

    jobid: str | None
    requesturi: str | None
    url: str | None
    traceid: str | None
    dthash: str | None
    risk: str | None
    detectionname: str | None
    threatsuspected: str | None
    eventuuid: str | None
    eventtype: str | None
    label: str | None
    reason: str | None
    proxytype: str | None
    tunnels: str | None
    anonymizerstatus: str | None
    associatedproxies: str | None


@lru_cache(4096)
def _spelling(keys: tuple[Any, ...]) -> _Keys:
    spelt = {fold(key): key for key in keys}
    return _Keys(*map(spelt.get, _Keys._fields))


def read_notes(event_type: str, notes: Notes) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the cells that debug data fills, and what it says about proxies.

    The cells: job, request URI, trace, device token hash, risk level, detection, threat, and of feedback only the
    judged event, its type, the label and the reason.
    """
    keys, get = _spelling(tuple(notes)), notes.get
    uri, threat = get(keys.requesturi), get(keys.threatsuspected)
    level, detection = _risk(get(keys.risk)) if keys.risk else (None, None)
    job = get(keys.jobid) or None
    if job is None and event_type in EXPORTS:
        job = _found(_JOB, uri) or _found(_JOB, get(keys.url))
    judged: tuple[str | None, ...] = (None, None, None, None)
    if event_type == FEEDBACK:
        judged = (get(keys.eventuuid), get(keys.eventtype), get(keys.label), get(keys.reason))
    suspected = _THREATS[threat] if threat in _THREATS else read_flag(threat)
    named = get(keys.detectionname) or detection
    cells = (job, uri, get(keys.traceid), get(keys.dthash), level, named, suspected, *judged)
    return cells, _services(keys, notes) if any(keys[-4:]) else ()


@lru_cache(4096)
def _risk(text: str | None) -> tuple[str | None, str | None]:
    """Return level and detection from Okta's printed map, or from JSON."""
    return _found(_LEVEL, text), _found(_DETECTION, text)


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _services(keys: _Keys, notes: Notes) -> tuple[str, ...]:
    """Return what the notes say about proxies: tunnels, type of proxy, anonymizer, proxies seen before."""
    words = [notes.get(keys.proxytype) or ""]
    for tunnel in _tunnels(notes.get(keys.tunnels)):
        words += [str(tunnel.get("type") or ""), "anonymous" if read_flag(tunnel.get("anonymous")) else ""]
    if status := notes.get(keys.anonymizerstatus):
        words.append(f"anonymizer {status}")
    if notes.get(keys.associatedproxies) not in (None, "", "[]"):
        words.append("associated proxy")
    return tuple(filter(None, words))


def _tunnels(text: str | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [tunnel for tunnel in found if isinstance(tunnel, dict)] if isinstance(found, list) else []
