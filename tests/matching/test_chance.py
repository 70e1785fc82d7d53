"""What chance gives, against simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.chance import FULL, LEAST_COSINE, UNKNOWN, Chance, of_cosines, of_words
from tests.matching.factories import repeatable


def test_words_are_as_in_a_simulation() -> None:
    random = np.random.default_rng(0)
    weight, frequency = np.array([3.0, 2.0, 1.0]), np.array([50.0, 200.0, 600.0])
    chance = of_words(weight, frequency, 1000, doubt=0.0)
    held = random.random((200_000, 3)) < frequency / 1000
    shares = 0.5 * (held * weight).sum(axis=1) / weight.sum()
    assert chance.mean == pytest.approx(shares.mean(), rel=0.02)
    assert chance.deviation == pytest.approx(shares.std(), rel=0.02)


def test_cosines_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(1)
    vectors = (random.normal(size=(60, 8)) + 0.5).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (vectors @ vectors.T)[~np.eye(60, dtype=bool)]
    chance = of_cosines(vectors)
    assert chance.mean == pytest.approx(cosines.mean(), abs=1e-5)
    assert chance.deviation == pytest.approx(cosines.std(), abs=1e-4)


def test_too_few_or_equal_vectors_have_a_chance_too() -> None:
    one = np.full((1, 4), 0.5, np.float32)
    assert of_cosines(one) == UNKNOWN
    assert of_cosines(np.repeat(one, 3, axis=0)).deviation == LEAST_COSINE
    assert of_words(np.zeros(0), np.zeros(0), 0, doubt=0.02) == Chance(0.0, 0.02)


values = st.lists(st.floats(-1, 1), min_size=2, max_size=9)


@given(values, st.floats(0, 0.5), st.floats(0.01, 0.3))
@repeatable
def test_more_never_stands_lower(some: list[float], mean: float, deviation: float) -> None:
    found = Chance(mean, deviation).standing(np.array(sorted(some)))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


def test_nothing_is_zero_far_above_is_one_and_unknown_stays_unknown() -> None:
    chance = Chance(0.05, 0.02)
    found = chance.standing(np.array([0.0, 0.05 + 2 * FULL * 0.02, np.nan]))
    assert found[0] == 0
    assert found[1] == 1
    assert np.isnan(found[2])
