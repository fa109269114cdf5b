"""What all figures share: how they look, what leaves the page (nothing), and their twin in words.

plotly is imported when the first figure is made.
"""

import functools
import json
import re
from collections.abc import Collection, Iterable, Sequence
from html import unescape
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .. import safe, schema
from ..errors import ColumnError, InputError
from ..log.keys import TEXT
from ..log.log import Log, events_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONFIG: Final = {"showSendToCloud": False, "displaylogo": False, "typesetMath": False, "plotlyServerURL": ""}
"""No upload button, no link away, no formulas made of log text. For every place that draws our figures."""

MISSING: Final = "not reported"
FAILED: Final = "failed generation"
LANES: Final = 60
"""No figure has more rows than this; what does not fit is counted in words."""
SHEET: Final = 14
"""So many rows with two lines of words fit on a sheet of paper."""
MARKS: Final = 5000
"""A series with more events than this is drawn as counts per row and moment."""

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


def require(helper: str, frame: pd.DataFrame | Log, columns: Collection[str]) -> pd.DataFrame:
    """Return `frame` with all `columns` in types that bear words, too; raise ColumnError where it lacks one."""
    frame = events_of(frame)
    if missing := [column for column in columns if column not in frame.columns]:
        raise ColumnError.missing(helper, missing, [str(column) for column in frame.columns])
    odd = {name: frame[name].astype(object) for name in columns if _is_odd(frame[name])}
    return frame.assign(**{name: values.where(values.notna(), None) for name, values in odd.items()})


def _is_odd(values: "pd.Series[Any]") -> bool:
    """Return whether a column of texts may have this type in other frames than ours; one of nulls has any."""
    typed = isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype | pd.ArrowDtype)
    return (typed and values.dtype != TEXT) or bool(values.isna().all())


@functools.cache
def _template() -> dict[str, Any]:
    """Return plotly's template: a white card, which reads in the light and in the dark theme."""
    template: dict[str, Any] = json.loads(resources.files("oktakit.figures").joinpath("template.json").read_text())
    return template


def new_figure(title: str, note: str, height: int, not_drawn: dict[str, int] | None = None) -> "Figure":
    """Return an empty figure with a title, a note below it and what it leaves out, in words."""
    import plotly.graph_objects as go

    enable_renderer()
    left_out = {why: count for why, count in (not_drawn or {}).items() if count}
    lines = _wrap(note.split(" · ") * bool(note) + [f"not drawn: {count:,} {why}" for why, count in left_out.items()])
    figure = go.Figure(layout={"template": _template(), "height": height, "meta": {"not_drawn": left_out}})
    figure.update_layout(title={"text": title, "subtitle": {"text": "<br>".join(lines)}})
    return with_room(figure, 16 * (len(lines) - 1))


def with_legend(figure: "Figure") -> "Figure":
    """Return `figure`, which is not changed any more, with its legend between the words above it and what is drawn."""
    names = [trace.name for trace in figure.data if trace.name and trace.showlegend is not False]
    # plotly gives every entry the same width, and on a page of 680 pixels half of it to all of them.
    across = max(1, 330 // (50 + 6 * max(map(len, names), default=1)))
    with_room(figure, 19 * (max(1, -(-len(names) // across)) - 2))
    above = 62 + 16 * str(figure.layout.title.subtitle.text).count("<br>")
    return figure.update_layout(legend_y=1 - above / figure.layout.height)


def with_room(figure: "Figure", more: int) -> "Figure":
    """Return `figure`, higher above what is drawn and nowhere else."""
    if more <= 0:
        return figure
    margin = (figure.layout.margin.t or figure.layout.template.layout.margin.t) + more
    return figure.update_layout(margin_t=margin, height=figure.layout.height + more)


def _wrap(words: list[str], width: int = 84) -> list[str]:
    """Return words with dots between them, in lines that fit above a figure."""
    lines: list[str] = []
    for word in words:
        fits = lines and len(lines[-1]) + len(word) < width
        lines[-1:] = [f"{lines[-1]} · {word}"] if fits else [*lines[-1:], word]
    return lines


def no_events(title: str) -> "Figure":
    """Return a figure that says that there is nothing to draw."""
    figure = new_figure(title, "", 160).update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.add_annotation(text="no events", showarrow=False, font={"size": 16}, x=0.5, y=0.5, xref="paper")


def with_lanes(figure: "Figure", labels: Sequence[str]) -> "Figure":
    """Return `figure` with one labelled row per label, from the top; positions are row numbers, never log text."""
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=list(labels), range=[len(labels) - 0.4, -0.6])
    return figure.update_yaxes(ticklabelstandoff=6)


def with_time_axis(figure: "Figure", times: "pd.Series[Any]") -> "Figure":
    """Return `figure` with a UTC axis that has room around its marks, even around a single one."""
    figure.update_xaxes(type="date", title="time (UTC)", tickangle=0, nticks=7, hoverformat="%Y-%m-%d %H:%M:%S")
    if times.empty:
        return figure
    room = min(max((times.max() - times.min()) / 25, pd.Timedelta(30, "s")), pd.Timedelta(360, "D"))
    return figure.update_xaxes(range=plotly_times([times.min() - room, times.max() + room]))


def marker(style: tuple[str, str, int]) -> dict[str, Any]:
    """Return plotly's marker for a colour, a symbol and a size: the line of an open symbol is all there is of it."""
    color, symbol, size = style
    return {"color": color, "symbol": symbol, "size": size, "line": {"width": 2 if "open" in symbol else 0}}


def add_marks(
    figure: "Figure", name: str, style: tuple[str, str, int], rows: pd.DataFrame, columns: list[str], **more: Any
) -> None:
    """Draw one mark per row at `at` (or `x`) and `lane`, or one per lane and moment when there are too many."""
    if rows.empty:
        return
    ends = rows["at"].min(), rows["at"].max()
    if len(rows) > MARKS:
        rows, columns = _binned(rows), ["at", "events", "until"]
    events = rows["events"].sum() if "events" in rows else len(rows)  # one mark may stand for several
    template = hover_template(columns) if "x" in rows else "%{x} UTC<br>" + hover_template(columns)
    series = {"mode": "markers", "marker": marker(style), "meta": summary(len(rows), events, *ends)} | more
    places = {"x": _x(rows), "y": rows["lane"].tolist()}
    figure.add_scatter(name=name, customdata=custom_data(rows, columns), hovertemplate=template, **places, **series)


def add_lines(figure: "Figure", name: str, style: dict[str, Any], rows: pd.DataFrame, **more: Any) -> None:
    """Draw one line through the rows of each `line`; with `meta=None`, `describe` leaves it out as an adornment."""
    if rows.empty:
        return
    rows = rows.sort_values("line", kind="stable")
    ends = rows["line"].ne(rows["line"].shift(-1)).tolist()
    places = _x(rows)
    meta = summary(sum(ends), more.pop("events", len(rows)), rows["at"].min(), rows["at"].max())
    figure.add_scatter(
        x=[value for place, end in zip(places, ends, strict=True) for value in ([place, None] if end else [place])],
        y=[lane for lane, end in zip(rows["lane"], ends, strict=True) for _ in range(end + 1)],
        name=name,
        mode="lines",
        line=style,
        **{"hoverinfo": "skip", "showlegend": False, "meta": meta} | more,
    )


def _x(rows: pd.DataFrame) -> list[Any]:
    """Return where rows are drawn: at their time, or at a number."""
    return rows["x"].tolist() if "x" in rows else plotly_times(rows["at"])


def custom_data(rows: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    """Return what a mark tells when it is pointed at, safe to draw."""
    return list(zip(*(texts(rows[column]) for column in columns), strict=True))


def hover_template(columns: list[str]) -> str:
    """Return the words around what `hidden` holds, one line per column."""
    return "<br>".join(f"{name.replace('_', ' ')}: %{{customdata[{at}]}}" for at, name in enumerate(columns))


def summary(marks: int, events: Any, first: Any, last: Any) -> dict[str, Any]:
    """Return what `describe` later tells about a series."""
    ends = {name: None if pd.isna(end) else end.isoformat() for name, end in (("first", first), ("last", last))}
    return {"marks": marks, "events": int(events), **ends}


def to_utc(times: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return times as UTC, also when a column of nothing but nulls has no type."""
    return pd.to_datetime(times, utc=True, format="ISO8601")


def plotly_times(times: "Iterable[pd.Timestamp]") -> list[str]:
    """Return times as plotly's own text, in UTC."""
    moments = to_utc(pd.Series(times)).dt.tz_localize(None)
    return moments.to_numpy("datetime64[ms]").astype(str).tolist()  # type: ignore[no-any-return]


def known_texts(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return texts without those that stand for "not known": two people without a name are not one person."""
    return values.where(~values.astype(object).map(schema.is_sentinel).astype(bool))


def actor_names(events: pd.DataFrame) -> "pd.Series[Any]":
    """Return who did it: the login, with the id where several share it, or else the id, or else that nobody says."""
    names, ids = known_texts(events["actor_alternate_id"]), known_texts(events["actor_id"])
    shared = ids.notna() & ids.groupby(names).transform("nunique").gt(1)
    return names.mask(shared, names.astype(str) + " (" + ids.astype(str) + ")").combine_first(ids).fillna(MISSING)


def lane_note(lane: float, text: str, color: str = "#222") -> dict[str, Any]:
    """Return words on the right of a row."""
    place = {"xref": "paper", "x": 1.01, "xanchor": "left", "y": lane, "showarrow": False, "align": "left"}
    return place | {"text": text, "font": {"color": color}}


def with_lane_notes(figure: "Figure", notes: list[dict[str, Any]]) -> "Figure":
    """Return `figure` with words on the right of its rows, and room for the longest line of them."""
    lines = (line for note in notes for line in unescape(re.sub(r"</?b>", "", note["text"])).split("<br>"))
    return figure.update_layout(margin_r=20 + 7 * max(map(len, lines), default=0), annotations=notes)


def with_note(figure: "Figure", text: str, **place: Any) -> "Figure":
    """Return `figure` with words below what is drawn."""
    place |= {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 0, "yanchor": "top"}
    return figure.add_annotation(text=text, showarrow=False, align="left", font={"color": "#222"}, **place)


def texts(values: "pd.Series[Any]", limit: int = 80) -> list[str]:
    """Return the texts of a column, safe to draw; a null is said, never left out."""
    return [MISSING if pd.isna(value) else safe.plot(_plain(value), limit) for value in values]


def _plain(value: Any) -> Any:
    return f"{pd.to_datetime(value, utc=True):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, pd.Timestamp) else value


def ranks(frame: pd.DataFrame, leads: pd.DataFrame | None, *uuids: str) -> "pd.Series[Any]":
    """Return for each row the place of the first lead that names one of its uuids; nothing where no lead does."""
    places: dict[str, int] = {}
    if leads is not None:
        chosen = require("leads", leads, ("level", "exports", "feedback", "evidence"))
        chosen = chosen[chosen["level"] != "ordinary"]
        for place, row in enumerate(zip(chosen["exports"], chosen["feedback"], chosen["evidence"], strict=True)):
            for uuid in " ".join(part for part in row if not pd.isna(part)).split():
                places.setdefault(uuid, place)
    return pd.concat([frame[name].map(places).astype("float64") for name in uuids], axis=1).min(axis=1)


def leading(frame: pd.DataFrame, rank: "pd.Series[Any]", room: int = SHEET) -> pd.DataFrame:
    """Return the rows that leads name, in their order, then others in their own, as far as there is room for them."""
    order = rank.reset_index(drop=True).sort_values(kind="stable", na_position="last").index
    return frame.iloc[order[: max(room, min(int(rank.notna().sum()), LANES))]]


def short_names(*people: "pd.Series[Any]") -> tuple[list["pd.Series[Any]"], str]:
    """Return people without the domain that most have, and the words that say which one that is."""
    domains = pd.concat([one.dropna() for one in people]).astype(str).str.extract(r"[^@]@([^@]+)$")[0].dropna()
    if domains.empty:
        return [*people], ""
    end = f"@{domains.value_counts().index[0]}"
    shown = [one.map(lambda name: str(name).removesuffix(end) or name, na_action="ignore") for one in people]
    return shown, f"names without a domain: {safe.plot(end, 60)}"


def heaviest(frame: pd.DataFrame, weight: "pd.Series[Any]") -> pd.DataFrame:
    """Return the LANES rows of most weight, in their own order."""
    heaviest = weight.reset_index(drop=True).sort_values(ascending=False, kind="stable").index[:LANES]
    return frame.iloc[sorted(heaviest)]


def _binned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return events per lane and moment: 400 moments from the first to the last."""
    where = rows["x"] if "x" in rows else rows["at"]
    width = max((where.max() - where.min()) / 400, 1e-9 if "x" in rows else pd.Timedelta(1, "us"))
    groups = rows.assign(events=1).groupby([rows["lane"], (where - where.min()) // width])
    ways = {"x": ("x", "min")} if "x" in rows else {}
    counts = groups.agg(at=("at", "min"), until=("at", "max"), events=("events", "sum"), **ways)
    return counts.reset_index(level=0).reset_index(drop=True)


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
    >>> from oktakit import plot_geo
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
    rows = [{"series": trace.name, **trace.meta} for trace in figure.data if trace.meta]
    rows += [{"series": f"not drawn: {why}", "marks": 0, "events": count} for why, count in meta["not_drawn"].items()]
    table = pd.DataFrame(rows, columns=["series", "marks", "events", "first", "last"])
    return table.assign(first=to_utc(table["first"]), last=to_utc(table["last"]))
