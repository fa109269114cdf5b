"""Figures of time itself: the usual hours of the week, and what time a log covers."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .. import safe
from ..analysis.words import zone
from ..log.log import Log
from ..schema import DOWNLOAD, FEEDBACK, REQUEST
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OF_INTEREST: Final = {REQUEST: -0.3, DOWNLOAD: 0.0, FEEDBACK: 0.3}
_SHADES: Final = [[0, "white"], [1, "#9ecae1"]]
_COVERAGE = ("aspect", "complete", "why", "first", "last", "count")
_BINS: Final = {"hour": "1h", "day": "1D", "30 days": "30D"}
_MOST_BINS: Final = 400
_WORDS: Final = 10
_COMPLETE: Final = {"no": "not complete", "unknown": "cannot be told"}
_FIELDS: Final = pd.MultiIndex.from_product([range(7), range(24)])


def plot_hours(events: pd.DataFrame | Log, marked: pd.DataFrame | Log | None = None, timezone: str = "UTC") -> "Figure":
    """Draw how many events each hour of the week has, and in which hours exports and feedback fell.

    Parameters
    ----------
    events : pandas.DataFrame
        The baseline: `log.events`, or those of one person.
    marked : pandas.DataFrame, optional
        The events to mark over it; those of `events` if it is left out. Only requests, downloads and feedback are.
    timezone : str
        Whose clock tells the hours, such as "Europe/Oslo".

    Returns
    -------
    plotly.graph_objects.Figure
        168 fields with whole numbers of events, and one mark per kind and field. A log of one week shows each hour
        once: a zero is then no habit.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `timezone` is unknown.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> figure = plot_hours(read_log(make_log("assistant").records).events, timezone="Europe/Oslo")
    >>> sum(sum(day) for day in figure.data[0].z), figure.layout.xaxis.title.text
    (269, 'hour of the day (Europe/Oslo)')
    """
    clock = zone(timezone)
    alone, needed = marked is None, ("published", "event_type")
    compared = draw.require("plot_hours", events if marked is None else marked, needed)
    events = draw.require("plot_hours", events, needed)
    if events.empty and compared.empty:
        return draw.no_events("Events by hour of the week")
    base, over = _hours(events, clock), _hours(compared, clock)
    over = over[over["event_type"].isin(_OF_INTEREST)]
    missed = {"without a time": int(events["published"].isna().sum())}
    late = compared["published"].isna() & compared["event_type"].isin(_OF_INTEREST)
    missed |= {} if alone else {"marked, without a time": int(late.sum())}
    weeks = "no time" if base.empty else f"weeks: {(base['at'].max() - base['at'].min()) / pd.Timedelta('7D'):.1f}"
    counted = f"events: {len(events):,} · {weeks} · marked: {len(over):,}"
    figure = draw.new_figure("Events by hour of the week", counted, 180 + 7 * 46, missed)
    _add_fields(figure, base)
    for kind in _OF_INTEREST:
        _add_hits(figure, kind, over[over["event_type"] == kind])
    figure.update_xaxes(
        title=f"hour of the day ({safe.plot(timezone, 40)})", dtick=1, range=[-0.5, 23.5], showgrid=False, ticks=""
    )
    return draw.with_legend(draw.with_lanes(figure, _DAYS).update_yaxes(showgrid=False, ticks=""))


def plot_coverage(events: pd.DataFrame | Log, coverage: pd.DataFrame) -> "Figure":
    """Draw how many events a log has hour by hour, from its first to its last, and the gaps in it.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events`.
    coverage : pandas.DataFrame
        The answer of `summarize_coverage`.

    Returns
    -------
    plotly.graph_objects.Figure
        One bar per hour with events; per day, if the log is longer than 400 hours. Gaps are red fields. What is
        incomplete or unknown stands below, in words.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log, summarize_coverage
    >>> log = read_log(make_log("assistant").records)
    >>> plot_coverage(log.events, summarize_coverage(log)).layout.title.subtitle.text
    'events: 269 · gaps: 0 · rejected: 0 · duplicates: 1'
    """
    events = draw.require("plot_coverage", events, ("published",))
    coverage = draw.require("plot_coverage", coverage, _COVERAGE)
    title, times = "What time the log covers", draw.to_utc(events["published"]).dropna()
    gaps = coverage[coverage["aspect"].eq("gap") & coverage["complete"].eq("no")]
    counted = f"events: {len(events):,} · gaps: {len(gaps):,}"
    for name in ("rejected", "duplicates"):
        for row in coverage[coverage["aspect"].eq(name)].itertuples():
            counted += f" · {name}: {'not known' if row.complete == 'unknown' else f'{row.count:,}'}"
    if events.empty:
        return draw.no_events(title)
    figure = draw.new_figure(title, counted, 330, {"without a time": len(events) - len(times)})
    if len(times):
        _add_bars(figure, times)
        if len(gaps):
            _add_gaps(figure, gaps)
    return draw.with_legend(draw.with_time_axis(_with_words(figure, coverage), times))


def _hours(events: pd.DataFrame, clock: Any) -> pd.DataFrame:
    """The events with a time, with their day and hour on the clock of a zone."""
    timed = events.assign(at=draw.to_utc(events["published"]))[lambda rows: rows["at"].notna()]
    local = timed["at"].dt.tz_convert(clock).dt
    return timed.assign(lane=local.day_of_week, hour=local.hour)


def _add_fields(figure: "Figure", base: pd.DataFrame) -> None:
    counts = base.groupby(["lane", "hour"]).size().reindex(_FIELDS, fill_value=0).unstack()
    figure.add_heatmap(
        z=counts.to_numpy().tolist(),
        x=list(range(24)),
        y=list(range(7)),
        name="all events",
        texttemplate="%{z:,d}<br> ",  # the marks are in the lower half
        textfont={"size": 10, "color": "#222"},
        colorscale=_SHADES,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="hour %{x}<br>events: %{z}",
        meta=draw.summary(counts.size, len(base), base["at"].min(), base["at"].max()),
    )


def _add_hits(figure: "Figure", kind: str, rows: pd.DataFrame) -> None:
    """One mark per field in its lower half, every kind in a place of its own."""
    hits = rows.groupby(["lane", "hour"])["at"].agg(events="size", at="min", until="max").reset_index()
    hits = hits.assign(x=hits["hour"] + _OF_INTEREST[kind], lane=hits["lane"] + 0.27)
    color, symbol, _ = draw.STYLES[kind]
    draw.add_marks(figure, kind.split(".", 1)[1], (color, symbol, 9), hits, ["events", "at", "until"])


def _add_bars(figure: "Figure", times: "pd.Series[Any]") -> None:
    span = times.max() - times.min()
    name = next((name for name, step in _BINS.items() if span <= _MOST_BINS * pd.Timedelta(step)), "30 days")
    step = _BINS[name]
    counts = times.dt.floor(step).value_counts().sort_index()
    figure.add_bar(
        x=draw.plotly_times(counts.index),
        y=counts.tolist(),
        name=f"events per {name}",
        offset=0,
        width=pd.Timedelta(step) / pd.Timedelta("1ms"),
        marker={"color": draw.BLUE, "line_width": 0},
        hovertemplate="%{x} UTC<br>events: %{y}",
        meta=draw.summary(len(counts), len(times), times.min(), times.max()),
    )
    figure.update_yaxes(title=f"events per {name}", tickformat=",d", rangemode="tozero", nticks=5, ticklabelstandoff=6)
    first, last, dotted = times.min(), times.max(), {"color": "black", "dash": "dot"}
    ends = pd.DataFrame({"at": [first, first, last, last], "lane": [0, max(counts)] * 2, "line": [0, 0, 1, 1]})
    draw.add_lines(figure, "first and last event", dotted, ends, showlegend=True, events=2)


def _add_gaps(figure: "Figure", gaps: pd.DataFrame) -> None:
    """A field per gap, as high as the highest bar."""
    ends = [draw.plotly_times([row.first, row.last]) for row in gaps.itertuples()]
    top = max(figure.data[0].y)
    figure.add_scatter(
        x=[value for first, last in ends for value in (first, first, last, last, None)],
        y=[0, top, top, 0, None] * len(ends),
        name="gap",
        mode="lines",
        fill="toself",
        fillpattern={"shape": "/", "fgcolor": draw.RED, "bgcolor": "white"},
        line={"color": draw.RED, "width": 1},
        hoverinfo="skip",
        meta=draw.summary(len(gaps), 0, gaps["first"].min(), gaps["last"].max()),
    )


def _with_words(figure: "Figure", coverage: pd.DataFrame) -> "Figure":
    """What is not complete, below the axis."""
    rows = coverage[coverage["complete"].ne("yes")][:_WORDS]
    parts = zip(*(draw.texts(rows[name], 130) for name in ("aspect", "complete", "why")), strict=True)
    lines = [
        line
        for aspect, complete, why in parts
        for line in wrap(f"<b>{aspect}</b>: {_COMPLETE.get(complete, complete)}. {why}", 100, break_long_words=False)
    ]
    more = 16 * len(lines)
    figure.update_layout(margin_b=70 + more, height=figure.layout.height + more)
    return draw.with_note(figure, "<br>".join(lines), yshift=-58)
