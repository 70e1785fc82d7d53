"""Search by meaning: the vectors of a corpus, and which partners have the nearest ones.

A `VectorSearch` is what the ranker asks; `VectorIndex` holds the vectors in this process and is
exact, `JoinedVectors` are several searches one after the other. Another one may keep the vectors
elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import group_maximum
from matching.bounded import Buffers, Counting, best_by_bounds, bounds_of
from matching.encoders.protocol import Vectors, has_vector
from matching.quantised import EPSILON, ROUNDINGS, Asking, Codes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.uint8]

DIGITS: Final = 5
"""Levelled cosines are rounded, since equal vectors differ in the eighth decimal by their place in
the matrix."""


CODED: Final = 16_384
"""From so many vectors on it pays to keep codes of them (measured, decision 27)."""
GATHERED: Final = 0.3
"""Below this share of allowed texts their codes are picked out; above it all are read."""
TILE: Final = 8192
"""Vectors that are handled at once."""


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
    """Vectors (n, d) in the memory of this process, or mapped into it; searched exactly.

    Few are compared as they are; of many first the `codes` are, which are shorter. It is safe to
    search it from several threads at once.
    """

    vectors: Vectors
    codes: Codes | None = None
    known: BoolArray | None = None
    """(n,) `filled`, where it is known already."""

    @classmethod
    def build(cls, vectors: Vectors) -> "VectorIndex":
        """An index of vectors (n, d), which it keeps; with codes from `CODED` on.

        Reads each vector twice: 12 to 15 s for a million of 384 dimensions on a busy machine.
        """
        known = has_vector(vectors)
        coded = np.count_nonzero(known) >= CODED
        return cls(vectors, Codes.build(vectors, known) if coded else None, known)

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "VectorIndex":
        """The index whose `arrays` these are; they may be mapped, and read-only."""
        codes = Codes.of(arrays) if "codes" in arrays else None
        return cls(arrays["vectors"], codes, arrays["filled"])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that is needed to make the same again without reading a vector, by name."""
        codes = self.codes.arrays() if self.codes else {}
        return {"vectors": self.vectors, "filled": self.filled, **codes}

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def filled(self) -> BoolArray:
        """(n,) which texts have a vector."""
        return has_vector(self.vectors) if self.known is None else self.known

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """Exactly as `VectorSearch` says."""
        return highest(self.best(asked, among, wanted), wanted)

    def best(self, asked: Asked, among: Among, wanted: int) -> FloatArray:
        """What each partner (m,) counts by its nearest allowed text.

        -inf for partners without one; too little, or -inf, for partners who are not among the
        `wanted` nearest.
        """
        allowed = among.allowed & self.filled
        number = int(np.count_nonzero(allowed))
        exact = partial(self._exact, asked, among)
        if self.codes is None or number < CODED // 4 or wanted >= among.partners:
            return exact(np.flatnonzero(allowed))
        rows = np.flatnonzero(allowed) if number < GATHERED * len(allowed) else None
        counting = Counting(
            asked.slope,
            asked.shift,
            among.kind if rows is None else among.kind[rows],
            ~allowed if rows is None and number < len(allowed) else None,
        )
        asking = self.codes.asking(asked.vector)
        with self._buffers() as buffers:
            bounds = bounds_of(self.codes, asking, counting, rows, buffers)
            margin = _margin(asked, asking)
            return best_by_bounds(bounds, exact, rows=rows, wanted=wanted, margin=margin)

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says."""
        if len(rows) > len(self.vectors) // 2:
            every: NDArray[np.float32] = self.vectors @ vector
            return every[rows]
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), TILE):
            some = rows[start : start + TILE]
            found[start : start + TILE] = self.vectors[some] @ vector
        return found

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says."""
        return self.vectors[rows]

    def select(self, rows: IntArray) -> "VectorIndex":
        """As `VectorSearch` says."""
        codes = self.codes.select(rows) if self.codes and len(rows) >= CODED else None
        return VectorIndex(self.vectors[rows], codes, self.filled[rows])

    def tiles(self) -> Iterator[Vectors]:
        """All vectors, `TILE` after `TILE`."""
        for start in range(0, len(self.vectors), TILE):
            yield self.vectors[start : start + TILE]

    def _exact(self, asked: Asked, among: Among, rows: IntArray) -> FloatArray:
        return best_of(self.cosines(asked.vector, rows), asked, among, rows)

    @cached_property
    def _spare(self) -> list[Buffers]:
        return []

    @contextmanager
    def _buffers(self) -> Iterator[Buffers]:
        """As many as there are searches at once; a list's pop and append are atomic."""
        try:
            buffers = self._spare.pop()
        except IndexError:
            buffers = Buffers(len(self.vectors))
        try:
            yield buffers
        finally:
            self._spare.append(buffers)


@dataclass(frozen=True)
class JoinedVectors:
    """The texts of several searches, those of one after those of the other.

    For a corpus of which little has changed: the large part stays as it is.
    """

    parts: Sequence[VectorSearch]
    """At least one, all of one dimension."""

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return self.parts[0].dimension

    @cached_property
    def filled(self) -> BoolArray:
        """(n,) which texts have a vector."""
        return np.concatenate([part.filled for part in self.parts])

    @cached_property
    def _bounds(self) -> IntArray:
        """(parts + 1,) where the texts of each part begin."""
        return np.cumsum([0, *(len(part.filled) for part in self.parts)])

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """As `VectorSearch` says, and exactly if the parts are exact."""
        return highest(self.best(asked, among, wanted), wanted)

    def best(self, asked: Asked, among: Among, wanted: int) -> FloatArray:
        """As `VectorIndex.best`.

        A partner among the `wanted` nearest of all is among those of the part that holds its
        nearest text, since whoever is nearer there is nearer in all.
        """
        best = np.full(among.partners, -np.inf)
        for part, own in zip(self.parts, self._own(among), strict=True):
            np.maximum(best, _best_in(part, asked, own, wanted), out=best)
        return best

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says."""
        return self._gathered(rows, lambda part, own: part.cosines(vector, own), ())

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says."""
        return self._gathered(rows, lambda part, own: part.at(own), (self.dimension,))

    def select(self, rows: IntArray) -> VectorSearch:
        """As `VectorSearch` says; of rows in ascending order, each part selects its own."""
        if not len(rows) or (np.diff(rows) < 0).any():
            return VectorIndex(self.at(rows))
        cuts = np.searchsorted(rows, self._bounds)
        pieces = [rows[a:b] for a, b in pairwise(cuts)]
        chosen = [
            part.select(own - start)
            for part, own, start in zip(self.parts, pieces, self._bounds, strict=False)
            if len(own)
        ]
        return chosen[0] if len(chosen) == 1 else JoinedVectors(chosen)

    def _own(self, among: Among) -> Iterator[Among]:
        for start, end in pairwise(self._bounds):
            yield Among(
                among.kind[start:end],
                among.partner_of[start:end],
                among.partners,
                among.allowed[start:end],
            )

    def _gathered(
        self,
        rows: IntArray,
        read: Callable[[VectorSearch, IntArray], Vectors],
        shape: tuple[int, ...],
    ) -> Vectors:
        found = np.empty((len(rows), *shape), np.float32)
        owner = np.searchsorted(self._bounds, rows, side="right") - 1
        for place, part in enumerate(self.parts):
            own = owner == place
            if own.any():
                found[own] = read(part, rows[own] - self._bounds[place])
        return found


def _margin(asked: Asked, asking: Asking) -> float:
    """How far what a text counts, rounded, may lie above a bound worked out in float32."""
    largest = asked.slope.max() * asking.most + np.abs(asked.shift).max()
    return float(0.5 * 10.0**-DIGITS + ROUNDINGS * EPSILON * largest)


def _best_in(part: VectorSearch, asked: Asked, among: Among, wanted: int) -> FloatArray:
    """As `VectorIndex.best`, of any search."""
    if isinstance(part, VectorIndex | JoinedVectors):
        return part.best(asked, among, wanted)
    found = np.zeros(among.partners, bool)
    found[part.nearest(asked, among, wanted)] = True
    rows = np.flatnonzero(among.allowed & part.filled & found[among.partner_of])
    return best_of(part.cosines(asked.vector, rows), asked, among, rows)


def best_of(cosines: NDArray[np.float32], asked: Asked, among: Among, rows: IntArray) -> FloatArray:
    """What each partner (m,) counts by the texts at `rows` (r,) with these cosines (r,)."""
    best = np.full(among.partners, -np.inf)
    np.maximum.at(best, among.partner_of[rows], asked.level(cosines, among.kind[rows]))
    return best


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


def highest(values: NDArray[np.floating[Any]], limit: int) -> IntArray:
    """Positions of the `limit` highest values above -inf, in no order; of equals, the first."""
    if limit > 0 and len(values) >= 2 * _DEEP * limit:
        hopeful = _hopeful(values, limit)
        if 2 * len(hopeful) <= len(values):
            return hopeful[highest(values[hopeful], limit)]
    found = np.flatnonzero(values > -np.inf)
    if len(found) > limit:
        some = values[found]
        least = np.partition(some, -limit)[-limit]
        above, equal = found[some > least], found[some == least]
        found = np.append(above, equal[: limit - len(above)])
    return found


_DEEP: Final = 32


def _hopeful(values: NDArray[np.floating[Any]], limit: int) -> IntArray:
    """Ascending positions among which all of the `limit` highest are.

    The values are laid out in `_DEEP` rows: of a column that is nowhere as high as `limit` columns
    somewhere are, no value is among the highest. To find the columns' highest values is ten times
    as fast as to partition all.
    """
    columns = len(values) // _DEEP
    square = values[: columns * _DEEP].reshape(_DEEP, columns)
    best = square.max(axis=0)
    chosen = np.flatnonzero(best >= np.partition(best, -limit)[-limit])
    places = np.arange(_DEEP)[:, None] * columns + chosen
    return np.append(places.ravel(), np.arange(columns * _DEEP, len(values)))
