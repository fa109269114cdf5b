"""The verdict card as a picture: every question, every subject, every answer, and no sum of them."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from .. import safe
from . import style as draw

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLUMNS: Final = ["subject", "question", "answer", "why", "against"]

_ANSWERS: Final = {
    "yes": ("Y", draw.ORANGE, "square"),
    "no": ("n", draw.BLUE, "circle-open"),
    "unknown": ("?", draw.GREY, "diamond-open"),
    draw.MISSING: ("", draw.GREY, "x-open"),
}


def plot_checks(card: pd.DataFrame, names: "pd.Series[Any] | None" = None) -> "Figure":
    """Draw a card of questions: one row per question, one column per subject, one mark per answer.

    Parameters
    ----------
    card : pandas.DataFrame
        The answer of `check_exports` or `check_feedback`, or some of its rows.
    names : pandas.Series, optional
        What to call the subjects, by their uuid. Without it, they are called by the beginning of their uuid.

    Returns
    -------
    plotly.graph_objects.Figure
        Y, n and ? are yes, no and unknown; a yes states a fact, not a fault, and nothing is added up. Of one subject,
        the reasons stand on the right. Of more than 60 subjects, the first ones of the card are drawn and the rest is
        counted.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import check_exports, make_log, read_log
    >>> card = check_exports(read_log(make_log("assistant").records).events)
    >>> plot_checks(card).layout.title.subtitle.text
    'answers: 270 · questions: 15 · subjects: 18'
    """
    card = draw.require("plot_checks", card, _COLUMNS)
    if card.empty:
        return draw.no_events("Questions and answers")
    subjects, questions = card["subject"].fillna(draw.MISSING), card["question"].fillna(draw.MISSING)
    columns, rows = subjects.drop_duplicates()[: draw.LANES].tolist(), questions.drop_duplicates().tolist()
    marks = card.assign(x=subjects.map({name: at for at, name in enumerate(columns)}))
    marks = marks.assign(lane=questions.map({name: at for at, name in enumerate(rows)}))
    drawn = marks[marks["x"].notna()]
    counted = f"answers: {len(card):,} · questions: {len(rows):,} · subjects: {subjects.nunique():,}"
    missed = {"answers about other subjects": len(marks) - len(drawn)}
    figure = draw.new_figure("Questions and answers", counted, 200 + 34 * len(rows), missed)
    _add_answers(figure, drawn, min(22, 640 // max(len(columns), 8)))
    _name_subjects(figure, columns, names)
    if len(columns) == 1:
        reasons = [draw.lane_note(row.lane, "<br>".join(_lines(row.why, 84))) for row in drawn.itertuples()]
        figure.update_layout(margin_r=540, annotations=reasons)
    return draw.with_legend(draw.with_lanes(figure, ["<br>".join(_lines(question, 40)) for question in rows]))


def _add_answers(figure: "Figure", drawn: pd.DataFrame, size: int) -> None:
    """One series per answer; what is none of the three is an answer that nobody reported."""
    answers = drawn["answer"].where(drawn["answer"].isin(list(_ANSWERS)), draw.MISSING)
    for answer, (letter, color, symbol) in _ANSWERS.items():
        rows, font = drawn[answers == answer].assign(at=pd.NaT), {"color": "#222", "size": max(7, size // 2)}
        letters = {"mode": "markers+text", "text": [letter] * len(rows), "textfont": font}
        draw.add_marks(figure, answer, (color, symbol, size), rows, _COLUMNS, **letters)


def _name_subjects(figure: "Figure", columns: list[str], names: "pd.Series[Any] | None") -> None:
    labels = pd.Series([uuid[:8] for uuid in columns])
    if names is not None:
        labels = pd.Series(columns).map(names[~names.index.duplicated()]).fillna(labels)
    ticks = draw.texts(labels, 30)
    figure.update_layout(height=figure.layout.height + (6 * max(map(len, ticks)) if len(columns) > 4 else 0))
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=ticks,
        tickangle=-90 if len(columns) > 4 else 0,
        range=[-0.7, len(columns) - 0.3],
        showgrid=False,
    )


def _lines(text: Any, width: int) -> list[str]:
    """At most two lines of a text that is made safe."""
    return [
        safe.plot(line) for line in wrap(safe.text("" if pd.isna(text) else text), width, max_lines=2, placeholder=" …")
    ]
