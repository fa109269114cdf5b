"""What the checks look at: all that some people did or underwent, collected once from a whole log."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals.stable.v2 as nw
import pandas as pd

from .errors import InputError
from .find import find_travel
from .frames import collect, known_only, table
from .known import label
from .own import SYSTEM, acted
from .schema import ANALYTICS, COLUMNS, DOWNLOAD, EVENT_COLUMNS, FEEDBACK, REQUEST
from .sessions import find_session_changes

BASELINE: Final = pd.Timedelta("7D")
"""The first part of a log, which shows what is usual for somebody; the same as in `find_first_seen`."""
MINIMUM: Final = 3
"""How many events somebody needs in the baseline before "never before" means anything."""
HOUR: Final = pd.Timedelta("1h")
_KEYS = ("actor_id", "target_user_id", "external_session_id", "root_session_id", "ip_address", "country", "job_id")
_HIDDEN = ("severity", "display_message", "source", "record", "issues", "extra", "lat", "lon")
_TOLD = tuple(name for name in EVENT_COLUMNS if name not in _HIDDEN)
_TEXTS = tuple(column.name for column in COLUMNS if column.kind == "text" and column.name in _KEYS)


@dataclass(frozen=True)
class Case:
    """The events of some people, and what is known about the log they are from.

    `frame` has them in the order of time, `types` are the event types of the whole log, `start` and `end` its edges;
    `known` and `watched` are the analyst's labels by uuid, `reports` patterns of reports with their level and a reason.
    """

    frame: pd.DataFrame
    types: frozenset[str]
    start: Any
    end: Any
    timezone: ZoneInfo
    known: dict[str, str]
    watched: dict[str, str]
    reports: tuple[tuple[str, str, str], ...] = ()

    @property
    def only_analytics(self) -> bool:
        """Return whether the log holds exports and feedback alone, as a filtered download does."""
        return self.types <= set(ANALYTICS)

    @cached_property
    def by_uuid(self) -> dict[str, Any]:
        """Return the events by their uuid; what is missing is None."""
        shown = known_only(self.frame[[*_TOLD, "acting"]], _TEXTS).astype(object)
        rows = shown.where(shown.notna(), None).itertuples(index=False, name="Event")
        return {row.uuid: row for row in rows}

    @cached_property
    def timed(self) -> list[Any]:
        """Return the events that have a time, in its order."""
        return [event for event in self.by_uuid.values() if event.published is not None]

    @cached_property
    def by_actor(self) -> dict[str, list[Any]]:
        """Return what people did themselves, in the order of time."""
        return _grouped((event.actor_id, event) for event in self.timed if event.acting)

    @cached_property
    def by_person(self) -> dict[str, list[Any]]:
        """Return what people did and what was done to them, in the order of time."""
        return _grouped((one, event) for event in self.timed for one in {event.actor_id, event.target_user_id})

    @cached_property
    def by_session(self) -> dict[str, list[Any]]:
        """Return the events of sessions, by their own id and by that of their root."""
        keys = ("external_session_id", "root_session_id")
        return _grouped((one, event) for event in self.timed for one in {getattr(event, key) for key in keys})

    @cached_property
    def tallies(self) -> dict[str, "Tally"]:
        """Return the exports of people and of addresses, each kind of step by itself, under `key_of` them."""
        steps = [one for one in self.timed if one.acting and one.event_type in (REQUEST, DOWNLOAD)]
        found = _grouped((key_of(key, one), one) for one in steps for key in (one.actor_id, one.ip_address) if key)
        return {key: Tally(several, _peaks(several)) for key, several in found.items()}

    @cached_property
    def by_judged(self) -> dict[str, list[Any]]:
        """Return the feedback by the uuid of the detection that it judges."""
        return _grouped((one.judged_uuid, one) for one in self.by_uuid.values() if one.event_type == FEEDBACK)

    @cached_property
    def _picked(self) -> dict[tuple[str, tuple[str, ...]], list[Any]]:
        return {}

    def of_kind(self, person: str, kinds: tuple[str, ...]) -> list[Any]:
        """Return what a person did or underwent whose type begins in one of some ways, in the order of time."""
        key = (person, kinds)
        if key not in self._picked:
            self._picked[key] = [one for one in self.by_person.get(person, []) if one.event_type.startswith(kinds)]
        return self._picked[key]

    def inside(self, event: Any) -> list[Any]:
        """Return the events of the session and the root session of an event, in the order of time."""
        keys = tuple(dict.fromkeys(key for key in (event.external_session_id, event.root_session_id) if key))
        if keys not in self._insides:
            found = {one.uuid: one for key in keys for one in self.by_session.get(key, [])}
            self._insides[keys] = sorted(found.values(), key=lambda one: (one.published, one.uuid))
        return self._insides[keys]

    @cached_property
    def _insides(self) -> dict[tuple[str, ...], list[Any]]:
        return {}

    @cached_property
    def changes(self) -> dict[str, list[Any]]:
        """Return the changes of sessions by session; what is missing is None."""
        sessions = set(self.frame["external_session_id"].dropna()) - {None}
        found = find_session_changes(self.frame[self.frame["external_session_id"].isin(sessions)])
        return _grouped((row.session, row) for row in _rows(found))

    @cached_property
    def legs(self) -> dict[str, list[Any]]:
        """Return the journeys that nobody can make, by actor."""
        return _grouped((row.actor_id, row) for row in _rows(find_travel(self.frame)))

    @cached_property
    def days(self) -> dict[str, dict[Any, set[int]]]:
        """Return for each actor the days on which something was done and its hours, by the clock of the analyst."""
        acting = self.frame[self.frame["acting"] & self.frame["published"].notna()]
        local = acting["published"].dt.tz_convert(self.timezone).dt
        found = pd.DataFrame({"actor": acting["actor_id"], "day": local.date, "hour": local.hour}).drop_duplicates()
        days: dict[str, dict[Any, set[int]]] = defaultdict(lambda: defaultdict(set))
        for actor, day, hour in found.itertuples(index=False):
            days[actor][day].add(hour)
        return days

    def is_cold(self, event: Any) -> bool:
        """Return whether the log does not show what is usual for who did something: it or they had only just begun."""
        early = [
            one for one in self.by_actor.get(event.actor_id, [])[:MINIMUM] if one.published < self.start + BASELINE
        ]
        return bool(event.published < self.start + BASELINE) or len(early) < MINIMUM

    def edge(self, first: Any, last: Any, width: pd.Timedelta) -> str:
        """Return in words which part of the time around some events lies outside the log; nothing where none does."""
        begins, ends = self.start > first.published - width, self.end < last.published + width
        return " and ".join(["the log begins too late"] * begins + ["the log ends too early"] * ends)


class Tally(NamedTuple):
    """Events of one kind, and for each the most that lay within an hour from one of them, up to that one."""

    events: list[Any]
    peaks: list[int]

    def usual(self, until: Any) -> int:
        """Return the most events that lay within an hour that ended before a moment."""
        number = bisect_left(self.events, until - HOUR, key=lambda event: event.published)
        return self.peaks[number - 1] if number else 0


class Taking(NamedTuple):
    """A row of the export ledger, the events by which the report was asked for and taken, and which download it is."""

    export: Any
    asked: Any
    taken: Any
    turn: int

    @property
    def steps(self) -> list[Any]:
        """Return the events in which a person did something."""
        return [event for event in (self.asked, self.taken) if event is not None]

    @property
    def last(self) -> Any:
        """Return the last thing a person did: the download, or else the request."""
        return self.steps[-1] if self.steps else None


def collect_case(
    events: Any,
    helper: str,
    core: pd.DataFrame,
    *,
    judged: Iterable[str] = (),
    timezone: str = "UTC",
    known: Any = None,
    watch: Any = None,
    reports: tuple[tuple[str, str, str], ...] = (),
) -> Case:
    """Return the case of some events: what their people did or underwent, and what else their sessions hold."""
    people = core.loc[~core["actor_type"].isin(SYSTEM), "actor_id"]
    users = sorted({*people.dropna(), *core["target_user_id"].dropna()})
    sessions = {key: sorted(core[key].dropna().unique()) for key in ("external_session_id", "root_session_id")}
    wanted = {"actor_id": users, "target_user_id": users, **sessions}
    frame = table(events, helper, EVENT_COLUMNS).with_columns(acting=acted())
    named = nw.col("uuid").is_in(sorted({*core["uuid"], *judged}))
    picked = frame.filter(reduce(or_, (nw.col(name).is_in(values) for name, values in wanted.items() if values), named))
    found = collect(picked.select(*(name for name in EVENT_COLUMNS if name != "published"), "acting", "published_us"))
    found = found.sort_values(["published", "uuid"], ignore_index=True).drop_duplicates("uuid")
    found = found.assign(acting=found["acting"].fillna(False).astype(bool), event_type=found["event_type"].fillna(""))
    span = collect(frame.select(start_us=nw.col("published_us").min(), end_us=nw.col("published_us").max()))
    types = frozenset(collect(frame.select("event_type").unique())["event_type"].dropna())
    told, seen = (_labels(found, one) for one in (known, watch))
    return Case(found, types, span["start"][0], span["end"][0], _zone(timezone), told, seen, reports)


def within(events: list[Any], since: Any, until: Any) -> list[Any]:
    """Return the events from one moment to another, both included; they are in the order of time."""
    first = bisect_left(events, since, key=lambda event: event.published)
    return events[first : bisect_right(events, until, key=lambda event: event.published)]


def busiest(events: list[Any], event: Any, width: pd.Timedelta) -> list[Any]:
    """Return the most events that lie, with a given one among them, within a length of time."""
    near = within(events, event.published - width, event.published + width)
    runs = [within(near, one.published, one.published + width) for one in near if one.published <= event.published]
    return max((run for run in runs if run[-1].published >= event.published), key=len, default=[])


def key_of(key: str, event: Any) -> str:
    """Return where events of the same type by the same person or address are tallied."""
    return f"{event.event_type} {key}"


def _peaks(events: list[Any]) -> list[int]:
    counts = (len(within(events, one.published, one.published + HOUR)) for one in events)
    return list(accumulate(counts, max))


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for key, value in pairs:
        if key is not None:
            groups[key].append(value)
    return dict(groups)


def _rows(frame: pd.DataFrame) -> Iterable[Any]:
    values = frame.astype(object)
    yield from values.where(values.notna(), None).itertuples(index=False, name="Row")


def _labels(events: pd.DataFrame, table: Any) -> dict[str, str]:
    """Return the labels of the events that have one."""
    found = {} if table is None else dict(zip(events["uuid"], label(events, table), strict=True))
    return {uuid: told for uuid, told in found.items() if told}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise InputError(f"timezone needs a name such as 'Europe/Oslo' or 'UTC'; {name!r} is none.") from error
