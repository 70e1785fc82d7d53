"""The sizing table follows from two measurements, and says what it extrapolates."""

import pytest

from app.services.sizing import Measured, markdown, sizes

SMALL = Measured(1000, 2 * 10**6, 10**6, 10**6, 10**6, 2.0, 10.0)
LARGE = Measured(10_000, 20 * 10**6, 10**7, 10**7, 10**7, 20.0, 20.0)


def test_what_grows_with_the_texts_is_a_line_and_a_search_a_logarithm() -> None:
    measured, beyond = sizes([10_000, 100_000], SMALL, LARGE)
    assert not measured.is_extrapolated
    assert beyond.is_extrapolated
    assert measured.rows_gb == pytest.approx(0.02)
    assert beyond.rows_gb == pytest.approx(0.2)
    assert beyond.build_hours == pytest.approx(200 / 3600)
    assert (measured.search_ms, beyond.search_ms) == pytest.approx((20, 30))
    assert beyond.memory_gb == pytest.approx(100_000 * 384 * 5 / 1e9)


def test_the_table_marks_what_is_extrapolated() -> None:
    lines = markdown(sizes([10_000, 100_000], SMALL, LARGE)).splitlines()
    assert lines[2].startswith("| 10,000 |")
    assert lines[3].startswith("| 100,000* |")


def test_one_size_tells_no_line() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        sizes([1], LARGE, LARGE)
