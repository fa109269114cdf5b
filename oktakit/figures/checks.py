"""The checklist as a picture: what stands out, worst first, with its reasons, and no sum of anything."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .. import safe
from ..analysis.engines import first_known
from ..analysis.words import moment
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONTEXT: Final = frozenset(
    {
        *("unfiltered", "sensitive_report", "repeated", "rights", "contained", "off_hours", "first_export", "bulk"),
        *("new_place", "new_device", "scripted"),
    }
)
"""Questions whose yes is ordinary by itself; that of all others stands out."""

_COLUMNS: Final = ["subject", "key", "question", "answer", "why", "against"]
_EXPORT: Final = ("requested_at", "requested_by", "report_name", "downloaded_at", "downloaded_by")
_UUIDS: Final = ("feedback_uuid", "downloaded_uuid", "generated_uuid", "requested_uuid")
_SHOWN: Final = ["question", "answer", "why", "against"]
_ROW: Final = 96
_MOST: Final = 7
"""Rows that fit on a sheet of paper."""
_REASONS: Final = 3
_WIDTH: Final = 112

_ANSWERS: Final = {
    "yes": ("Y", draw.ORANGE, "square"),
    "yes, and ordinary by itself": ("Y", "#b9c3cc", "square"),
    "no": ("", "#b9c3cc", "circle-open"),
    "unknown": ("?", draw.GREY, "diamond-open"),
    draw.MISSING: ("", draw.GREY, "x-open"),
}


def plot_checks(
    card: pd.DataFrame, subjects: pd.DataFrame | None = None, leads: pd.DataFrame | None = None
) -> "Figure":
    """Draw a checklist: one row per export or verdict that stands out, one column per question, worst first.

    Parameters
    ----------
    card : pandas.DataFrame
        The answer of `check_exports` or `check_feedback`, or some of its rows.
    subjects : pandas.DataFrame, optional
        The answer of `correlate_exports` or `correlate_feedback`, which says when, what and who. Without it, rows are
        called by the beginning of their uuid.
    leads : pandas.DataFrame, optional
        The answer of `find_leads`: what it names is drawn first.

    Returns
    -------
    plotly.graph_objects.Figure
        Y and ? are yes and unknown, a ring is a no. Rows whose only yes are ordinary by themselves (`CONTEXT`), and
        questions that all drawn rows answer with no, are left out and counted. Rows that no lead names are in order of
        how many yes stand out. Below the marks are the first reasons. At most 7 rows, or all that leads name up to 60.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import check_exports, correlate_exports, find_leads, make_log, read_log
    >>> events = read_log(make_log("assistant").records).events
    >>> figure = plot_checks(check_exports(events), correlate_exports(events), find_leads(events))
    >>> figure.layout.annotations[0].text
    '<b>3 Mar 07:59 · User Accounts · tara.reed → tara.reed</b>'
    """
    card = draw.require("plot_checks", card, _COLUMNS)
    if card.empty:
        return draw.no_events("Questions and answers")
    card = card.assign(subject=card["subject"].fillna(draw.MISSING), question=card["question"].fillna(draw.MISSING))
    card = card.assign(stands_out=card["answer"].eq("yes") & ~card["key"].isin(CONTEXT))
    rows, strange = _rows(card, leads)
    drawn = card[card["subject"].isin(rows)]
    asked = drawn["answer"].ne("no").groupby(drawn["question"], sort=False).any()
    questions = [name for name in drawn["question"].drop_duplicates() if asked[name]]
    drawn = drawn[drawn["question"].isin(questions)]
    names, domain = _names(rows, subjects)
    total = card["subject"].nunique()
    counted = [f"answers: {len(card):,}", f"questions: {card['question'].nunique():,}", f"subjects: {total:,}"]
    others, rest = card["subject"].isin(set(strange) - set(rows)), ~card["subject"].isin(strange)
    missed = {
        f"answers about {len(strange) - len(rows)} more that stand out": int(others.sum()),
        f"answers about {total - len(strange)} without a yes that stands out": int(rest.sum()),
        "answers to questions that have only no here": int((~others & ~rest).sum()) - len(drawn),
    }
    note = " · ".join([*counted, *filter(None, [domain])])
    if not rows:
        figure = draw.new_figure("Questions and answers", note, 160, missed).update_xaxes(visible=False)
        return figure.update_yaxes(visible=False)
    figure = draw.new_figure("Questions and answers", note, 140 + _ROW * len(rows), missed)
    marks = drawn.assign(lane=drawn["subject"].map({name: at for at, name in enumerate(rows)}))
    _add_answers(figure, marks.assign(x=marks["question"].map({name: at for at, name in enumerate(questions)})))
    _add_words(figure, [(names[name], drawn[drawn["subject"] == name]) for name in rows])
    _lay_out(figure, len(rows), questions)
    return figure


def _rows(card: pd.DataFrame, leads: pd.DataFrame | None) -> tuple[list[str], list[str]]:
    """Return the subjects to draw, worst first, and all that stand out."""
    several = card.groupby("subject", sort=False)["stands_out"].sum().reset_index()
    several = several.assign(rank=draw.ranks(several, leads, "subject"))
    several = several.sort_values(["rank", "stands_out"], ascending=[True, False], kind="stable", na_position="last")
    strange = several[several["stands_out"].gt(0) | several["rank"].notna()]
    chosen = strange[: max(_MOST, min(int(several["rank"].notna().sum()), draw.LANES))]
    return chosen["subject"].tolist(), strange["subject"].tolist()


def _names(rows: list[str], subjects: pd.DataFrame | None) -> tuple[dict[str, str], str]:
    """Return when, what and who of every subject, and whose domain is left out."""
    names = {name: safe.plot(name[:8]) for name in rows}
    if subjects is None or subjects.empty:
        return names, ""
    if "feedback_uuid" in subjects:
        subjects = draw.require("plot_checks", subjects, ("given_at", "given_by", "verdict", "about_user"))
        times, what, between = subjects["given_at"], subjects["verdict"], " about "
        people, domain = draw.short_names(subjects["given_by"], subjects["about_user"])
    else:
        subjects = draw.require("plot_checks", subjects, _EXPORT)
        times, what = first_known(subjects, "downloaded_at", "requested_at"), subjects["report_name"]
        people, domain = draw.short_names(subjects["requested_by"], subjects["downloaded_by"])
        between = " → "
    keys = first_known(subjects, *(name for name in _UUIDS if name in subjects))
    parts = zip(keys, draw.to_utc(times), draw.texts(what, 44), *(draw.texts(one, 40) for one in people), strict=True)
    for key, at, report, one, other in parts:
        if key in names:
            when = draw.MISSING if pd.isna(at) else moment(at)
            names[key] = f"{when} · {report} · {one}{between}{other}"
    return names, domain


def _add_answers(figure: "Figure", drawn: pd.DataFrame) -> None:
    """One series per answer; what is none of the three is an answer that nobody reported."""
    answers = drawn["answer"].where(drawn["answer"].isin(list(_ANSWERS)), draw.MISSING)
    answers = answers.mask(answers.eq("yes") & ~drawn["stands_out"], "yes, and ordinary by itself")
    for answer, (letter, color, symbol) in _ANSWERS.items():
        rows = drawn[answers == answer].assign(at=pd.NaT)
        font = {"color": "#1b1b1b" if letter == "Y" else "#222", "size": 11}  # a filled mark is as light on a dark page
        letters = {"mode": "markers+text", "text": [letter] * len(rows), "textfont": font}
        draw.add_marks(figure, answer, (color, symbol, 18), rows, _SHOWN, **letters)


def _add_words(figure: "Figure", rows: list[tuple[str, pd.DataFrame]]) -> None:
    """The name of each row above its marks, and below them its first reasons."""
    for lane, (name, answers) in enumerate(rows):
        reasons = answers.loc[answers["stands_out"], "why"].drop_duplicates().tolist()
        lines = [_line(why) for why in reasons[:_REASONS]]
        lines[-1:] = [
            f"{line} (+{len(reasons) - _REASONS} more)" for line in lines[-1:] if len(reasons) > _REASONS
        ] or (lines[-1:])
        place = {"xref": "paper", "x": 0, "xanchor": "left", "showarrow": False, "align": "left"}
        place |= {"font": {"color": "#222", "size": 11}}
        figure.add_annotation(text=f"<b>{name}</b>", y=lane - 0.13, yanchor="bottom", **place)
        figure.add_annotation(text="<br>".join(lines), y=lane + 0.11, yanchor="top", **place)


def _line(words: Any) -> str:
    """Return the beginning of a text, safe to draw, on one line."""
    shown = safe.text("" if pd.isna(words) else words, 400)
    return safe.plot(next(iter(wrap(shown, _WIDTH, max_lines=1, placeholder=" …")), ""))


def _lay_out(figure: "Figure", rows: int, questions: list[str]) -> None:
    """The names of the questions above their columns, upright, in up to three lines."""
    names = ["<br>".join(map(safe.plot, wrap(safe.text(name), 30)[:3])) for name in questions]
    figure.update_xaxes(
        side="top", tickvals=list(range(len(questions))), ticktext=names, tickangle=-90, tickfont={"size": 10}
    )
    figure.update_xaxes(range=[-0.6, max(len(questions), 8) - 0.4], showgrid=False, automargin=False)
    figure.update_yaxes(range=[rows - 0.35, -0.45], visible=False)
    figure.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom"}, margin_b=50, margin_l=30)
    longest = max(len(line) for name in names for line in name.split("<br>"))
    draw.with_room(figure, int(5.5 * longest) - 50)
