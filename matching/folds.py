"""Folds for cross-validation: by query, related queries together, the same in every run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def folds(groups: Sequence[str], strata: Sequence[str], *, number: int, seed: int = 0) -> IntArray:
    """The fold (n,) of each item, in 0 … `number` - 1.

    Items of one group (such as queries with the same text) lie in one fold, so that nothing is
    tested on what it was fitted on. The groups of each stratum (a data set) are dealt out in turn
    after a shuffle, so that each fold has its share of each. Raises ValueError if there are fewer
    groups than folds.
    """
    home: dict[str, str] = {}
    for group, stratum in zip(groups, strata, strict=True):
        home.setdefault(group, stratum)
    if len(home) < number:
        raise ValueError(f"{len(home)} different queries cannot be dealt out to {number} folds")
    shuffled = np.random.default_rng(seed).permutation(sorted(home)).tolist()
    dealt = sorted(shuffled, key=lambda group: home[group])  # stable: the shuffle stays within
    fold = {group: place % number for place, group in enumerate(dealt)}
    return np.array([fold[group] for group in groups], np.int64)
