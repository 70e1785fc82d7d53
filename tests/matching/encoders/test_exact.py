"""Arithmetic that depends on no order."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from matching.encoders import exact
from tests.matching.factories import repeatable

floats = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.just(0.0) | st.floats(1e-3, 31.0) | st.floats(-31.0, -1e-3),
)


class TestUnit:
    @given(floats)
    @repeatable
    def test_rows_have_length_one_and_zeros_stay(self, vectors: NDArray[np.float64]) -> None:
        units = exact.unit(vectors)
        filled = vectors.any(axis=1)
        assert np.linalg.norm(units[filled], axis=1) == pytest.approx(1, abs=1e-12)
        assert not units[~filled].any()

    @given(floats)
    @repeatable
    def test_the_direction_stays(self, vectors: NDArray[np.float64]) -> None:
        units = exact.unit(vectors)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        assert np.abs(units * lengths - vectors).max() < 1e-3

    @given(floats, st.randoms(use_true_random=False))
    @repeatable
    def test_the_order_of_the_sum_does_not_matter(
        self, vectors: NDArray[np.float64], draw: Random
    ) -> None:
        order = np.array(draw.sample(range(vectors.shape[1]), vectors.shape[1]))
        shuffled = exact.unit(vectors[:, order])
        back = np.argsort(order)
        assert shuffled[:, back].tobytes() == exact.unit(vectors).tobytes()

    def test_the_largest_vector_that_is_promised_does_not_overflow(self) -> None:
        units = exact.unit(np.full((1, 2**13), 2.0**5 - 2**-19))
        assert np.allclose(units, 2**-6.5)

    def test_no_rows(self) -> None:
        assert exact.unit(np.zeros((0, 4))).shape == (0, 4)


class TestProduct:
    @given(st.integers(0, 2**32 - 1), st.integers(1, 1040))
    @repeatable
    def test_equals_the_product_of_whole_numbers(self, seed: int, k: int) -> None:
        draw = np.random.default_rng(seed)
        left, right = (draw.integers(-127, 128, (rows, k)) for rows in (3, 5))
        found = exact.product(left.astype(np.float32), right.astype(np.float32))
        assert np.array_equal(found.astype(np.int64), left @ right.T)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_largest_sums_are_exact(self, sign: int) -> None:
        whole = np.full((2, 1024), 127)
        whole[1, 0] = 126  # an odd sum beside an even one
        found = exact.product(whole.astype(np.float32), (sign * whole).astype(np.float32))
        assert np.array_equal(found.astype(np.int64), sign * whole @ whole.T)
