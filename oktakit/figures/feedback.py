"""Verdicts beside the detections they judged."""

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ..analysis.words import duration
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
_TOLD = ["at", "verdict", "label", "given_by", "given_from", "about_user", "reason", "feedback_uuid"]
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


def plot_feedback(feedback: pd.DataFrame, events: pd.DataFrame | None = None) -> "Figure":
    """Draw verdicts in rows, one per detection: when it was raised, when and how it was judged.

    Parameters
    ----------
    feedback : pandas.DataFrame
        The answer of `correlate_feedback`, or some of its rows.
    events : pandas.DataFrame, optional
        `log.events`, which also have the HIGH detections that nobody judged.

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
    alone = given.index.to_series().astype(str)  # a verdict that names no detection has a row of its own
    named = draw.known(given["judged_uuid"])
    given = given.astype(dict.fromkeys(("contradicted", "self_feedback"), "boolean"))
    given = given.assign(at=draw.utc(given["given_at"]), key=named.fillna(alone), judged_uuid=named)
    both = [_judged(given), *([] if events is None else [_unjudged(given, events)])]
    every = _below(both)
    if every.empty:
        return draw.no_events(_TITLE)
    drawn = draw.most(every, every["weight"]).sort_values("first", kind="stable", ignore_index=True)
    drawn["lane"] = drawn.index
    marks = given.merge(drawn[["key", "lane"]], on="key")
    counted = f"verdicts: {len(given):,} · detections: {every['judged_uuid'].notna().sum():,}"
    counted += "" if events is None else f" · {OPEN}: {every['open'].sum():,}"
    missed = {"other detections": len(every) - len(drawn), "verdicts on other detections": len(given) - len(marks)}
    missed |= {"verdicts without a time": int(marks["at"].isna().sum())}
    found, untimed = _is_in(drawn), drawn["at"].isna() & drawn["judged_uuid"].notna()
    missed |= {"detections not in this log": int((untimed & ~found).sum())}
    missed |= {"detections without a time": int((untimed & found).sum())}
    return _drawn(draw.new_figure(_TITLE, counted, 180 + 46 * len(drawn), missed), drawn, marks)


def _drawn(figure: "Figure", drawn: pd.DataFrame, marks: pd.DataFrame) -> "Figure":
    timed = marks[marks["at"].notna()]
    timed = timed.assign(lane=timed["lane"] + timed["verdict"].map(_BESIDE).fillna(0).astype(float))
    _add_detections(figure, drawn[drawn["at"].notna()])
    _add_verdicts(figure, timed)
    words = [draw.remark(lane, _told(marks[marks["lane"] == lane])) for lane in drawn["lane"]]
    figure.update_layout(margin_r=230, annotations=words)
    times = _below([timed["at"], drawn["at"].dropna()])
    return draw.with_legend(draw.time_axis(draw.lanes(figure, _labels(drawn)), times))


def _below(parts: list[Any]) -> Any:
    """Return tables or columns below each other; of empty ones pandas 2 warns."""
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _judged(given: pd.DataFrame) -> pd.DataFrame:
    """One row per detection that was judged; those in dispute weigh most, then the HIGH ones."""
    loud = given["contradicted"].fillna(False).astype(int) + given["self_feedback"].fillna(False).astype(int)
    sums = pd.DataFrame({"loud": loud, "said": given["at"]}).groupby(given["key"]).agg({"loud": "max", "said": "min"})
    rows = given.drop_duplicates("key")[["key", *_DETECTION, "judged_in_log"]]
    rows = rows.assign(at=draw.utc(rows["judged_at"]), open=False).join(sums, on="key")
    return rows.assign(first=rows["at"].fillna(rows["said"]), weight=2 * rows["loud"] + _is_high(rows))


def _unjudged(given: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """One row per HIGH detection that nobody judged."""
    events = draw.require("plot_feedback", events, _EVENTS)
    found = events.loc[events["event_type"].isin(types_of("detection")), list(_EVENTS)].rename(columns=_EVENTS)
    found = found.drop_duplicates("judged_uuid")
    rows = found[_is_high(found).eq(1) & ~found["judged_uuid"].isin(given["judged_uuid"].dropna())]
    rows = rows.assign(at=draw.utc(rows["judged_at"]), key="open " + rows["judged_uuid"].astype(str))
    return rows.assign(first=rows["at"], judged_in_log=True, open=True, weight=1)


def _is_high(rows: pd.DataFrame) -> "pd.Series[int]":
    return rows["judged_risk_level"].astype(object).map(lambda level: str(level).upper() == "HIGH").astype(int)


def _is_in(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["judged_in_log"].astype("boolean").fillna(False).astype(bool)


def _add_detections(figure: "Figure", timed: pd.DataFrame) -> None:
    high = _is_high(timed).eq(1)
    kinds = (high & ~timed["open"].astype(bool), timed["open"].astype(bool), ~high)
    for (name, style), chosen in zip(_DETECTED.items(), kinds, strict=True):
        draw.add_marks(figure, name, style, timed[chosen], ["at", *_DETECTION])


def _add_verdicts(figure: "Figure", timed: pd.DataFrame) -> None:
    """Verdicts by their kind, with rings around those about oneself and lines from what they judged."""
    disputed = timed["contradicted"].fillna(False).astype(bool)
    begun = timed.assign(at=draw.utc(timed["judged_at"]), lane=timed["lane"].round())
    for (name, line), chosen in zip(_LINES.items(), (~disputed, disputed), strict=True):
        told = chosen & begun["at"].notna()
        ends = pd.concat([part[told].assign(line=timed.index[told]) for part in (begun, timed)])
        draw.add_lines(figure, name, line, ends, showlegend=True, events=told.sum())
    kinds = timed["verdict"].where(timed["verdict"].isin(list(_VERDICTS)), _NONE)
    for kind, style in _VERDICTS.items():
        draw.add_marks(figure, kind, style, timed[kinds == kind], _TOLD)
    own = timed[timed["self_feedback"].fillna(False).astype(bool)]
    draw.add_marks(figure, "about oneself", ("black", "circle-open", 20), own, _TOLD)


def _told(said: pd.DataFrame) -> str:
    """What was said of a detection, in words: at most two verdicts."""
    if said.empty:
        return OPEN
    spans = ["" if pd.isna(time) else f", {duration(abs(time), 2)} later" for time in said["time_to_verdict"]]
    words = [f"{kind}{span}" for kind, span in zip(draw.shown(said["verdict"], 20), spans, strict=True)]
    words = [*words[:2], *([f"and {len(words) - 2} more"] if len(words) > 2 else [])]
    flags = {"contradicted": "contradicted", "self_feedback": "about oneself"}
    loud = [word for name, word in flags.items() if said[name].fillna(False).any()]
    return "<br>".join(([f"<b>{', '.join(loud)}</b>"] if loud else []) + words)


def _labels(drawn: pd.DataFrame) -> list[str]:
    names = drawn["judged_detection"].fillna(drawn["judged_type"])
    parts = zip(
        *(draw.shown(column, 34) for column in (names, drawn["judged_risk_level"], drawn["about_user"])), strict=True
    )
    lack = drawn["judged_uuid"].isna().map({True: "no detection named", False: "not in this log"})
    return [
        f"<b>{name}</b> {risk if found else why}<br>about {user}"
        for (name, risk, user), found, why in zip(parts, _is_in(drawn), lack, strict=True)
    ]
