"""The result of reading: four tables, and in words what was read."""

from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import pandas as pd
import pyarrow as pa
from narwhals.typing import IntoFrame

from ..safe import text
from ..schema import Column
from .keys import is_plausible

LOG_TYPE: Final = "application/vnd.oktakit.log+json"
"""What a notebook keeps of a log that it shows, for the head of a report: its name, hash and span."""

_NULLABLE = {pa.bool_(): pd.BooleanDtype(), pa.int64(): pd.Int64Dtype()}


class Stored(NamedTuple):
    """A file in a zip archive, by its name there."""

    archive: Path | bytes
    member: str


@dataclass(frozen=True, repr=False)
class Log:
    """What was read: the events, their targets, the rejected records and what each source was.

    Attributes
    ----------
    events : DataFrame
        One row per event; its columns, as those of the others, are in `oktakit.schema`.
    targets : DataFrame
        One row per target of an event.
    rejected : DataFrame
        One row per record that was not kept, with the reason.
    sources : DataFrame
        One row per file: its hashes, and how many records were kept, rejected and found twice.
    """

    events: pd.DataFrame
    targets: pd.DataFrame
    rejected: pd.DataFrame
    sources: pd.DataFrame
    origins: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the reading summary as text."""
        return "\n".join([self._total(), *self._rejections(), *self._organizations(), self._span()])

    def _repr_html_(self) -> str:
        """Return the reading summary as a table, with nothing in it that a log could use."""
        shown = self.sources[["source", "shape", "records", "kept", "duplicates", "rejected", "other_types", "flags"]]
        shown = shown.assign(sha256=self.sources["sha256"].str[:12], source=shown["source"].map(text))
        lines = "<br>".join(escape(line) for line in repr(self).splitlines())
        return f"<p>{lines}</p>{shown.to_html(index=False)}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        names = self.sources["source"].map(text).tolist()
        name = ", ".join(names[:3]) + f" and {len(names) - 3} more files" * (len(names) > 3)
        return {LOG_TYPE: {"log": name, "sha256": self.sha256, "span": self._span(), "records": self._total()}}

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, or of several files that of their hashes, in order and with blanks between."""
        hashes = self.sources["sha256"].tolist()
        return str(hashes[0]) if len(hashes) == 1 else sha256(" ".join(hashes).encode()).hexdigest()

    def _total(self) -> str:
        total = self.sources[["records", "kept", "duplicates", "rejected", "other_types"]].sum()
        duplicates = _plural(total["duplicates"], "duplicate")
        parts = [f"{total['kept']:,} kept", duplicates, f"{total['rejected']:,} rejected"]
        parts += [f"{total['other_types']:,} of other types"] if total["other_types"] else []
        records, files = _plural(total["records"], "record"), _plural(len(self.sources), "source")
        return f"{records} = {' + '.join(parts)}, from {files}"

    def _rejections(self) -> list[str]:
        reasons = self.rejected["reason"].value_counts().sort_index()
        flags = self.events["issues"].str.split().explode().dropna().value_counts().sort_index()
        notes = [f"rejected: {count:,} {reason}" for reason, count in reasons.items()]
        return notes + [f"kept, but flagged: {count:,} {flag}" for flag, count in flags.items()]

    def _organizations(self) -> list[str]:
        """Return whose log this is, if it is that of several."""
        counts = self.events["organization"].value_counts().sort_index()
        named = ", ".join(f"{text(name)} ({count:,})" for name, count in counts.items())
        return [f"{len(counts)} organizations: {named}"] if len(counts) > 1 else []

    @property
    def edges(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first and the last time that can be right, NaT where there is none."""
        times = self.events["published"]
        times = times[is_plausible(times)]
        return times.min(), times.max()

    def _span(self) -> str:
        first, last = self.edges
        if pd.isna(first):
            return "No event with a plausible time was kept."
        return f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC, {_plural((last - first).days, 'day')}"


Events: TypeAlias = Log | IntoFrame
"""What helpers take: a log, or a table with the columns of its events (pandas, Polars, or any that narwhals knows)."""


def events_of(events: Any) -> Any:
    """Return the events of a log, or the table itself; Arrow's tables and data sets as pandas."""
    if isinstance(events, Log):
        return events.events
    arrow = events.to_table() if hasattr(events, "scanner") else events
    return arrow.to_pandas(types_mapper=_NULLABLE.get) if isinstance(arrow, pa.Table) else arrow


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def to_pandas(table: pa.Table, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return an Arrow table, which is used up, with the types that its columns have in pandas."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get, self_destruct=True)
    return frame.astype({column.name: "int64" for column in columns if column.kind == "count"})
