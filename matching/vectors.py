"""Search by meaning: the vectors of a corpus, and which partners have the nearest ones.

A `VectorSearch` is what the ranker asks; `VectorIndex` holds the vectors in this process and is
exact. Another one may keep them elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import group_maximum
from matching.encoders.protocol import Vectors, has_vector

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.uint8]

DIGITS: Final = 5
"""Levelled cosines are rounded, since equal vectors differ in the eighth decimal by their place in
the matrix."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's vector, and what its cosine with a text counts by that text's languages.

    Of a text of kind k the cosine c counts ``slope[k] * c + shift[k]`` (`matching.levels`); a slope
    is above 0, so that within a kind the order stays.
    """

    vector: Vectors
    """(d,), of unit norm."""
    slope: FloatArray
    """(kinds,)."""
    shift: FloatArray
    """(kinds,)."""

    def level(self, cosines: NDArray[np.float32], kind: CodeArray) -> FloatArray:
        """What cosines (r,) with texts of these kinds (r,) count."""
        levelled = self.slope[kind] * cosines.astype(np.float64) + self.shift[kind]
        return np.round(levelled, DIGITS)


@dataclass(frozen=True, slots=True)
class Among:
    """The rows that are searched: those that may speak, by the partners they belong to."""

    kind: CodeArray
    """(n,) which languages each text speaks."""
    partner_of: IntArray
    """(n,), ascending."""
    partners: int
    allowed: BoolArray
    """(n,)."""


class VectorSearch(Protocol):
    """The vectors of n texts. A text that the encoder could not read has none."""

    @property
    def dimension(self) -> int:
        """Of each vector."""

    @property
    def filled(self) -> BoolArray:
        """(n,) which texts have a vector."""

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """Positions of the `wanted` partners with the nearest text, in no order.

        Of partners that are equally near at the edge, those that lie first. Partners without an
        allowed text that has a vector are none of them.
        """

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """Cosines (r,) of a query's vector (d,) with the texts at `rows`; 0 without a vector."""

    def at(self, rows: IntArray) -> Vectors:
        """The vectors (r, d) at `rows`, zeros where there is none."""

    def select(self, rows: IntArray) -> "VectorSearch":
        """The same for some of the texts, in the order given."""


@dataclass(frozen=True)
class VectorIndex:
    """Vectors (n, d) in the memory of this process."""

    vectors: Vectors

    @classmethod
    def build(cls, vectors: Vectors) -> "VectorIndex":
        """Of these vectors (n, d), each of unit norm or zero."""
        return cls(vectors)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "VectorIndex":
        """The index that has given these `arrays`, which may be mapped from a file."""
        return cls(arrays["vectors"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What it holds, by name: what a snapshot keeps."""
        return {"vectors": self.vectors}

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return int(self.vectors.shape[1])

    @property
    def filled(self) -> BoolArray:
        """(n,) which texts have a vector."""
        return has_vector(self.vectors)

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """Exactly as `VectorSearch` says."""
        return nearest_of(self.vectors @ asked.vector, asked, among, self.filled, wanted)

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says."""
        found: NDArray[np.float32] = self.vectors[rows] @ vector
        return found

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says."""
        return self.vectors[rows]

    def select(self, rows: IntArray) -> "VectorIndex":
        """As `VectorSearch` says."""
        return VectorIndex(self.vectors[rows])


def nearest_of(
    cosines: NDArray[np.float32], asked: Asked, among: Among, filled: BoolArray, wanted: int
) -> IntArray:
    """As `VectorSearch.nearest`, from the cosines (n,) of all texts."""
    best = group_maximum(
        asked.level(cosines, among.kind),
        group=among.partner_of,
        groups=among.partners,
        allowed=among.allowed & filled,
    )
    return highest(best, wanted)


def highest(values: FloatArray, limit: int) -> IntArray:
    """Positions of the `limit` highest values above -inf, in no order; of equals, the first."""
    found = np.arange(len(values))
    if len(values) > limit:
        least = np.partition(values, -limit)[-limit]
        above = np.flatnonzero(values > least)
        found = np.append(above, np.flatnonzero(values == least)[: limit - len(above)])
    return found[values[found] > -np.inf]
