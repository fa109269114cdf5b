"""Figures: everything is drawn or counted, and nothing from a log acts."""

import json
import subprocess
import sys

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from pandas.testing import assert_frame_equal

from drawn import (
    DAY,
    DRAWN,
    HOSTILE,
    card,
    changes,
    coverage,
    events,
    exports,
    feedback,
    geo,
    leads,
    marks,
    minutes,
    moves,
    poisoned,
    proxy,
    said,
    strip,
    texts,
    week,
)
from oktakit import schema
from oktakit.errors import ColumnError, InputError
from oktakit.figures.checks import plot_checks
from oktakit.figures.feedback import plot_feedback
from oktakit.figures.hours import plot_coverage, plot_hours
from oktakit.figures.movements import plot_movements
from oktakit.figures.places import plot_geo, plot_proxy
from oktakit.figures.sessions import plot_sessions
from oktakit.figures.style import CONFIG, describe, new_figure, with_legend
from oktakit.figures.timeline import plot_exports, plot_timeline


def sessions(frame):
    """Draw sessions with their changes."""
    return plot_sessions(frame, changes())


def covered(frame):
    """Draw what time a log covers."""
    return plot_coverage(frame, coverage())


FIGURES = [
    (plot_timeline, events),
    (plot_exports, exports),
    (plot_geo, geo),
    (plot_proxy, proxy),
    (plot_movements, moves),
    (sessions, strip),
    (plot_feedback, feedback),
    (plot_hours, week),
    (covered, week),
    (plot_checks, card),
]
TOLD = [figure for figure in FIGURES if figure[1] is not week]  # a week has no words of a log in it
every_figure = pytest.mark.parametrize(("draw", "table"), FIGURES, ids=lambda part: part.__name__)


@every_figure
def test_a_figure_leaves_its_table_alone(draw, table):
    """The table is the same before and after."""
    frame = table()
    draw(frame)
    assert_frame_equal(frame, table())


@every_figure
def test_an_empty_table_says_so(draw, table):
    """No events is an answer, not an error."""
    figure = draw(table().head(0))
    assert [note.text for note in figure.layout.annotations] == ["no events"]
    assert describe(figure).empty


@every_figure
def test_nothing_vanishes_when_nothing_is_known(draw, table):
    """With a null in every field that may be null, each row is still drawn or counted."""
    frame = table()
    certain = {"uuid", "state", "events", "actors", "downloads"}
    counted = {plot_timeline: 8, plot_exports: 0, plot_geo: 121, plot_proxy: 56, plot_movements: 11, plot_hours: 6}
    counted |= {sessions: 11, plot_feedback: 5, covered: 6, plot_checks: 4}
    nulls = {name: pd.Series([None] * len(frame), dtype=frame[name].dtype) for name in set(frame) - certain}
    rows = describe(draw(frame.assign(**nulls)))
    assert rows["events"].sum() == counted[draw]


@every_figure
def test_a_missing_column_is_named(draw, table):
    """The error says which helper needs which column."""
    column = table().columns[0]
    with pytest.raises(ColumnError, match=rf"plot_\w+ needs the columns {column}"):
        draw(table().drop(columns=column))


@pytest.mark.parametrize(("draw", "table"), TOLD, ids=lambda part: part.__name__)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_from_a_log_is_markup(draw, table, hostile):
    """Whatever the text, in whatever column: no tag, no hidden character reaches the figure."""
    figure = json.loads(draw(poisoned(table(), hostile)).to_json())
    ours = [text.replace("<br>", "").replace("<b>", "").replace("</b>", "") for text in texts(figure)]
    assert not [text for text in ours if "<" in text or set(text) & set("\u202e\u2066\u200b")]
    assert any("&lt;" in text for text in ours)


@every_figure
def test_a_figure_is_small(draw, table):
    """A figure of a few rows is a few kilobytes, a map with its outlines below 70."""
    assert len(draw(table()).to_json()) < (70_000 if draw in (plot_geo, plot_movements) else 10_000)


@every_figure
def test_a_notebook_stores_no_upload_button(draw, table):
    """The stored output carries the configuration that keeps the figure on the page."""
    figure = draw(table())
    bundle = pio.renderers._build_mime_bundle(figure.to_dict(), renderers_string="oktakit")
    assert bundle["application/vnd.plotly.v1+json"]["config"] == {
        "showSendToCloud": False,
        "displaylogo": False,
        "typesetMath": False,
        "plotlyServerURL": "",
    }


def test_what_somebody_set_on_purpose_stays(monkeypatch):
    """Our configuration goes below that of the user, and registering twice changes nothing."""
    monkeypatch.setattr(pio.renderers["notebook"], "config", {"displaylogo": True, "scrollZoom": True})
    default = pio.renderers.default
    plot_timeline(events())
    plot_timeline(events())
    assert pio.renderers["notebook"].config == CONFIG | {"displaylogo": True, "scrollZoom": True}
    assert pio.renderers.default == default


def test_the_package_costs_no_plotly_until_a_figure_is_made():
    """Importing the figures does not import plotly."""
    code = "import sys, oktakit.figures.timeline; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_event_is_drawn_or_counted():
    """Seven events have a time and are drawn, in spite of their nulls; the eighth is counted."""
    figure = plot_timeline(events())
    assert marks(figure) == 7
    assert said(figure) == {
        "steps of one job": (1, 3),
        "other events": (3, 3),
        "export.request": (1, 1),
        "export.generate": (1, 1),
        "export.download": (1, 1),
        "feedback.provide": (1, 1),
        "not drawn: without a time": (0, 1),
    }
    assert "not drawn: 1 without a time" in figure.layout.title.subtitle.text


def test_each_actor_has_a_row_and_the_unknown_are_not_one_person():
    """A login comes before an id, and two actors whose login is `unknown` stay two."""
    figure = plot_timeline(events())
    assert figure.layout.yaxis.ticktext == ("a@example.com", "00u2", "c@example.com", "not reported", "00u4", "00u5")
    assert figure.layout.xaxis.title.text == "time (UTC)"


def test_rows_that_share_an_index_are_all_drawn():
    """Tables put together by hand often repeat their index."""
    assert marks(plot_timeline(pd.concat([events(), events()]))) == 14
    assert marks(plot_exports(pd.concat([exports(), exports()]))) == 16


def test_times_are_drawn_in_utc():
    """A table in another zone gives the same figure."""
    local = events().assign(published=events()["published"].dt.tz_convert("Asia/Tokyo"))
    assert plot_timeline(local).to_json() == plot_timeline(events()).to_json()
    assert plot_timeline(local).data[2].x == ("2026-03-02T00:00:00.000",)


TYPES = {
    "object": lambda frame: frame.astype(object).where(frame.notna(), None),
    "category": lambda frame: frame.astype(
        {name: "category" for name in frame if frame[name].dtype in (object, "str")}
    ),
    "string": lambda frame: frame.convert_dtypes(),
    "arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "zone": lambda frame: frame.assign(
        **{name: frame[name].dt.tz_convert("Asia/Tokyo") for name in frame.select_dtypes("datetimetz")}
    ),
}


@pytest.mark.parametrize("change", TYPES.values(), ids=TYPES)
@every_figure
def test_types_and_zones_of_other_frames_change_nothing(draw, table, change):
    """Categories, nullable texts, Arrow's types, plain objects and another zone give the same figure."""
    assert draw(change(table())).to_json() == draw(table()).to_json()


@pytest.mark.skipif(
    pd.__version__ < "3", reason="pandas 2 reckons in nanoseconds, the years 1678 to 2261; needs pandas 3"
)
@every_figure
def test_times_may_lie_wherever_a_wrong_clock_puts_them(draw, table):
    """The years 2 and 9998, a whole second beside a thousandth: drawn, and told in words."""
    frame = table()
    for name in frame.select_dtypes("datetimetz"):
        first, *_, last = frame.index[frame[name].notna()]
        frame.loc[first, name] = pd.Timestamp("0002-02-02T00:00:00Z").as_unit("us")
        frame.loc[last, name] = pd.Timestamp("9998-02-02T00:00:00.001Z").as_unit("us")
    assert describe(draw(frame))["events"].sum() >= describe(draw(table()))["events"].sum() - 1


def test_a_login_that_two_share_is_not_one_person():
    """A login given away, or one that two organizations have, is two rows; the id tells them apart."""
    two = events().iloc[[0, 1]].assign(actor_id=["00u1", "00u9"])
    assert plot_timeline(two).layout.yaxis.ticktext == ("a@example.com (00u1)", "a@example.com (00u9)")


def test_a_hundred_thousand_events_are_counted_without_loss():
    """Many events become counts, many actors share the last row, and no event is lost."""
    rows = range(100_000)
    many = pd.DataFrame(
        {
            "uuid": [str(row) for row in rows],
            "published": minutes(*(row // 10 for row in rows)),
            "event_type": ["user.session.start" if row % 100 else schema.DOWNLOAD for row in rows],
            "actor_id": [f"00u{row % 199}" for row in rows],
        }
    )
    many = many.assign(**dict.fromkeys(set(events()) - set(many)))
    figure = plot_timeline(many)
    assert said(figure)["export.download"] == (1_000, 1_000)
    drawn, counted = said(figure)["other events"]
    assert counted == 99_000
    assert drawn <= 60 * 401
    assert sum(int(point[1]) for point in figure.data[0].customdata) == 99_000
    assert len(figure.layout.yaxis.ticktext) == 60
    assert figure.layout.yaxis.ticktext[-1] == "140 other actors"


def test_an_export_shows_its_steps_and_who_took_it():
    """Eight of nine steps have a time; the words on the right name the answer and the delay."""
    figure = plot_exports(exports())
    assert marks(figure) == 8
    assert [note.text for note in figure.layout.annotations] == [
        "<b>taken by someone else</b><br>2 h 14 min after the request",
        "<b>taken by the requester</b><br>30 s after the request",
        "<b>no download</b><br>failed",
        "<b>unknown who took it</b><br>download only",
    ]
    assert said(figure) == {
        "taken by someone else": (1, 3),
        "taken by the requester": (1, 2),
        "unknown who took it": (1, 1),
        "no download": (1, 2),
        "export.request": (3, 3),
        "export.generate": (1, 1),
        "failed generation": (1, 1),
        "export.download": (3, 3),
        "not drawn: steps without a time": (0, 1),
    }


def test_a_result_that_is_no_failure_is_not_drawn_as_one():
    """FAILURE is one of Okta's failures, SKIPPED and UNKNOWN are not; the ledger says the same."""
    counted = said(plot_exports(exports().assign(generate_result=["SKIPPED", None, "UNKNOWN", None])))
    assert counted["export.generate"] == (2, 2)
    assert "failed generation" not in counted


def test_an_export_names_its_people():
    """A step that is not in the log is not a step by nobody."""
    assert plot_exports(exports()).layout.yaxis.ticktext == (
        "<b>Users</b><br>a → x",
        "<b>Users</b><br>b → b",
        "<b>not reported</b><br>c → not in this log",
        "<b>MFA</b><br>not in this log → y",
    )


def test_only_the_domain_that_most_share_is_left_out():
    """Whoever is from elsewhere keeps the whole address, and the words above say which domain is left out."""
    figure = plot_exports(exports().assign(downloaded_by=["x@example.org", "b@example.com", None, "@example.com"]))
    labels = [label.split("<br>")[1] for label in figure.layout.yaxis.ticktext]
    assert labels == ["a → x@example.org", "b → b", "c → not in this log", "not in this log → @example.com"]
    assert "names without a domain: @example.com" in figure.layout.title.subtitle.text


def test_exports_that_leads_name_come_first():
    """The failed one and the first, in the order of their leads, then as many others as fit on a page."""
    many = pd.concat([exports(), *[exports().iloc[[1]].assign(downloaded_uuid="other")] * 20], ignore_index=True)
    figure = plot_exports(many, leads("x requested2", "downloaded0 requested0"))
    assert [note.text.split("</b>")[0] for note in figure.layout.annotations[:3]] == [
        "<b>no download",
        "<b>taken by someone else",
        "<b>taken by the requester",
    ]
    assert len(figure.layout.yaxis.ticktext) == 14
    assert said(figure)["not drawn: other rows"] == (0, 10)


def test_people_whom_leads_name_come_first():
    """The row of the event that a lead names is above those of earlier events."""
    assert plot_timeline(events(), leads=leads("e3")).layout.yaxis.ticktext[:2] == ("c@example.com", "a@example.com")


def test_the_export_taken_by_other_is_drawn_however_many_there_are():
    """With 81 rows, 60 fit; the last one, which somebody else took, is among them."""
    many = pd.concat([*[exports().iloc[[1]]] * 80, exports().iloc[[0]]], ignore_index=True)
    figure = plot_exports(many)
    assert said(figure)["taken by someone else"] == (1, 3)
    assert said(figure)["not drawn: other rows"] == (0, 21)
    assert figure.layout.annotations[-1].text.startswith("<b>taken by someone else</b>")


def test_the_map_shows_small_countries_and_names_what_it_cannot_show():
    """Singapore and Malta have bubbles; the null country and Atlantis are named with their events."""
    figure = plot_geo(geo())
    points = {
        row[0]: (x, y)
        for trace in figure.data
        if trace.customdata
        for row, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    assert set(points) == {"Singapore", "Malta", "Samoa", "United States"}
    assert points["Malta"] == pytest.approx((14.4, 35.9), abs=0.2)
    assert points["Samoa"] == pytest.approx((187.6, -13.6), abs=0.2)
    assert said(figure) == {
        "without downloads": (2, 7),
        "with downloads": (2, 105),
        "not drawn: events without a place": (0, 9),
    }
    assert figure.layout.annotations[0].text == "not on map: country not reported (7), Atlantis (2)"


def test_a_map_needs_no_help_from_elsewhere():
    """No trace is of a kind for which plotly fetches a map."""
    assert {trace.type for trace in plot_geo(geo()).data} == {"scatter"}


def test_a_network_is_a_proxy_or_not_or_nobody_says():
    """Three answers, three series, and the events of all networks."""
    figure = plot_proxy(proxy())
    assert said(figure) == {"proxy": (1, 12), "not a proxy": (1, 40), "proxy not reported": (2, 4)}
    assert figure.layout.yaxis.ticktext == (
        "<b>AS64500 Example Hosting</b><br>VPN HOSTING",
        "<b>AS64501 Example Telecom</b><br>no categories",
        "<b>not reported</b><br>no categories",
        "<b>AS64502 not reported</b><br>no categories",
    )


def test_a_figure_grows_with_its_rows():
    """Every row has its label."""
    many = pd.concat([proxy()] * 10, ignore_index=True)
    figure = plot_proxy(many)
    assert len(figure.layout.yaxis.tickvals) == 40
    assert figure.layout.height >= plot_proxy(proxy()).layout.height + 36 * 30


def test_words_and_legend_have_room_of_their_own():
    """A second line of words takes 16 pixels, and the third to tenth row of a legend 19 each."""
    figure = new_figure("Title", "n" * 95, 300, {"rows": 1, "others": 2})
    assert figure.layout.title.subtitle.text == f"{'n' * 95}<br>not drawn: 1 rows · not drawn: 2 others"
    assert (figure.layout.height, figure.layout.margin.t) == (316, 136)
    for number in range(10):
        figure.add_scatter(x=[1], y=[1], name=f"{number:030}")
    assert (with_legend(figure).layout.height, figure.layout.margin.t) == (468, 288)


def test_evidence_that_disagrees_stands_side_by_side():
    """A VPN that Okta does not flag: the colour says whose word it is; the number stays whole in a column of floats."""
    figure = plot_proxy(proxy().head(1).assign(is_proxy=False, as_number=64500.0))
    assert (said(figure), figure.layout.legend.title.text) == ({"not a proxy": (1, 12)}, "Okta's flag:")
    assert figure.layout.yaxis.ticktext == ("<b>AS64500 Example Hosting</b><br>VPN HOSTING",)


def test_describe_tells_first_and_last():
    """Times in the words are those of the events."""
    table = describe(plot_timeline(events())).set_index("series")
    assert table.loc["other events", "first"] == DAY + pd.Timedelta(4, "min")
    assert table.loc["other events", "last"] == DAY + pd.Timedelta(7, "min")
    assert pd.isna(table.loc["not drawn: without a time", "last"])


def test_describe_knows_our_figures_only():
    """A figure from elsewhere is refused in words."""
    with pytest.raises(InputError, match="made by a plot_ function"):
        describe(go.Figure())


@pytest.mark.slow
def test_a_browser_without_network_draws_everything(need, tmp_path):
    """Of every figure all marks appear; nothing is asked of the network, no text acts, there is no button to share."""
    browser = need("chromium", "apt-get install chromium")
    sync = pytest.importorskip("playwright.sync_api").sync_playwright
    figures = [draw(table()) for draw, table in FIGURES]
    figures += [draw(poisoned(table(), HOSTILE[n % len(HOSTILE)])) for n, (draw, table) in enumerate(TOLD)]
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=not at, config={**CONFIG}) for at, figure in enumerate(figures)
    ]
    page_file = tmp_path / "figures.html"
    page_file.write_text("<meta charset=utf-8>" + "".join(parts), encoding="utf-8")
    asked, errors = [], []
    with sync() as play:
        page = play.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_context(offline=True).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(page_file.as_uri())
        page.wait_for_function(f"document.querySelectorAll('.js-plotly-plot .main-svg').length >= {2 * len(figures)}")
        page.wait_for_timeout(500)
        seen = page.evaluate(f"[...document.querySelectorAll('.js-plotly-plot')].map({DRAWN})")
        assert page.locator('[data-title*="Share"], .js-plotly-plot img, .js-plotly-plot a[href]').count() == 0
    promised = [[[trace.name, *[trace.meta["marks"]] * 2] for trace in figure.data if trace.meta] for figure in figures]
    assert seen == promised
    assert asked == [page_file.as_uri()]
    assert errors == []
