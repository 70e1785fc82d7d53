"""Searches to be tested: any vectors, partners, filters and languages, and what is to be found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching import batched, bounded, products, vectors
from matching.encoders.protocol import Vectors
from matching.quantised import Codes
from matching.vectors import Among, Asked, BoolArray, IntArray, VectorIndex, VectorSearch

Random = np.random.Generator

FEW = [
    (vectors, "CODED", 1),
    (vectors, "TILE", 8),
    (products, "TILE", 8),
    (products, "LOOKED_AT", 16),
    (products, "OPENING", 24),
    (batched, "PATIENCE", 48),
    (batched, "TOGETHER", 3),
    (bounded, "CHUNK", 2),
    (bounded, "ROOMY", 1),
    (bounded, "SEEDS", 1),
    (bounded, "BLOCK", 16),
]
AS_SHIPPED = [(module, name, getattr(module, name)) for module, name, _ in FEW]


@contextmanager
def for_few() -> Iterator[None]:
    """Limits with which a hundred vectors go the way of a million."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in FEW:
            patch.setattr(module, name, value)
        yield


@dataclass(frozen=True)
class Search:
    """Vectors (n, d) of eighths, so that each sum is exact and equal texts are equal to the bit."""

    vectors: Vectors
    asked: Asked
    among: Among
    wanted: int
    random: Random

    def expected(self, asked: Asked | None = None) -> list[int]:
        """Partners by comparing all, in plain Python."""
        asked = asked or self.asked
        best: dict[int, float] = {}
        for row in np.flatnonzero(self.among.allowed & self.vectors.any(axis=1)):
            kind, partner = self.among.kind[row], int(self.among.partner_of[row])
            cosine = float(self.vectors[row].astype(float) @ asked.vector.astype(float))
            value = round(float(asked.slope[kind]) * cosine + float(asked.shift[kind]), 5)
            best[partner] = max(value, best.get(partner, -np.inf))
        order = sorted(best, key=lambda partner: (-best[partner], partner))
        return sorted(order[: self.wanted])

    def indexes(self) -> Iterator[VectorIndex]:
        """Plain, as built, and with codes of each vector's half only."""
        yield VectorIndex(self.vectors)
        yield VectorIndex.build(self.vectors)
        size = self.vectors.shape[1]
        turned = np.linalg.qr(self.random.normal(size=(size, size)))[0]
        half = np.asarray(turned[: (size + 1) // 2], np.float32)
        yield VectorIndex(self.vectors, Codes.rotated(self.vectors, half))


def eighths(random: Random, size: int) -> Vectors:
    return np.asarray(random.integers(-9, 10, size) / 8, np.float32)


@st.composite
def searches(draw: st.DrawFn) -> Search:
    """Any sizes, partners, filters and languages; many ties, some texts without a vector."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    number, size = draw(st.integers(0, 150)), draw(st.integers(1, 70))
    kinds, partners = draw(st.integers(1, 3)), draw(st.integers(1, 60))
    span = draw(st.sampled_from([1, 2, 9]))
    rows = random.integers(-span, span + 1, (number, size))
    if draw(st.booleans()):
        rows[:, size // 3 :] = np.sign(rows[:, size // 3 :])
    if number and draw(st.booleans()):
        rows = rows[random.integers(0, max(1, number // 3), number)]
    rows[random.random(number) < draw(st.sampled_from([0, 0.1, 1]))] = 0
    slope = random.choice([0.5, 1.0, 2.0], kinds)
    shift = random.choice([-0.25, 0.0, 0.5], kinds)
    asked = Asked(eighths(random, size), slope, shift)
    among = Among(
        random.integers(0, kinds, number).astype(np.uint8),
        np.sort(random.integers(0, partners, number)),
        partners,
        random.random(number) < draw(st.sampled_from([0.02, 0.2, 0.6, 1])),
    )
    found = np.asarray(rows / 8, np.float32)
    return Search(found, asked, among, draw(st.sampled_from([1, 2, 5, 30, 80])), random)


def units(number: int, size: int, *, seed: int, decay: float = 1.0) -> Vectors:
    """Vectors of length 1; with a `decay` below 1 most of it lies in the first dimensions."""
    rows = np.random.default_rng(seed).standard_normal((number, size), np.float32)
    rows *= np.asarray(decay ** np.arange(size), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def among_all(number: int, partners: int, kinds: int = 1) -> Among:
    kind = (np.arange(number) % kinds).astype(np.uint8)
    return Among(kind, np.arange(number) * partners // number, partners, np.ones(number, bool))


def plainly(vector: Vectors) -> Asked:
    return Asked(vector, np.ones(1), np.zeros(1))


class Elsewhere:
    """A search that holds no vectors here, as one in a database."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self.dimension = index.dimension
        self.filled = index.filled
        self.asked = 0

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        self.asked += 1
        return self._index.nearest(asked, among, wanted)

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        return self._index.cosines(vector, rows)

    def at(self, rows: IntArray) -> Vectors:
        return self._index.at(rows)

    def select(self, rows: IntArray) -> VectorSearch:
        return self._index.select(rows)


def narrowed(among: Among, allowed: BoolArray) -> Among:
    return Among(among.kind, among.partner_of, among.partners, allowed)
