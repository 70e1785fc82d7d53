"""The nearest partners are those that comparing everything with everything finds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numkong as nk
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching import batched, bounded, vectors
from matching.batched import nearest_each
from matching.encoders.protocol import Vectors
from matching.quantised import Codes
from matching.vectors import (
    Among,
    Asked,
    BoolArray,
    IntArray,
    JoinedVectors,
    VectorIndex,
    VectorSearch,
    highest,
    nearest_of,
)
from tests.matching.factories import repeatable

Random = np.random.Generator


@pytest.fixture(scope="module", autouse=True)
def _for_few() -> Iterator[None]:
    """Limits with which a hundred vectors go the way of a million."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "CODED", 1)
        patch.setattr(vectors, "TILE", 8)
        patch.setattr(batched, "TILE", 8)
        patch.setattr(batched, "PATIENCE", 6)
        patch.setattr(bounded, "CHUNK", 2)
        patch.setattr(bounded, "SEEDS", 1)
        patch.setattr(bounded, "BLOCK", 16)
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


@repeatable
@given(searches())
def test_it_finds_whom_comparing_all_finds(search: Search) -> None:
    for index in search.indexes():
        found = index.nearest(search.asked, search.among, search.wanted)
        assert sorted(found.tolist()) == search.expected()


@repeatable
@given(searches(), st.lists(st.integers(0, 150), max_size=2))
def test_joined_parts_find_what_the_whole_finds(search: Search, cuts: list[int]) -> None:
    pieces = np.split(search.vectors, sorted(cuts))
    parts: list[VectorSearch] = [VectorIndex.build(piece) for piece in pieces]
    parts[-1] = Elsewhere(VectorIndex(pieces[-1]))
    joined, whole = JoinedVectors(parts), VectorIndex(search.vectors)
    found = joined.nearest(search.asked, search.among, search.wanted)
    assert sorted(found.tolist()) == search.expected()
    assert joined.dimension == whole.dimension
    assert np.array_equal(joined.filled, whole.filled)
    rows = np.flatnonzero(search.among.allowed)
    for some in (rows, rows[::-1], rows[:0]):
        vector = search.asked.vector
        assert np.array_equal(joined.cosines(vector, some), whole.cosines(vector, some))
        assert np.array_equal(joined.at(some), whole.at(some))
        assert np.array_equal(joined.select(some).at(np.arange(len(some))), whole.at(some))


@repeatable
@given(searches(), st.integers(1, 4), st.booleans())
def test_many_questions_find_what_each_finds(search: Search, number: int, cut: bool) -> None:
    asked = [
        Asked(
            eighths(search.random, search.vectors.shape[1]),
            search.asked.slope,
            search.asked.shift,
        )
        for _ in range(number)
    ]
    expected = [search.expected(one) for one in asked]
    among = [search.among] * number
    whole = VectorIndex.build(search.vectors)
    middle = len(search.vectors) // 2
    joined = JoinedVectors([whole.select(np.arange(middle)), whole.select(_from(middle, search))])
    found = nearest_each(joined if cut else whole, asked, among, search.wanted)
    assert [sorted(each.tolist()) for each in found] == expected
    elsewhere = Elsewhere(whole)
    found = nearest_each(elsewhere, asked, among, search.wanted)
    assert [sorted(each.tolist()) for each in found] == expected
    assert elsewhere.asked == number


@repeatable
@given(searches(), st.integers(2, 9), st.sampled_from([1, 16]))
def test_many_questions_may_each_allow_other_texts(search: Search, number: int, crowd: int) -> None:
    some = [replace(search, among=_drawn(search), asked=_another(search)) for _ in range(number)]
    index = VectorIndex.build(search.vectors)
    asked, among = [each.asked for each in some], [each.among for each in some]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batched, "CROWD", crowd)
        patch.setattr(batched, "DENSE", 0.2)
        found = nearest_each(index, asked, among, search.wanted)
    assert [sorted(each.tolist()) for each in found] == [each.expected() for each in some]


def _another(search: Search) -> Asked:
    vector = eighths(search.random, search.vectors.shape[1])
    return Asked(vector, search.asked.slope, search.asked.shift)


def _drawn(search: Search) -> Among:
    share = search.random.choice([0.1, 0.5, 0.95, 1])
    return narrowed(search.among, search.random.random(len(search.vectors)) < share)


def test_the_best_of_many_questions_may_lie_anywhere() -> None:
    rows, asked = units(6000, 16, seed=13), units(24, 16, seed=14)
    among = among_all(6000, 900, kinds=2)
    order = np.argsort(rows @ asked[0])
    for places in (order, order[::-1]):
        index = VectorIndex(rows[places])
        each = [Asked(one, np.array([1.0, 0.6]), np.array([0.0, 0.2])) for one in asked]
        found = nearest_each(index, each, [among] * len(each), 40)
        for one, partners in zip(each, found, strict=True):
            expected = nearest_of(index.vectors @ one.vector, one, among, index.filled, 40)
            assert set(partners.tolist()) == set(expected.tolist())


def test_equal_texts_of_many_questions_are_taken_in_order() -> None:
    rows, asked = units(2000, 16, seed=15), units(3, 16, seed=16)
    rows[100:] = rows[0]
    among = among_all(2000, 2000)
    found = nearest_each(
        VectorIndex(rows), [plainly(one) for one in (*asked, rows[0])], [among] * 4, 30
    )
    assert sorted(found[-1].tolist()) == [0, *range(100, 129)]


def _from(middle: int, search: Search) -> IntArray:
    return np.arange(middle, len(search.vectors))


@pytest.mark.parametrize("decay", [1.0, 0.97, 0.7], ids=["even", "sloping", "steep"])
@pytest.mark.parametrize("width", [1, 24, 96])
def test_no_dot_product_is_above_its_bound(decay: float, width: int) -> None:
    rows, asked = units(500, 96, seed=1, decay=decay), units(20, 96, seed=2, decay=decay)
    rows[::7] *= 3
    rows[::11] = 0
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(96, 96)))[0][:width]
    rotation = np.asarray(axes if width < 96 else np.eye(96), np.float32)
    codes = Codes.rotated(rows, rotation)
    buffers = bounded.Buffers(len(rows))
    kind = np.zeros(len(rows), np.uint8)
    for query in (*asked, np.asarray(rows[3] / 3)):
        counting = bounded.Counting(np.ones(1), np.zeros(1), kind, None)
        found = bounded.bounds_of(codes, codes.asking(query), counting, None, buffers)
        exact = rows.astype(float) @ query.astype(float)
        assert (found[: len(rows)] >= exact).all()
        if width == 96:
            assert (found[: len(rows)] - exact).max() < 0.3


def test_steep_vectors_get_short_codes_and_even_ones_whole_codes() -> None:
    steep = VectorIndex.build(units(3000, 192, seed=4, decay=0.97)).codes
    even = VectorIndex.build(units(3000, 192, seed=4)).codes
    assert steep is not None
    assert even is not None
    assert (steep.codes.shape[1], even.codes.shape[1]) == (64, 192)


@pytest.mark.parametrize("size", [1, 3, 31, 64, 65, 384, 1000])
def test_products_of_codes_are_exact(size: int) -> None:
    random = np.random.default_rng(size)
    codes = random.integers(-127, 128, (300, size), dtype=np.int8)
    codes[0], query = 127, np.full((1, size), -127, np.int8)
    codes.flags.writeable = False
    found = np.asarray(nk.dots_packed(codes, nk.dots_pack(query)))[:, 0]
    assert np.array_equal(found, codes.astype(np.int32) @ query[0].astype(np.int32))


def test_partners_come_back_and_not_their_passages() -> None:
    rows = units(400, 32, seed=5)
    rows[:300] = rows[0]
    among = Among(
        np.zeros(400, np.uint8), np.maximum(np.arange(400) - 299, 0), 101, np.ones(400, bool)
    )
    found = VectorIndex.build(rows).nearest(plainly(rows[0]), among, 50)
    assert len(set(found.tolist())) == 50
    assert 0 in found


def test_it_comes_back_from_mapped_files_the_same(tmp_path: Path) -> None:
    index = VectorIndex.build(units(400, 64, seed=6, decay=0.9))
    mapped = {}
    for name, array in index.arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = VectorIndex.of(mapped)
    assert again.codes is not None
    assert np.array_equal(again.filled, index.filled)
    for query in units(5, 64, seed=7, decay=0.9):
        for among in (among_all(400, 90), narrowed(among_all(400, 90), np.arange(400) % 9 == 0)):
            one, other = (each.nearest(plainly(query), among, 9) for each in (index, again))
            assert np.array_equal(one, other)


def narrowed(among: Among, allowed: BoolArray) -> Among:
    return Among(among.kind, among.partner_of, among.partners, allowed)


def test_a_plain_index_comes_back_plain() -> None:
    index = VectorIndex(units(5, 8, seed=8))
    assert set(index.arrays()) == {"vectors", "filled"}
    assert VectorIndex.of(index.arrays()).codes is None


def test_threads_may_share_an_index() -> None:
    index = VectorIndex.build(units(1000, 64, seed=9, decay=0.95))
    queries, among = units(24, 64, seed=10, decay=0.95), among_all(1000, 200)

    def found(query: Vectors) -> list[int]:
        return sorted(index.nearest(plainly(query), among, 20).tolist())

    expected = [found(query) for query in queries]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(found, list(queries) * 3)) == expected * 3


@pytest.mark.slow
@pytest.mark.alone
def test_it_is_faster_than_comparing_all() -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in AS_SHIPPED:
            patch.setattr(module, name, value)
        rows = units(200_000, 384, seed=11, decay=0.99)
        index, among = VectorIndex.build(rows), among_all(200_000, 20_000)
        asked = [plainly(query) for query in units(15, 384, seed=12, decay=0.99)]
        plain, coded = [], []
        for each in asked:
            start = perf_counter()
            expected = nearest_of(rows @ each.vector, each, among, index.filled, 50)
            plain.append(perf_counter() - start)
            start = perf_counter()
            found = index.nearest(each, among, 50)
            coded.append(perf_counter() - start)
            assert set(found.tolist()) == set(expected.tolist())
        assert min(coded) < min(plain)


AS_SHIPPED = [
    (vectors, "CODED", vectors.CODED),
    (vectors, "TILE", vectors.TILE),
    (bounded, "CHUNK", bounded.CHUNK),
    (bounded, "SEEDS", bounded.SEEDS),
    (bounded, "BLOCK", bounded.BLOCK),
]


@given(
    st.lists(st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=6)
    | st.just(np.random.default_rng(3).random(300).tolist()),
    st.integers(1, 5),
    st.integers(1, 400),
    st.integers(0, 1000),
)
@repeatable
def test_highest_are_the_first_of_a_stable_sort(
    kinds: list[float], limit: int, size: int, seed: int
) -> None:
    """Of many values, of few, and of many that are equal."""
    values = np.random.default_rng(seed).choice(np.array(kinds, np.float32), size)
    expected = [i for i in np.argsort(-values, kind="stable")[:limit] if values[i] > -np.inf]
    assert sorted(highest(values, limit).tolist()) == sorted(expected)
