"""Whole profiles in the lexical index: all of a partner's evidence, read as one text.

How often a profile holds a term is counted in pieces of evidence, not in words: each piece adds at
most its own saturated BM25 gain, so that neither a word said fifty times in one piece nor a piece
said twice makes a profile. Pieces then saturate in their turn.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.chance import DOUBT_OF_PHRASES, DOUBT_OF_WORDS
from matching.impacts import AT_ONCE, Impacts
from matching.lexical import K1, KnownTerms, LexicalIndex, Statistics, bm25, statistics_of
from matching.postings import Postings

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
        *,
        partner_of: IntArray,
        partners: int,
        shape: ProfileShape,
        statistics: Statistics | None = None,
    ) -> "ProfileIndex":
        """Of pieces of evidence (n) whose counts are their saturated gains (`gains_of`).

        `statistics` are those of a larger corpus by which this part of it is judged.
        """
        lengths = np.bincount(partner_of, pieces.lengths, minlength=partners).astype(np.float64)
        mean = statistics_of(np.zeros(0, np.int64), lengths) if statistics is None else statistics
        impacts = Impacts.build(
            pieces,
            group=partner_of,
            lengths=lengths,
            statistics=mean,
            k1=shape.k1,
            b=shape.b,
        )
        if statistics is None:  # each partner that holds a term has one posting of it
            frequency = np.diff(impacts.parts[0].indptr).astype(np.int32)
            statistics = replace(mean, frequency=frequency)
        return cls(pieces, replace(impacts, statistics=statistics), statistics, shape)

    def with_later(self, more: "ProfileIndex", target: IntArray, partners: int) -> "ProfileIndex":
        """These profiles and `more` that were built by their statistics, lying behind; `target`
        (m,) is where these lie then, -1 for one that is no more, among so many partners."""
        later = more.impacts.parts[0].frequency_from(len(self.statistics.frequency))
        statistics = replace(self.statistics, later=later)
        impacts = self.impacts.with_later(
            more.impacts, statistics, target=target, documents=partners
        )
        return ProfileIndex(self.index.with_later(more.index), impacts, statistics, self.shape)

    def select(self, partners: IntArray, rows: IntArray) -> "ProfileIndex":
        """Those of some partners and their evidence, renumbered in the order given."""
        return replace(self, index=self.index.select(rows), impacts=self.impacts.select(partners))

    def shares(
        self, known: KnownTerms, *, allowed: BoolArray, partner_of: IntArray, pieces: IntArray
    ) -> FloatArray:
        """BM25 (m,) over its ceiling of each partner's allowed evidence.

        `pieces` (m,) is how many pieces each has. Worked out ahead for whole profiles; those that
        lack a piece are scored anew.
        """
        partners = len(pieces)
        speaking = np.bincount(partner_of[allowed], minlength=partners)
        shares: FloatArray = np.multiply(self.impacts.scores(known), speaking > 0, dtype=np.float64)
        touched = (speaking > 0) & (speaking < pieces)
        if not touched.any():
            return shares
        rows = np.flatnonzero(touched[partner_of] & allowed)
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


def gains_of(pieces: LexicalIndex, passage_impacts: Impacts) -> LexicalIndex:
    """The words of pieces with their saturated gains in place of their counts."""
    gained = replace(pieces, parts=passage_impacts.parts).scaled(K1 + 1)
    return replace(gained, lengths=_total(gained.parts, len(pieces.lengths)))


def gains_of_phrases(pieces: LexicalIndex) -> LexicalIndex:
    """As `gains_of` for phrases: each is worth the same, `PHRASE_GAIN` of the most."""
    gained = pieces.scaled(PHRASE_GAIN * (K1 + 1))
    return replace(gained, lengths=pieces.lengths * (PHRASE_GAIN * (K1 + 1)))


def _total(parts: tuple[Postings, ...], passages: int) -> FloatArray:
    """(passages,) sum of the values of all postings of an index in one part."""
    (part,) = parts
    total = np.zeros(passages)
    for start in range(0, len(part.document), AT_ONCE):
        end = start + AT_ONCE
        value = None if part.value is None else part.value[start:end]
        total += np.bincount(part.document[start:end], value, minlength=passages)
    return total * part.scale
