"""Synthetic logs with known truth, for samples, training and tests.

What is assumed about Okta's events is listed in `sample_logs/README.md`.
"""

import functools
import gzip
import io
import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from ..errors import InputError
from ..safe import write_file
from ..schema import DOWNLOAD
from .activities import DAY, at_console, plant_export, plant_hijack, who
from .days import (
    START_DAY,
    Judge,
    Planted,
    Scene,
    background,
    console,
    detection,
    minutes,
    plant_feedback,
    sign_in,
    step,
)
from .events import Record, new_job, new_session
from .patterns import PATTERNS, plant_pattern
from .people import AGENTS, PLACES, REPORTS, Login, Origin, Person, staff

NOTE: Final = "Synthetic: people, addresses, networks and events are invented; README.md lists what is assumed."
EVENTS_A_MONTH: Final = 161  # of one person, on average
PLAIN_LIMIT: Final = 1_000_000  # bytes; a larger log is written compressed
HOUR: Final = timedelta(hours=1)
Story = tuple[Scene, list[Planted]]


@dataclass(frozen=True)
class SyntheticLog:
    """A made log: `records` are System Log events in the order of delivery, `truth` is what was planted in them."""

    name: str
    seed: int
    records: list[Record]
    truth: dict[str, Any]


def _stolen_report(rng: Random) -> Story:
    """Return a stolen session that asks for a report, another account that takes it abroad, and a silenced alarm."""
    scene = background(rng, 7, staff(rng, 12), busy=2, presence=0.8)
    settled = [shift for shift in scene.free if shift.login.origin.place.city == shift.login.person.home]
    start, victim = rng.choice([shift for shift in settled if 0 < (shift.start - START_DAY).days < 5])
    taker = rng.choice([other.login.person for other in settled if other.login.person.home != victim.person.home])
    far = PLACES["São Paulo" if "Singapore" in (victim.person.home, taker.home) else "Singapore"]
    host = Origin("203.0.113.24", PLACES["Bucharest"], 64508, "Example Hosting")
    thief = victim._replace(origin=host, agent=AGENTS["stranger"])
    vpn = Origin("203.0.113.77", far, 64510, "Example Transit", tunnels=("VPN",))
    proxy = Origin("203.0.113.78", far, 64510, "Example Transit", is_proxy=True, categories=("Proxy",))
    abroad = Login(taker, vpn, AGENTS["stranger"], new_session(rng))
    stolen_at = start + minutes(rng, 110, 140)
    asked_at = stolen_at + minutes(rng, 6, 14)
    taken_at = asked_at + minutes(rng, 235, 255)
    taken = [(taken_at, abroad), (taken_at + minutes(rng, 20, 30), abroad._replace(origin=proxy))]
    hijack = plant_hijack(rng, stolen_at, victim, thief)
    job = new_job(rng, REPORTS[1])._replace(filter=None)
    export = plant_export(rng, job, (asked_at, thief), *taken)
    dismissal = Judge(taken_at + minutes(rng, 6, 12), abroad, "false_positive", "Expected, the user is travelling")
    silence = plant_feedback(rng, hijack[0][1], victim.person, [dismissal])
    return scene, [(sign_in(rng, taken_at - minutes(rng, 3, 6), abroad), {}), hijack, export, silence]


def _assistant(rng: Random) -> Story:
    """Return a report that an assistant collects for somebody."""
    people, at = staff(rng, 8), START_DAY + 2 * DAY + 12 * HOUR + minutes(rng, 0, 60)
    handover = _handover(rng, people[0], people[4], at, minutes(rng, 25, 40))
    return background(rng, 5, people, busy=2, presence=0.8), [handover]


def _quiet_week(rng: Random) -> Story:
    """Return a download in the first admin session of the log whose request is older than the log."""
    scene = background(rng, 7, staff(rng, 60), busy=16)
    start, login = scene.free[0]
    at, job = start + minutes(rng, 4, 9), new_job(rng, REPORTS[3])
    taken = step(rng, at, DOWNLOAD, login, job)
    facts = {"kind": "orphan", "job_id": job.id, "orphan_reason": "request_before_window", **who("downloaded", login)}
    events = [console(rng, at - minutes(rng, 1, 2), login), taken]
    return scene, [(events, {**facts, "uuids": {"download": taken["uuid"]}})]


def _feedback(rng: Random) -> Story:
    """Return every kind of verdict, and a report that is collected after 29 days."""
    tables = tomllib.loads((files(__package__) / "verdicts.toml").read_text(encoding="utf-8"))
    people, at = staff(rng, 5), START_DAY + 12 * HOUR + minutes(rng, 0, 60)
    late = _handover(rng, people[0], people[0], at, 29 * DAY + minutes(rng, 30, 200))
    verdicts = [_verdict(rng, people, case) for case in tables["verdict"]]
    return background(rng, 32, people, busy=1, presence=0.3), [late, *verdicts]


def _handover(rng: Random, asker: Person, taker: Person, at: datetime, after: timedelta) -> Planted:
    """Return a report that is asked for at the moment `at` and collected `after` that, both in the office at home."""
    (asking, asked), (taking, entered) = at_console(rng, at, asker), at_console(rng, at + after, taker)
    job = new_job(rng, REPORTS[2])
    events, facts = plant_export(rng, job, (at, asking), (at + after, taking))
    return [*asked, *entered, *events], facts


def _verdict(rng: Random, people: Sequence[Person], case: dict[str, Any]) -> Planted:
    """Return a detection and what admins say about it, each in a session of their own, as a table of verdicts.toml."""
    at = START_DAY + case["day"] * DAY + 14 * HOUR + minutes(rng, 0, 30)
    judged, events = at_console(rng, at, people[case["about"]])
    alarm = detection(rng, at, judged, case["level"], case["event_type"])
    judges: list[Judge] = []
    for hours, (judge, *verdict) in enumerate(case["judges"], 1):
        when = at + hours * HOUR + minutes(rng, 0, 40)
        login, entered = at_console(rng, when, people[judge])
        events, judges = events + entered, [*judges, Judge(when, login, *verdict)]
    feedback, facts = plant_feedback(rng, alarm, judged.person, judges)
    return [*events, *([alarm] if case["in_log"] else []), *feedback], {**facts, "judged_in_log": case["in_log"]}


def _sessions(rng: Random) -> Story:
    kinds = ("hijack", "vpn_flip", "okta_agent", "kiosk", "shared_office")
    return Scene([], [], []), _plant(rng, kinds, staff(rng, 9), days=7, pace=1)


def _plant(rng: Random, kinds: Sequence[str], people: Iterable[Person], **size: int) -> list[Planted]:
    """Return the patterns, each with people of its own."""
    queue = iter(people)
    return [plant_pattern(rng, kind, [*islice(queue, PATTERNS[kind].people)], **size) for kind in kinds]


def _quiet_month(rng: Random, events: int = 20_000) -> Story:
    return background(rng, 28, staff(rng, max(7, round(events / EVENTS_A_MONTH)))), []


_STORIES = (_stolen_report, _assistant, _quiet_week, _feedback, _sessions, _quiet_month)
SCENARIOS: Final[dict[str, Callable[..., Story]]] = {story.__name__.strip("_"): story for story in _STORIES}
"""The names of the scenarios, and what makes them."""


def _deliver(rng: Random, events: Sequence[Record]) -> tuple[list[Record], str]:
    """Return the events as a collector gets them, one in twenty late and one of them twice, and its uuid."""
    late = [rng.uniform(5, 300) if rng.random() < 0.05 else 0.0 for _ in events]
    times = [datetime.fromisoformat(event["published"]).timestamp() for event in events]
    order = sorted(range(len(events)), key=lambda number: times[number] + late[number])
    records = [events[number] for number in order]
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
    >>> [facts["benign"] for facts in log.truth["planted"]]
    [True]
    """
    if name not in SCENARIOS:
        raise InputError(f"There is no scenario {name!r}. Choose one of: {', '.join(SCENARIOS)}.")
    if size and (name, *size) != ("quiet_month", "events"):
        raise InputError(f"The scenario {name} has no {', '.join(size)}. Only quiet_month has a size: events.")
    rng = Random(f"{name}-{seed}")  # noqa: S311 - made-up data that must repeat, nothing secret
    scene, planted = SCENARIOS[name](rng, **size)
    return _log(rng, (name, seed), scene.events, planted, ordinary_exports=scene.exports)


def mixture(seed: int, background: Sequence[Record] | None = None) -> SyntheticLog:
    """Return three to six patterns, malicious and benign, in one quiet month, with their truth.

    Without a `background`, the records of a quiet month, it is the same 3,000 events for every seed.

    >>> log = mixture(1)
    >>> {facts["malicious"] for facts in log.truth["planted"]} == {True, False}
    True
    """
    quiet = [*{one["uuid"]: one for one in (_quiet_records() if background is None else background)}.values()]
    rng = Random(f"mixture-{seed}")  # noqa: S311 - made-up data that must repeat, nothing secret
    malicious = [kind for kind, pattern in PATTERNS.items() if pattern.malicious]
    benign = [kind for kind in PATTERNS if kind not in malicious]
    chosen = [*rng.sample(malicious, rng.randint(1, 3)), *rng.sample(benign, rng.randint(2, 3))]
    names = {event["actor"]["alternateId"] for event in quiet}
    people = [one for one in staff(rng, len(names) + 18) if one.login not in names]  # six patterns take 18 at most
    return _log(rng, ("mixture", seed), quiet, _plant(rng, chosen, people))


_quiet_records = functools.cache(lambda: make_log("quiet_month", events=3_000).records)


def _log(
    rng: Random, name: tuple[str, int], quiet: Sequence[Record], planted: Sequence[Planted], **more: Any
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

    Raises
    ------
    InputError
        When a file cannot be written.

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
    facts = json.dumps(log.truth, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return [write_file(path, _gzip(data) if large else data), write_file(truth, facts)]


def _gzip(data: bytes) -> bytes:
    """Return the data compressed, with neither time nor file name nor system in the header."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()
