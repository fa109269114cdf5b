"""Sessions: one row for each, and the moments when one changed hands, machine or place.

Two whole events are compared at a time, never a patchwork of several.
"""

from functools import reduce
from operator import or_
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..log.keys import TEXT, done, known, known_only, same, were_done
from ..log.log import Events
from ..schema import CONSOLE, DOWNLOAD, FEEDBACK, REQUEST, SIGN_ON
from .actors import OWN_COLUMNS, SYSTEM, is_okta_internal, opens_console
from .engines import collect, pick, table
from .labels import label_rows, told_by
from .places import COMPARED

MOVED: Final = ("ip_address", "as_number", "country", "os", "browser", "raw_user_agent", "dt_hash", "is_proxy")
"""What a session should keep, in the order in which a change is told."""
_PLACE = ("country", "as_number", "is_proxy")  # what a database says about an address
_TEXTS = ("ip_address", "country", "os", "browser", "raw_user_agent", "dt_hash", "root_session_id")
_KINDS = {"requests": REQUEST, "downloads": DOWNLOAD, "feedback": FEEDBACK}
_SHOWN = ("ip_address", "country", "as_number", "browser", "os", "dt_hash", "is_proxy")
_WHO = ("uuid", "event_type", "outcome_result", "actor_id", "actor_alternate_id", "request_uri", "root_session_id")
CHANGE_NEEDS: Final = tuple(dict.fromkeys((*_WHO, *MOVED, *OWN_COLUMNS)))
CHANGE_COLUMNS: Final = (
    *("actor_alternate_id", "moved", "at", "explained_by"),
    *(f"{side}_{name}" for name in _SHOWN for side in ("from", "to")),
    *("after", *(f"{name}_after" for name in _KINDS), "session", "actor_id", "uuid", "previous_uuid"),
)
_DISTINCT = {
    "root_sessions": "root_session_id",
    "ip_addresses": "ip_address",
    "networks": "as_number",
    "countries": "country",
    "user_agents": "raw_user_agent",
    "dt_hashes": "dt_hash",
}
SESSION_COLUMNS: Final = (
    *("actor_alternate_id", "first", "last", "events", *_KINDS, "changes", *list(_DISTINCT)[1:]),
    *("proxy", "admin_console", "root_sessions", "session", "actor_id"),
)


def correlate_sessions(events: Events) -> pd.DataFrame:
    """Return one row per session: whose it is, how long it lasted, from how many places, and what was done in it.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.

    Returns
    -------
    DataFrame
        `session root_sessions actor_id actor_alternate_id first last events ip_addresses networks countries user_agents
        dt_hashes proxy requests downloads feedback admin_console changes`, sorted by `first`, then `session`. `session`
        is the external session id; texts such as "unknown" are no session. The actor is that of the first event that
        is not Okta's own. `root_sessions` and `ip_addresses` to `dt_hashes` count distinct values that are known,
        `networks` AS numbers. What was refused or not decided counts as no request, download, feedback
        or opening. `proxy` counts events flagged by Okta, `admin_console` openings of the Admin Console or policies
        that let somebody into it, `changes` the rows of `find_session_changes` that nothing explains.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Okta documents `externalSessionId` as the same for all events of one sign-in session. That an export without an
    opened Admin Console is worth a look comes from the Sigma rule on the password health report.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> sessions = correlate_sessions(read_log(make_log("stolen_report").records).events)
    >>> sessions.loc[sessions["countries"] > 1, ["countries", "admin_console", "changes"]].to_dict("records")
    [{'countries': 2, 'admin_console': 0, 'changes': 2}]
    """
    frame = _in_sessions(events, "correlate_sessions", (*CHANGE_NEEDS, "targets"))
    counted = _counted(frame)
    distinct = collect(counted).rename(columns={f"{column}_n": name for name, column in _DISTINCT.items()})
    parts = [_totals(frame), distinct.astype(dict.fromkeys(_DISTINCT, "int64")), _owners(frame)]
    sessions = reduce(lambda one, other: one.merge(other, how="left", on="session"), parts)
    changes = _changes(events, frame, counted)
    for name, each in (("admin_console", _consoles(frame)), ("changes", changes[changes["explained_by"].isna()])):
        sessions[name] = each.groupby("session").size().reindex(sessions["session"], fill_value=0).to_numpy("int64")
    typed = sessions.astype({"session": TEXT})
    return typed.sort_values(["first", "session"], ignore_index=True)[list(SESSION_COLUMNS)]


def _in_sessions(events: Events, helper: str, columns: tuple[str, ...]) -> nw.LazyFrame[Any]:
    """Return some columns of the events, and the session id as `session`; no row is left out yet, for speed."""
    frame = table(events, helper, (*columns, "external_session_id"))
    return frame.select(*columns, "published_us", session=nw.col("external_session_id"))


def _totals(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return when each session began and ended, and how often what was done in it."""
    flags: dict[str, Any] = {name: (nw.col("event_type") == kind) & done() for name, kind in _KINDS.items()}
    flags |= {"events": nw.lit(True), "proxy": nw.col("is_proxy")}
    marks = {name: flag.fill_null(False).cast(nw.Int64) for name, flag in flags.items()}
    marked = frame.select("session", "published_us", **marks).filter(~nw.col("session").is_null())
    times = {"first_us": nw.col("published_us").min(), "last_us": nw.col("published_us").max()}
    totals = marked.group_by("session").agg(*(nw.col(name).sum() for name in flags), **times)
    return collect(_real(totals)).astype(dict.fromkeys(flags, "int64"))


def _consoles(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return the sessions in which the Admin Console was opened, once for every time."""
    either = nw.col("event_type").is_in((CONSOLE, SIGN_ON))
    openings = collect(pick(frame, ("session", "event_type", "outcome_result", "targets"), either))
    return openings[opens_console(openings)]


def _counted(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return how many known values each session shows; nulls are marked first, because engines count them as one."""
    columns = ("root_session_id", *MOVED)
    looks = _real(frame.select("session", *columns).unique())
    marked = looks.select("session", *(known(name) if name in _TEXTS else name for name in columns))
    marked = marked.with_columns(*(nw.col(name).is_null().cast(nw.Int64).alias(f"{name}_gap") for name in columns))
    counts = marked.group_by("session").agg(
        *(nw.col(name).n_unique() for name in columns), *(nw.col(f"{name}_gap").max() for name in columns)
    )
    return counts.select("session", *((nw.col(name) - nw.col(f"{name}_gap")).alias(f"{name}_n") for name in columns))


def _real(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the rows whose session is one."""
    return frame.filter(~known("session").is_null())


def _owners(frame: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return the actor of each session's first event, people before Okta's system, from one event."""
    system = nw.col("actor_type").is_in(SYSTEM).fill_null(False) | nw.col("actor_id").is_null()
    rank = system.cast(nw.Int64) * 2**60 + nw.col("published_us").fill_null(2**59)
    ranked = frame.select("session", "uuid", "actor_id", "actor_alternate_id", rank=rank)
    first = ranked.filter(nw.col("rank") == nw.col("rank").min().over("session"))
    return collect(first.drop("rank")).sort_values("uuid").drop_duplicates("session").drop(columns="uuid")


def find_session_changes(events: Events, *, known: Any = None, watch: Any = None) -> pd.DataFrame:
    """Return one row per change within a session: what moved, from what to what, and what was done afterwards.

    Each event that has a client is compared with the one before it in its session. A value that either of them does
    not know never counts as moved. Okta's own events are compared with the event before them, and nothing with them,
    so that they hide no change.

    Parameters
    ----------
    events : Log or table
        In any of the forms that the guide names.
    known, watch : str, Path or DataFrame, optional
        Labels to count beside each row, as the guide says.

    Returns
    -------
    DataFrame
        `session actor_id actor_alternate_id at uuid previous_uuid moved`, then `from_X to_X` for X in `ip_address
        country as_number browser os dt_hash is_proxy`, then `after` (time since the previous event), `requests_after
        downloads_after feedback_after` (done in the session from this event on, itself included) and `explained_by`,
        sorted by `at`, then `uuid`. `moved` are names, blank-separated, out of `MOVED`. `explained_by` is missing for a
        change that nothing explains, or one of

        - okta_agent: the later event is Okta's own (the system, its agent "Okta-Integrations", its Admin Console);
        - same_address: the address is the same, only what a database says about it differs;
        - oauth_flow: only the device hash differs, on one address and agent, and one of the events belongs to OAuth;
        - kiosk: only the device hash differs, on one address and agent, and several actors used such a device.

        Anybody can send Okta's agent as their own: look at the explained rows too.

    Raises
    ------
    ColumnError
        If a column is missing.

    Source
    ------
    Okta's detection catalogue and Panther compare address and agent within a session; Panther excludes Okta's agent and
    the client id of the Admin Console. Elastic's threads on device hashes tell of two hashes of one OAuth grant and of
    kiosks, Panther's of addresses whose place changes.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> changes = find_session_changes(read_log(make_log("stolen_report").records).events)
    >>> changes.loc[changes["requests_after"] > 0, ["from_country", "to_country"]].to_dict("records")
    [{'from_country': 'United States', 'to_country': 'Romania'}]
    """
    frame = _in_sessions(events, "find_session_changes", CHANGE_NEEDS)
    changes = _changes(events, frame, _counted(frame))
    return label_rows(changes, events, "find_session_changes", ("uuid", "previous_uuid"), told_by(known, watch))


def _changes(events: Events, frame: nw.LazyFrame[Any], counted: nw.LazyFrame[Any]) -> pd.DataFrame:
    """Return the changes of all sessions that show more than one value of anything."""
    moving = counted.filter(nw.any_horizontal(*(nw.col(f"{name}_n") > 1 for name in MOVED), ignore_nulls=True))
    sessions = collect(moving.select("session"))["session"].tolist()
    columns = [name for name in CHANGE_NEEDS if name != "root_session_id"]
    timed = nw.col("session").is_in(sessions) & ~nw.col("published_us").is_null()
    timeline = collect(pick(frame, ("session", *columns, "published_us"), timed).with_columns(own=is_okta_internal()))
    changes = _told(_explained(_steps(timeline), events)).astype({"session": TEXT})
    return changes.sort_values(["at", "uuid"], ignore_index=True)


def _steps(events: pd.DataFrame) -> pd.DataFrame:
    """Return each event that moved something, with the event before it as `from_` columns.

    Numbers stand for values until the few rows that matter are known.
    """
    keys = events[["published", "uuid"]].assign(session=events.groupby("session", sort=False).ngroup())
    order = keys.sort_values(["session", "published", "uuid"]).index
    session = keys["session"].loc[order].reset_index(drop=True)
    kinds = events["event_type"].where(were_done(events["outcome_result"])).loc[order]
    follow = {name: _from_then_on(kinds == kind, session) for name, kind in _KINDS.items()}
    codes = pd.DataFrame({name: _codes(events[name]) for name in MOVED}).loc[order].reset_index(drop=True)
    before = _before(codes, session, events["own"].astype(bool).loc[order].reset_index(drop=True))
    now, then = codes.loc[before.index], codes.loc[before].set_axis(before.index)
    moves = (now != then) & (now >= 0) & (then >= 0)
    moves = moves[moves.any(axis=1)]
    nothing = pd.Series("", moves.index, dtype=TEXT)
    moved = reduce(lambda text, name: text + nothing.mask(moves[name], f" {name}"), MOVED, nothing).str.strip()
    rows = events.loc[order[moves.index]].reset_index(drop=True)
    last = events.loc[order[before[moves.index]]].reset_index(drop=True).add_prefix("from_")
    counts = pd.DataFrame({f"{name}_after": hits[moves.index] for name, hits in follow.items()}).reset_index(drop=True)
    return pd.concat([rows, last, counts], axis=1).assign(moved=moved.reset_index(drop=True))


def _codes(values: pd.Series) -> Any:
    """Return a number for each known value, -1 for what is not known."""
    codes, distinct = pd.factorize(values)
    if values.name in COMPARED:
        same = pd.factorize(pd.Series([COMPARED[values.name](one) for one in distinct], dtype=TEXT))[0]
        codes = np.append(same, -1)[codes]
        distinct = distinct[pd.Series(same).drop_duplicates().index]
    if values.name not in _TEXTS:
        return codes
    unknown = known_only(pd.DataFrame({"value": distinct}), ["value"])["value"].isna().to_numpy()
    return np.where(np.append(unknown, True)[codes], -1, codes)


def _from_then_on(hits: pd.Series, session: pd.Series) -> pd.Series:
    """Return how many hits a session still has from each event on, itself included."""
    backwards = hits.reset_index(drop=True).iloc[::-1]
    return backwards.groupby(session).cumsum().astype("int64")


def _before(codes: pd.DataFrame, session: pd.Series, is_own: pd.Series) -> pd.Series:
    """Return the place of the event to compare each event with: the last one of its session that is not Okta's own."""
    placed = codes["ip_address"] >= 0
    nowhere = ~placed.groupby(session).transform("any")  # a log may have lost its addresses
    client = placed | (nowhere & (codes >= 0).any(axis=1))
    place = codes.index.to_series().where(client & ~is_own)
    last = place.groupby(session).ffill().groupby(session).shift()
    return last[client].dropna().astype("int64")


def _explained(steps: pd.DataFrame, events: Any) -> pd.DataFrame:
    """Return the steps with the known benign reason of each, if there is one."""
    clean = known_only(steps, [f"{side}{name}" for side in ("", "from_") for name in ("ip_address", "raw_user_agent")])
    at_home = same(clean["from_ip_address"], clean["ip_address"]).fillna(False).astype(bool)
    alike = at_home & same(clean["from_raw_user_agent"], clean["raw_user_agent"]).fillna(False).astype(bool)
    other = [name for name in MOVED if name not in _PLACE]
    rest = steps["moved"].str.split().map(lambda names: " ".join(name for name in names if name in other)).astype(TEXT)
    rehashed = alike & (rest == "dt_hash")
    reasons = {
        "kiosk": rehashed & _shared(steps[rehashed], events).reindex(steps.index, fill_value=False),
        "oauth_flow": rehashed & (_oauth(steps, "") | _oauth(steps, "from_")),
        "same_address": at_home & (rest == ""),
        "okta_agent": steps["own"].astype(bool),
    }
    nothing = pd.Series(None, steps.index, dtype=TEXT)
    explained = reduce(
        lambda words, reason: words.mask(reasons[reason], reason), reasons, nothing
    )  # the last that fits
    return steps.assign(explained_by=explained)


def _oauth(steps: pd.DataFrame, side: str) -> pd.Series:
    """Return where one event of a step belongs to an OAuth flow."""
    grant = steps[f"{side}event_type"].str.startswith("app.oauth2.", na=False)
    return grant | steps[f"{side}request_uri"].str.contains("/oauth2/", regex=False, na=False)


def _shared(steps: pd.DataFrame, events: Any) -> pd.Series:
    """Return where several actors used one of the two devices on that address with that agent."""
    changed = steps["actor_id"] != steps["from_actor_id"]
    hashes = sorted({*steps["dt_hash"], *steps["from_dt_hash"]})
    if not hashes:
        return changed
    keys = ("dt_hash", "ip_address", "raw_user_agent")
    frame = table(events, "find_session_changes", (*keys, "actor_id"))
    others = nw.col("dt_hash").is_in(hashes) & ~is_okta_internal() & ~known("actor_id").is_null()
    users = collect(pick(frame, (*keys, "actor_id"), others).unique())
    several = pd.MultiIndex.from_frame(users[list(keys)][users.duplicated(list(keys))])
    sides = [pd.MultiIndex.from_frame(steps[[f"{side}{key}" for key in keys]]) for side in ("", "from_")]
    return changed | reduce(or_, (side.isin(several) for side in sides))


def _told(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the steps under the names of the answer."""
    names = {"published": "at", "from_uuid": "previous_uuid"} | {name: f"to_{name}" for name in _SHOWN}
    after = steps["published"] - steps["from_published"]
    return steps.assign(after=after).rename(columns=names)[list(CHANGE_COLUMNS)]
