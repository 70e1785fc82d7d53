"""What the last wanted partner of each of many questions counts at least, as far as one has read.

Who reads texts in pieces learns from it which of the next texts are worth a look.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Standings:
    """The `wanted` highest values of each of q questions.

    Values are added together when enough have come, since each time costs the same.
    """

    def __init__(self, questions: int, wanted: int) -> None:
        """Nothing is known of any question yet."""
        self.least: FloatArray = np.full(questions, -np.inf)
        """(q,) the `wanted`-th highest value added so far; -inf before there are as many."""
        self._best = np.full((questions, wanted), -np.inf)
        self._waiting: list[tuple[IntArray, FloatArray]] = []
        self._number = 0
        self._room = questions * wanted // 4

    def add(self, question: IntArray, values: FloatArray) -> bool:
        """Values (k,), one for each partner, of questions (k,); whether `least` is new."""
        self._waiting.append((question, values))
        self._number += len(values)
        if self._number <= self._room:
            return False
        questions, found = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        self._waiting, self._number = [], 0
        self.raise_by(np.arange(len(self.least)), in_rows(questions, found, len(self.least)))
        return True

    def raise_by(self, questions: IntArray, values: FloatArray) -> None:
        """Add values (r, k) of questions (r,), -inf where there is none."""
        wanted = self._best.shape[1]
        every = np.concatenate([self._best[questions], values], axis=1)
        every.partition(every.shape[1] - wanted, axis=1)
        self._best[questions] = every[:, -wanted:]
        self.least[questions] = every[:, -wanted]


def in_rows(question: IntArray, values: FloatArray, questions: int) -> FloatArray:
    """Values (k,) as a table, a row for each of so many questions, filled up with -inf."""
    order = np.argsort(question, kind="stable")
    number = np.bincount(question, minlength=questions)
    place = np.arange(len(order)) - np.repeat(np.cumsum(number) - number, number)
    table = np.full((questions, number.max(initial=0)), -np.inf)
    table[question[order], place] = values[order]
    return table
