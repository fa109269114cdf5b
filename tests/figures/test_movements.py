"""Places of a person over time: stops in order, ways that were gone, and everything else counted."""

import pandas as pd
import pytest

from drawn import minutes, moves, said
from oktakit.figures.movements import plot_movements
from oktakit.figures.style import describe


def series(figure, name):
    """Return one series of a figure."""
    return next(trace for trace in figure.data if trace.name == name)


def test_stops_are_runs_of_events_in_their_order():
    """Ann stops five times: Oslo, Bucharest, Oslo, Oslo through a proxy, somewhere in Norway."""
    figure = plot_movements(moves(), "ann@example.com")
    stops = series(figure, "stops of ann@example.com")
    assert [point[1] for point in stops.customdata] == [
        "Oslo, Norway",
        "Bucharest, Romania",
        "Oslo, Norway",
        "Oslo, Norway",
        "Norway (country only)",
    ]
    assert stops.text == tuple(f"<b>{number}</b>" for number in (1, 2, 3, 4, 5))
    assert [point[4] for point in stops.customdata] == ["2", "1", "1", "1", "1"]
    assert list(stops.marker.symbol) == [
        "circle-open",
        "square-open",
        "circle-open",
        "diamond-open",
        "square-open",
    ]
    assert figure.layout.yaxis.ticktext == ("Oslo, Norway", "Bucharest, Romania", "Norway (country only)")


def test_every_event_is_drawn_or_its_reason_counted():
    """Eight of eleven events are in stops; Okta's own, the one without a time and the one without a place are told."""
    counted = said(plot_movements(moves()))
    assert counted["stops of ann@example.com"] == (5, 6)
    assert counted["stops of bob@example.com"] == (2, 2)
    assert {name: count for name, (_, count) in counted.items() if name.startswith("not drawn")} == {
        "not drawn: events (Okta system or denied)": 1,
        "not drawn: events without a time": 1,
        "not drawn: events without a place": 1,
    }


def test_ways_tell_the_quick_from_the_later():
    """Oslo to Bucharest took ten minutes, the way back seventy; a place that is only a country may be no move."""
    figure = plot_movements(moves(), ["00u1"])
    quick, later = (series(figure, f"way of ann@example.com, {when}") for when in ("within an hour", "later"))
    assert [quick.x[0], quick.y[0], quick.x[2], quick.y[2]] == pytest.approx([10.8, 59.9, 26.1, 44.4], abs=0.8)
    assert [later.x[0], later.y[0], later.x[2], later.y[2]] == pytest.approx([26.1, 44.4, 10.8, 59.9], abs=0.8)
    assert (quick.line.dash, later.line.dash) == ("solid", "dot")
    assert said(figure)["way of ann@example.com, within an hour"] == (1, 1)
    assert said(figure)["way of ann@example.com, later"] == (1, 1)


def test_a_country_without_coordinates_is_at_its_label():
    """Malta is drawn at its label point and says so, not dropped and not called exact."""
    places = series(plot_movements(moves(), "00u2"), "places of bob@example.com")
    assert [point[1] for point in places.customdata] == ["Malta (country only)", "Singapore"]
    assert (places.x[0], places.y[0]) == pytest.approx((14.4, 35.9), abs=0.2)
    assert [point[5] for point in places.customdata] == ["country only", "coordinates"]
    assert list(places.marker.symbol) == ["square-open", "diamond-open"]


def test_no_way_leads_past_a_stop_that_is_left_out():
    """Sixty towns twice, then a quiet one, then the first again: of the last two ways none is drawn."""
    towns = [moves().iloc[[0]].assign(lat=float(n), city=f"town {n}") for n in (*range(60), *range(60), 70, 0)]
    many = pd.concat(towns, ignore_index=True).assign(uuid=[f"t{n:03}" for n in range(122)])
    counted = said(plot_movements(many.assign(published=minutes(*range(122)))))
    assert counted["not drawn: events at other places"] == (0, 1)
    assert counted["way of ann@example.com, within an hour"][1] == 119


def test_nobody_is_where_no_coordinates_are():
    """Zero degrees north and east stand for "not known": the country is drawn instead."""
    places = series(plot_movements(moves().head(1).assign(lat=0.0, lon=0.0)), "places of ann@example.com")
    assert places.customdata[0][1] == "Norway (country only)"


def test_the_map_is_always_the_whole_world():
    """One event in one town does not zoom in."""
    figure = plot_movements(moves().head(1))
    assert figure.layout.xaxis2.range == (-170, 190)
    assert figure.layout.yaxis2.range == (-58, 84)
    assert said(figure)["stops of ann@example.com"] == (1, 1)


def test_nobody_by_that_name_is_no_events():
    """A name that the log does not have gives a figure that says so."""
    assert plot_movements(moves(), "carl@example.com").layout.annotations[0].text == "no events"


def test_of_a_hundred_people_six_are_drawn():
    """Those with most places come first: the one with two, then the first of the others; the rest is counted."""
    one = moves().iloc[[0]]
    many = [one.assign(uuid=f"p{n}", actor_id=f"00u{n}", actor_alternate_id=f"p{n}@example.com") for n in range(100)]
    abroad = moves().iloc[[2]].assign(uuid="p", actor_id="00u99", actor_alternate_id="p99@example.com")
    figure = plot_movements(pd.concat([*many, abroad], ignore_index=True))
    table = describe(figure).set_index("series")
    stops = table[table.index.str.startswith("stops of ")]
    assert (len(stops), stops["events"].sum()) == (6, 7)
    assert table.loc["stops of p99@example.com", "marks"] == 2
    assert table.loc["not drawn: events of other people", "events"] == 94


def test_of_many_stops_the_later_are_counted():
    """Somebody who changes place 6,000 times is drawn 5,000 times."""
    places = pd.concat([moves().iloc[[0, 2]]] * 3_000, ignore_index=True)
    places = places.assign(uuid=[f"u{n:05}" for n in range(6_000)], published=minutes(*range(6_000)))
    counted = said(plot_movements(places))
    assert counted["stops of ann@example.com"] == (5_000, 5_000)
    assert counted["not drawn: events of later stops"] == (0, 1_000)
