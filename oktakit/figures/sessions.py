"""The strip of sessions: what each one kept and where it moved."""

from textwrap import wrap
from typing import TYPE_CHECKING, Final

import pandas as pd

from .. import safe
from ..log.log import Log
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_VALUES: Final = (
    (draw.BLUE, "circle"),
    (draw.RED, "square"),
    (draw.GREEN, "diamond"),
    (draw.ORANGE, "pentagon"),
    (draw.PURPLE, "hexagon"),
    ("#56B4E9", "star-square"),
)
_SESSION = "external_session_id"
_EVENTS = ("uuid", "published", "event_type", _SESSION, "actor_id", "actor_alternate_id")
_CHANGES = ("session", "uuid", "at", "moved", "explained_by", "actor_id", "actor_alternate_id")
_CHANGED = {"not explained": ("black", "triangle-down", 12), "explained": (draw.GREY, "triangle-down-open", 11)}
_SHORT = {
    "ip_address": "address",
    "as_number": "network",
    "raw_user_agent": "agent",
    "dt_hash": "device hash",
    "is_proxy": "proxy",
}
_SHOWN = ["at", "value", "event_type", "who", "uuid"]
_UNITS = {"minutes": "1min", "hours": "1h", "days": "1D"}


def plot_sessions(
    events: pd.DataFrame | Log, changes: pd.DataFrame, by: str = "country", leads: pd.DataFrame | None = None
) -> "Figure":
    """Draw sessions as strips, one row each: which country (or address, or agent) it had when, and where it moved.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events` or some of its rows.
    changes : pandas.DataFrame
        The answer of `find_session_changes`.
    by : str
        The column that gives the colours, such as "ip_address", "as_org", "browser" or "raw_user_agent".
    leads : pandas.DataFrame, optional
        The answer of `find_leads`: what it names is drawn first, and as many other rows as fit on a sheet of paper.

    Returns
    -------
    plotly.graph_objects.Figure
        One mark per event, one triangle per change; the words on the right say what moved. Rows begin together: the
        axis counts from the first event of each, whose time is in its name. Of more than 60 sessions, those with most
        changes are drawn, those that nothing explains first.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import find_session_changes, make_log, read_log
    >>> events = read_log(make_log("stolen_report").records).events
    >>> strips = plot_sessions(events, find_session_changes(events))
    >>> next(note.text for note in strips.layout.annotations if note.text != "no change")
    '<b>changes: 2</b>, explained: 0<br>address, network, country, os,<br>browser, agent, device hash'
    """
    events = draw.require("plot_sessions", events, dict.fromkeys((*_EVENTS, by)))
    changes = draw.require("plot_sessions", changes, _CHANGES)
    rows = events.assign(session=draw.known_texts(events[_SESSION]), at=draw.to_utc(events["published"]))
    rows = rows.assign(value=draw.known_texts(events[by].astype(object)), who=draw.actor_names(events))
    rows = rows.sort_values(["at", "uuid"], kind="stable")
    named = rows[rows["session"].notna()]
    timed = named[named["at"].notna()]
    title = f"Sessions and their changes, by {safe.plot(by).replace('_', ' ')}"
    if rows.empty:
        return draw.no_events(title)
    strips = _strips(timed, changes, leads)
    marks, moves = (_placed(table, strips) for table in (timed, changes.assign(at=draw.to_utc(changes["at"]))))
    missed = {"events without a session": len(rows) - len(named), "events without a time": len(named) - len(timed)}
    missed |= {"events of other sessions": len(timed) - len(marks), "changes elsewhere": len(changes) - len(moves)}
    counted = f"events: {len(events):,} · sessions: {timed['session'].nunique():,} · changes: {len(changes):,}"
    figure = draw.new_figure(title, counted, 190 + 50 * len(strips), missed)
    notes = [draw.lane_note(lane, _summary(moves[moves["lane"] == lane])) for lane in strips["lane"]]
    draw.with_lane_notes(figure, notes)
    _add_values(figure, marks)
    _add_changes(figure, moves)
    x = pd.concat([marks["x"], moves["x"]])  # a change may be of an event that is not drawn
    if len(x):
        room = max((x.max() - x.min()) / 25, 0.1)
        axis = f"{strips['unit'].iloc[0]} since the first event of the session"
        figure.update_xaxes(title=axis, range=[x.min() - room, x.max() + room])
    return draw.with_legend(draw.with_lanes(figure, _labels(strips, marks)))


def _strips(rows: pd.DataFrame, changes: pd.DataFrame, leads: pd.DataFrame | None) -> pd.DataFrame:
    """The sessions with most changes, and of these those that nothing explains, in the order of their first events."""
    strips = rows.groupby("session")["at"].agg(start="min", end="max")
    counts = changes.assign(open=changes["explained_by"].isna()).groupby("session")["open"].agg(["sum", "size"])
    ranked = strips.join(counts).sort_values(["sum", "size"], ascending=False, kind="stable", na_position="last")
    kept = ranked[: draw.LANES if leads is None else draw.SHEET].sort_values("start", kind="stable")
    if leads is not None:
        rank = draw.ranks(rows, leads, "uuid").groupby(rows["session"]).min()
        kept = ranked.assign(rank=rank).sort_values(["rank", "start"], kind="stable", na_position="last")[: draw.SHEET]
    longest = (kept["end"] - kept["start"]).max()
    unit = next((name for name, step in _UNITS.items() if longest <= 100 * pd.Timedelta(step)), "days")
    return kept.assign(lane=range(len(kept)), unit=unit)


def _placed(table: pd.DataFrame, strips: pd.DataFrame) -> pd.DataFrame:
    """The rows of drawn sessions, with their row and their time since its beginning."""
    rows = table[table["at"].notna()].join(strips[["start", "lane", "unit"]], on="session", how="inner")
    steps = pd.to_timedelta(rows["unit"].map(_UNITS).astype(object))
    return rows.assign(x=(rows["at"] - rows["start"]) / steps).reset_index(drop=True)


def _add_values(figure: "Figure", marks: pd.DataFrame) -> None:
    """One series per value: a mark per event and a bar from the first to the last before another value is seen."""
    known = marks[marks["value"].notna()].sort_values(["lane", "at", "uuid"], kind="stable")
    keys = known[["lane", "value"]]
    known = known.assign(line=(keys != keys.shift()).any(axis=1).cumsum())
    common = known["value"].value_counts().index[: len(_VALUES)]
    for value, (color, symbol) in zip(common, _VALUES, strict=False):
        name, rows = draw.texts(pd.Series([value]), 40)[0], known[known["value"] == value]
        draw.add_lines(figure, f"stretches of {name}", {"color": color, "width": 6}, rows, meta=None)
        draw.add_marks(figure, name, (color, symbol, 9), rows, _SHOWN)
    others = known[~known["value"].isin(common)]
    draw.add_lines(figure, "stretches of others", {"color": draw.GREY, "width": 6}, others, meta=None)
    draw.add_marks(figure, f"others ({others['value'].nunique():,})", (draw.GREY, "cross", 9), others, _SHOWN)
    draw.add_marks(figure, draw.MISSING, (draw.GREY, "circle-open", 7), marks[marks["value"].isna()], _SHOWN)


def _add_changes(figure: "Figure", moves: pd.DataFrame) -> None:
    raised = moves.assign(lane=moves["lane"] - 0.3)
    for kind, style in _CHANGED.items():
        chosen = raised["explained_by"].isna() == (kind == "not explained")
        draw.add_marks(figure, f"change, {kind}", style, raised[chosen], ["at", "moved", "explained_by", "uuid"])


def _summary(moves: pd.DataFrame) -> str:
    """Return what moved in a session, in words."""
    if moves.empty:
        return "no change"
    names = dict.fromkeys(name for moved in draw.texts(moves["moved"]) for name in moved.split())
    lines = wrap(", ".join(_SHORT.get(name, name) for name in names), 34)
    counted = f"<b>changes: {len(moves)}</b>, explained: {moves['explained_by'].notna().sum()}"
    return "<br>".join([counted, *lines[:2]])


def _labels(strips: pd.DataFrame, marks: pd.DataFrame) -> list[str]:
    users = marks.drop_duplicates("lane").set_index("lane")["who"].reindex(strips["lane"])
    starts = strips["start"].dt.strftime("%Y-%m-%d %H:%M UTC")
    return [f"<b>{user}</b><br>{start}" for user, start in zip(draw.texts(users, 40), starts, strict=True)]
