"""The order of a log: by time, then uuid, source and record, with as few rows moved as can be."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KEYS = ("published", "uuid", "source", "record")
_NEVER = 2**63 - 1  # events without a time come last
_SLICES = 1000

Columns = dict[str, pa.ChunkedArray]
Indices = np.ndarray[Any, np.dtype[np.int64]]


def argsort(events: Columns) -> Indices:
    """Return the rows in the order of a log."""
    times = pc.fill_null(events["published"].cast(pa.int64()), _NEVER).to_numpy()
    order = np.argsort(times, kind="stable")
    same = times[order[1:]] == times[order[:-1]]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        keys = pa.table({name: events[name] for name in KEYS}).take(order[tied])
        order[tied] = order[tied][pc.sort_indices(keys, [(name, "ascending") for name in KEYS])]
    return order


def argsort_children(parents: Indices, order: Indices) -> Indices:
    """Return the rows of a table that has some for each row of another, whose order is known, in the same order.

    >>> argsort_children(np.array([0, 0, 1, 2]), np.array([2, 0]))
    array([3, 0, 1])
    """
    places = np.full(parents.max(initial=order.max(initial=0)) + 1, -1)
    places[order] = np.arange(len(order))
    children = np.argsort(places[parents], kind="stable")
    return children[np.searchsorted(places[parents[children]], 0) :]


def take(columns: Columns, order: Indices) -> pa.Table:
    """Return columns, which are used up, with their rows in an order.

    >>> take({"a": pa.chunked_array([[1, 2, 3]])}, np.array([2, 0, 1]))["a"].to_pylist()
    [3, 1, 2]
    """
    # Most logs come nearly in order: rows that stay side by side are a slice, which copies nothing and so needs no
    # second copy of the log in memory. From so many slices on, copying is faster; then one column goes after the other.
    starts = np.flatnonzero(np.diff(order, prepend=-9) != 1)
    if len(starts) > _SLICES:
        return pa.table({name: columns.pop(name).take(order) for name in [*columns]})
    table, sizes = pa.table(columns), np.diff(starts, append=len(order))
    columns.clear()
    return pa.concat_tables([table[:0], *map(table.slice, order[starts].tolist(), sizes.tolist())])
