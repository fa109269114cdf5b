"""Verdicts beside the detections they judged."""

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ..analysis.words import duration
from ..log.log import Log
from ..schema import types_of
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_FEEDBACK = ("feedback_uuid", "given_at", "given_by", "given_from", "about_user", "label", "verdict", "reason")
_JUDGED = ("judged_uuid", "judged_type", "judged_at", "judged_risk_level", "judged_detection", "judged_in_log")
_FLAGS = ("time_to_verdict", "self_feedback", "contradicted")
_EVENTS: Final = {
    "uuid": "judged_uuid",
    "event_type": "judged_type",
    "published": "judged_at",
    "risk_level": "judged_risk_level",
    "detection_name": "judged_detection",
    "target_user_alternate_id": "about_user",
}
_SHOWN = ["at", "verdict", "label", "given_by", "given_from", "about_user", "reason", "feedback_uuid"]
_DETECTION = tuple(_EVENTS.values())
_NONE: Final = f"verdict {draw.MISSING}"
_VERDICTS: Final = {
    "confirmed": (draw.BLUE, "triangle-up", 12),
    "dismissed": (draw.ORANGE, "triangle-down", 12),
    "missed": (draw.PURPLE, "diamond", 11),
    "other": (draw.GREEN, "pentagon", 11),
    _NONE: (draw.GREY, "x", 10),
}
_BESIDE: Final = {"confirmed": -0.2, "missed": -0.2, "dismissed": 0.2}
_LINES: Final = {
    "from detection to verdict": {"color": draw.GREY, "width": 1},
    "to a contradicted verdict": {"color": draw.RED, "width": 4},
}
OPEN: Final = "HIGH, no verdict"
_DETECTED: Final = {
    "detection, HIGH": ("black", "circle", 9),
    OPEN: ("black", "circle-open-dot", 13),
    "detection, lower or not reported": (draw.GREY, "circle", 8),
}
_TITLE: Final = "Verdicts and what they judged"


def plot_feedback(
    feedback: pd.DataFrame, events: pd.DataFrame | Log | None = None, leads: pd.DataFrame | None = None
) -> "Figure":
    """Draw verdicts in rows, one per detection: when it was raised, when and how it was judged.

    Parameters
    ----------
    feedback : pandas.DataFrame
        The answer of `correlate_feedback`, or some of its rows.
    events : pandas.DataFrame, optional
        `log.events`, which also have the HIGH detections that nobody judged.
    leads : pandas.DataFrame, optional
        The answer of `find_leads`: what it names is drawn first, and as many other rows as fit on a sheet of paper.

    Returns
    -------
    plotly.graph_objects.Figure
        One mark per verdict, one per detection that the log has. A ring is a verdict about oneself, a thick red line a
        verdict that another one contradicts. Of more than 60 detections, the contradicted, self-judged and HIGH ones
        are drawn first and the rest is counted.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import correlate_feedback, make_log, read_log
    >>> events = read_log(make_log("stolen_report").records).events
    >>> plot_feedback(correlate_feedback(events), events).layout.title.subtitle.text
    'verdicts: 3 · detections: 4 · HIGH, no verdict: 1'
    """
    given = draw.require("plot_feedback", feedback, (*_FEEDBACK, *_JUDGED, *_FLAGS)).reset_index(drop=True)
    numbers = given.index.to_series().astype(str)  # a verdict that names no detection has a row of its own
    judged = draw.known_texts(given["judged_uuid"])
    for name in ("contradicted", "self_feedback"):
        given[name] = given[name].astype("boolean").fillna(False).astype(bool)
    given = given.assign(at=draw.to_utc(given["given_at"]), key=judged.fillna(numbers), judged_uuid=judged)
    detections = _concat([_judged(given), *([] if events is None else [_unjudged(given, events)])])
    if detections.empty:
        return draw.no_events(_TITLE)
    detections = detections.sort_values("first", kind="stable", ignore_index=True)
    rank = draw.ranks(detections, leads, "judged_uuid", "feedback_uuid")
    drawn = draw.heaviest(detections, detections["weight"]) if leads is None else draw.leading(detections, rank)
    drawn = drawn.assign(lane=range(len(drawn)))
    marks = given.merge(drawn[["key", "lane"]], on="key")
    counted = f"verdicts: {len(given):,} · detections: {detections['judged_uuid'].notna().sum():,}"
    counted += "" if events is None else f" · {OPEN}: {detections['open'].sum():,}"
    missed = {"other detections": len(detections) - len(drawn), "verdicts on other detections": len(given) - len(marks)}
    missed |= {"verdicts without a time": int(marks["at"].isna().sum())}
    logged, untimed = _is_logged(drawn), drawn["at"].isna() & drawn["judged_uuid"].notna()
    missed |= {"detections not in this log": int((untimed & ~logged).sum())}
    missed |= {"detections without a time": int((untimed & logged).sum())}
    figure = draw.new_figure(_TITLE, counted, 180 + 46 * len(drawn), missed)
    timed = marks[marks["at"].notna()]
    timed = timed.assign(lane=timed["lane"] + timed["verdict"].map(_BESIDE).fillna(0).astype(float))
    _add_detections(figure, drawn[drawn["at"].notna()])
    _add_verdicts(figure, timed)
    notes = [draw.lane_note(lane, _summary(marks[marks["lane"] == lane])) for lane in drawn["lane"]]
    draw.with_lane_notes(figure, notes)
    times = _concat([timed["at"], drawn["at"].dropna()])
    return draw.with_legend(draw.with_time_axis(draw.with_lanes(figure, _labels(drawn)), times))


def _concat(parts: list[Any]) -> Any:
    """Return tables or columns below each other; of empty ones pandas 2 warns."""
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _judged(given: pd.DataFrame) -> pd.DataFrame:
    """One row per detection that was judged; those in dispute weigh most, then the HIGH ones."""
    given = given.assign(flags=given["contradicted"].astype(int) + given["self_feedback"].astype(int))
    verdicts = given.groupby("key").agg(flags=("flags", "max"), first=("at", "min"))
    rows = given.drop_duplicates("key")[["key", "feedback_uuid", *_DETECTION, "judged_in_log"]]
    rows = rows.assign(at=draw.to_utc(rows["judged_at"]), open=False).join(verdicts, on="key")
    return rows.assign(first=rows["at"].fillna(rows["first"]), weight=2 * rows["flags"] + _is_high(rows))


def _unjudged(given: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """One row per HIGH detection that nobody judged."""
    events = draw.require("plot_feedback", events, _EVENTS)
    rows = events.loc[events["event_type"].isin(types_of("detection")), list(_EVENTS)].rename(columns=_EVENTS)
    rows = rows.drop_duplicates("judged_uuid")
    rows = rows[_is_high(rows).eq(1) & ~rows["judged_uuid"].isin(given["judged_uuid"].dropna())]
    rows = rows.assign(at=draw.to_utc(rows["judged_at"]), key="open " + rows["judged_uuid"].astype(str))
    return rows.assign(first=rows["at"], judged_in_log=True, open=True, weight=1, feedback_uuid=None)


def _is_high(rows: pd.DataFrame) -> "pd.Series[int]":
    return rows["judged_risk_level"].astype(object).map(lambda level: str(level).upper() == "HIGH").astype(int)


def _is_logged(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["judged_in_log"].astype("boolean").fillna(False).astype(bool)


def _add_detections(figure: "Figure", timed: pd.DataFrame) -> None:
    high, unjudged = _is_high(timed).eq(1), timed["open"].astype(bool)
    kinds = (high & ~unjudged, unjudged, ~high)
    for (name, style), chosen in zip(_DETECTED.items(), kinds, strict=True):
        draw.add_marks(figure, name, style, timed[chosen], ["at", *_DETECTION])


def _add_verdicts(figure: "Figure", timed: pd.DataFrame) -> None:
    """Verdicts by their kind, with rings around those about oneself and lines from what they judged."""
    starts = timed.assign(at=draw.to_utc(timed["judged_at"]), lane=timed["lane"].round())
    for (name, line), chosen in zip(_LINES.items(), (~timed["contradicted"], timed["contradicted"]), strict=True):
        both = chosen & starts["at"].notna()
        ends = pd.concat([part[both].assign(line=timed.index[both]) for part in (starts, timed)])
        draw.add_lines(figure, name, line, ends, showlegend=True, events=both.sum())
    kinds = timed["verdict"].where(timed["verdict"].isin(list(_VERDICTS)), _NONE)
    for kind, style in _VERDICTS.items():
        draw.add_marks(figure, kind, style, timed[kinds == kind], _SHOWN)
    draw.add_marks(figure, "about oneself", ("black", "circle-open", 20), timed[timed["self_feedback"]], _SHOWN)


def _summary(verdicts: pd.DataFrame) -> str:
    """Return the verdicts on a detection in words, two of them at most."""
    if verdicts.empty:
        return OPEN
    lags = ["" if pd.isna(lag) else f", {duration(abs(lag), 2)} later" for lag in verdicts["time_to_verdict"]]
    lines = [f"{kind}{lag}" for kind, lag in zip(draw.texts(verdicts["verdict"], 20), lags, strict=True)]
    lines = [*lines[:2], *([f"and {len(lines) - 2} more"] if len(lines) > 2 else [])]
    flags = {"contradicted": "contradicted", "self_feedback": "about oneself"}
    raised = [label for name, label in flags.items() if verdicts[name].any()]
    return "<br>".join(([f"<b>{', '.join(raised)}</b>"] if raised else []) + lines)


def _labels(drawn: pd.DataFrame) -> list[str]:
    names = drawn["judged_detection"].fillna(drawn["judged_type"])
    parts = zip(
        *(draw.texts(column, 34) for column in (names, drawn["judged_risk_level"], drawn["about_user"])),
        strict=True,
    )
    lack = drawn["judged_uuid"].isna().map({True: "no detection named", False: "not in this log"})
    return [
        f"<b>{name}</b> {risk if logged else why}<br>about {user}"
        for (name, risk, user), logged, why in zip(parts, _is_logged(drawn), lack, strict=True)
    ]
