"""The way of a person: places on a map, and below it the same places over time."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import pandas as pd

from ..analysis.actors import DELIBERATE_COLUMNS, is_deliberate
from ..analysis.places import has_coordinates, locate
from ..log.keys import known_only
from ..log.log import Log
from . import style as draw
from .places import add_world, east, labelled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLORS: Final = (draw.RED, draw.BLUE, draw.GREEN, draw.ORANGE, draw.PURPLE, "black")
_COLUMNS = ("uuid", "published", "actor_alternate_id", "country", "city", "lat", "lon", "is_proxy", "ip_categories")
_PROXY = {f"proxy {draw.MISSING}": "square-open", "not a proxy": "circle-open", "proxy": "diamond-open"}  # rising
_NOTE = f"○ not a proxy, ◇ proxy, □ proxy {draw.MISSING} · way within an hour solid, later dotted"
EXACT: Final = "coordinates"
_QUICK: Final = pd.Timedelta("1h")
_MAP_HEIGHT: Final = 380
_PLACE = ["person", "place", "numbers", "events", "proxy", "basis"]
_STOP = ["person", "place", "number", "until", "events", "proxy", "basis"]


def plot_movements(events: pd.DataFrame | Log, actor: str | Iterable[str] | None = None) -> "Figure":
    """Draw where a person was, on a map and over time below it: numbered stops, and the way from one to the next.

    Two rows that are busy in turn at one time are two places at once. Left out, and counted, are Okta's own events and
    attempts that were refused before there was a session, as in `find_travel`, and what has no time or no place.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events` or some of its rows.
    actor : str or iterable of str, optional
        Ids or logins of those to draw. Without it, those with most places are drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        One mark per stop, which is a run of events within 0.1 degrees, through a proxy or not; a stop is no proxy if
        one of its events says so and none says otherwise. At most six people and 60 places. An event without
        coordinates is at the label point of its country, and its place says "country only". Places are those of
        addresses, not of people.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> figure = plot_movements(read_log(make_log("stolen_report").records).events, "carla.holm@example.com")
    >>> figure.layout.yaxis.ticktext
    ('New York, United States', 'Bucharest, Romania')
    """
    title = "Places of a person over time"
    events = draw.require("plot_movements", events, dict.fromkeys((*_COLUMNS, *DELIBERATE_COLUMNS)))
    rows = events
    if actor is not None:
        names = [actor] if isinstance(actor, str) else list(actor)
        rows = events[events["actor_id"].isin(names) | events["actor_alternate_id"].isin(names)]
    if rows.empty:
        return draw.no_events(title)
    deliberate = nw.from_native(rows.reset_index(drop=True)).filter(is_deliberate()).to_native()
    timed = deliberate[deliberate["published"].notna()]
    placed = _placed(timed)
    stops, missed = _chosen(_stops(placed))
    missed |= {"events (Okta system or denied)": len(rows) - len(deliberate)}
    missed |= {"events without a time": len(deliberate) - len(timed)}
    missed |= {"events without a place": len(timed) - len(placed)}
    counted = f"events: {len(rows):,} · people: {stops['person'].nunique():,} · stops: {len(stops):,}"
    figure = draw.new_figure(title, f"{counted} · {_NOTE}", _MAP_HEIGHT, missed)
    people = list(dict.fromkeys(stops["person"]))
    _lay_out(figure, stops, len(people))
    for place, name in enumerate(people):
        theirs = stops[stops["person"] == name]
        theirs = theirs.assign(lane=theirs["lane"] + (place - (len(people) - 1) / 2) * 0.6 / len(people))
        _add_way(figure, theirs, _COLORS[place])
        _add_places(figure, theirs, _COLORS[place], 13 + 5 * place)
        _add_stops(figure, theirs, _COLORS[place])
    _add_names(figure, stops, len(people))
    return draw.with_legend(figure)


def _placed(events: pd.DataFrame) -> pd.DataFrame:
    """The events that have a place: coordinates, or the label point of their country."""
    clean = known_only(events, ["country", "city"])
    points = locate(clean["country"].dropna().unique()).set_index("country")
    exact = has_coordinates(clean)
    town = clean["city"].fillna("").astype(str) + clean["city"].notna().map({True: ", ", False: ""})
    names = town + clean["country"].fillna(f"country {draw.MISSING}").astype(str)
    rough = clean["country"].astype(str) + " (country only)"
    placed = events.assign(place=names.where(exact, rough), where=clean["country"])
    placed = placed.assign(basis=exact.map({True: EXACT, False: "country only"}), proxy=_proxy(clean))
    placed = placed.assign(at=draw.to_utc(events["published"]), person=draw.actor_names(events))
    for name in ("lat", "lon"):
        placed[name] = clean[name].where(exact, clean["country"].map(points[name])).astype("float64")
    return placed[placed["lat"].notna()]


def _proxy(events: pd.DataFrame) -> "pd.Series[Any]":
    """Okta's flag and all other evidence: yes, no, or not reported."""
    flag = events["is_proxy"].astype("boolean")
    kind = flag.map({True: "proxy", False: "not a proxy"}).astype(object).fillna(f"proxy {draw.MISSING}")
    return kind.mask(events["ip_categories"].fillna("").ne(""), "proxy")


def _stops(placed: pd.DataFrame) -> pd.DataFrame:
    """One row per run of events of a person at one place, with a proxy or without."""
    rows = placed.sort_values(["person", "at", "uuid"], kind="stable", ignore_index=True)
    rows["spot"] = rows["lat"].round(1).astype(str) + " " + rows["lon"].round(1).astype(str)
    keys = rows[["person", "spot"]].assign(proxy=rows["proxy"].eq("proxy"))
    run = (keys != keys.shift()).any(axis=1).cumsum()
    kept = ["person", "spot", "place", "where", "basis", "lat", "lon"]
    stops = rows.assign(run=run).drop_duplicates("run").set_index("run")[kept]
    stops = stops.join(rows.groupby(run)["at"].agg(at="min", until="max", events="count"))
    stops["proxy"] = rows["proxy"].map({name: rank for rank, name in enumerate(_PROXY)}).groupby(run).max()
    stops["proxy"] = stops["proxy"].map(dict(enumerate(_PROXY)))
    return stops.assign(number=stops.groupby("person").cumcount() + 1)


def _chosen(stops: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The people with most places, and of their places those with most events; and what is left out."""
    people = stops.groupby("person")["spot"].nunique().sort_values(ascending=False, kind="stable").index[: len(_COLORS)]
    theirs = stops[stops["person"].isin(people)]
    spots = theirs.groupby("spot")["events"].sum().sort_values(ascending=False, kind="stable").index[: draw.LANES]
    near = theirs[theirs["spot"].isin(spots)].sort_values("at", kind="stable", ignore_index=True)
    lane = {spot: place for place, spot in enumerate(near["spot"].drop_duplicates())}
    kept = near[: draw.MARKS]
    reasons = ("events of other people", "events at other places", "events of later stops")
    totals = [int(part["events"].sum()) for part in (stops, theirs, near, kept)]
    left_out = {reason: before - after for reason, (before, after) in zip(reasons, pairwise(totals), strict=True)}
    return kept.assign(lane=kept["spot"].map(lane)), left_out


def _lay_out(figure: "Figure", stops: pd.DataFrame, people: int) -> None:
    """The rows of places below, the map above them."""
    places = stops.drop_duplicates("lane")["place"]
    rows = 40 + (24 + 8 * people) * len(places)
    inside = rows + 40 + _MAP_HEIGHT
    draw.with_time_axis(draw.with_lanes(figure, draw.texts(places, 44)), pd.concat([stops["at"], stops["until"]]))
    figure.update_layout(height=figure.layout.height + rows + 220, yaxis_domain=[0, rows / inside])
    add_world(figure, "2", domain=[(rows + 40) / inside, 1])


def _add_way(figure: "Figure", stops: pd.DataFrame, color: str) -> None:
    """Arrows from place to place; within one country, a place that is only a country may be the same one."""
    ends = stops.shift(-1)
    vague = (stops["where"] == ends["where"]) & ((stops["basis"] != EXACT) | (ends["basis"] != EXACT))
    vague |= stops["spot"] == ends["spot"]
    legs = stops.assign(to_lat=ends["lat"], to_lon=ends["lon"], to_at=ends["at"])
    legs["quick"] = ends["at"] - stops["until"] <= _QUICK
    legs = legs[ends["number"].eq(stops["number"] + 1) & ~vague]  # where a stop is left out, nothing is known
    for quick, dash, name in ((True, "solid", "within an hour"), (False, "dot", "later")):
        some = legs[legs["quick"] == quick]
        ways = some.drop_duplicates(["spot", "to_lat", "to_lon"])
        if ways.empty:
            continue
        x, y = _arrows(ways)
        _add_to_map(
            figure,
            x=x,
            y=y,
            name=f"way of {draw.texts(ways['person'], 40)[0]}, {name}",
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2},
            marker={"color": color, "symbol": "arrow", "size": [0, 13, 0, 0] * len(ways), "angleref": "previous"},
            hoverinfo="skip",
            meta=draw.summary(len(ways), len(some), some["until"].min(), some["to_at"].max()),
        )


def _add_to_map(figure: "Figure", **series: Any) -> None:
    figure.add_scatter(showlegend=False, xaxis="x2", yaxis="y2", **series)


def _arrows(ways: pd.DataFrame) -> tuple[list[Any], list[Any]]:
    """From place to place with an arrow after two thirds, a little to the right, so that the way back is seen too."""
    x, y = [], []
    for way in ways.itertuples():
        left, right, up = east(way.lon), east(way.to_lon) - east(way.lon), way.to_lat - way.lat
        aside = 0.8 / math.hypot(right, up)
        x += [*(left + right * part + up * aside for part in (0, 0.62, 1)), None]
        y += [*(way.lat + up * part - right * aside for part in (0, 0.62, 1)), None]
    return x, y


def _add_places(figure: "Figure", stops: pd.DataFrame, color: str, size: int) -> None:
    firsts = {name: (name, "first") for name in ("person", "place", "lat", "lon", "basis")}
    groups = stops.groupby(["spot", "proxy"], sort=False)
    places = groups.agg(**firsts, events=("events", "sum"), numbers=("number", _numbers)).reset_index()
    _add_to_map(
        figure,
        x=[east(lon) for lon in places["lon"]],
        y=places["lat"].tolist(),
        name=f"places of {draw.texts(places['person'], 40)[0]}",
        mode="markers",
        marker={"color": color, "symbol": [_PROXY[kind] for kind in places["proxy"]], "size": size, "line_width": 3},
        customdata=draw.custom_data(places, _PLACE),
        hovertemplate=draw.hover_template(_PLACE),
        meta=draw.summary(len(places), places["events"].sum(), stops["at"].min(), stops["until"].max()),
    )


def _add_stops(figure: "Figure", stops: pd.DataFrame, color: str) -> None:
    """One mark per stop in the row of its place, with its number, and a line as long as it lasted."""
    both = pd.concat([stops, stops.assign(at=stops["until"])]).sort_values(["number", "at"], kind="stable")
    name = draw.texts(stops["person"], 40)[0]
    for line, style in ((0, {"width": 1, "dash": "dot"}), (both["number"], {"width": 5})):
        draw.add_lines(figure, f"course of {name}", {"color": color} | style, both.assign(line=line), meta=None)
    draw.add_marks(
        figure,
        f"stops of {name}",
        (color, "circle", 12),
        stops,
        _STOP,
        mode="markers+text" if len(stops) <= 40 else "markers",
        text=[f"<b>{number}</b>" for number in stops["number"]],
        textposition="top center",
        textfont_color=color,
        marker={"color": color, "symbol": [_PROXY[kind] for kind in stops["proxy"]], "size": 12, "line_width": 3},
        cliponaxis=False,
        meta=draw.summary(len(stops), stops["events"].sum(), stops["at"].min(), stops["until"].max()),
    )


def _add_names(figure: "Figure", stops: pd.DataFrame, people: int) -> None:
    """The names of the places on the map, each once; of one person, with the numbers of the stops."""
    numbers = stops.groupby("spot")["number"].agg(_numbers)
    places = stops.drop_duplicates("spot")
    # The country stands in the row of the place below; with it, names would cover each other on a narrow page.
    towns = places["place"].str.split(", ").str[0]
    named = labelled(places, draw.texts(towns, 30))
    places = places.loc[list(named)]
    names = zip(draw.texts(towns[places.index], 30), places["spot"], strict=True)
    _add_to_map(
        figure,
        x=[east(lon) for lon in places["lon"]],
        y=places["lat"].tolist(),
        mode="markers+text",
        marker={"opacity": 0, "size": 13 + 5 * people},
        text=[f"<b>{numbers[spot]}</b> {name}" if people == 1 else name for name, spot in names],
        textposition=list(named.values()),
        hoverinfo="skip",
    )


def _numbers(numbers: "pd.Series[int]") -> str:
    """The first few numbers of stops.

    >>> _numbers(pd.Series([1, 3, 5, 7, 9]))
    '1, 3, 5 …'
    """
    return ", ".join(map(str, numbers[:3])) + (" …" if len(numbers) > 3 else "")
