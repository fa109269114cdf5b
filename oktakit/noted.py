"""Debug data: what is read of the notes that Okta adds to an event, under whatever spelling."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .repair import read_flag
from .schema import ANALYTICS, FEEDBACK, fold

Notes = dict[str | None, str | None]
"""Notes by their key; none has the key None, so that a key that is not there finds nothing."""

_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_LEVEL = re.compile(r"\blevel\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
_DETECTION = re.compile(r"detection_?name\"?\s*[=:]\s*\"?([^\",}]+)", re.IGNORECASE)
_THREATS = {"true": True, "false": False, None: None}
_SPECIAL = frozenset(ANALYTICS)


_TOLD = ("jobid", "requesturi", "traceid", "dthash", "risk", "detectionname", "threatsuspected")
_JUDGED = ("eventuuid", "eventtype", "label", "reason")
_PROXIES = ("proxytype", "tunnels", "anonymizerstatus", "associatedproxies")


class _Keys(NamedTuple):
    """How the notes that matter are spelt in one set of keys; None where they are not among them."""

    told: tuple[str | None, ...]
    judged: tuple[str | None, ...]
    proxies: tuple[str | None, ...]
    url: str | None

    @property
    def ties(self) -> bool:
        """Return whether a job or a chain of risk events is named."""
        return (self.told[0] or self.told[2]) is not None


@lru_cache(4096)
def spelling(keys: tuple[Any, ...]) -> _Keys:
    """Return how the notes that matter are spelt in a set of keys."""
    spelt = {fold(key): key for key in keys}
    told, judged, proxies = (tuple(map(spelt.get, names)) for names in (_TOLD, _JUDGED, _PROXIES))
    return _Keys(told, judged, proxies if any(proxies) else (), spelt.get("url"))


def read_notes(
    event_types: Sequence[str], notes: Sequence[Notes]
) -> tuple[list[list[Any]], dict[int, tuple[str, ...]]]:
    """Return the columns that debug data fills, and what it says about proxies, by the place of the event.

    The columns: job, request URI, trace, device token hash, risk level, detection, threat, and of feedback only the
    judged event, its type, the label and the reason.
    """
    spelt = list(map(spelling, set(map(tuple, notes))))
    told = (_told(notes, place, {key.told[place] for key in spelt} - {None}) for place in range(len(_TOLD)))
    jobs, uris, traces, hashes, risks, named, threats = told
    levels, detections = map(list, zip(*map(_risk, risks), strict=True)) if any(risks) else (risks, risks)
    jobs = [job or None for job in jobs]
    detections = [name or detection for name, detection in zip(named, detections, strict=True)]
    suspected = [_THREATS[threat] if threat in _THREATS else read_flag(threat) for threat in threats]
    judged: list[list[Any]] = [[None] * len(notes) for _ in _JUDGED]
    for at in [at for at, kind in enumerate(event_types) if kind in _SPECIAL]:
        keys = spelling(tuple(notes[at]))
        if event_types[at] == FEEDBACK:
            for column, key in zip(judged, keys.judged, strict=True):
                column[at] = notes[at].get(key)
        else:
            jobs[at] = jobs[at] or _found(_JOB, uris[at]) or _found(_JOB, notes[at].get(keys.url))
    some = enumerate(notes) if any(key.proxies for key in spelt) else ()
    words = {at: _services(those, note) for at, note in some if (those := spelling(tuple(note)).proxies)}
    return [jobs, uris, traces, hashes, levels, detections, suspected, *judged], words


def _told(notes: Sequence[Notes], place: int, names: set[str | None]) -> list[Any]:
    """Return one of the notes of each event; in most runs there is one way to spell it, or it is not told at all."""
    if len(names) > 1:
        return [note.get(spelling(tuple(note)).told[place]) for note in notes]
    name = names.pop() if names else None
    return [note.get(name) for note in notes] if name else [None] * len(notes)


@lru_cache(4096)
def _risk(text: str | None) -> tuple[str | None, str | None]:
    """Return level and detection from Okta's printed map, or from JSON."""
    return _found(_LEVEL, text), _found(_DETECTION, text)


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _services(keys: tuple[str | None, ...], notes: Notes) -> tuple[str, ...]:
    """Return what the notes say about proxies: type of proxy, tunnels, anonymizer, proxies seen before."""
    proxy, tunnels, status, associated = map(notes.get, keys)
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
