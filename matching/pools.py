"""Which of a problem's pairs come first, need by need."""

import numpy as np

from matching.pairs import BoolArray, IntArray, Problem


def best_of_each(problem: Problem, number: int) -> BoolArray:
    """Mask (k,) of each need's `number` most valuable pairs; of equals the first partners'."""
    found = np.zeros(len(problem), bool)
    for start, end in zip(problem.starts[:-1].tolist(), problem.starts[1:].tolist(), strict=True):
        if end - start <= number:
            found[start:end] = True
            continue
        values = problem.value[start:end]
        least = np.partition(values, -number)[-number]
        above = values > least
        found[start:end] = above
        equal = np.flatnonzero(values == least)
        found[start + equal[: number - int(above.sum())]] = True
    return found


def best_of_one(problem: Problem, need: int, number: int) -> IntArray:
    """The need's most valuable pairs, the best first; `number` of them or, for ties, more."""
    start, end = problem.starts[need : need + 2].tolist()
    values = problem.value[start:end]
    found = np.arange(end - start)
    if number < end - start:
        found = np.flatnonzero(values >= np.partition(values, -number)[-number])
    order: IntArray = start + found[np.argsort(-values[found], kind="stable")]
    return order


def key_of(organisation: IntArray, partner: IntArray, partners: int) -> IntArray:
    """One number for each organisation with each of m partners."""
    return organisation * np.int64(partners) + partner
