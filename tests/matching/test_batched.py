"""Many questions at once find what each finds, even where all cosines are as wrong as may be."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import batched, products
from matching.batched import nearest_each
from matching.encoders.protocol import Vectors
from matching.vectors import Among, Asked, IntArray, JoinedVectors, VectorIndex, nearest_of
from tests.matching.factories import repeatable
from tests.matching.searches import (
    Elsewhere,
    Search,
    among_all,
    eighths,
    for_few,
    narrowed,
    plainly,
    searches,
    units,
)

both = pytest.mark.parametrize("narrow", [True, False], ids=["bfloat16", "float32"])


@pytest.fixture(scope="module", autouse=True)
def _for_few() -> Iterator[None]:
    with for_few():
        yield


@repeatable
@given(searches(), st.integers(1, 4), st.booleans(), st.booleans())
def test_many_questions_find_what_each_finds(
    search: Search, number: int, cut: bool, narrow: bool
) -> None:
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "NARROW", narrow)
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


@both
def test_the_best_of_many_questions_may_lie_anywhere(
    narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "NARROW", narrow)
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


@both
def test_equal_texts_of_many_questions_are_taken_in_order(
    narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "NARROW", narrow)
    rows, asked = units(2000, 16, seed=15), units(3, 16, seed=16)
    rows[100:] = rows[0]
    among = among_all(2000, 2000)
    found = nearest_each(
        VectorIndex(rows), [plainly(one) for one in (*asked, rows[0])], [among] * 4, 30
    )
    assert sorted(found[-1].tolist()) == [0, *range(100, 129)]


def _from(middle: int, search: Search) -> IntArray:
    return np.arange(middle, len(search.vectors))


class Unasked(VectorIndex):
    """An index whose questions must be answered together."""

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        raise AssertionError("asked by itself")


ERROR = 0.01
"""Of each cosine of the adversary's."""


class Adversary:
    """A product that lowers the cosines of all wanted partners and raises all others."""

    def __init__(self, questions: Vectors, wanted: np.ndarray) -> None:
        """`wanted` (n, q) says which texts belong to partners that the questions want."""
        self._questions = questions.astype(np.float64)
        self._wrong = np.where(wanted, -ERROR, ERROR)
        self._row = 0
        self.error = np.full(len(questions), ERROR)

    def __call__(self, tile: Vectors, out: Vectors) -> None:
        rows = slice(self._row, self._row + len(tile))
        out[:] = tile.astype(np.float64) @ self._questions.T + self._wrong[rows]
        self._row = rows.stop


def test_whom_one_product_cannot_tell_apart_another_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more texts than `CROWD` allows lie within what bfloat16 loses, none within float32."""
    cosines = 0.5 + np.arange(900) * 1e-5
    rows = np.sqrt(1 - cosines[:, None] ** 2) * units(900, 8, seed=23)
    rows = np.asarray(np.column_stack([cosines, rows]), np.float32)
    question, among = np.eye(9, dtype=np.float32)[0], among_all(900, 900)
    monkeypatch.setattr(products, "NARROW", True)
    monkeypatch.setattr(batched, "PATIENCE", len(rows))
    for found in nearest_each(Unasked(rows), [plainly(question)] * 2, [among] * 2, 5):
        assert sorted(found.tolist()) == [895, 896, 897, 898, 899]


@pytest.mark.parametrize(
    ("share", "right"), [(1.0, True), (0.95, False), (0.0, False)], ids=["whole", "less", "none"]
)
def test_whatever_the_products_lose_the_margin_makes_good(
    share: float, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wanted partner is hardly nearer than many others, and the adversary turns them round."""
    cosines = np.repeat([0.3, 0.4999, 0.9, 0.5, 0.4999, 0.3], [200, 25, 39, 1, 25, 310])
    rows = np.sqrt(1 - cosines[:, None] ** 2) * units(600, 8, seed=21)
    rows = np.asarray(np.column_stack([cosines, rows]), np.float32)
    question, among, wanted = np.eye(9, dtype=np.float32)[0], among_all(600, 600), 40
    lists = np.repeat(cosines[:, None] >= 0.5, 2, axis=1)
    margin = batched._margin
    monkeypatch.setattr(batched, "PATIENCE", len(rows))
    monkeypatch.setattr(batched, "_margin", lambda *known: share * margin(*known))
    monkeypatch.setattr(batched, "makers", lambda: [lambda asked: Adversary(asked, lists)])
    for found in nearest_each(Unasked(rows), [plainly(question)] * 2, [among] * 2, wanted):
        assert (set(found.tolist()) == set(np.flatnonzero(cosines >= 0.5).tolist())) == right
