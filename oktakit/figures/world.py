"""The map below figures of places: bundled outlines, always the whole world, and room for names."""

import functools
import json
import math
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MAP: Final[dict[str, dict[str, Any]]] = {
    "land": {"fill": "toself", "fillcolor": "#dcdcdc", "line": {"color": "#b5b5b5", "width": 0.5}},
    "borders": {"line": {"color": "white", "width": 1}},
}
_POSITIONS = {"top center": (0, 6), "middle right": (16, 0), "bottom center": (0, -6), "middle left": (-16, 0)}


def add_world(figure: "Figure", axis: str = "", **places: Any) -> None:
    """Draw the outlines on the axes x and y with that number; the view never fits the data."""
    for part, style in _MAP.items():
        figure.add_scatter(
            **outline(part),
            **style,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
        )
    x = {"range": [-170, 190], "visible": False, "constrain": "domain", "anchor": f"y{axis}"}
    y = {"range": [-58, 84], "visible": False, "constrain": "domain", "anchor": f"x{axis}"}
    y |= {"scaleanchor": f"x{axis}", "scaleratio": 1.25} | places
    figure.update_layout({f"xaxis{axis}": x, f"yaxis{axis}": y})


def east(lon: float) -> float:
    """Return where a longitude is drawn: the map is cut between Alaska and Siberia, at 170 degrees west."""
    return lon if lon >= -170 else lon + 360


def labelled(places: pd.DataFrame) -> dict[Any, str]:
    """Return the rows whose names fit without hiding an earlier one, and where the name stands."""
    chosen: dict[Any, str] = {}
    taken: list[tuple[float, float]] = []
    for row in places.itertuples():
        for position, (right, north) in _POSITIONS.items():
            place = (east(row.lon) + right, row.lat + north)
            if not any(abs(place[0] - lon) < 22 and abs(place[1] - lat) < 6 for lon, lat in taken):
                chosen[row.Index] = position
                taken.append(place)
                break
    return chosen


@functools.cache
def outline(part: str) -> dict[str, Any]:
    """Return longitudes and latitudes of land or borders; NaN lifts the pen. 4 bytes a number keep the figure small."""
    lines = json.loads(resources.files("oktakit").joinpath("data/outline.json").read_text("utf-8"))[part]
    path = np.array([value for line in lines for value in (*line, math.nan, math.nan)], dtype="float32")
    return {"x": path[::2], "y": path[1::2]}
