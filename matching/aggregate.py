"""From many pieces of evidence to one value per partner."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def best_mean(
    values: FloatArray, *, group: IntArray, groups: int, allowed: BoolArray, best: int
) -> FloatArray:
    """Mean (groups,) of each group's `best` highest allowed values; NaN for a group without one.

    The mean of the best few, not the sum: a partner does not win by the mere number of papers.
    A group with fewer values than `best` is judged by those it has. `values`, `group` and
    `allowed` are (n,).
    """
    rows = best_rows(values, group=group, allowed=allowed, best=best)
    total = np.bincount(group[rows], values[rows], minlength=groups)
    number = np.bincount(group[rows], minlength=groups)
    mean: FloatArray = np.divide(total, number, out=np.full(groups, np.nan), where=number > 0)
    return mean


def best_rows(values: FloatArray, *, group: IntArray, allowed: BoolArray, best: int) -> IntArray:
    """Positions in `values` of each group's `best` highest allowed ones, group after group.

    Within a group the highest come first; of equal values the one that lies first does. `values`
    (n,) are finite.
    """
    rows = np.flatnonzero(allowed)
    owner = group[rows]
    if (owner[1:] < owner[:-1]).any():
        order = np.argsort(owner, kind="stable")
        rows, owner = rows[order], owner[order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    sizes = np.diff(first, append=len(owner))
    found = np.full((len(first), best), -1, np.int64)
    left = values[rows]
    # The maximum of each group, `best` times over: a sort of all would do more than is asked.
    for place in range(min(best, int(sizes.max(initial=0)))):
        highest = np.repeat(np.maximum.reduceat(left, first), sizes)
        at = np.flatnonzero((left == highest) & (highest > -np.inf))
        at = at[np.diff(owner[at], prepend=-1) != 0]
        found[np.searchsorted(first, at, side="right") - 1, place] = rows[at]
        left[at] = -np.inf
    return found[found >= 0]


def group_maximum(
    values: FloatArray, *, group: IntArray, groups: int, allowed: BoolArray
) -> FloatArray:
    """Maximum (groups,) of each group's allowed values; -inf for a group without one."""
    maximum = np.full(groups, -np.inf)
    np.maximum.at(maximum, group[allowed], values[allowed])
    return maximum


def rows_between(starts: IntArray, ends: IntArray) -> IntArray:
    """The rows of several ranges `starts` (r,) to `ends` (r,), one range after the other."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    rows: IntArray = np.arange(sizes.sum()) + np.repeat(starts - before, sizes)
    return rows
