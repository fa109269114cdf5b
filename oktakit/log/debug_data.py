"""Debug data: what is read of the texts that Okta adds to an event, under whatever spelling."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ..reading.model import Outline
from ..reading.repair import Trouble, parse, read_flag
from ..schema import ANALYTICS, FEEDBACK, fold, is_sentinel

DebugData = dict[str, str | None]

DEBUG_COLUMNS: Final = (
    *("job_id", "request_uri", "trace_id", "dt_hash", "_debug_level", "_debug_detection", "threat_suspected"),
    *("_debug_behaviors", "judged_uuid", "judged_type", "feedback_label", "feedback_reason"),
)
"""The columns that debug data fills."""
_GENERAL = (
    "jobid",
    "requesturi",
    "traceid",
    "dthash",
    "risk",
    "logonlysecuritydata",
    "detectionname",
    "threatsuspected",
    "behaviors",
)
_JUDGED = dict(zip(DEBUG_COLUMNS[-4:], ("eventuuid", "eventtype", "label", "reason"), strict=True))
_PROXIES = ("proxytype", "tunnels", "anonymizerstatus", "associatedproxies")
_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_PRINTED = re.compile(r"(?:\A\{?|,)\s*(\w+)=(.*?)(?=,\s*\w+=|\}?\Z)", re.DOTALL)
"""A member of a map as Java prints it: its value may hold commas, and ends before the next key."""
_QUOTED = re.compile(r'"(\w+)"\s*:\s*"((?:[^"\\]|\\.)*+)"', re.DOTALL)
"""A whole member of JSON that is cut off."""
_POSITIVE = re.compile(r'([^"\\{},=:]+)\\?"?\s*[=:]\s*\\?"?POSITIVE\b', re.IGNORECASE)
"""A behavior that was found, in a map as JSON, as JSON within JSON or as Java prints it."""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_THREATS = {"true": True, "false": False, None: None}
_SPECIAL = frozenset(ANALYTICS)


def read_debug_data(
    event_types: Sequence[str], debug_data: Sequence[DebugData]
) -> tuple[dict[str, list[Any]], dict[int, tuple[str, ...]]]:
    """Return the columns that debug data fills, and what it says about proxies, by the place of the event.

    Columns that nothing fills are left out; those about a judged event are filled for feedback only.
    """
    picked = pick_keys(debug_data, (*_GENERAL, *_PROXIES))
    empty: list[list[Any]] = [[None] * len(debug_data) for _ in _JUDGED]
    columns = dict(zip(DEBUG_COLUMNS, (*_read_general(picked[: len(_GENERAL)]), *empty), strict=True))
    for at in [at for at, kind in enumerate(event_types) if kind in _SPECIAL]:
        if event_types[at] == FEEDBACK:
            for name, key in _JUDGED.items():
                columns[name][at] = _pick(debug_data[at], key)
        else:  # an export may name its job in an address alone
            jobs, uri, url = columns["job_id"], columns["request_uri"][at], _pick(debug_data[at], "url")
            if jobs[at] is None or is_sentinel(jobs[at]):
                jobs[at] = _search(_JOB, uri) or _search(_JOB, url) or jobs[at]
    proxies = zip(*picked[len(_GENERAL) :], strict=True) if any(map(_any_value, picked[len(_GENERAL) :])) else ()
    words = {at: _proxy_words(*fields) for at, fields in enumerate(proxies) if any(fields)}
    return {name: column for name, column in columns.items() if _any_value(column)}, words


def debug_data_of(events: Sequence[Outline]) -> list[DebugData]:
    """Return the debug data of each event."""
    return [(context.debug_data or {}) if (context := event.debug_context) else {} for event in events]


def pick_keys(debug_data: Sequence[DebugData], names: tuple[str, ...]) -> list[list[Any]]:
    """Return the values of some keys, one list for each; in most batches a key has one spelling, or is not there."""
    spellings: dict[str, list[str]] = {}
    for key in set[str]().union(*debug_data):
        spellings.setdefault(fold(key), []).append(key)
    return [_pick_key(debug_data, name, spellings.get(name, [])) for name in names]


def _pick_key(debug_data: Sequence[DebugData], name: str, keys: list[str]) -> list[Any]:
    if len(keys) > 1:
        return [_pick(data, name) for data in debug_data]
    return [data.get(key) for data in debug_data for key in keys] if keys else [None] * len(debug_data)


def _any_value(column: list[Any]) -> bool:
    return column.count(None) < len(column)


def _pick(data: DebugData, name: str) -> Any:
    """Return one of the values of an event, whatever the spelling of its key."""
    key = _spellings(tuple(data)).get(name)
    return None if key is None else data[key]


@lru_cache(4096)
def _spellings(keys: tuple[str, ...]) -> dict[str, str]:
    """Return how keys are spelt, by the form in which they are matched."""
    return {fold(key): key for key in keys}


def _read_general(picked: list[list[Any]]) -> tuple[list[Any], ...]:
    """Return the columns that any event may fill."""
    jobs, uris, traces, hashes, risks, only, names, threats, behaviors = picked
    levels, detections = map(list, zip(*map(_risk, risks), strict=True)) if _any_value(risks) else (risks, risks)
    if any(only):  # where Okta Classic says it
        known = zip(only, levels, detections, strict=True)
        pairs = [(level, name) if level and name else _risk_of_classic(text) for text, level, name in known]
        levels, detections = (
            [first or pair[at] for first, pair in zip(column, pairs, strict=True)]
            for at, column in enumerate((levels, detections))
        )
    if _any_value(behaviors) or _any_value(only):
        behaviors = [_positive(text) or _positive(more) for text, more in zip(behaviors, only, strict=True)]
    if any(names):
        detections = [name or detection for name, detection in zip(names, detections, strict=True)]
    if _any_value(threats):
        threats = [_THREATS[threat] if threat in _THREATS else read_flag(threat) for threat in threats]
    return ([job or None for job in jobs], uris, traces, hashes, levels, detections, threats, behaviors)


@lru_cache(4096)
def _risk(text: str | None) -> tuple[str | None, str | None]:
    """Return level and detection from Okta's printed map, or from JSON."""
    risk = members_of_text(text)
    return risk.get("level"), risk.get("detectionname")


@lru_cache(4096)
def _risk_of_classic(text: str | None) -> tuple[str | None, str | None]:
    return _risk(members_of_text(text).get("risk")) if text else (None, None)


@lru_cache(4096)
def _positive(text: str | None) -> str | None:
    """Return the behaviors that a text says were found, as names without blanks; or such names as they are.

    >>> _positive("{New IP=POSITIVE, New Country=NEGATIVE, Velocity=POSITIVE}"), _positive("New_IP Velocity")
    ('New_IP Velocity', 'New_IP Velocity')
    """
    names = sorted({name.strip().replace(" ", "_") for name in _POSITIVE.findall(text or "")})
    return " ".join(names) or (None if not text or is_sentinel(text) or {*"{=:"} & {*text} else text)


def members_of_text(text: str | None) -> dict[str, str]:
    r"""Return the members of a map in a text, as JSON or as Java prints it, by the form in which keys are matched.

    >>> members_of_text("{level=HIGH, detectionName=Suspicious App Access, Example Wiki, issuer=OKTA}")["detectionname"]
    'Suspicious App Access, Example Wiki'
    >>> members_of_text('{"detection_name": "Tor, \\"VPN\\" or proxy", "level": "HI')
    {'detectionname': 'Tor, "VPN" or proxy'}
    """
    text = (text or "").strip()
    try:
        value = parse(text.encode(errors="replace"), Trouble())
    except (ValueError, RecursionError):
        quoted = [(key, _ESCAPE.sub(r"\1", word)) for key, word in _QUOTED.findall(text)]
        value = dict(reversed(quoted if text.startswith(('{"', "{ ")) else _PRINTED.findall(text)))
    members = value.items() if isinstance(value, dict) else ()
    return {fold(key): item if isinstance(item, str) else json.dumps(item) for key, item in members if item is not None}


def _search(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _proxy_words(proxy: str | None, tunnels: str | None, status: str | None, associated: str | None) -> tuple[str, ...]:
    """Return what is said about proxies: type of proxy, tunnels, anonymizer, proxies seen before."""
    known = [None if is_sentinel(field) else field for field in (proxy, status, associated)]
    marks = (known[1] and f"anonymizer {known[1]}", known[2] and "associated proxy")
    return tuple(filter(None, (known[0], *_tunnel_words(tunnels), *marks)))


@lru_cache(4096)
def _tunnel_words(text: str | None) -> tuple[str, ...]:
    """Return what is said about the tunnels in a JSON text."""
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    tunnels = [tunnel for tunnel in value if isinstance(tunnel, dict)] if isinstance(value, list) else []
    words = ((str(one.get("type") or ""), "anonymous" if read_flag(one.get("anonymous")) else "") for one in tunnels)
    return tuple(word for both in words for word in both if not is_sentinel(word))
