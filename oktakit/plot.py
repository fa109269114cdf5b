"""Figures: a table in, a plotly Figure out, drawn without the network."""

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from . import safe, schema
from .figure import (
    BLUE,
    FAILED,
    GREY,
    LANES,
    MISSING,
    ORANGE,
    RED,
    STYLES,
    describe,
    facts,
    lanes,
    most,
    new_figure,
    no_events,
    require,
    shown,
    stamps,
    time_axis,
    utc,
)
from .plot_places import plot_geo, plot_proxy

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["describe", "plot_exports", "plot_geo", "plot_proxy", "plot_timeline"]

MARKS: Final = 5000
"""A series with more events than this is drawn as counts per row and moment."""

_TIMELINE = ("uuid", "published", "event_type", "actor_id", "actor_alternate_id", "outcome_result")
_WHERE = ("ip_address", "country")
_STEPS = {"requested": schema.REQUEST, "generated": schema.GENERATE, "downloaded": schema.DOWNLOAD}
_VERDICTS = {
    "taken by other": {"color": RED, "width": 6},
    "taken by the requester": {"color": BLUE, "width": 2},
    "unknown if taken by other": {"color": ORANGE, "width": 3, "dash": "dot"},
    "no download": {"color": GREY, "width": 1, "dash": "dash"},
}


def plot_timeline(events: pd.DataFrame) -> "Figure":
    """Draw events over time, one row per actor; exports and feedback stand out from their neighbours.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events` or some of its rows.

    Returns
    -------
    plotly.graph_objects.Figure
        One mark per event. Of more than 5,000 events of one kind, one mark stands for those of a row and moment; of
        more than 60 actors, those with most exports and feedback have rows of their own. Only events without a time
        are left out, and counted.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> plot_timeline(read_log(make_log("assistant").records).events).layout.title.subtitle.text
    'events: 269 · actors: 9'
    """
    require("plot_timeline", events, [*_TIMELINE, *_WHERE])
    if events.empty:
        return no_events("Events over time")
    events = events.reset_index(drop=True)
    kind = events["event_type"].where(events["event_type"].isin(schema.ANALYTICS), "other events")
    actor = _known(events["actor_alternate_id"]).fillna(_known(events["actor_id"])).fillna(MISSING)
    marks = events[[*_TIMELINE, *_WHERE]].assign(at=utc(events["published"]), kind=kind, actor=actor)
    names, marks["lane"] = _actor_lanes(marks)
    timed = marks[marks["at"].notna()]
    counted = f"events: {len(marks):,} · actors: {actor.nunique():,}"
    missed = {"without a time": len(marks) - len(timed)}
    figure = new_figure("Events over time", counted, 180 + 26 * len(names), missed)
    for name in STYLES:
        _add_marks(figure, name, timed[timed["kind"] == name], ["event_type", "outcome_result", *_WHERE, "uuid"])
    return time_axis(lanes(figure, names), timed["at"])


def plot_exports(exports: pd.DataFrame) -> "Figure":
    """Draw exports in rows: who asked for a report, when it was made, who took it.

    Parameters
    ----------
    exports : pandas.DataFrame
        The answer of `correlate_exports`, or some of its rows.

    Returns
    -------
    plotly.graph_objects.Figure
        One row per download or job, one mark per step with a time; the words on the right say who took it. Of more
        than 60 rows, those taken by somebody else are drawn first and the rest is counted.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import correlate_exports, make_log, read_log
    >>> exports = correlate_exports(read_log(make_log("assistant").records).events)
    >>> plot_exports(exports).layout.title.subtitle.text
    'rows: 18 · taken by other: 1'
    """
    needed = [f"{step}_{column}" for step in _STEPS for column in ("at", "by", "from", "country", "uuid")]
    needed += ["report_name", "generate_result", "state", "taken_by_other", "request_to_download"]
    require("plot_exports", exports, needed)
    if exports.empty:
        return no_events("Exports, step by step")
    taken = exports["taken_by_other"].astype("boolean")
    rows = most(exports, taken.fillna(False))
    rows = rows.assign(lane=range(len(rows)), verdict=rows.apply(_verdict, axis=1))
    marks = [_step(rows, step) for step in _STEPS]
    timed = [step[step["at"].notna()] for step in marks]
    missed = {"rows": len(exports) - len(rows), "steps without a time": sum(map(len, marks)) - sum(map(len, timed))}
    counted = f"rows: {len(exports):,} · taken by other: {taken.sum():,}"
    figure = new_figure("Exports, step by step", counted, 180 + 44 * len(rows), missed)
    for verdict in _VERDICTS:
        _add_links(figure, verdict, [step[step["verdict"] == verdict] for step in timed])
    for step in timed:
        for kind in step["kind"].unique():
            _add_marks(figure, kind, step[step["kind"] == kind], ["by", *_WHERE, "uuid"])
    figure.update_layout(margin_r=180, annotations=[_remark(row) for row in rows.to_dict("records")])
    return time_axis(lanes(figure, _export_labels(rows)), pd.concat([step["at"] for step in timed]))


def _known(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Two people whose name the log does not know are not one person."""
    return texts.where(~texts.astype(object).map(lambda text: str(text).strip().lower() in schema.SENTINELS))


def _actor_lanes(marks: pd.DataFrame) -> tuple[list[str], "pd.Series[int]"]:
    """Rows in order of each actor's first event; those that do not fit share the last one."""
    weight = marks["kind"].ne("other events").mul(len(marks)).add(1).groupby(marks["actor"]).sum()
    order = marks.sort_values("at", kind="stable")["actor"].drop_duplicates()
    room = LANES if len(order) <= LANES else LANES - 1
    own = set(weight.sort_values(ascending=False, kind="stable").index[:room])
    names = [name for name in order if name in own]
    lane = marks["actor"].map({name: place for place, name in enumerate(names)}).fillna(len(names)).astype(int)
    others = [f"{len(order) - room:,} other actors"] if len(order) > room else []
    return [*shown(pd.Series(names), 40), *others], lane


def _step(rows: pd.DataFrame, step: str) -> pd.DataFrame:
    """One step of every export that the log has, with the columns of a mark."""
    names = {f"{step}_{column}": column for column in ("at", "by", "from", "country", "uuid")}
    marks = rows[[*names, "lane", "verdict", "generate_result"]].rename(columns=names | {f"{step}_from": "ip_address"})
    marks = marks.assign(at=utc(marks["at"]), kind=_STEPS[step])
    if step == "generated":
        failed = marks["generate_result"].notna() & marks["generate_result"].ne("SUCCESS")
        marks["kind"] = marks["kind"].mask(failed, FAILED)
    return marks[marks["uuid"].notna() | marks["at"].notna()]


def _verdict(row: "pd.Series[Any]") -> str:
    if pd.isna(row["downloaded_uuid"]) and pd.isna(row["downloaded_at"]):
        return "no download"
    if pd.isna(row["taken_by_other"]):
        return "unknown if taken by other"
    return "taken by other" if row["taken_by_other"] else "taken by the requester"


def _remark(row: dict[Any, Any]) -> dict[str, Any]:
    """What the row means, in words, on its right."""
    verdict, took = row["verdict"], row["request_to_download"]
    more = safe.plot(row["state"], 30) if pd.isna(took) else _span(took)
    text = {"text": f"<b>{verdict}</b><br>{more}", "showarrow": False, "align": "left"}
    color = {"color": _VERDICTS[verdict]["color"] if verdict == "taken by other" else "#222"}
    return text | {"xref": "paper", "x": 1.01, "xanchor": "left", "y": row["lane"], "font": color}


def _span(time: pd.Timedelta) -> str:
    """Two units of a duration, the largest first; clocks may be wrong."""
    parts = zip(abs(time).components[:4], ("d", "h", "min", "s"), strict=True)
    words = " ".join([f"{count} {unit}" for count, unit in parts if count][:2]) or "0 s"
    return f"{words} {'before' if time < pd.Timedelta(0) else 'after'} the request"


def _export_labels(rows: pd.DataFrame) -> list[str]:
    people = (_who(rows[f"{step}_by"], rows[f"{step}_uuid"]) for step in ("requested", "downloaded"))
    names = zip(shown(rows["report_name"], 44), *people, strict=True)
    return [f"<b>{report}</b><br>{asked} → {took}" for report, asked, took in names]


def _who(names: "pd.Series[Any]", events: "pd.Series[Any]") -> list[str]:
    """A step without an event is not a step by nobody."""
    return [name if found else "not in this log" for name, found in zip(shown(names, 28), events.notna(), strict=True)]


def _hover(columns: list[str]) -> str:
    lines = [f"{column.replace('_', ' ')}: %{{customdata[{place}]}}" for place, column in enumerate(columns)]
    return "%{x} UTC<br>" + "<br>".join(lines)


def _add_marks(figure: "Figure", kind: str, rows: pd.DataFrame, columns: list[str]) -> None:
    """One mark per row, or one per lane and moment when there are too many."""
    if rows.empty:
        return
    events, first, last = len(rows), rows["at"].min(), rows["at"].max()
    if events > MARKS:
        rows, columns = _counted(rows), ["events", "until"]
    color, symbol, size = STYLES[kind]
    figure.add_scatter(
        x=stamps(rows["at"]),
        y=rows["lane"].tolist(),
        name=kind.removeprefix("analytics.").removeprefix("reports."),
        mode="markers",
        marker={"color": color, "symbol": symbol, "size": size, "line": {"width": 2 if "open" in symbol else 0}},
        customdata=list(zip(*(shown(rows[column]) for column in columns), strict=True)),
        hovertemplate=_hover(columns),
        meta=facts(len(rows), events, first, last),
    )


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Events per lane and moment: 400 moments from the first to the last."""
    width = max((rows["at"].max() - rows["at"].min()) / 400, pd.Timedelta(1, "us"))
    moment = (rows["at"] - rows["at"].min()) // width
    counts = rows.groupby([rows["lane"], moment])["at"].agg(at="min", until="max", events="count")
    return counts.reset_index(level=0).reset_index(drop=True)


def _add_links(figure: "Figure", verdict: str, steps: list[pd.DataFrame]) -> None:
    """The line from step to step of each export, broken between exports."""
    times = pd.concat([step.set_index("lane")["at"] for step in steps]).sort_index(kind="stable")
    if times.empty:
        return
    lines = [(lane, line) for lane, line in times.groupby(level=0)]
    figure.add_scatter(
        x=[at for _, line in lines for at in (*stamps(line), None)],
        y=[lane for lane, line in lines for _ in range(len(line) + 1)],
        name=verdict,
        mode="lines",
        line=_VERDICTS[verdict],
        hoverinfo="skip",
        showlegend=False,
        meta=facts(len(lines), len(times), times.min(), times.max()),
    )
