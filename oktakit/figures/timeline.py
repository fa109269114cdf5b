"""Figures: a table in, a plotly Figure out, drawn without the network."""

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .. import safe, schema
from ..analysis.words import duration
from ..errors import InputError
from ..log.keys import outcomes
from ..log.log import Log
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SESSION = "external_session_id"
_NOT_DONE = ("download refused", "download undecided")
_WHERE = ("ip_address", "country")
_TIMELINE = (
    *("uuid", "published", "event_type", "actor_id", "actor_alternate_id", "outcome_result", "job_id", "organization"),
    *(*_WHERE, _SESSION),
)
OTHER: Final = "taken by someone else"
_STEPS = {"requested": schema.REQUEST, "generated": schema.GENERATE, "downloaded": schema.DOWNLOAD}
_VERDICTS = {
    OTHER: {"color": draw.RED, "width": 6},
    "taken by the requester": {"color": draw.BLUE, "width": 2},
    "unknown who took it": {"color": draw.ORANGE, "width": 3, "dash": "dot"},
    "no download": {"color": draw.GREY, "width": 1, "dash": "dash"},
}
JOB: Final = "steps of one job"
NONE: Final = "no session"


def plot_timeline(events: pd.DataFrame | Log, lane: str = "actor", leads: pd.DataFrame | None = None) -> "Figure":
    """Draw events over time, one row per actor or session; exports and feedback stand out from their neighbours.

    A thin line ties the steps of one export job, where they carry its number; nothing else is taken for a tie.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events` or some of its rows.
    lane : {"actor", "session"}
        What has a row of its own.
    leads : pandas.DataFrame, optional
        The answer of `find_leads`: what it names is drawn first, and as many other rows as fit on a sheet of paper.

    Returns
    -------
    plotly.graph_objects.Figure
        One mark per event. Of more than 5,000 events of one kind, one mark stands for those of a row and moment; of
        more than 60 actors or sessions, those with most exports and feedback have rows of their own. Only events
        without a time are left out, and counted.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If `lane` is something else.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> plot_timeline(read_log(make_log("assistant").records).events).layout.title.subtitle.text
    'events: 269 · actors: 9'
    """
    if lane not in ("actor", "session"):
        raise InputError(f"plot_timeline needs lane 'actor' or 'session'; found {safe.text(lane, 40)!r}.")
    events = draw.require("plot_timeline", events, _TIMELINE)
    if events.empty:
        return draw.no_events("Events over time")
    events = events.reset_index(drop=True)
    kind = events["event_type"].where(events["event_type"].isin(schema.ANALYTICS), "other events")
    marks = events[[*_TIMELINE]].assign(at=draw.to_utc(events["published"]), kind=kind, actor=draw.actor_names(events))
    marks["row"] = marks["actor"] if lane == "actor" else draw.known_texts(marks[_SESSION]).fillna(NONE)
    marks["rank"] = draw.ranks(marks, leads, "uuid")
    names, marks["lane"] = _rows(marks, lane, draw.LANES if leads is None else 2 * draw.SHEET)
    timed = marks[marks["at"].notna()]
    named = marks["row"][~marks["row"].isin((NONE, draw.MISSING))]
    counted = f"events: {len(marks):,} · {lane}s: {named.nunique():,}"
    jobs, extra = _jobs(timed)
    missed = {"without a time": len(marks) - len(timed), "jobs without their line": extra}
    figure = draw.new_figure("Events over time", counted, 180 + 26 * len(names), missed)
    draw.add_lines(figure, JOB, {"color": draw.GREY, "width": 1}, jobs, showlegend=True)
    for name in draw.STYLES:
        _add_events(figure, name, timed[timed["kind"] == name], ["event_type", "outcome_result", *_WHERE, "uuid"])
    return draw.with_legend(draw.with_time_axis(draw.with_lanes(figure, names), timed["at"]))


def plot_exports(exports: pd.DataFrame, leads: pd.DataFrame | None = None) -> "Figure":
    """Draw exports in rows: who asked for a report, when it was made, who took it.

    Parameters
    ----------
    exports : pandas.DataFrame
        The answer of `correlate_exports`, or some of its rows.
    leads : pandas.DataFrame, optional
        The answer of `find_leads`: what it names is drawn first, and as many other rows as fit on a sheet of paper.

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
    'rows: 18 · taken by someone else: 1 · names without a domain: @example.com'
    """
    needed = [f"{step}_{column}" for step in _STEPS for column in ("at", "by", "from", "country", "uuid")]
    needed += ["report_name", "generate_result", "state", "taken_by_other", "request_to_download"]
    exports = draw.require("plot_exports", exports, needed)
    if exports.empty:
        return draw.no_events("Exports, step by step")
    taken = exports["taken_by_other"].astype("boolean")
    rank = draw.ranks(exports, leads, *(f"{step}_uuid" for step in _STEPS))
    rows = draw.heaviest(exports, taken.fillna(False)) if leads is None else draw.leading(exports, rank)
    rows = rows.assign(lane=range(len(rows)), verdict=rows.apply(_verdict, axis=1))
    marks = [_step(rows, step) for step in _STEPS]
    timed = [step[step["at"].notna()] for step in marks]
    labels, domain = _export_labels(rows)
    missed = {
        "other rows": len(exports) - len(rows),
        "steps without a time": sum(map(len, marks)) - sum(map(len, timed)),
    }
    counted = " · ".join(filter(None, [f"rows: {len(exports):,}", f"{OTHER}: {taken.sum():,}", domain]))
    figure = draw.new_figure("Exports, step by step", counted, 180 + 44 * len(rows), missed)
    for verdict in _VERDICTS:
        steps = pd.concat([step[step["verdict"] == verdict] for step in timed])
        draw.add_lines(figure, verdict, _VERDICTS[verdict], steps.assign(line=steps["lane"]))
    for step in timed:
        for kind in step["kind"].unique():
            _add_events(figure, kind, step[step["kind"] == kind], ["by", *_WHERE, "uuid"])
    draw.with_lane_notes(figure, [_export_note(row) for row in rows.to_dict("records")])
    draw.with_time_axis(draw.with_lanes(figure, labels), pd.concat([step["at"] for step in timed]))
    return draw.with_legend(figure)


def _rows(marks: pd.DataFrame, lane: str, most: int) -> tuple[list[str], "pd.Series[int]"]:
    """Rows of leads, then others, in order of their first event; those that do not fit share the last one."""
    weight = marks["kind"].ne("other events").astype(int).mul(len(marks)).add(1).groupby(marks["row"]).sum()
    rank = marks["rank"].groupby(marks["row"]).min()
    weight = weight.where(rank.isna(), weight + len(marks) ** 2)
    firsts = marks.sort_values("at", kind="stable").drop_duplicates("row")
    firsts = firsts.assign(rank=firsts["row"].map(rank)).sort_values("rank", kind="stable", na_position="last")
    room = most if len(firsts) <= most else most - 1
    firsts = firsts[firsts["row"].isin(weight.sort_values(ascending=False, kind="stable").index[:room])]
    place = marks["row"].map({name: place for place, name in enumerate(firsts["row"])}).fillna(len(firsts)).astype(int)
    names = draw.texts(firsts["row"], 40)
    if lane == "session":
        pairs = zip(draw.texts(firsts["actor"], 40), draw.texts(firsts["row"], 12), strict=True)
        names = [name if name == NONE else f"<b>{user}</b> {name}" for user, name in pairs]
    others = [f"{len(weight) - room:,} other {lane}s"] if len(weight) > room else []
    return [*names, *others], place


def _jobs(timed: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The steps of jobs of which the log has several, in their order, and how many jobs are too many to draw.

    Two organizations have no job in common.
    """
    jobs, owners = draw.known_texts(timed["job_id"]), draw.known_texts(timed["organization"])
    shared = owners.groupby(jobs).transform("nunique").gt(1)
    jobs = jobs.mask(shared, jobs.astype(str) + " " + owners.fillna("").astype(str))
    steps = timed[timed["event_type"].isin(schema.EXPORTS)].assign(line=jobs)
    steps = steps[steps["line"].notna() & steps.duplicated("line", keep=False)].sort_values("at", kind="stable")
    drawn = steps["line"].drop_duplicates()[: draw.MARKS]
    return steps[steps["line"].isin(drawn)], steps["line"].nunique() - len(drawn)


def _step(rows: pd.DataFrame, step: str) -> pd.DataFrame:
    """One step of every export that the log has, with the columns of a mark."""
    names = {f"{step}_{column}": column for column in ("at", "by", "from", "country", "uuid")}
    marks = rows[[*names, "lane", "verdict", "generate_result"]].rename(columns=names | {f"{step}_from": "ip_address"})
    marks = marks.assign(at=draw.to_utc(marks["at"]), kind=_STEPS[step])
    if step == "generated":
        marks["kind"] = marks["kind"].mask(outcomes(marks["generate_result"]) == "refused", draw.FAILED)
    return marks[marks["uuid"].notna() | marks["at"].notna()]


def _verdict(row: "pd.Series[Any]") -> str:
    if row["state"] in _NOT_DONE or (pd.isna(row["downloaded_uuid"]) and pd.isna(row["downloaded_at"])):
        return "no download"
    if pd.isna(row["taken_by_other"]):
        return "unknown who took it"
    return OTHER if row["taken_by_other"] else "taken by the requester"


def _export_note(row: dict[Any, Any]) -> dict[str, Any]:
    """What the row means, in words, on its right."""
    verdict, lag = row["verdict"], row["request_to_download"]
    side = "before" if not pd.isna(lag) and lag < pd.Timedelta(0) else "after"  # clocks may be wrong
    more = safe.plot(row["state"], 30)
    if not pd.isna(lag) and verdict != "no download":
        more = f"{duration(abs(lag), 2)} {side} the request"
    color = _VERDICTS[verdict]["color"] if verdict == OTHER else "#222"
    return draw.lane_note(row["lane"], f"<b>{verdict}</b><br>{more}", str(color))


def _export_labels(rows: pd.DataFrame) -> tuple[list[str], str]:
    """Return the report and both people, and whose domain is left out; a step without an event is by somebody."""
    (asked, taken), domain = draw.short_names(rows["requested_by"], rows["downloaded_by"])
    people = []
    for step, by in (("requested", asked), ("downloaded", taken)):
        logged = rows[f"{step}_uuid"].notna()
        people.append(draw.texts(by.astype(object).where(logged, "not in this log"), 28))
    names = zip(draw.texts(rows["report_name"], 44), *people, strict=True)
    return [f"<b>{report}</b><br>{requested} → {downloaded}" for report, requested, downloaded in names], domain


def _add_events(figure: "Figure", kind: str, rows: pd.DataFrame, columns: list[str]) -> None:
    draw.add_marks(figure, kind.removeprefix("analytics.").removeprefix("reports."), draw.STYLES[kind], rows, columns)
