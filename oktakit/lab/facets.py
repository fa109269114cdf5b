"""What events can be chosen by: columns as numbers, so that a change of mind costs a few comparisons."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .. import schema
from ..errors import InputError
from ..figures.style import known_texts, require, to_utc
from ..safe import text as safe_text

_EVENT: Final = ("uuid", "published", "event_type", "actor_id", "actor_alternate_id")
COLUMNS: Final = (*_EVENT, "outcome_result", "ip_address", "country", "is_proxy")
_MOMENT: Final = re.compile(r"\d{4}-\d\d(-\d\d([ T]\d\d(:\d\d(:\d\d(\.\d{1,6})?)?)?)?)?Z?")


class Facet(NamedTuple):
    """The distinct values of a column, None where not reported, and each event's place among them."""

    values: list[str | None]
    codes: NDArray[np.intp]


class Choice(NamedTuple):
    """What somebody asked for; nothing chosen of a facet is all of it."""

    since: str = ""
    until: str = ""
    untimed: bool = True
    text: str = ""
    values: Mapping[str, Sequence[str | None]] = {}


class Facets:
    """A table of events, with what its rows can be chosen by."""

    def __init__(self, events: pd.DataFrame) -> None:
        """Number the values of every facet, once."""
        require("EventExplorer", events, COLUMNS)
        self.events = events.copy(deep=False)
        try:
            self.at = to_utc(events["published"]).dt.tz_localize(None).to_numpy("datetime64[us]")
            proxy = events["is_proxy"].astype("boolean")
        except (TypeError, ValueError) as error:
            needed = "times in published, and true, false or nothing in is_proxy"
            raise InputError(f"EventExplorer needs {needed}; found something else. Pass log.events.") from error
        login, actor_id = (known_texts(events[name].astype("string")) for name in ("actor_alternate_id", "actor_id"))
        self.timed = ~np.isnat(self.at)
        self._unit: Any = "us" if (self.at[self.timed].astype("int64") % 1000).any() else "ms"
        self.facets = {
            "actors": facet(login.fillna(actor_id)),
            "event_types": facet(events["event_type"], schema.ANALYTICS),
            "countries": facet(events["country"]),
            "outcomes": facet(events["outcome_result"]),
            "proxy": facet(proxy.map({True: "yes", False: "no"})),
        }

    def mask(self, choice: Choice) -> NDArray[np.bool_]:
        """Return which events are what was asked for."""
        keep: NDArray[np.bool_] = self.timed | choice.untimed
        if choice.since:
            keep &= ~self.timed | (self.at >= moment(choice.since))
        if choice.until:
            keep &= ~self.timed | (self.at <= moment(choice.until, end=True))
        for name, values in choice.values.items():
            if values:
                wanted = {*values}
                options, codes = self.facets[name]
                keep &= np.array([value in wanted for value in options], dtype=bool)[codes]
        if choice.text:
            keep &= self.contains(choice.text)
        return keep

    def contains(self, text: str) -> NDArray[np.bool_]:
        """Return which events have this text in any column of text, whatever its case; it is never a pattern."""
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half a character, as it was read
        rows = np.zeros(len(self.events), dtype=bool)
        for codes, values in self._texts:
            hits = pc.match_substring(values, text, ignore_case=True).to_numpy(zero_copy_only=False)
            rows |= np.append(hits, False)[codes]  # the code of a null is -1
        return rows

    def written(self, times: NDArray[np.datetime64]) -> list[str]:
        """Return times of these events as `moment` reads them, exactly."""
        texts = np.datetime_as_string(times, unit=self._unit).tolist()
        return [text if text == "NaT" else text.replace("T", " ") for text in texts]

    @cached_property
    def _texts(self) -> list[tuple[NDArray[np.intp], Any]]:
        """Every column of text as its distinct values: most say the same again and again."""
        columns = [column for _, column in self.events.items() if column.dtype == object or column.dtype.kind in "OU"]
        numbered = [pd.factorize(column.astype("string")) for column in columns]
        return [(codes, pa.array(values.to_numpy(object, na_value=None), pa.string())) for codes, values in numbered]


def facet(column: "pd.Series[Any]", first: Sequence[str] = ()) -> Facet:
    """Return the values of a column: those of `first`, then the most frequent, and what was not reported last.

    >>> facet(pd.Series(["b", None, "c", "c"])).values, facet(pd.Series(["b", "c", "c"]), ["b"]).values
    (['c', 'b', None], ['b', 'c'])
    """
    texts = column.astype("string")
    counts = texts.value_counts(dropna=True).to_dict()
    values = sorted(counts, key=lambda value: (value not in first, -counts[value], value))
    codes = pd.Index(values, dtype="string").get_indexer(pd.Index(texts)).astype(np.intp)
    codes[codes < 0] = len(values)
    return Facet([*values, None] if texts.isna().any() else values, codes)


def moment(text: str, *, end: bool = False) -> np.datetime64:
    """Return a UTC time as somebody writes it: its first instant, or its last one.

    >>> print(moment("2026-03-02 08"), moment("2026-03-02", end=True))
    2026-03-02T08:00:00.000000 2026-03-02T23:59:59.999999
    """
    try:
        if _MOMENT.fullmatch(text.strip()):
            period = pd.Period(text.strip())
            return np.datetime64(period.end_time if end else period.start_time, "us")
    except ValueError:
        pass  # such as 30 February
    raise InputError(f"{safe_text(text, 40)!r} is not a time like 2026-03-02 08:00 (UTC).")
