"""The figure of the explorer: a timeline above a map, drawn again for every selection."""

import base64
import json
import math
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..analysis.places import locate
from ..figures import style as draw
from ..figures.places import east, labelled, outline
from ..schema import ANALYTICS, DOWNLOAD
from .facets import Facets

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, FigureWidget

Mask = NDArray[np.bool_]
LANES: Final = 14
"""More people than these share the last row of the timeline."""

MOMENTS: Final = 160
"""The timeline has room for so many marks beside each other."""

KINDS: Final = tuple(kind for kind in draw.STYLES if kind != draw.FAILED)
_SHOWN: Final = {"actor": "actors", "event type": "event_types", "outcome": "outcomes", "country": "countries"}
_ONE: Final = "%{x} UTC<br>" + draw.hover_template([*_SHOWN, "ip address", "uuid"]) + "<extra></extra>"
_MANY: Final = "%{x} UTC<br>" + draw.hover_template(["until", "events"])
_SPOT: Final = "%{customdata[0]}<br>events: %{customdata[1]}<br>downloads: %{customdata[2]}<extra></extra>"
_KEY: Final = '<span style="color:{}">●</span> {}'  # constants only
_STRETCH: Final = 'preserveAspectRatio="none"'


class View(NamedTuple):
    """What the figure needs of all events: their kinds, the words of each facet, and where countries lie."""

    kinds: NDArray[np.intp]
    words: dict[str, NDArray[np.object_]]
    places: pd.DataFrame


def view(facets: Facets) -> View:
    """Return what the figure needs of all events, once."""
    what = facets.facets["event_types"]
    kinds = np.array([KINDS.index(value) if value in ANALYTICS else 0 for value in what.values], dtype=np.intp)
    words = {
        name: np.array(draw.texts(pd.Series(values, dtype=object), 40), dtype=object)
        for name, (values, _) in facets.facets.items()
    }
    return View(kinds[what.codes], words, locate(facets.facets["countries"].values))


def empty_figure() -> "Figure":
    """Return the figure before anything is drawn: one series for each kind of event, then those of the map."""
    figure = draw.new_figure("Events over time", "a box drawn here or on the map narrows the selection", 860)
    figure.update_layout(dragmode="select", autosize=True, margin={"t": 105, "b": 10})
    for kind in KINDS:
        name, marker = kind.removeprefix("analytics.").removeprefix("reports."), draw.marker(draw.STYLES[kind])
        figure.add_scatter(name=name, mode="markers", marker=marker, unselected={"marker": {"opacity": 1}})
    figure.add_scatter(xaxis="x2", yaxis="y2", name="countries", mode="markers+text", showlegend=False)
    unselected = {"marker": {"opacity": 0.75}, "textfont": {"color": "#222"}}
    figure.data[-1].update(hovertemplate=_SPOT, marker_opacity=0.75, unselected=unselected, cliponaxis=False)
    layout = json.loads(resources.files("oktakit.lab").joinpath("explorer.json").read_text("utf-8"))
    return figure.update_layout(layout | {"images": [_world()]})


def _world() -> dict[str, Any]:
    """Return the outlines as a picture: as series they would be worked out again with every change."""
    parts = []
    for name, style in (("land", 'fill="#dcdcdc" stroke="#b5b5b5"'), ("borders", 'fill="none" stroke="white"')):
        x, y = outline(name).values()
        points = ("M" if np.isnan(lon) else f"{lon:.1f},{-lat:.1f}" for lon, lat in zip(x, y, strict=True))
        parts.append(f'<path d="M{" ".join(points).removesuffix("M")}" {style} stroke-width="0.3"/>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-170 -84 360 142" {_STRETCH}>{"".join(parts)}</svg>'
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    place = {"xref": "x2", "yref": "y2", "x": -170, "y": 84, "sizex": 360, "sizey": 142, "sizing": "stretch"}
    return place | {"source": source, "layer": "below"}


def new_widget(figure: "Figure") -> "FigureWidget":
    """Return the figure as a widget that keeps to the page, without a lasso, which has no twin for the keyboard."""
    import plotly.graph_objects as go

    widget = go.FigureWidget(figure)
    widget._config = draw.CONFIG | {"responsive": True, "modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}
    return widget


def lanes_of(facets: Facets, chosen: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the people with a row of their shown, and the row of each: most exports and feedback first."""
    who, what = facets.facets["actors"], facets.facets["event_types"]
    telling = np.array([value in ANALYTICS for value in what.values], dtype=bool)[what.codes[chosen]]
    weight = np.bincount(who.codes[chosen], 1 + telling * len(chosen), minlength=len(who.values))
    people = np.count_nonzero(weight)
    shown = np.sort(np.argsort(-weight, kind="stable")[: people if people <= LANES else LANES - 1])
    row = np.full(len(weight), len(shown), dtype=np.intp)
    row[shown] = np.arange(len(shown))
    return shown, row


def redraw(figure: Any, facets: Facets, view: View, chosen: Mask) -> Any:
    """Draw the chosen events into the figure and return it; what did not change is not sent again."""
    timed = chosen & facets.timed
    shown, row = lanes_of(facets, timed)
    spots, unplaced, note = _spots(facets, view, chosen)
    not_drawn = {"events without a time": int(chosen.sum() - timed.sum())}
    not_drawn["events without a place, on the map"] = unplaced
    with figure.batch_update():
        for kind, trace in enumerate(figure.data[: len(KINDS)]):
            events = np.flatnonzero(timed & (view.kinds == kind))
            trace.update(_marks(facets, view, row, events, draw.STYLES[KINDS[kind]][2]))
        figure.data[-1].update(spots)
        figure.layout.annotations[1].text = note
        figure.layout.meta = {"not_drawn": {why: count for why, count in not_drawn.items() if count}}
        if timed.any():
            _fit(figure, facets, view, timed, shown, row)
        else:  # without any time, the browser takes the axis for one of numbers: a mark that is not drawn has one
            figure.data[0].update(x=facets.written(facets.at[facets.timed][:1]), y=[None])
    return figure


def _fit(figure: Any, facets: Facets, view: View, timed: Mask, shown: NDArray[np.intp], row: NDArray[np.intp]) -> None:
    """Fit the axes of the timeline to what is drawn."""
    at, others = facets.at[timed], len(np.unique(facets.facets["actors"].codes[timed])) - len(shown)
    room = max((at.max() - at.min()) / 25, np.timedelta64(30, "s"))
    names = [*view.words["actors"][shown], *([f"{others:,} other actors"] if others > 0 else [])]
    figure.layout.xaxis.range = facets.written(np.array([at.min() - room, at.max() + room]))
    figure.layout.yaxis.update(tickvals=[*range(len(names))], ticktext=names, range=[max(len(names), 6) - 0.4, -0.6])


def _marks(facets: Facets, view: View, row: NDArray[np.intp], events: NDArray[np.intp], size: int) -> dict[str, Any]:
    """Return one mark per event of a kind, or one per row and moment when there are too many."""
    lane, at = row[facets.facets["actors"].codes[events]], facets.at[events]
    if not len(events):
        return {"x": [], "y": [], "customdata": [], "meta": None}
    if len(events) > draw.MARKS // len(KINDS):
        marks = _moments(facets, lane, at, size)
        return marks | {"meta": _summary(len(marks["x"]), len(events), at)}
    words = [view.words[name][facets.facets[name].codes[events]] for name in _SHOWN.values()]
    words += [np.array(draw.texts(facets.events[name].iloc[events]), dtype=object) for name in ("ip_address", "uuid")]
    marks = {"x": facets.written(at), "y": lane, "customdata": np.stack(words, axis=1), "hovertemplate": _ONE}
    return marks | {"marker": {"size": size}, "meta": _summary(len(events), len(events), at)}


def _summary(marks: int, events: int, at: NDArray[np.datetime64]) -> dict[str, Any]:
    """Return what `describe` tells about a series."""
    ends = np.datetime_as_string([at.min(), at.max()], unit="us", timezone="UTC").tolist() if len(at) else [None, None]
    return {"marks": marks, "events": events, "first": ends[0], "last": ends[1]}


def _moments(facets: Facets, lane: NDArray[np.intp], at: NDArray[np.datetime64], size: int) -> dict[str, Any]:
    """Return one mark per row and moment."""
    width = (at.max() - at.min()) // MOMENTS + np.timedelta64(1, "us")
    order = np.lexsort((at, (at - at.min()) // width, lane))
    lane, at, moment = lane[order], at[order], ((at - at.min()) // width)[order]
    first = np.flatnonzero(np.append(True, (np.diff(lane) != 0) | (np.diff(moment) != 0)))
    last = np.append(first[1:], len(at)) - 1
    counts = last - first + 1
    words = np.stack([np.array(facets.written(at[last]), dtype=object), counts.astype(object)], axis=1)
    marks = {"x": facets.written(at[first]), "y": lane[first], "customdata": words, "hovertemplate": _MANY}
    return marks | {"marker": {"size": size + 2 * np.log10(counts)}}


def _spots(facets: Facets, view: View, chosen: Mask) -> tuple[dict[str, Any], int, str]:
    """Return the bubbles of the map, how many events have no place on it, and the words beside it."""
    codes, taken = facets.facets["countries"].codes, view.kinds == KINDS.index(DOWNLOAD)
    rows = view.places.assign(name=view.words["countries"])
    for name, events in (("events", chosen), ("downloads", chosen & taken)):
        rows[name] = np.bincount(codes[events], minlength=len(rows))
    rows = rows[rows["events"] > 0]
    known, missed = rows[rows["lat"].notna()], rows[rows["lat"].isna()]
    names = draw.texts(missed["country"], 24)
    lines = [f"{name} ({count:,})" for name, count in zip(names, missed["events"], strict=True)]
    lines = lines if len(lines) <= 10 else [*lines[:9], f"and {len(lines) - 9} more"]
    note = [_KEY.format(draw.RED, "with downloads"), _KEY.format(draw.BLUE, "without downloads")]
    note += ["", "not on the map:", *lines] if lines else []
    at = facets.at[chosen & facets.timed & np.isin(codes, known.index)]
    meta = _summary(len(known), int(known["events"].sum()), at) if len(known) else None
    return _bubbles(known) | {"meta": meta}, int(missed["events"].sum()), "<br>".join(note)


def _bubbles(known: pd.DataFrame) -> dict[str, Any]:
    """Return one bubble per country; the last of its custom data is the place among the values of its facet."""
    order = known.sort_values(["downloads", "events"], ascending=False, kind="stable")
    named = labelled(order, order["name"])
    largest = known["events"].max()
    return {
        "x": [east(lon) for lon in known["lon"]],
        "y": known["lat"].tolist(),
        "text": [name if index in named else "" for index, name in known["name"].items()],
        "textposition": [named.get(index, "top center") for index in known.index],
        "customdata": [*zip(known["name"], known["events"], known["downloads"], known.index, strict=True)],
        "marker": {
            "color": [draw.RED if count else draw.BLUE for count in known["downloads"]],
            "size": [8 + 26 * math.sqrt(count / largest) for count in known["events"]],
        },
    }
