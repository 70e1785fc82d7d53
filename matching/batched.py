"""The nearest partners of many questions at once: one product of matrices for a tile of texts.

A single question has to read all vectors for itself; many share the reading, and what counts is how
fast the machine multiplies. Only texts that may still be among the wanted are looked at further, so
nothing is held of all texts times all questions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Final

import numpy as np

from matching.encoders.protocol import Vectors
from matching.quantised import EPSILON, ROUNDINGS
from matching.vectors import (
    DIGITS,
    TILE,
    Among,
    Asked,
    BoolArray,
    FloatArray,
    IntArray,
    JoinedVectors,
    VectorIndex,
    VectorSearch,
    best_of,
    highest,
)

FIRST: Final = 1024
"""Texts of which all are looked at."""
SHARE: Final = 0.125
"""A question that allows less than this share of the texts is asked by itself."""


def nearest_each(
    vectors: VectorSearch, asked: Sequence[Asked], among: Sequence[Among], wanted: int
) -> list[IntArray]:
    """For each question what `vectors.nearest` says, for vectors of unit length.

    A search that does not hold its vectors here is asked question by question.
    """
    tiles = _tiles_of(vectors)
    together = [
        place
        for place, each in enumerate(among)
        if tiles is not None and np.count_nonzero(each.allowed) >= SHARE * len(each.allowed)
    ]
    found: dict[int, IntArray] = {}
    if tiles is not None and len(together) > 1:
        open_ = [_Open(asked[i], among[i], vectors.filled, wanted) for i in together]
        _go_through(tiles, open_)
        for place, each in zip(together, open_, strict=True):
            found[place] = each.nearest(vectors)
    return [
        found[place] if place in found else vectors.nearest(*question, wanted)
        for place, question in enumerate(zip(asked, among, strict=True))
    ]


@dataclass
class _Open:
    """A question on its way through the texts."""

    asked: Asked
    among: Among
    filled: BoolArray
    wanted: int
    rows: list[IntArray] = field(default_factory=list)
    values: list[FloatArray] = field(default_factory=list)
    held: int = 0
    room: int = 0
    low: float = -np.inf
    """Least cosine, of any kind of text, with which a text may still be wanted."""

    def take(self, rows: IntArray, cosines: Vectors) -> None:
        """Texts whose cosine reaches `low`."""
        may = self.among.allowed[rows] & self.filled[rows]
        rows = rows[may]
        self.rows.append(rows)
        self.values.append(self.asked.level(cosines[may], self.among.kind[rows]))
        self.held += len(rows)
        if self.held > self.room:
            self._sift()

    def nearest(self, vectors: VectorSearch) -> IntArray:
        """The partners, by the same exact cosines as those of a single question."""
        self._sift()
        rows = self.rows[0]
        cosines = vectors.cosines(self.asked.vector, rows)
        return highest(best_of(cosines, self.asked, self.among, rows), self.wanted)

    def _sift(self) -> None:
        """Leave out what can't be wanted any more."""
        rows = np.concatenate([np.zeros(0, np.int64), *self.rows])
        values = np.concatenate([np.zeros(0), *self.values])
        partners, place = np.unique(self.among.partner_of[rows], return_inverse=True)
        if len(partners) >= self.wanted:
            best = np.full(len(partners), -np.inf)
            np.maximum.at(best, place, values)
            least = np.partition(best, -self.wanted)[-self.wanted] - self._margin
            kept = values >= least
            rows, values = rows[kept], values[kept]
            self.low = float(((least - self.asked.shift) / self.asked.slope).min())
        self.rows, self.values, self.held = [rows], [values], len(rows)
        self.room = 2 * self.held + self.wanted

    @property
    def _margin(self) -> float:
        """How far two ways to work out the same levelled cosine may differ."""
        rounding = ROUNDINGS * len(self.asked.vector) * EPSILON
        return float(10.0**-DIGITS + rounding * self.asked.slope.max(initial=1.0))


def _go_through(tiles: Iterable[Vectors], questions: Sequence[_Open]) -> None:
    """Let each question take what it wants of the texts, tile after tile."""
    vectors = np.stack([question.asked.vector for question in questions])
    room = np.empty((len(questions), TILE), np.float32)
    start = 0
    for tile in tiles:
        whole = len(tile) == TILE
        products = np.matmul(vectors, tile.T, out=room) if whole else vectors @ tile.T
        # The first few texts tell each question what is worth a look among the others.
        for begin, end in pairwise((0, FIRST, len(tile)) if start == 0 else (0, len(tile))):
            for question, cosines in zip(questions, products[:, begin:end], strict=True):
                some = np.flatnonzero(cosines >= question.low)
                if len(some):
                    question.take(start + begin + some, cosines[some])
        start += len(tile)


def _tiles_of(vectors: VectorSearch) -> Iterator[Vectors] | None:
    """All vectors, at most `TILE` at once; None if they are not held here."""
    if isinstance(vectors, VectorIndex):
        return vectors.tiles()
    if isinstance(vectors, JoinedVectors):
        parts = [_tiles_of(part) for part in vectors.parts]
        held = [part for part in parts if part is not None]
        return chain.from_iterable(held) if len(held) == len(parts) else None
    return None
