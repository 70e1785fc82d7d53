"""The nearest partners are those that comparing everything with everything finds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numkong as nk
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import bounded
from matching.encoders.protocol import Vectors
from matching.quantised import Codes
from matching.vectors import (
    Among,
    Asked,
    FloatArray,
    IntArray,
    JoinedVectors,
    VectorIndex,
    VectorSearch,
    highest,
    nearest_of,
)
from tests.matching.factories import repeatable
from tests.matching.searches import (
    AS_SHIPPED,
    Elsewhere,
    Search,
    among_all,
    for_few,
    narrowed,
    plainly,
    searches,
    units,
)


@pytest.fixture(scope="module", autouse=True)
def _for_few() -> Iterator[None]:
    with for_few():
        yield


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


@pytest.mark.parametrize("wanted", [10, 50, 200])
def test_of_few_texts_too_only_some_are_compared(
    wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of neighbours whose bounds are looked at must not hold nearly all texts."""
    for module, name, value in AS_SHIPPED:
        monkeypatch.setattr(module, name, value)
    rows = units(20_000, 64, seed=11, decay=0.9)
    index, among = VectorIndex.build(rows), among_all(20_000, 2_000)
    compared: list[int] = []
    exact = VectorIndex._exact

    def counting(self: VectorIndex, asked: Asked, among: Among, rows: IntArray) -> FloatArray:
        compared.append(len(rows))
        return exact(self, asked, among, rows)

    monkeypatch.setattr(VectorIndex, "_exact", counting)
    index.nearest(plainly(rows[7]), among, wanted)
    assert sum(compared) < len(rows) / 2


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
