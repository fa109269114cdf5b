"""Figures of jobs, sessions, verdicts, hours, coverage and answers: what each one must show."""

from importlib import resources

import pandas as pd
import pytest

from drawn import (
    DAY,
    card,
    changes,
    coverage,
    detections,
    events,
    exports,
    feedback,
    leads,
    minutes,
    said,
    strip,
    week,
)
from oktakit.errors import InputError
from oktakit.figures.checks import CONTEXT, plot_checks
from oktakit.figures.feedback import plot_feedback
from oktakit.figures.hours import plot_coverage, plot_hours
from oktakit.figures.sessions import plot_sessions
from oktakit.figures.timeline import plot_timeline


def series(figure, name):
    """Return one series of a figure."""
    return next(trace for trace in figure.data if trace.name == name)


def remarks(figure):
    """Return the words on the right of the rows."""
    return [note.text for note in figure.layout.annotations]


def test_the_steps_of_a_job_are_tied_by_its_number_alone():
    """Request, generate and download of j1 are one line over two rows; j2 and `unknown` tie nothing."""
    figure = plot_timeline(events())
    line = series(figure, "steps of one job")
    times = [f"2026-03-02T00:0{minute}:00.000" for minute in (0, 1, 2)]
    assert list(line.x) == [*times, None]
    assert line.y[:3] == (0, 0, 1)


def test_two_organizations_have_no_job_in_common():
    """The request and the generate of j1 are of one, the download is of another: it is tied to neither."""
    figure = plot_timeline(events().assign(organization=["one", "one", "two", *[None] * 5]))
    assert said(figure)["steps of one job"] == (1, 2)


def test_a_timeline_can_have_a_row_per_session():
    """Two texts that are no session share a row with what has none."""
    figure = plot_timeline(events(), lane="session")
    assert figure.layout.yaxis.ticktext == (
        "<b>a@example.com</b> s1",
        "no session",
        "<b>00u2</b> s2",
        "<b>c@example.com</b> s3",
    )
    assert figure.layout.title.subtitle.text == "events: 8 · sessions: 3 · not drawn: 1 without a time"


def test_a_timeline_knows_two_kinds_of_rows():
    """Anything else is refused in words."""
    with pytest.raises(InputError, match="lane 'actor' or 'session'; found 'country'"):
        plot_timeline(events(), lane="country")


def test_too_many_jobs_lose_their_lines_and_are_counted():
    """Of 5,001 jobs, one has no line; all 10,002 events are drawn."""
    pair = events().iloc[[0, 2]]
    many = pd.concat([pair] * 5_001, ignore_index=True).assign(job_id=[f"j{n // 2}" for n in range(10_002)])
    counted = said(plot_timeline(many))
    assert counted["steps of one job"] == (5_000, 10_000)
    assert counted["not drawn: jobs without their line"] == (0, 1)


def test_a_session_shows_its_values_and_where_it_moved():
    """Norway, something not reported, Romania, Norway again: two stretches of Norway, one change explained."""
    figure = plot_sessions(strip(), changes())
    assert said(figure) == {
        "Norway": (3, 3),
        "Romania": (1, 1),
        "Malta": (1, 1),
        "not reported": (1, 1),
        "change, not explained": (1, 1),
        "change, explained": (1, 1),
        "not drawn: events without a session": (0, 1),
        "not drawn: events without a time": (0, 1),
        "not drawn: changes elsewhere": (0, 1),
    }
    assert series(figure, "Norway").x == (0, 10, 40)
    assert list(series(figure, "stretches of Norway").x) == [0, 10, None, 40, None]
    assert figure.layout.xaxis.title.text == "minutes since the first event of the session"
    assert remarks(figure) == ["<b>changes: 2</b>, explained: 1<br>address, country", "no change"]


def test_a_change_beyond_the_events_is_in_sight():
    """Of the session only its fourth event is drawn: one change came half an hour before, one six hours after."""
    figure = plot_sessions(strip().iloc[[3]], changes().assign(at=minutes(0, 390, 0)))
    first, last = figure.layout.xaxis.range
    assert first < -30 < 360 < last


def test_a_session_is_named_by_its_person_and_its_beginning():
    """The axis counts from the first event, so the row says when that was."""
    assert plot_sessions(strip(), changes()).layout.yaxis.ticktext == (
        "<b>a@example.com</b><br>2026-03-02 00:00 UTC",
        "<b>b@example.com</b><br>2026-03-02 01:40 UTC",
    )


def test_the_session_that_moved_is_drawn_among_a_hundred():
    """Sixty rows, and the one with the change is one of them though it comes last."""
    many = [strip().iloc[[5]].assign(uuid=f"u{n}", external_session_id=f"t{n}") for n in range(100)]
    late = strip().head(5).assign(published=minutes(*range(200, 205)))
    figure = plot_sessions(pd.concat([*many, late], ignore_index=True), changes().assign(at=minutes(203, 204, 0)))
    assert len(figure.layout.yaxis.ticktext) == 60
    assert remarks(figure)[-1].startswith("<b>changes: 2</b>")
    assert said(figure)["not drawn: events of other sessions"] == (0, 41)


def test_rare_values_share_a_colour_and_are_counted():
    """Of eight addresses six have colours of their own."""
    rows = pd.concat([strip().iloc[[5]]] * 8, ignore_index=True)
    rows = rows.assign(uuid=list("abcdefgh"), published=minutes(*range(8)), country=[f"c{n}" for n in range(8)])
    counted = said(plot_sessions(rows, changes()))
    assert counted["others (2)"] == (2, 2)
    assert sum(marks for name, (marks, _) in counted.items() if name in {f"c{n}" for n in range(8)}) == 6


def test_sessions_are_drawn_by_numbers_too():
    """Four events by network: twice 64500, once 64510, once not reported."""
    numbers = pd.Series([64500, 64500, 64510, None], dtype="Int64")
    rows = strip().iloc[[5]].loc[lambda row: row.index.repeat(4)].reset_index(drop=True)
    rows = rows.assign(uuid=list("abcd"), published=minutes(*range(4)), as_number=numbers)
    counted = said(plot_sessions(rows, changes(), by="as_number"))
    assert (counted["64500"], counted["64510"], counted["not reported"]) == ((2, 2), (1, 1), (1, 1))


def test_verdicts_stand_beside_what_they_judged():
    """Two dispute d1, one is about oneself, one judges what the log lacks, one has neither time nor detection."""
    figure = plot_feedback(feedback(), detections())
    assert said(figure) == {
        "detection, HIGH": (1, 1),
        "HIGH, no verdict": (1, 1),
        "detection, lower or not reported": (1, 1),
        "from detection to verdict": (1, 1),
        "to a contradicted verdict": (2, 2),
        "confirmed": (1, 1),
        "dismissed": (2, 2),
        "missed": (1, 1),
        "about oneself": (1, 1),
        "not drawn: verdicts without a time": (0, 1),
        "not drawn: detections not in this log": (0, 1),
    }
    assert remarks(figure) == [
        "<b>contradicted</b><br>confirmed, 1 h later<br>dismissed, 1 h 30 min later",
        "HIGH, no verdict",
        "<b>about oneself</b><br>dismissed, 10 min later",
        "missed",
        "not reported",
    ]
    assert figure.layout.yaxis.ticktext == (
        "<b>Session theft</b> HIGH<br>about u@example.com",
        "<b>Odd place</b> high<br>about u@example.com",
        "<b>user.risk.detect</b> LOW<br>about u@example.com",
        "<b>user.risk.detect</b> not in this log<br>about v@example.com",
        "<b>not reported</b> no detection named<br>about not reported",
    )


def test_two_verdicts_that_name_no_detection_do_not_share_one():
    """`unknown` is no uuid: each has a row of its own, and neither is counted as a detection."""
    figure = plot_feedback(feedback().iloc[[3, 3]].assign(judged_uuid="unknown"))
    assert len(figure.layout.yaxis.ticktext) == 2
    assert figure.layout.title.subtitle.text == "verdicts: 2 · detections: 0"


def test_the_table_of_verdicts_alone_says_nothing_about_open_detections():
    """Without the events nobody can tell which HIGH detections are open."""
    figure = plot_feedback(feedback())
    assert figure.layout.title.subtitle.text.startswith("verdicts: 5 · detections: 3 · not drawn")
    assert "HIGH, no verdict" not in said(figure)


def test_open_detections_are_drawn_without_any_verdict():
    """No feedback at all is not "no events" while HIGH detections wait."""
    assert said(plot_feedback(feedback().head(0), detections()))["HIGH, no verdict"] == (2, 2)


def test_the_disputed_verdict_is_drawn_among_a_hundred():
    """A hundred quiet detections do not hide the one in dispute."""
    quiet = [feedback().iloc[[3]].assign(feedback_uuid=f"q{n}", judged_uuid=f"q{n}") for n in range(100)]
    counted = said(plot_feedback(pd.concat([*quiet, feedback().iloc[[0, 1]]], ignore_index=True)))
    assert counted["to a contradicted verdict"] == (2, 2)
    assert counted["not drawn: other detections"] == (0, 41)
    assert counted["not drawn: verdicts on other detections"] == (0, 41)


def test_hours_are_whole_numbers_that_sum_to_the_events():
    """Three events in the first hour of Monday, one after a week in the same hour, one in the last of Sunday."""
    figure = plot_hours(week())
    fields = series(figure, "all events").z
    assert (fields[0][0], fields[6][23], sum(map(sum, fields))) == (4, 1, 5)
    assert said(figure) == {
        "all events": (168, 5),
        "reports.export.request": (1, 2),
        "feedback.provide": (1, 1),
        "not drawn: without a time": (0, 1),
    }


def test_hours_are_those_of_the_clock_that_was_named():
    """Midnight of Monday in UTC is nine in Tokyo, and in New York Sunday evening, an hour later from that week on."""
    assert series(plot_hours(week(), timezone="Asia/Tokyo"), "all events").z[0][9] == 4
    figure = plot_hours(week(), timezone="America/New_York")
    assert series(figure, "all events").z[6][19:21] == [4, 1]
    assert figure.layout.xaxis.title.text == "hour of the day (America/New_York)"


def test_an_unknown_clock_is_refused():
    """The error says what a time zone looks like."""
    with pytest.raises(InputError, match="Europe/Oslo"):
        plot_hours(week(), timezone="<b>")


def test_marks_of_one_can_stand_over_the_hours_of_all():
    """The baseline keeps its five events; only one request is marked."""
    counted = said(plot_hours(week(), marked=week().iloc[[1, 5]]))
    assert counted["all events"] == (168, 5)
    assert counted["reports.export.request"] == (1, 1)
    assert counted["not drawn: marked, without a time"] == (0, 1)


def test_coverage_has_a_bar_per_hour_and_a_field_per_gap():
    """Five events in three hours; what is not complete is told in words below."""
    figure = plot_coverage(week(), coverage())
    bars = series(figure, "events per hour")
    assert (bars.x[0], bars.y) == ("2026-03-02T00:00:00.000", (3, 1, 1))
    assert list(series(figure, "gap").x) == [*["2026-03-02T01:00:00.000"] * 2, *["2026-03-02T10:00:00.000"] * 2, None]
    assert said(figure)["first and last event"] == (2, 2)
    assert said(figure)["not drawn: without a time"] == (0, 1)
    assert figure.layout.annotations[0].text == (
        "<b>gap</b>: not complete. nothing for nine hours<br>"
        "<b>detections</b>: cannot be told. not reported<br>"
        "<b>rejected</b>: not complete. 3 records could not be read."
    )
    assert "gaps: 1 · rejected: 3" in figure.layout.title.subtitle.text


def test_the_bars_of_a_long_log_are_days_and_lose_nothing():
    """Two years and 20,000 events become bars of thirty days that sum to all of them."""
    times = [DAY + pd.Timedelta(n * 53, "min") for n in range(20_000)]
    bars = plot_coverage(pd.DataFrame({"published": times}), coverage()).data[0]
    assert (bars.name, sum(bars.y)) == ("events per 30 days", 20_000)


def test_words_about_coverage_are_inert():
    """The reasons are ours, but a table can be anybody's."""
    figure = plot_coverage(week(), coverage().assign(why="<a href='https://198.51.100.1'>x</a>\u202e"))
    words = figure.layout.annotations[0].text
    assert "&lt;a href=" in words
    assert "<a" not in words
    assert "\u202e" not in words


def test_answers_are_marks_with_a_letter_and_never_a_sum():
    """What stands out and what is ordinary by itself are two kinds of yes; of the second nothing stands out."""
    figure = plot_checks(card().assign(answer=["yes", "yes", "unknown", None]))
    assert said(figure) == {
        "yes": (1, 1),
        "yes, and ordinary by itself": (1, 1),
        "not drawn: answers about 1 without a yes that stands out": (0, 2),
    }
    assert [(trace.text[0], trace.x[0], trace.y[0]) for trace in figure.data] == [("Y", 0, 0), ("Y", 1, 0)]
    assert figure.layout.xaxis.ticktext == ("Was it taken?", "Was it late?")
    assert remarks(figure) == ["<b>11111111</b>", "by x@example.com"]


def test_what_leads_name_is_drawn_though_nothing_stands_out():
    """An unknown answer and one that nobody gave are marks of their own."""
    figure = plot_checks(card(), leads=leads("22222222-bbbb"))
    assert said(figure) == {"yes": (1, 1), "no": (1, 1), "unknown": (1, 1), "not reported": (1, 1)}
    assert remarks(figure) == ["<b>22222222</b>", "", "<b>11111111</b>", "by x@example.com"]


def test_a_question_that_only_has_no_is_left_out():
    """It is counted."""
    figure = plot_checks(card().head(2))
    assert figure.layout.xaxis.ticktext == ("Was it taken?",)
    assert said(figure)["not drawn: answers to questions that have only no here"] == (0, 1)


def test_nothing_that_stands_out_is_said():
    """There are no rows, and all answers are counted."""
    figure = plot_checks(card().assign(answer="no"))
    assert said(figure) == {"not drawn: answers about 2 without a yes that stands out": (0, 4)}


def test_rows_say_when_what_and_who():
    """An export by its download, a verdict by its time; who is from another domain keeps it."""
    table = exports().head(1).assign(downloaded_uuid="11111111-aaaa", downloaded_by="x@example.org")
    assert remarks(plot_checks(card(), table))[0] == "<b>2 Mar 02:14 · Users · a → x@example.org</b>"
    given = feedback().head(1).assign(feedback_uuid="11111111-aaaa")
    assert remarks(plot_checks(card(), given))[0] == "<b>2 Mar 01:00 · confirmed · x about u</b>"


def test_of_a_hundred_subjects_the_worst_are_drawn():
    """The one with two yes that stand out comes first; seven fit, and the other answers are counted."""
    many = pd.concat([card().head(2).assign(subject=f"s{n}") for n in range(100)], ignore_index=True)
    many.loc[many["subject"] == "s99", ["key", "answer"]] = ["travel", "yes"]
    figure = plot_checks(many)
    assert remarks(figure)[0] == "<b>s99</b>"
    assert said(figure)["yes"] == (8, 8)
    assert said(figure)["not drawn: answers about 93 more that stand out"] == (0, 186)


def test_ordinary_questions_are_questions():
    """Each name in the list is one that the checklists ask."""
    asked = resources.files("oktakit.checks").joinpath("questions.csv").read_text("utf-8")
    assert {line.split(",")[0] for line in asked.splitlines()} >= CONTEXT


def test_sessions_and_verdicts_that_leads_name_come_first():
    """The session of one event is above the one that changed; the HIGH detection that nobody judged is the first."""
    figure = plot_sessions(strip(), changes(), leads=leads("e5"))
    assert figure.layout.yaxis.ticktext[0].startswith("<b>b@example.com</b>")
    figure = plot_feedback(feedback(), detections(), leads("h1"))
    assert figure.layout.yaxis.ticktext[0] == "<b>Odd place</b> high<br>about u@example.com"
