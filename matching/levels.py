"""Cosines of texts in different languages, made comparable.

An encoder never puts two languages in quite the same place: two unrelated Japanese texts may have a
higher cosine than two unrelated texts of different languages. What matters is how far a cosine
stands out among those of its own two languages. So each is moved to where it would stand among all
pairs of the corpus, by mean and standard deviation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.chance import Chance, Moments, of_cosines

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LEAST: Final = 30
"""Fewer texts of a language do not tell its mean."""
Speech = frozenset[str]
"""The languages in which a text says something."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What the cosine of two random texts of a corpus is: of any two, and by their languages."""

    everywhere: Chance
    between: Mapping[tuple[Speech, Speech], Chance]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], speech: Mapping[Speech, BoolArray]) -> "Levels":
        """Of the texts with these vectors (n, d); `speech` has a mask (n,) for each kind."""
        filled = vectors.any(axis=1)
        own = {kind: mask & filled for kind, mask in speech.items()}
        known = {
            kind: Moments.of(vectors[mask]) for kind, mask in own.items() if mask.sum() >= LEAST
        }
        between = {
            (one, other): left.within() if one == other else left.between(right)
            for one, left in known.items()
            for other, right in known.items()
        }
        return cls(of_cosines(vectors if filled.all() else vectors[filled]), between)

    def lines(self, asked: Speech, kinds: Sequence[Speech]) -> tuple[FloatArray, FloatArray]:
        """Slope and shift (k,): what a cosine c counts between a query that speaks `asked` and a
        text of each kind, ``slope * c + shift``.

        Those between languages of which too little is known stay as they are.
        """
        slope, shift = np.ones(len(kinds)), np.zeros(len(kinds))
        for place, kind in enumerate(kinds):
            own = self.between.get((asked, kind))
            if own is not None:
                slope[place] = self.everywhere.deviation / own.deviation
                shift[place] = self.everywhere.mean - own.mean * slope[place]
        return slope, shift
