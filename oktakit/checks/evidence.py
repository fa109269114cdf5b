"""What the checks look at: all that some people did or underwent, collected once from a whole log."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..analysis.actors import DELIBERATE_COLUMNS, SYSTEM, is_deliberate, opens_console
from ..analysis.engines import collect, in_order, pick, table
from ..analysis.labels import LABELLED, labels_by_uuid
from ..analysis.movement import TRAVEL_NEEDS, find_travel
from ..analysis.places import COMPARED
from ..analysis.sessions import CHANGE_NEEDS, find_session_changes
from ..analysis.words import zone
from ..log.keys import bare_uuid, done, known_only, known_values
from ..log.log import Events
from ..schema import ANALYTICS, DOWNLOAD, FEEDBACK, REQUEST, is_done, types_of
from .answers import MFA, Answer

BASELINE: Final = pd.Timedelta("7D")
"""The first part of a log, which shows what is usual for somebody; the same as in `find_first_seen`."""
MINIMUM: Final = 3
"""How many events somebody needs in the baseline before "never before" means anything."""
HOUR: Final = pd.Timedelta("1h")
_DAY = pd.Timedelta("1D")
_NOWHERE = pd.Series([], pd.DatetimeIndex([], tz="UTC"), dtype=object)
_SESSIONS = ("external_session_id", "root_session_id")
_TEXTS = ("actor_id", "target_user_id", *_SESSIONS, "ip_address", "country", "dt_hash")
"""The texts of which one that stands for "not known" is missing in the evidence."""
_FRAME = ("uuid", "event_type", *_TEXTS, *DELIBERATE_COLUMNS, "actor_alternate_id", "as_number")
JOURNEYS: Final = (*TRAVEL_NEEDS, *CHANGE_NEEDS, "targets")
PUSHES: Final = (MFA, "user.mfa.okta_verify.deny_push")
"""Events that say that a push or code was refused."""
_SETTINGS = ("system.idp.", "policy.lifecycle.", "policy.rule.")
"""Changes by which other people get in; they are looked at whoever made them."""
_TOLD = (
    *("uuid", "event_type", *_TEXTS, *LABELLED, *DELIBERATE_COLUMNS, "browser", "api_token_id", "credential_type"),
    *("device_managed", "device_registered", "is_proxy", "ip_categories", "report_id", "report_name"),
    *(
        "export_columns",
        "export_filter",
        "export_type",
        "judged_uuid",
        "feedback_label",
        "targets",
        "debug_data",
        "outcome_reason",
    ),
)


@dataclass(frozen=True)
class Evidence:
    """The events of some people, and what is known about the log they are from.

    `frame` has all of them that have a time, in its order and in few columns; `told` those that questions look at;
    `types` are the event types of the whole log, `start` and `end` its edges; `known` and `watched` are the analyst's
    labels by uuid, `reports` patterns of reports with their level and a reason.
    """

    frame: pd.DataFrame
    told: pd.DataFrame
    types: frozenset[str]
    start: Any
    end: Any
    timezone: ZoneInfo
    known: dict[str, str]
    watched: dict[str, str]
    reports: tuple[tuple[str, str, str], ...] = ()
    _found: dict[Any, Any] = field(default_factory=dict)

    @property
    def only_analytics(self) -> bool:
        """Return whether the log holds exports and feedback alone, as a filtered download does."""
        return self.types <= set(ANALYTICS)

    @cached_property
    def by_uuid(self) -> dict[str, Any]:
        """Return the events that are told by their uuid; what is missing is None."""
        return {row.uuid: row for row in rows_of(known_only(self.told, _TEXTS))}

    @cached_property
    def timed(self) -> list[Any]:
        """Return the events that have a time, in its order."""
        return [event for event in self.by_uuid.values() if event.published is not None]

    @cached_property
    def by_actor(self) -> dict[str, list[Any]]:
        """Return what people did themselves, in the order of time."""
        return grouped((event.actor_id, event) for event in self.timed if event.acting)

    @cached_property
    def by_person(self) -> dict[str, list[Any]]:
        """Return what people did and what was done to them, in the order of time."""
        return grouped((one, event) for event in self.timed for one in {event.actor_id, event.target_user_id})

    @cached_property
    def settings(self) -> dict[str, list[Any]]:
        """Return changes of identity providers and policies by the address they were made from, in order of time."""
        return grouped((one.ip_address, one) for one in self.timed if one.event_type.startswith(_SETTINGS))

    @cached_property
    def by_session(self) -> dict[tuple[str, str], list[Any]]:
        """Return the events of sessions by session and type, in the order of time."""
        return grouped(((event.external_session_id, event.event_type), event) for event in self.timed)

    @cached_property
    def exported(self) -> dict[str, list[Any]]:
        """Return what people asked for or took, in the order of time."""
        return grouped(
            (one.actor_id, one)
            for one in self.timed
            if one.event_type in (REQUEST, DOWNLOAD) and is_done(one.outcome_result)
        )

    @cached_property
    def by_judged(self) -> dict[str, list[Any]]:
        """Return the feedback that was given, by the uuid of the detection that it judges."""
        given = (one for one in self.by_uuid.values() if one.event_type == FEEDBACK and is_done(one.outcome_result))
        return grouped((one.judged_uuid and bare_uuid(one.judged_uuid), one) for one in given)

    @cached_property
    def tallies(self) -> dict[str, "Tally"]:
        """Return the exports of people and of addresses, each kind of step by itself, under `key_of` them."""
        steps = [one for several in self.exported.values() for one in several if one.acting]
        steps.sort(key=lambda one: (one.published, one.uuid))
        tallied = grouped((key_of(key, one), one) for one in steps for key in (one.actor_id, one.ip_address) if key)
        return {key: Tally(several, _peaks(several)) for key, several in tallied.items()}

    def of_kind(self, person: str, kinds: tuple[str, ...]) -> Any:
        """Return what a person did or underwent whose type begins in one of some ways, in the order of time."""
        key = (person, kinds)
        if key not in self._found:
            self._found[key] = [one for one in self.by_person.get(person, []) if one.event_type.startswith(kinds)]
        return self._found[key]

    @cached_property
    def _sessions(self) -> list[dict[str, Any]]:
        """Return the places in `frame` of the events of each session, by its own id and by that of its root."""
        keys = known_only(self.frame[[*_SESSIONS]], _SESSIONS)
        return [keys.groupby(name).indices for name in _SESSIONS]

    @cached_property
    def times(self) -> Any:
        """Return the times of `frame` in UTC, as an array."""
        return self.frame["published"].dt.tz_convert(None).to_numpy()

    @cached_property
    def consoles(self) -> Any:
        """Return which events of `frame` opened the Admin Console, as an array."""
        return opens_console(self.frame).to_numpy(bool)

    @cached_property
    def sign_ins(self) -> Any:
        """Return which events of `frame` are part of a sign-in, as an array."""
        return self.frame["event_type"].str.startswith(types_of("sign_in")).to_numpy(bool)

    def inside(self, event: Any) -> Any:
        """Return the places in `frame` of what the session and the root session of an event hold until then."""
        keys = frozenset(key for key in (event.external_session_id, event.root_session_id) if key)
        if keys not in self._found:
            places = [index[key] for key in keys for index in self._sessions if key in index]
            self._found[keys] = np.unique(np.concatenate(places))
        places = self._found[keys]
        return places[: self.times[places].searchsorted(event.published.to_datetime64(), "right")]

    @cached_property
    def changes(self) -> dict[str, list[Any]]:
        """Return the changes of sessions by session; what is missing is None."""
        changes = find_session_changes(self.frame.dropna(subset="external_session_id"))
        kinds = changes.merge(self.frame[["uuid", "event_type"]], on="uuid").rename(columns={"at": "published"})
        return grouped((row.session, row) for row in rows_of(kinds))

    @cached_property
    def legs(self) -> dict[str, list[Any]]:
        """Return the journeys that nobody can make, by actor, with the time of arrival as `published`."""
        journeys = find_travel(self.frame).rename(columns={"to_at": "published"})
        return grouped((row.actor_id, row) for row in rows_of(journeys))

    @cached_property
    def hours(self) -> dict[str, Any]:
        """Return for each actor the hours in which something was done, counted since 1970 by the analyst's clock."""
        acting = self.frame[self.frame["acting"]]
        local = acting["published"].dt.tz_convert(self.timezone).dt.tz_localize(None).dt.as_unit("s")
        return {actor: np.unique(hours) for actor, hours in (local.astype("int64") // 3600).groupby(acting["actor_id"])}

    @cached_property
    def _early(self) -> dict[str, int]:
        early = self.frame["acting"] & (self.frame["published"] < self.start + BASELINE)
        return dict(self.frame.loc[early, "actor_id"].value_counts())

    def is_cold(self, event: Any) -> bool:
        """Return whether the log does not show what is usual for who did something: it or they had only just begun."""
        return bool(event.published < self.start + BASELINE) or self._early.get(event.actor_id, 0) < MINIMUM

    @cached_property
    def accounts(self) -> dict[tuple[str, str], list[Any]]:
        """Return for each device and session the first thing that every user did with it, by column and value."""
        acting = known_only(self.frame[self.frame["acting"]], _TEXTS).dropna(subset="actor_id")
        firsts = {column: acting.drop_duplicates(["actor_id", column]) for column in ("dt_hash", "external_session_id")}
        rows = ((column, row) for column, first in firsts.items() for row in rows_of(first.dropna(subset=column)))
        return grouped(((column, getattr(row, column)), row) for column, row in rows)

    def is_new(self, event: Any, column: str) -> bool | None:
        """Return whether its person had never acted from there until the day before, None where nobody can say."""
        value = getattr(event, column)
        if None in (value, event.actor_id, event.published):
            return None
        earlier = self._places(column).get(event.actor_id, _NOWHERE).loc[: event.published - _DAY]
        form = COMPARED.get(column, str)
        if form(value) in {form(one) for one in earlier.unique()}:
            return False
        return None if self.only_analytics or self.is_cold(event) or len(earlier) < MINIMUM else True

    def _places(self, column: str) -> dict[str, pd.Series]:
        """Return for each actor where, or with what, something was done, indexed by time, in its order."""
        if column not in self._found:
            acting = self.frame.loc[self.frame["acting"], ["actor_id", column, "published"]]
            acting = known_only(acting, [column]) if column in _TEXTS else acting
            places = acting.dropna().set_index("published")
            self._found[column] = dict(iter(places[column].groupby(places["actor_id"])))
        places_of: dict[str, pd.Series] = self._found[column]
        return places_of

    @property
    def cold(self) -> str:
        """Return in words why the log does not show what is usual for somebody."""
        if self.only_analytics:
            return "which holds no sign-in events"
        return f"with fewer than {MINIMUM} events of this person in its first {BASELINE.days} days, or not past them"

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
    """A row of the export ledger, the events by which a report was asked for and taken, and which download it is.

    `steps` are those of the two that there are, `uuids` the steps of all three. A download that was refused or not
    decided is a step, too, but only an `attempt`: nothing was `taken`.
    """

    export: Any
    asked: Any
    taken: Any
    turn: int
    steps: tuple[Any, ...]
    uuids: tuple[str, ...]
    attempt: Any = None
    void: Answer | None = None

    @property
    def last(self) -> Any:
        """Return the last thing a person did or tried: the download, or else the request."""
        return self.steps[-1] if self.steps else None


def collect_evidence(
    events: Events,
    helper: str,
    core: pd.DataFrame,
    kinds: tuple[str, ...],
    columns: tuple[str, ...] = (),
    *,
    judged: Iterable[str] = (),
    timezone: str = "UTC",
    known: Any = None,
    watch: Any = None,
    reports: tuple[tuple[str, str, str], ...] = (),
) -> Evidence:
    """Return the evidence of some events: what their people did or underwent, and what else their sessions hold.

    `kinds` are the beginnings of the event types that are told, `columns` what else `frame` needs.
    """
    frame = table(events, helper, dict.fromkeys((*_FRAME, *columns, *_TOLD)))
    span = collect(frame.select(start_us=nw.col("published_us").min(), end_us=nw.col("published_us").max()))
    types = frozenset(collect(frame.select("event_type").unique())["event_type"].dropna())
    people = core.loc[~core["actor_type"].isin(SYSTEM), "actor_id"]
    users = sorted({*people.dropna(), *core["target_user_id"].dropna()})
    named = nw.col("uuid").is_in(sorted({*core["uuid"], *judged}))
    keys = [key for key in (*_SESSIONS, "dt_hash") if key in core]
    beside = reduce(or_, (nw.col(key).is_in(known_values(core, key)) for key in keys), named)
    tied = reduce(or_, (nw.col(key).is_in(users) for key in ("actor_id", "target_user_id")), beside)
    telling, settings = (
        nw.col("event_type").is_in(sorted({*some, *(one for one in types if one.startswith(some))}))
        for some in (kinds, _SETTINGS)
    )
    near = nw.col("ip_address").is_in(known_values(core, "ip_address")) & settings if "ip_address" in core else named
    factors = (nw.col("event_type") == MFA) & (beside | (tied & ~done()))
    surroundings = _collected(frame, (*_FRAME, *columns), tied & ~nw.col("published_us").is_null())
    rows = _collected(frame, _TOLD, named | (tied & telling) | near | factors)
    labels, seen = (labels_by_uuid(rows, one) for one in (known, watch))
    return Evidence(surroundings, rows, types, span["start"][0], span["end"][0], zone(timezone), labels, seen, reports)


def _collected(frame: nw.LazyFrame[Any], columns: Iterable[str], where: nw.Expr) -> pd.DataFrame:
    """Return some columns of some events, each once and in the order of time, and whether somebody acted."""
    picked = pick(frame, (*columns, "published_us"), where).with_columns(acting=is_deliberate())
    events = in_order(collect(picked))
    core = events["event_type"].isin(ANALYTICS)  # of two events with one uuid, those that are asked about count
    events = events[core | ~events["uuid"].isin(events["uuid"][core])].drop_duplicates("uuid", ignore_index=True)
    return events.assign(acting=events["acting"].fillna(False).astype(bool), event_type=events["event_type"].fillna(""))


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


def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """Return the second ones by the first; those whose first is missing are left out."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        if key is not None:
            groups[key].append(value)
    return dict(groups)


def rows_of(frame: pd.DataFrame) -> Any:
    """Return the rows of a frame as tuples with names; what is missing is None."""
    values = frame.astype(object)
    return values.where(values.notna(), None).itertuples(index=False, name="Row")
