"""Synthetic logs with known truth, for samples, training and tests.

What is assumed about Okta's events is listed in `sample_logs/README.md`.
"""

import functools
import gzip
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from .cast import Person, staff
from .errors import InputError
from .ordinary import START_DAY, Facts, Planted, Scene, background, minutes
from .patterns import PATTERNS, plant_pattern
from .stories import DAY, HOUR, VERDICTS, plant_handover, plant_orphan, plant_theft, plant_verdict
from .synth import Event

NOTE: Final = "Synthetic: people, addresses, networks and events are invented; README.md lists what is assumed."
EVENTS_A_MONTH: Final = 161
"""Events of one person in 28 ordinary days, on average."""
PLAIN_LIMIT: Final = 1_000_000
"""Size in bytes above which a log is written compressed."""


@dataclass(frozen=True)
class SyntheticLog:
    """A made log: `records` are System Log events in the order of delivery, `truth` is what was planted in them."""

    name: str
    seed: int
    records: list[Event]
    truth: Facts


def _stolen_report(rng: Random) -> tuple[Scene, list[Planted]]:
    scene = background(rng, 7, staff(rng, 12), busy=2, presence=0.8)
    return scene, plant_theft(rng, scene)


def _assistant(rng: Random) -> tuple[Scene, list[Planted]]:
    people, at = staff(rng, 8), START_DAY + 2 * DAY + 12 * HOUR + minutes(rng, 0, 60)
    handover = plant_handover(rng, people[0], people[4], at, minutes(rng, 25, 40))
    return background(rng, 5, people, busy=2, presence=0.8), [handover]


def _quiet_week(rng: Random) -> tuple[Scene, list[Planted]]:
    scene = background(rng, 7, staff(rng, 60), busy=16)
    return scene, [plant_orphan(rng, scene)]


def _feedback(rng: Random) -> tuple[Scene, list[Planted]]:
    people, at = staff(rng, 5), START_DAY + 12 * HOUR + minutes(rng, 0, 60)
    late = plant_handover(rng, people[0], people[0], at, 29 * DAY + minutes(rng, 30, 200))
    verdicts = [plant_verdict(rng, people, case) for case in VERDICTS]
    return background(rng, 32, people, busy=1, presence=0.3), [late, *verdicts]


def _sessions(rng: Random) -> tuple[Scene, list[Planted]]:
    kinds = ("hijack", "vpn_flip", "okta_agent", "kiosk", "shared_office")
    return Scene([], [], []), _plant(rng, kinds, staff(rng, 9), days=7, pace=1)


def _plant(rng: Random, kinds: Sequence[str], people: Iterable[Person], **size: int) -> list[Planted]:
    """Return the patterns, each with people of its own."""
    queue = iter(people)
    return [plant_pattern(rng, kind, [*islice(queue, PATTERNS[kind].plot.people)], **size) for kind in kinds]


def _quiet_month(rng: Random, events: int = 20_000) -> tuple[Scene, list[Planted]]:
    return background(rng, 28, staff(rng, max(7, round(events / EVENTS_A_MONTH)))), []


SCENARIOS: Final[dict[str, Callable[..., tuple[Scene, list[Planted]]]]] = {
    "stolen_report": _stolen_report,
    "assistant": _assistant,
    "quiet_week": _quiet_week,
    "feedback": _feedback,
    "sessions": _sessions,
    "quiet_month": _quiet_month,
}
"""The names of the scenarios, and what makes them."""


def _deliver(rng: Random, events: Sequence[Event]) -> tuple[list[Event], str]:
    """Return the events as a collector gets them, one in twenty late one of them twice, and its uuid."""
    late = [rng.uniform(5, 300) if rng.random() < 0.05 else 0.0 for _ in events]
    arrival = [
        datetime.fromisoformat(event["published"]).timestamp() + by for event, by in zip(events, late, strict=True)
    ]
    records = [events[number] for number in sorted(range(len(events)), key=arrival.__getitem__)]
    twin = rng.randrange(len(records))
    again = min(len(records), twin + rng.randint(2, 30))
    return [*records[:again], records[twin], *records[again:]], records[twin]["uuid"]


def make_log(name: str, seed: int = 1, **size: int) -> SyntheticLog:
    """Return the synthetic log of a scenario, with its truth.

    Parameters
    ----------
    name : str
        One of `SCENARIOS`.
    seed : int, optional
        Another seed gives other people, times and ids. The same name, seed and size give the same log everywhere.
    **size : int
        `events`, for `quiet_month` only: about how many.

    Returns
    -------
    SyntheticLog

    Raises
    ------
    InputError
        When no scenario has that name, or it has no such size.

    Examples
    --------
    >>> log = make_log("assistant")
    >>> [facts["innocent"] for facts in log.truth["planted"]]
    [True]
    """
    if name not in SCENARIOS:
        raise InputError(f"There is no scenario {name!r}. Choose one of: {', '.join(SCENARIOS)}.")
    if size and (name, *size) != ("quiet_month", "events"):
        raise InputError(f"The scenario {name} has no {', '.join(size)}. Only quiet_month has a size: events.")
    rng = Random(f"{name}-{seed}")  # noqa: S311 - made-up data that must repeat, nothing secret
    scene, planted = SCENARIOS[name](rng, **size)
    return _log(rng, (name, seed), scene.events, planted, ordinary_exports=scene.exports)


def mixture(seed: int, background: Sequence[Event] | None = None) -> SyntheticLog:
    """Return three to six patterns, guilty and innocent, in one quiet month, with their truth.

    Parameters
    ----------
    seed : int
        Another seed gives other patterns, people, times and ids.
    background : sequence of dict, optional
        The records of a quiet month. Without one, the same 3,000 events for every seed.

    Returns
    -------
    SyntheticLog
        The facts in `truth["planted"]` are those of `plant_pattern`.

    Examples
    --------
    >>> log = mixture(1)
    >>> {facts["guilty"] for facts in log.truth["planted"]} == {True, False}
    True
    """
    quiet = [*{one["uuid"]: one for one in (_quiet_records() if background is None else background)}.values()]
    rng = Random(f"mixture-{seed}")  # noqa: S311 - made-up data that must repeat, nothing secret
    kinds = {guilty: [kind for kind in PATTERNS if PATTERNS[kind].plot.guilty == guilty] for guilty in (True, False)}
    chosen = [*rng.sample(kinds[True], rng.randint(1, 3)), *rng.sample(kinds[False], rng.randint(2, 3))]
    names = {event["actor"]["alternateId"] for event in quiet}
    people = [one for one in staff(rng, len(names) + 18) if one.login not in names]  # six patterns take 18 at most
    return _log(rng, ("mixture", seed), quiet, _plant(rng, chosen, people))


@functools.cache
def _quiet_records() -> list[Event]:
    """Return what lies behind every mixture: made once, never changed."""
    return make_log("quiet_month", events=3_000).records


def _log(
    rng: Random, name: tuple[str, int], quiet: Sequence[Event], planted: Sequence[Planted], **more: Any
) -> SyntheticLog:
    records, twin = _deliver(rng, [*quiet, *(event for events, _ in planted for event in events)])
    times = sorted(record["published"] for record in records)
    truth = {
        "scenario": name[0],
        "seed": name[1],
        "x_synthetic": NOTE,
        "records": len(records),
        "events": len(records) - 1,
        "duplicate_uuid": twin,
        "first": times[0],
        "last": times[-1],
        "planted": [facts for _, facts in planted if facts],
        **more,
    }
    return SyntheticLog(*name, records, truth)


def write_log(log: SyntheticLog, folder: str | Path) -> list[Path]:
    """Write a log as NDJSON, compressed when it is large, and its truth into the folder `truth` beside it.

    Parameters
    ----------
    log : SyntheticLog
        What `make_log` returned.
    folder : str or Path
        Made when missing; files of the same names are replaced.

    Returns
    -------
    list of Path
        The log, then the truth.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_log(make_log("assistant"), folder)]
    ['assistant.jsonl', 'assistant.json']
    """
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in log.records]
    data = "".join(f"{line}\n" for line in lines).encode()
    large = len(data) > PLAIN_LIMIT
    path = Path(folder) / f"{log.name}.jsonl{'.gz' if large else ''}"
    truth = Path(folder) / "truth" / f"{log.name}.json"
    truth.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_gzip(data) if large else data)
    truth.write_text(json.dumps(log.truth, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8", newline="\n")
    return [path, truth]


def _gzip(data: bytes) -> bytes:
    """Return the data compressed, with neither time nor file name nor system in the header."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()
