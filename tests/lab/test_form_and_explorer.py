"""Widgets without a browser: what the controls say is what `selected` holds, and nothing from a log acts."""

import ast
import json

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import oktakit as ok
from oktakit import schema

HOSTILE = "<img src=x onerror=alert(1)>$\\href{javascript:alert(1)}{x}$\u202e%{x}"
ANN, BOB, SYSTEM = "ann@example.com", "bob@example.com", "system@okta.com"


def events():
    """Return six events; one has no time, no actor, no country, no outcome and no word about a proxy."""
    times = ["02T09:00:00.000", "02T09:05:00.000", "02T10:00:00.000", "02T10:30:00.250", None, "03T08:00:00.000"]
    return pd.DataFrame(
        {
            "uuid": ["e0", "e1", "e2", "e3", "e4", "e5"],
            "published": pd.to_datetime([at and f"2026-03-{at}Z" for at in times]).astype("datetime64[us, UTC]"),
            "event_type": [*schema.EXPORTS, "user.session.start", "user.session.start", schema.FEEDBACK],
            "actor_id": ["00u1", "sys", "00u2", "00u1", "unknown", "00u2"],
            "actor_alternate_id": [ANN, SYSTEM, BOB, ANN, None, BOB],
            "outcome_result": ["SUCCESS", "SUCCESS", "SUCCESS", "FAILURE", None, "SUCCESS"],
            "ip_address": ["192.0.2.1", None, "192.0.2.2", "192.0.2.1", None, "192.0.2.2"],
            "country": ["Malta", None, "Singapore", "Malta", None, "Atlantis"],
            "is_proxy": pd.array([False, None, True, False, None, False], dtype="boolean"),
            "raw_user_agent": ["curl (x+)+$", None, "Firefox", "Firefox", ".", "Straße"],
        },
        index=[10, 11, 12, 13, 14, 15],
    )


def choose(explorer, **wishes):
    """Set controls one after the other and return the uuids that are selected then."""
    for name, value in wishes.items():
        explorer.controls[name].value = value
    return "".join(explorer.selected["uuid"]).replace("e", "")


def drag(explorer, axis, x, y):
    """Draw a box as the browser reports it."""
    box = {"xref": f"x{axis}", "yref": f"y{axis}", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1]}
    explorer.figure.plotly_relayout({"selections": [box]})


def every(widget, kind):
    """Return all widgets of a kind, however deep they lie."""
    below = [found for child in getattr(widget, "children", ()) for found in every(child, kind)]
    return [widget, *below] if isinstance(widget, kind) else below


def said(explorer):
    """Return what is read out."""
    return explorer.children[1].status


@pytest.mark.parametrize(
    ("wishes", "uuids"),
    [
        ({}, "012345"),
        ({"since": "2026-03-02 10:00"}, "2345"),
        ({"since": "2026-03-02T10:00Z", "untimed": False}, "235"),
        ({"until": "2026-03-02"}, "01234"),
        ({"until": "2026-03-02 10"}, "01234"),
        ({"until": "2026-03-02 10:30:00", "untimed": False}, "0123"),
        ({"until": "2026-03-02 10:30:00.249", "untimed": False}, "012"),
        ({"since": "2026-03-03 09:00", "until": "2026-03-01", "untimed": False}, ""),
        ({"actors": (ANN,)}, "03"),
        ({"actors": (None, SYSTEM)}, "14"),
        ({"event_types": (schema.DOWNLOAD, schema.FEEDBACK)}, "25"),
        ({"countries": ("Malta", "Atlantis")}, "035"),
        ({"countries": (None,)}, "14"),
        ({"outcomes": ("FAILURE", None)}, "34"),
        ({"proxy": ("yes",)}, "2"),
        ({"proxy": ("no",)}, "035"),
        ({"proxy": (None,)}, "14"),
        ({"text": "ANN@"}, "03"),
        ({"text": "(x+)+$"}, "0"),
        ({"text": "."}, "012345"),
        ({"text": ".*"}, ""),
        ({"text": "straße"}, "5"),
        ({"actors": (BOB,), "proxy": ("no",), "until": "2026-03-04"}, "5"),
        ({"countries": ("Malta",), "text": "firefox", "since": "2026-03-02 10:30"}, "3"),
    ],
    ids=str,
)
def test_the_controls_say_what_is_selected(wishes, uuids):
    """Each control alone and together with others; what is not reported is a choice like any other."""
    explorer, table = ok.EventExplorer(events()), events()
    assert choose(explorer, **wishes) == uuids
    assert_frame_equal(explorer.selected, table[table["uuid"].isin([f"e{place}" for place in uuids])])
    assert said(explorer) == f"{len(uuids)} of 6 events selected"


@pytest.mark.parametrize("value", ["05/03/2026", "2026-02-30", "2026-03-02 10:00+02:00", "now", "12:30", HOSTILE])
def test_what_is_no_time_is_put_back(value):
    """A time that would be misread changes nothing, and the line says so."""
    explorer = ok.EventExplorer(events())
    assert choose(explorer, until="2026-03-02") == "01234"
    assert choose(explorer, until=value) == "01234"
    assert explorer.controls["until"].value == "2026-03-02"
    assert " is not a time like 2026-03-02 08:00 (UTC). Kept the old value; " in said(explorer)


def test_options_count_events_and_name_what_is_not_reported():
    """What exports and feedback say comes first, then the most frequent, and what is missing last."""
    controls = ok.EventExplorer(events()).controls
    labels = {name: [label for label, _ in controls[name].options] for name in ("countries", "proxy", "event_types")}
    assert labels["countries"] == ["Malta (2)", "Atlantis (1)", "Singapore (1)", "not reported (2)"]
    assert labels["proxy"] == ["no (3)", "yes (1)", "not reported (2)"]
    assert labels["event_types"][-1] == "user.session.start (2)"


def test_a_box_in_the_timeline_stands_in_the_controls():
    """The box becomes the times of its events, the actors of its rows, and a selection that can be typed as well."""
    explorer = ok.EventExplorer(events())
    assert list(explorer.figure.layout.yaxis.ticktext) == [ANN, BOB, SYSTEM]
    drag(explorer, "", ("2026-03-02 08:30", "2026-03-02 11:00:00.1234"), (1.4, -0.4))
    assert choose(explorer) == "023"
    values = {name: explorer.controls[name].value for name in ("since", "until", "untimed", "actors")}
    times = {"since": "2026-03-02 09:00:00.000", "until": "2026-03-02 10:30:00.250"}
    assert values == {**times, "untimed": False, "actors": (ANN, BOB)}
    assert choose(ok.EventExplorer(events()), **values) == "023"
    assert explorer.figure.to_dict()["layout"]["selections"] == []


def test_a_box_over_all_rows_leaves_the_actors_alone():
    """Only what a box leaves out is narrowed."""
    explorer = ok.EventExplorer(events())
    drag(explorer, "", ("2026-03-02 09:30", "2026-03-04"), (-1, 5))
    assert (choose(explorer), explorer.controls["actors"].value) == ("235", ())


def test_a_box_on_the_map_sets_the_countries():
    """Singapore lies at 104 degrees east and 1 degree north."""
    explorer = ok.EventExplorer(events())
    drag(explorer, "2", (90, 120), (-10, 10))
    assert (choose(explorer), explorer.controls["countries"].value) == ("2", ("Singapore",))


@pytest.mark.parametrize(("axis", "x", "y"), [("", ("2026-03-05", "2026-03-06"), (0, 9)), ("2", (-40, -30), (0, 9))])
def test_an_empty_box_changes_nothing(axis, x, y):
    """It is said, and the selection stays."""
    explorer = ok.EventExplorer(events())
    drag(explorer, axis, x, y)
    assert choose(explorer) == "012345"
    assert said(explorer) == "Nothing in this box: 6 of 6 events selected"


def test_an_empty_timeline_is_still_one_of_times():
    """Without any time, a browser takes the axis for one of numbers: a mark that is not drawn, nor counted, has one."""
    explorer = ok.EventExplorer(events())
    assert choose(explorer, text="no such thing") == ""
    first = explorer.figure.data[0]
    assert [*first.x, *first.y, first.meta] == ["2026-03-02 09:00:00.000", None, None]
    assert ok.describe(explorer.figure).empty


def test_reset_selects_all_again():
    """Every control is as it was."""
    explorer = ok.EventExplorer(events())
    before = {name: control.value for name, control in explorer.controls.items()}
    choose(explorer, since="2026", untimed=False, text="x", actors=(ANN,), proxy=(None,), countries=("Malta",))
    (reset,) = every(explorer, ipywidgets.Button)
    reset.click()
    assert {name: control.value for name, control in explorer.controls.items()} == before
    assert choose(explorer) == "012345"


def test_the_explorer_leaves_the_events_alone():
    """Neither it nor who changes what it handed out changes them."""
    table = events()
    explorer = ok.EventExplorer(table)
    choose(explorer, actors=(ANN,))
    mine = explorer.selected
    mine["uuid"] = "changed"
    assert_frame_equal(table, events())
    assert choose(explorer) == "03"


@pytest.mark.parametrize("rows", [0, 1])
def test_few_events_are_no_error(rows):
    """An empty log and a log of one event are shown, and can be searched."""
    explorer = ok.EventExplorer(events().head(rows))
    assert choose(explorer, text="curl", since="2026-03-02") == "0" * rows
    assert repr(explorer).startswith(f"EventExplorer: {rows} of {rows} events selected")


def test_columns_without_a_value_are_no_error():
    """Everything is not reported then."""
    table = events()
    blank = pd.DataFrame(dict.fromkeys(table.columns), index=table.index).assign(uuid=table["uuid"])
    explorer = ok.EventExplorer(blank)
    assert [len(explorer.controls[name].options) for name in ("actors", "countries", "outcomes", "proxy")] == [1] * 4
    assert choose(explorer, countries=(None,), proxy=(None,), actors=(None,)) == "012345"
    assert choose(explorer, untimed=False) == ""


def test_a_table_that_cannot_be_explored_is_refused():
    """The message names the column that is missing, or holds something else than it should."""
    with pytest.raises(ok.ColumnError, match="EventExplorer needs the columns country"):
        ok.EventExplorer(events().drop(columns="country"))
    for column in ("published", "is_proxy"):
        with pytest.raises(ok.InputError, match="EventExplorer needs times in published, and true"):
            ok.EventExplorer(events().assign(**{column: "soon"}))


def test_half_a_character_finds_what_reading_made_of_it():
    """What no file can hold is read as a replacement character, and sought as one."""
    assert choose(ok.EventExplorer(events().assign(raw_user_agent=["a\ufffd", *"bcdef"])), text="A\ud800") == "0"


def test_the_figure_and_the_table_show_what_is_selected():
    """Marks, bubbles and rows are those of the selection; what has no time or place is told."""
    explorer = ok.EventExplorer(events())
    words = ok.describe(explorer.figure).set_index("series")["events"].to_dict()
    kinds = {"other events": 1, "export.request": 1, "export.generate": 1, "export.download": 1, "feedback.provide": 1}
    untold = {"not drawn: events without a time": 1, "not drawn: events without a place, on the map": 3}
    assert words == {**kinds, "countries": 3, **untold}
    choose(explorer, countries=("Malta",))
    words = ok.describe(explorer.figure).set_index("series")["events"].to_dict()
    assert words == {"other events": 1, "export.request": 1, "countries": 2}
    table = explorer.children[-1].table
    assert [row[0] for row in table["rows"]] == ["2026-03-02 09:00:00.000", "2026-03-02 10:30:00.250"]
    assert table["caption"] == "all selected events"
    assert choose(explorer, countries=(None,)) == "14"
    assert explorer.children[-1].table["rows"][1] == [None, None, "user.session.start", *[None] * 4, "e4"]


def test_many_events_are_counted_in_marks():
    """Of 100,000 events no more marks are drawn than a browser bears; what they count is every event, once."""
    few, count = events().drop(index=14), 100_000
    table = few.iloc[np.arange(count) % 5].assign(published=few["published"].iloc[0], uuid=np.arange(count).astype(str))
    table["published"] += pd.to_timedelta(np.arange(count) * 7, unit="s")
    table["actor_alternate_id"] = [f"u{number % 40}@example.com" for number in range(count)]
    explorer = ok.EventExplorer(table)
    words = ok.describe(explorer.figure).set_index("series")
    assert words["events"].drop("not drawn: events without a place, on the map").tolist() == [20_000] * 5 + [60_000]
    assert words["marks"].max() <= 5000
    drawn = [trace for trace in explorer.figure.data if trace.meta and trace.name != "countries"]
    assert [sum(counted for _, counted in trace.customdata) for trace in drawn] == [20_000] * 5
    assert explorer.figure.layout.yaxis.ticktext[-1] == "27 other actors"
    explorer.controls["since"].value = str(table["published"].iloc[-400])[:19]
    assert ok.describe(explorer.figure)["marks"].head(5).tolist() == [80] * 5


def test_text_from_a_log_is_text_in_every_part():
    """The figure holds no tag, and nothing hides or turns text in options, table and twin."""
    texts = ["event_type", "actor_alternate_id", "outcome_result", "country", "ip_address", "uuid"]
    explorer = ok.EventExplorer(events().assign(**dict.fromkeys(texts, HOSTILE)))
    explorer.controls["actors"].value = (HOSTILE,)
    figure = json.dumps(explorer.figure.to_dict()["data"], default=lambda array: np.asarray(array).tolist())
    drawn = figure + json.dumps([*explorer.figure.layout.yaxis.ticktext, explorer.figure.layout.annotations[1].text])
    assert "&lt;img" in drawn
    assert "<img" not in drawn
    shown = str([explorer.controls[name]._options_labels for name in ("actors", "countries", "event_types")])
    assert "\u202e" not in shown + repr(explorer) + str(explorer.children[-1].table)


def test_the_explorer_keeps_to_the_page():
    """No Share button, no formulas, one figure."""
    (figure,) = [
        widget for widget in every(ok.EventExplorer(events()), ipywidgets.DOMWidget) if hasattr(widget, "data")
    ]
    unwanted = ("showSendToCloud", "displaylogo", "typesetMath", "plotlyServerURL")
    assert [figure._config[name] for name in unwanted] == [False, False, False, ""]


def test_the_explorer_says_in_words_what_is_chosen():
    """A notebook that does not run shows how many events were selected by what, and how to draw them without it."""
    explorer = ok.EventExplorer(events())
    choose(explorer, actors=(ANN, None), since="2026-03-02", text="CURL")
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].splitlines() == [
        "EventExplorer: 1 of 6 events selected",
        "  actors: ann@example.com, not reported",
        "  from: 2026-03-02",
        "  text: CURL",
        "  without widgets: ok.plot_timeline(explorer.selected)",
    ]
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.fixture
def notebook(tmp_path):
    """Return a notebook with a parameter of every type."""
    source = "LOG = 'a.jsonl'\nROWS = 20\nSHARE = 0.5\nDEEP = False\nONLY = None\nTYPES = ['a']"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    path = tmp_path / "case.ipynb"
    cells = [cell | {"outputs": [], "execution_count": None, "id": "a"}]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_form_begins_with_the_defaults(notebook):
    """The lines are those of the cell, and what is given stands instead."""
    form = ok.ParameterForm(notebook, {"ROWS": 7, "ONLY": "b"})
    assert form.source == "LOG = 'a.jsonl'\nROWS = 7\nSHARE = 0.5\nDEEP = False\nONLY = 'b'\nTYPES = ['a']"
    assert ok.ParameterForm(notebook).parameters["ONLY"] is None


def test_a_form_writes_what_is_typed(notebook):
    """Every field is read as the type of its default."""
    form = ok.ParameterForm(notebook)
    typed = {"LOG": "b c", "ROWS": "8", "SHARE": "1", "DEEP": True, "ONLY": "", "TYPES": "['b', 'c']"}
    for name, value in typed.items():
        form.controls[name].value = value
    wanted = {"LOG": "b c", "ROWS": 8, "SHARE": 1.0, "DEEP": True, "ONLY": None, "TYPES": ["b", "c"]}
    assert form.parameters == wanted
    assert form.children[-1].source == form.source


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ROWS", "many"), ("ROWS", "1.5"), ("ROWS", ""), ("ROWS", "-" * 100_000 + "1"), ("ROWS", "(" * 300)),
        *(("TYPES", "'a'"), ("TYPES", "[{[]: 1}]"), ("SHARE", "f()")),
    ],
)
def test_a_form_refuses_another_type(notebook, name, value):
    """The line says what is needed, there is nothing to copy, and nothing to run with."""
    form = ok.ParameterForm(notebook)
    form.controls[name].value = value
    with pytest.raises(ok.ParameterError, match=f"{name} needs a "):
        form.parameters  # noqa: B018 - reading it is what raises
    assert f"{name} needs a " in form.children[-1].status
    assert form.children[-1].source == ""


@pytest.mark.parametrize("parameters", [{"ROWZ": 1}, {"ROWS": "7"}, {"x\nimport os": 1}])
def test_a_form_refuses_what_a_report_refuses(notebook, parameters):
    """Unknown names and other types are no parameters."""
    with pytest.raises(ok.ParameterError):
        ok.ParameterForm(notebook, parameters)


def test_no_text_breaks_out_of_its_line(notebook):
    """Whatever is typed is one literal on one line."""
    form = ok.ParameterForm(notebook)
    form.controls["LOG"].value = hostile = '\'; import os\nos.abort()  # """\\\r\x00\u2028' + HOSTILE
    lines = form.source.splitlines()
    assert len(lines) == 6
    assert "\u202e" not in lines[0]
    assert ast.literal_eval(lines[0].removeprefix("LOG = ")) == hostile
