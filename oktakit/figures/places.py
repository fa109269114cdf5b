"""Figures of places: countries on a map, networks as bars."""

import functools
import json
import math
from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ..analysis.places import locate
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MAP: Final[dict[str, dict[str, Any]]] = {
    "land": {"fill": "toself", "fillcolor": "#dcdcdc", "line": {"color": "#b5b5b5", "width": 0.5}},
    "borders": {"line": {"color": "white", "width": 1}},
}

_POSITIONS = {"top center": (0, 8), "middle right": (1, 0), "bottom center": (0, -8), "middle left": (-1, 0)}


def add_world(figure: "Figure", axis: str = "", **places: Any) -> None:
    """Draw the outlines on the axes x and y with that number; the view never fits the data."""
    for part, style in _MAP.items():
        series = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, **style, **outline(part)}
        figure.add_scatter(xaxis=f"x{axis}", yaxis=f"y{axis}", **series)
    x = {"range": [-170, 190], "visible": False, "constrain": "domain", "anchor": f"y{axis}"}
    y = {"range": [-58, 84], "visible": False, "constrain": "domain", "constraintoward": "top", "anchor": f"x{axis}"}
    y |= {"scaleanchor": f"x{axis}", "scaleratio": 1.25} | places
    figure.update_layout({f"xaxis{axis}": x, f"yaxis{axis}": y})


def east(lon: float) -> float:
    """Return where a longitude is drawn: the map is cut between Alaska and Siberia, at 170 degrees west."""
    return lon if lon >= -170 else lon + 360


def labelled(places: pd.DataFrame, names: Iterable[str]) -> dict[Any, str]:
    """Return the rows whose names fit without hiding an earlier one or a mark, and where each name stands.

    Boxes are those of a page of 680 pixels, the narrowest: there a degree is less than two pixels wide.
    """
    chosen: dict[Any, str] = {}
    boxes = [(east(row.lon) - 4, row.lat - 4, east(row.lon) + 4, row.lat + 4) for row in places.itertuples()]
    for row, name in zip(places.itertuples(), names, strict=True):
        wide = 3.6 * max(len(name), 3)
        for position, (side, north) in _POSITIONS.items():
            left, low = east(row.lon) + side * (wide + 12) / 2 - wide / 2, row.lat + north - 3
            box = (left, low, left + wide, low + 6)
            if not any(_overlap(box, other) for other in boxes):
                chosen[row.Index] = position
                boxes.append(box)
                break
    return chosen


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@functools.cache
def outline(part: str) -> dict[str, Any]:
    """Return longitudes and latitudes of land or borders; NaN lifts the pen. 4 bytes a number keep the figure small."""
    lines = json.loads(resources.files("oktakit.figures").joinpath("outline.json").read_text("utf-8"))[part]
    path = np.array([value for line in lines for value in (*line, math.nan, math.nan)], dtype="float32")
    return {"x": path[::2], "y": path[1::2]}


_COUNTRY = ("country", "events", "actors", "downloads", "first", "last")

_NETWORK = ("as_number", "as_org", "is_proxy", "ip_categories", "events", "actors", "first", "last")

_PROXIES = {"proxy": (draw.RED, "/"), "not a proxy": (draw.BLUE, ""), f"proxy {draw.MISSING}": (draw.GREY, ".")}


def plot_geo(geo: pd.DataFrame) -> "Figure":
    """Draw events as bubbles on a map, one per country; countries with downloads stand out.

    Parameters
    ----------
    geo : pandas.DataFrame
        The answer of `summarize_geo`.

    Returns
    -------
    plotly.graph_objects.Figure
        The area of a bubble grows with the events. It sits at the label point of the country, which is not where
        anybody was. Countries that the map does not know, and events without one, are named below it.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"country": ["Malta", "Atlantis"], "events": [3, 1], "actors": 1, "downloads": 0})
    >>> plot_geo(frame.assign(first=pd.NaT, last=pd.NaT)).layout.annotations[0].text
    'not on map: Atlantis (1)'
    """
    geo = draw.require("plot_geo", geo, _COUNTRY)
    if geo.empty:
        return draw.no_events("Events by country")
    points = locate(geo["country"]).dropna(subset="lat").set_index("country")
    downloads = pd.to_numeric(geo["downloads"]).astype("float64").fillna(0).astype(int)
    rows = geo.assign(lat=geo["country"].map(points["lat"]), lon=geo["country"].map(points["lon"]), downloads=downloads)
    placed = rows[rows["lat"].notna()].sort_values("events", ascending=False, kind="stable")
    missed = rows[rows["lat"].isna()]
    counted = f"events: {geo['events'].sum():,} · countries on the map: {len(placed):,}"
    figure = draw.new_figure("Events by country", counted, 520, {"events without a place": int(missed["events"].sum())})
    add_world(figure)
    for name, color in (("without downloads", draw.BLUE), ("with downloads", draw.RED)):
        rows = placed[placed["downloads"].gt(0) == (name == "with downloads")]
        if len(rows):
            _add_bubbles(figure, name, color, rows, placed)
    return draw.with_legend(draw.with_note(figure, _not_on_map(missed)))


def plot_proxy(proxy: pd.DataFrame) -> "Figure":
    """Draw events by network as bars: proxies, others, and those of which the log does not say.

    Parameters
    ----------
    proxy : pandas.DataFrame
        The answer of `summarize_proxy`.

    Returns
    -------
    plotly.graph_objects.Figure
        One bar per network in the colour of Okta's flag, with its categories below its name: they may disagree. Of more
        than 60 networks, those with most events are drawn and the rest is counted.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"as_number": [64500], "as_org": "Example", "ip_categories": "VPN", "is_proxy": True})
    >>> frame = frame.assign(events=3, actors=1, first=pd.NaT, last=pd.NaT)
    >>> plot_proxy(frame).layout.yaxis.ticktext
    ('<b>AS64500 Example</b><br>VPN',)
    """
    proxy = draw.require("plot_proxy", proxy, _NETWORK)
    if proxy.empty:
        return draw.no_events("Events by network")
    rows = draw.heaviest(proxy, proxy["events"])
    rows = rows.assign(lane=range(len(rows)), label=_networks(rows))
    kind = rows["is_proxy"].astype("boolean").map({True: "proxy", False: "not a proxy"}).fillna(f"proxy {draw.MISSING}")
    missed = {"networks": len(proxy) - len(rows)}
    counted = f"events: {proxy['events'].sum():,} · networks: {len(proxy):,}"
    figure = draw.new_figure("Events by network", counted, 180 + 40 * len(rows), missed)
    for name in _PROXIES:
        if kind.eq(name).any():
            _add_bars(figure, name, rows[kind == name])
    figure.update_layout(legend_title_text="Okta's flag:")
    dtick = 1 if rows["events"].max() < 10 else None
    draw.with_lanes(figure, rows["label"].tolist()).update_xaxes(title="events", tickformat=",d", dtick=dtick)
    return draw.with_legend(figure)


def _networks(rows: pd.DataFrame) -> list[str]:
    numbers = ["" if pd.isna(number) else f"AS{int(number)} " for number in rows["as_number"]]
    names = [f"<b>{number}{org}</b>" for number, org in zip(numbers, draw.texts(rows["as_org"], 36), strict=True)]
    categories = rows["ip_categories"].where(rows["ip_categories"].fillna("").ne(""), "no categories")
    return [f"{name}<br>{words}" for name, words in zip(names, draw.texts(categories, 44), strict=True)]


def _add_bubbles(figure: "Figure", name: str, color: str, rows: pd.DataFrame, placed: pd.DataFrame) -> None:
    largest = placed["events"].max()
    order = placed.sort_values(["downloads", "events"], ascending=False, kind="stable")
    named = labelled(order, draw.texts(order["country"], 30))
    names = draw.texts(rows["country"], 30)
    figure.add_scatter(
        x=[east(lon) for lon in rows["lon"]],
        y=rows["lat"].tolist(),
        name=name,
        mode="markers+text",
        text=[name if index in named else "" for index, name in zip(rows.index, names, strict=True)],
        textposition=[named.get(index, "top center") for index in rows.index],
        marker={"color": color, "opacity": 0.75, "size": [8 + 26 * math.sqrt(n / largest) for n in rows["events"]]},
        customdata=list(zip(names, rows["events"], rows["actors"], rows["downloads"], strict=True)),
        hovertemplate="%{customdata[0]}<br>events: %{customdata[1]}<br>actors: %{customdata[2]}<br>"
        "downloads: %{customdata[3]}",
        meta=draw.summary(
            len(rows), rows["events"].sum(), draw.to_utc(rows["first"]).min(), draw.to_utc(rows["last"]).max()
        ),
    )


def _add_bars(figure: "Figure", name: str, rows: pd.DataFrame) -> None:
    color, pattern = _PROXIES[name]
    figure.add_bar(
        x=rows["events"].tolist(),
        y=rows["lane"].tolist(),
        name=name,
        orientation="h",
        marker={"color": color, "pattern": {"shape": pattern, "fillmode": "overlay", "fgcolor": "white", "size": 7}},
        texttemplate="%{x:,d}",
        textposition="outside",
        cliponaxis=False,
        customdata=rows["actors"].tolist(),
        hovertemplate="events: %{x}<br>actors: %{customdata}",
        meta=draw.summary(
            len(rows), rows["events"].sum(), draw.to_utc(rows["first"]).min(), draw.to_utc(rows["last"]).max()
        ),
    )


def _not_on_map(rows: pd.DataFrame) -> str:
    """The countries without a place, three to a line, in words."""
    names = draw.texts(rows["country"].where(rows["country"].notna(), f"country {draw.MISSING}"), 40)
    parts = [f"{name} ({count:,})" for name, count in zip(names, rows["events"], strict=True)]
    parts = parts if len(parts) <= 12 else [*parts[:11], f"and {len(parts) - 11} more"]
    lines = [", ".join(parts[at : at + 3]) for at in range(0, len(parts), 3)]
    return "not on map: " + ",<br>".join(lines) if lines else ""
