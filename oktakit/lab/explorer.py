"""Events to choose from, by mouse and keyboard."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import ipywidgets
import numpy as np
import pandas as pd

from .. import safe
from ..errors import InputError
from ..figures.style import MISSING
from ..log.log import Log, events_of
from .explorer_figure import Mask, empty_figure, lanes_of, new_widget, redraw, view
from .facets import Choice, Facets
from .form import Box, Panel

ROWS: Final = 100
"""The table shows no more events than this."""

_WIDTHS: Final = {
    **{"since": 170, "until": 170, "text": 220},
    **{"actors": 150, "event_types": 190, "countries": 120, "outcomes": 100, "proxy": 100},
}
"""Pixels below which a control moves to the next line; the rest of the line is shared out in this proportion."""


class EventExplorer(Box):
    """Show events to choose from by mouse and keyboard; the next cell reads `selected`.

    A box drawn in the timeline sets the times and the actors, one on the map the countries: whatever the mouse
    selects stands in the controls, where it can be typed as well.

    Parameters
    ----------
    events : pandas.DataFrame
        `log.events` or some of its rows. It is not changed.

    Attributes
    ----------
    selected : pandas.DataFrame
        The rows of `events` that pass every control: all of them as long as nothing is chosen.
    controls : dict
        The widgets by name. `since`, `until` and `text` take text, the lists a tuple of values, None for not reported.
    figure : plotly.graph_objects.FigureWidget
        The timeline and the map; `oktakit.describe` tells in words what they show.

    Raises
    ------
    ColumnError
        If a column is missing.

    Examples
    --------
    >>> from oktakit import make_log, read_log
    >>> explorer = EventExplorer(read_log(make_log("assistant").records).events)
    >>> explorer.controls["countries"].value = ("Portugal", None)
    >>> explorer
    EventExplorer: 23 of 269 events selected
      countries: Portugal, not reported
      without widgets: ok.plot_timeline(explorer.selected)
    """

    def __init__(self, events: pd.DataFrame | Log) -> None:
        """Show all events."""
        self._facets = Facets(events_of(events))
        self._view, self._chosen = view(self._facets), self._facets.mask(Choice())
        self.controls = _controls(self._facets)
        self.figure = new_widget(redraw(empty_figure(), self._facets, self._view, self._chosen))
        self._status, self._table, reset = Panel(), Panel(), ipywidgets.Button(description="Reset")
        top = _arranged(self.controls, reset, untimed=not self._facets.timed.all())
        super().__init__([top, self._status, self.figure, self._table])
        self._tell()
        for control in self.controls.values():
            control.observe(self._answer, "value")
        reset.on_click(lambda _: self.reset())
        # Not on_selection: the browser sends hovers through the same channel, and drops all but the last of a moment.
        self.figure.layout.on_change(lambda layout, _: self._box(layout.to_plotly_json()), "selections")

    @property
    def selected(self) -> pd.DataFrame:
        """Return the chosen rows, as a table of their own."""
        return self._facets.events[self._chosen].copy()

    def reset(self) -> None:
        """Select all events again."""
        self._set(Choice(values=dict.fromkeys(self._facets.facets, ())))

    def __repr__(self) -> str:
        """Return what is chosen, in words."""
        wishes = [f"  {name}: {safe.text(wish, 1000)}" for name, wish in self._wishes()]
        last = "  without widgets: ok.plot_timeline(explorer.selected)"
        return "\n".join([f"EventExplorer: {self._count()}", *wishes, last])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        self.figure._repr_mimebundle_()  # brings up to date what a new view of the figure starts from
        return super()._repr_mimebundle_(**kwargs)

    def _count(self) -> str:
        return f"{self._chosen.sum():,} of {len(self._chosen):,} events selected"

    def _wishes(self) -> Iterator[tuple[str, str]]:
        """Yield what the controls say, where they say anything."""
        choice = self._choice()
        words = {name: [_label(value) for value in chosen] for name, chosen in choice.values.items()}
        words |= {"from": [choice.since], "to": [choice.until], "text": [choice.text]}
        words["time"] = [] if choice.untimed else ["reported"]
        return ((name, ", ".join(wish)) for name, wish in words.items() if any(wish))

    def _choice(self) -> Choice:
        given = {name: control.value for name, control in self.controls.items()}
        return Choice(values={name: given.pop(name) for name in self._facets.facets}, **given)

    def _answer(self, change: Any = None) -> None:
        """Select and draw what the controls say now."""
        if self._held:
            return
        try:
            self._chosen = self._facets.mask(self._choice())
        except InputError as error:
            with self._hold():
                change["owner"].value = change["old"]
            self._status.status = f"{error} Kept the old value; {self._count()}."
            return
        redraw(self.figure, self._facets, self._view, self._chosen)
        self._tell()

    def _tell(self) -> None:
        self._status.status = self._count()
        self._table.table = _table(self._facets, self._chosen)

    def _set(self, choice: Choice) -> None:
        """Write a choice into the controls, and answer once."""
        with self._hold():
            for name, control in self.controls.items():
                control.value = choice.values[name] if name in choice.values else getattr(choice, name)
        self._answer()

    def _box(self, layout: Mapping[str, Any]) -> None:
        """Put the box that was drawn last into the controls, and wipe it out."""
        if not layout.get("selections"):
            return
        self.figure.plotly_relayout({"selections": []})
        box, choice = layout["selections"][-1], self._choice()
        (left, right), (low, high) = (sorted((box[f"{axis}0"], box[f"{axis}1"])) for axis in "xy")
        wish = self._in_time if box["xref"] == "x" else self._on_map
        boxed = wish(choice, left, right, low, high)
        if boxed is None:
            self._status.status = f"Nothing in this box: {self._count()}"
        else:
            self._set(boxed)

    def _in_time(self, choice: Choice, since: str, until: str, low: float, high: float) -> Choice | None:
        """Return the choice of the events in a box: their times, and their actors where it leaves rows out."""
        actors, at = self._facets.facets["actors"], self._facets.at.astype("datetime64[ms]")  # as it is drawn
        lane = lanes_of(self._facets, self._chosen & self._facets.timed)[1][actors.codes]
        beside = self._chosen & (at >= np.datetime64(since, "ms")) & (at <= np.datetime64(until, "ms"))
        inside = beside & (lane >= low) & (lane <= high)
        if not inside.any():
            return None
        if (inside != beside).any():
            people = tuple(actors.values[code] for code in np.unique(actors.codes[inside]))
            choice = choice._replace(values={**choice.values, "actors": people})
        times = self._facets.at[inside]
        since, until = self._facets.written(np.array([times.min(), times.max()]))
        return choice._replace(since=since, until=until, untimed=bool(choice.untimed and self._facets.timed.all()))

    def _on_map(self, choice: Choice, west: float, east: float, south: float, north: float) -> Choice | None:
        """Return the choice of the countries in a box."""
        spots, values = self.figure.data[-1], self._facets.facets["countries"].values
        places = zip(spots.x, spots.y, spots.customdata, strict=True)
        inside = tuple(values[spot[-1]] for x, y, spot in places if west <= x <= east and south <= y <= north)
        return choice._replace(values={**choice.values, "countries": inside}) if inside else None


def _controls(facets: Facets) -> dict[str, Any]:
    """Return one widget for everything that can be asked for, by the names of `Choice` and of the facets."""
    ends = facets.written(np.sort(facets.at[facets.timed])[[0, -1]]) if facets.timed.any() else ["", ""]
    words = {"since": ("From (UTC)", ends[0]), "until": ("To (UTC)", ends[1]), "text": ("Text, in any column", "")}
    controls: dict[str, Any] = {
        name: ipywidgets.Text(description=label, placeholder=hint, continuous_update=False)
        for name, (label, hint) in words.items()
    }
    untimed = np.count_nonzero(~facets.timed)
    controls["untimed"] = ipywidgets.Checkbox(True, description=f"and {untimed:,} without a time", indent=False)
    for name, (values, codes) in facets.facets.items():
        counts = zip(values, np.bincount(codes, minlength=len(values)), strict=True)
        options = [(f"{_label(value)} ({count:,})", value) for value, count in counts]
        controls[name] = ipywidgets.SelectMultiple(description=name.replace("_", " ").capitalize(), options=options)
    return controls


def _label(value: str | None) -> str:
    return MISSING if value is None else safe.text(value, 60) or '""'


def _arranged(controls: dict[str, Any], reset: Any, *, untimed: bool) -> Any:
    """Return the controls in two rows that wrap where there is little room: fields, then lists."""
    for name, width in _WIDTHS.items():
        controls[name].layout = {"flex": f"{width} 1 {width}px", "min_width": "0"}
    since, until, text, without, *lists = controls.values()
    rows = [ipywidgets.HBox(row) for row in ([since, until, text, *([without] if untimed else []), reset], lists)]
    for row in rows:
        row.layout.flex_flow = "row wrap"
        row.add_class("oktakit-controls")
    return ipywidgets.VBox(rows)


def _table(facets: Facets, chosen: Mask) -> dict[str, Any]:
    """Return the first chosen events as text, None where nothing is reported."""
    places = np.flatnonzero(chosen)[:ROWS]
    events, total = facets.events[["ip_address", "uuid"]].iloc[places], np.count_nonzero(chosen)
    facet = {name: [values[code] for code in codes[places]] for name, (values, codes) in facets.facets.items()}
    times = [at if at != "NaT" else None for at in facets.written(facets.at[places])]
    columns = {"time (UTC)": times, "actor": facet["actors"], "event type": facet["event_types"]}
    columns |= {"outcome": facet["outcomes"], "country": facet["countries"], "ip address": events["ip_address"]}
    columns |= {"proxy": facet["proxy"], "uuid": events["uuid"]}
    rows = [
        [None if pd.isna(cell) else safe.text(cell, 80) for cell in row] for row in zip(*columns.values(), strict=True)
    ]
    caption = f"the first {len(rows)} of {total:,} selected events" if total > len(rows) else "all selected events"
    return {"caption": caption, "columns": [*columns], "rows": rows}
