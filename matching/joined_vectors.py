"""Vectors in several parts, searched as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.vectors import (
    Among,
    Asked,
    BoolArray,
    FloatArray,
    IntArray,
    VectorIndex,
    VectorSearch,
    highest,
)


@dataclass(frozen=True)
class JoinedVectors:
    """The rows of part after part."""

    parts: tuple[VectorSearch, ...]

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return self.parts[0].dimension

    @property
    def filled(self) -> BoolArray:
        """(n,) which texts have a vector."""
        return np.concatenate([part.filled for part in self.parts])

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """As `VectorSearch` says: the nearest of the nearest of each part."""
        found = []
        for part, (first, last) in zip(self.parts, self._spans(), strict=True):
            some = replace(
                among,
                kind=among.kind[first:last],
                partner_of=among.partner_of[first:last],
                allowed=among.allowed[first:last],
            )
            found.append(part.nearest(asked, some, wanted))
        partners = np.unique(np.concatenate(found))
        if len(partners) <= wanted:
            return partners
        return partners[highest(self._best(asked, among, partners), wanted)]

    def _best(self, asked: Asked, among: Among, partners: IntArray) -> FloatArray:
        """Highest levelled cosine of each of some partners' allowed texts."""
        looked_at = np.zeros(among.partners, bool)
        looked_at[partners] = True
        rows = np.flatnonzero(among.allowed & looked_at[among.partner_of] & self.filled)
        levelled = asked.level(self.cosines(asked.vector, rows), among.kind[rows])
        best = np.full(among.partners, -np.inf)
        np.maximum.at(best, among.partner_of[rows], levelled)
        return best[partners]

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says."""
        found = np.zeros(len(rows), np.float32)
        for part, inside, own in self._shared_out(rows):
            found[inside] = part.cosines(vector, own)
        return found

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says."""
        found = np.zeros((len(rows), self.dimension), np.float32)
        for part, inside, own in self._shared_out(rows):
            found[inside] = part.at(own)
        return found

    def select(self, rows: IntArray) -> VectorSearch:
        """As `VectorSearch` says: copies the rows, which are few."""
        from_parts = [
            part.select(own) for part, inside, own in self._shared_out(rows) if len(inside)
        ]
        in_order = bool((np.diff(rows) > 0).all())
        if len(from_parts) == 1:
            return from_parts[0]
        if from_parts and in_order:
            return JoinedVectors(tuple(from_parts))
        return self.parts[0].select(rows) if not len(rows) else VectorIndex(self.at(rows))

    def _spans(self) -> Sequence[tuple[int, int]]:
        ends = np.cumsum([len(part.filled) for part in self.parts]).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True))

    def _shared_out(self, rows: IntArray) -> list[tuple[VectorSearch, IntArray, IntArray]]:
        """For each part the places in `rows` of its rows, and their numbers in it."""
        found = []
        for part, (first, last) in zip(self.parts, self._spans(), strict=True):
            inside = np.flatnonzero((rows >= first) & (rows < last))
            found.append((part, inside, rows[inside] - first))
        return found
