"""What all figures share: how they look, what leaves the page (nothing), and their twin in words.

plotly is imported when the first figure is made.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from . import safe, schema
from .errors import ColumnError, InputError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONFIG: Final = {"showSendToCloud": False, "displaylogo": False, "typesetMath": False, "plotlyServerURL": ""}
"""No upload button, no link away, no formulas made of log text. For every place that draws our figures."""

MISSING: Final = "not reported"
FAILED: Final = "generate that failed"
LANES: Final = 60
"""No figure has more rows than this; what does not fit is counted in words."""

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8C8C8C"
STYLES: Final = {
    "other events": (GREY, "circle", 6),
    schema.REQUEST: (BLUE, "circle-open", 15),
    schema.GENERATE: (GREEN, "square", 7),
    schema.DOWNLOAD: (RED, "diamond-open", 12),
    schema.FEEDBACK: (PURPLE, "star", 12),
    FAILED: ("black", "x", 11),
}
"""Colour, symbol and size by event type: open over filled, so that marks of one moment stay apart."""

_AXIS = {"gridcolor": "#e6e6e6", "linecolor": "#8c8c8c", "zeroline": False, "automargin": True}
_TEMPLATE = {
    "layout": {
        "font": {"color": "#222", "size": 12},
        "paper_bgcolor": "white",  # a white card reads in the light and in the dark theme
        "plot_bgcolor": "white",
        "xaxis": _AXIS,
        "yaxis": _AXIS | {"tickfont": {"size": 11}},
        "title": {
            "x": 0,
            "xanchor": "left",
            "xref": "paper",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 14},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        "showlegend": True,
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": {"color": "#222"}},
        "margin": {"l": 20, "r": 30, "t": 120, "b": 60},
    }
}


def require(helper: str, frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise ColumnError unless `frame` has all `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ColumnError.missing(helper, missing, [str(column) for column in frame.columns])


def new_figure(title: str, note: str, height: int, not_drawn: dict[str, int] | None = None) -> "Figure":
    """Return an empty figure with a title, a note below it and what it leaves out, in words."""
    import plotly.graph_objects as go

    enable_renderer()
    left_out = {why: count for why, count in (not_drawn or {}).items() if count}
    words = [note, *(f"not drawn: {count:,} {why}" for why, count in left_out.items())]
    figure = go.Figure(layout={"template": _TEMPLATE, "height": height, "meta": {"not_drawn": left_out}})
    return figure.update_layout(title={"text": title, "subtitle": {"text": " · ".join(filter(None, words))}})


def no_events(title: str) -> "Figure":
    """Return a figure that says that there is nothing to draw."""
    figure = new_figure(title, "", 160).update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.add_annotation(text="no events", showarrow=False, font={"size": 16}, x=0.5, y=0.5, xref="paper")


def lanes(figure: "Figure", labels: Sequence[str]) -> "Figure":
    """Return `figure` with one labelled row per label, from the top; positions are row numbers, never log text."""
    places = list(range(len(labels)))
    return figure.update_yaxes(
        tickvals=places, ticktext=list(labels), range=[len(labels) - 0.4, -0.6], ticklabelstandoff=6
    )


def time_axis(figure: "Figure", times: "pd.Series[Any]") -> "Figure":
    """Return `figure` with a UTC axis that has room around its marks, even around a single one."""
    figure.update_xaxes(type="date", title="time (UTC)", tickangle=0, nticks=7, hoverformat="%Y-%m-%d %H:%M:%S")
    if times.empty:
        return figure
    room = max((times.max() - times.min()) / 25, pd.Timedelta(30, "s"))
    return figure.update_xaxes(range=stamps([times.min() - room, times.max() + room]))


def facts(marks: int, events: Any, first: Any, last: Any) -> dict[str, Any]:
    """Return what `describe` later tells about a series."""
    ends = [None if pd.isna(end) else end.isoformat() for end in (first, last)]
    return {"marks": marks, "events": int(events), "first": ends[0], "last": ends[1]}


def utc(times: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return times as UTC, also when a column of nothing but nulls has no type."""
    return pd.to_datetime(times, utc=True)


def stamps(times: "Iterable[pd.Timestamp]") -> list[str]:
    """Return times as plotly's own text, in UTC."""
    return [time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] for time in times]


def shown(values: "pd.Series[Any]", limit: int = 80) -> list[str]:
    """Return the texts of a column, safe to draw; a null is said, never left out."""
    return [MISSING if pd.isna(value) else safe.plot(value, limit) for value in values]


def most(frame: pd.DataFrame, weight: "pd.Series[Any]") -> pd.DataFrame:
    """Return the LANES rows of most weight, in their own order."""
    heaviest = weight.reset_index(drop=True).sort_values(ascending=False, kind="stable").index[:LANES]
    return frame.iloc[sorted(heaviest)]


def enable_renderer() -> None:
    """Make every renderer of plotly keep figures on this page, and name the one for notebooks `oktakit`.

    What somebody set on purpose stays. Calling it again changes nothing.
    """
    import plotly.io as pio

    for name in pio.renderers:
        renderer = pio.renderers[name]
        if hasattr(renderer, "config"):
            renderer.config = CONFIG | (renderer.config or {})
    pio.renderers["oktakit"] = pio.renderers["plotly_mimetype"]


def describe(figure: "Figure") -> pd.DataFrame:
    """Return what a figure of this package shows, in words: for screen readers, print and tests.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The answer of any `plot_` function.

    Returns
    -------
    pandas.DataFrame
        One row per series: `series`, `marks` drawn, `events` they stand for, `first` and `last` event (UTC). What is
        left out follows, with no marks.

    Raises
    ------
    InputError
        If the figure comes from elsewhere.

    Examples
    --------
    >>> import pandas as pd
    >>> from oktakit.plot import plot_geo
    >>> geo = pd.DataFrame({"country": ["Malta", None], "events": [3, 1], "actors": 1, "downloads": 0,
    ...                     "first": pd.NaT, "last": pd.NaT})
    >>> describe(plot_geo(geo))
                                 series  marks  events first last
    0                 without downloads      1       3   NaT  NaT
    1  not drawn: events without a place      0       1   NaT  NaT
    """
    meta = figure.layout.meta
    if not isinstance(meta, dict) or "not_drawn" not in meta:
        raise InputError("describe needs a figure made by a plot_ function of this package; found another one.")
    drawn = [trace for trace in figure.data if trace.meta]
    rows = [(trace.name, *(trace.meta[key] for key in ("marks", "events", "first", "last"))) for trace in drawn]
    rows += [(f"not drawn: {why}", 0, count, None, None) for why, count in meta["not_drawn"].items()]
    table = pd.DataFrame(rows, columns=["series", "marks", "events", "first", "last"])
    return table.assign(first=utc(table["first"]), last=utc(table["last"]))
