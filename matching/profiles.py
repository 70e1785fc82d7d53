"""Whole profiles in the lexical index: all of a partner's evidence, read as one text.

How often a profile holds a term is counted in pieces of evidence, not in words: each piece adds at
most its own saturated BM25 gain, so that neither a word said fifty times in one piece nor a piece
said twice makes a profile. Pieces then saturate in their turn.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.chance import DOUBT_OF_PHRASES, DOUBT_OF_WORDS
from matching.impacts import Impacts
from matching.lexical import K1, KnownTerms, LexicalIndex, Statistics, bm25

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ProfileShape:
    """The constants of BM25 for profiles, and the doubt about its chance (`matching.chance`)."""

    k1: float
    b: float
    doubt: float


WORDS: Final = ProfileShape(k1=4.0, b=0.6, doubt=DOUBT_OF_WORDS)
PHRASES: Final = ProfileShape(k1=2.0, b=0.5, doubt=DOUBT_OF_PHRASES)
"""Chosen on the public sets other than reviewer-gold (decision 9)."""
PHRASE_GAIN: Final = 1 / (K1 + 1)
"""What a phrase adds to its piece, in which it counts once: a phrase's worth is then 1."""


@dataclass(frozen=True, slots=True)
class ProfileIndex:
    """What the terms of m profiles are worth, worked out ahead."""

    index: LexicalIndex
    """Of the pieces (n); its counts are their saturated gains, at most `K1 + 1` a term."""
    impacts: Impacts
    statistics: Statistics
    shape: ProfileShape

    @classmethod
    def build(
        cls,
        pieces: LexicalIndex,
        gains: FloatArray,
        *,
        partner_of: IntArray,
        partners: int,
        shape: ProfileShape,
        statistics: Statistics | None = None,
    ) -> "ProfileIndex":
        """Of the postings of `pieces` and what each (p,) adds to its piece, below 1.

        `statistics` are those of a larger corpus by which this part of it is judged.
        """
        worth = gains * (K1 + 1)
        lengths = np.bincount(pieces.passage, worth, len(pieces.lengths)).astype(np.float64)
        index = replace(pieces, count=worth, lengths=lengths)
        if statistics is None:
            statistics = index.statistics(partner_of, partners)
        impacts = Impacts.build(
            index,
            group=partner_of,
            lengths=np.bincount(partner_of, lengths, minlength=partners).astype(np.float64),
            statistics=statistics,
            k1=shape.k1,
            b=shape.b,
        )
        return cls(index, impacts, statistics, shape)

    def shares(
        self, known: KnownTerms, *, allowed: BoolArray, partner_of: IntArray, bounds: IntArray
    ) -> FloatArray:
        """BM25 (m,) over its ceiling of each partner's allowed evidence.

        Worked out ahead for whole profiles; those that lack a piece are scored anew.
        """
        partners = len(bounds) - 1
        pieces = np.diff(bounds)
        speaking = np.bincount(partner_of[allowed], minlength=partners)
        shares = np.where(speaking > 0, self.impacts.shares(known), 0.0)
        touched = np.flatnonzero((speaking > 0) & (speaking < pieces))
        rows = rows_between(bounds[touched], bounds[touched + 1])
        rows = rows[allowed[rows]]
        if not len(rows):
            return shares
        lengths = np.bincount(partner_of[rows], self.index.lengths[rows], minlength=partners)
        anew = bm25(
            self.index.postings_of(known, rows),
            group=partner_of,
            lengths=lengths.astype(np.float64),
            statistics=self.statistics,
            k1=self.shape.k1,
            b=self.shape.b,
        )
        shares[touched] = anew[touched]
        return shares
