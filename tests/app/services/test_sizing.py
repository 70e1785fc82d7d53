"""The sizing table follows from what was measured, and says what it computes."""

from pathlib import Path

import pytest

from app.services.sizing import MEASURED, SHOWN, Measured, markdown, sizes

SMALL = Measured(1000, 2 * 10**6, 10**6, 10**6, 10**6, 2.0, 10.0)
LARGE = Measured(10_000, 20 * 10**6, 10**7, 10**7, 10**7, 40.0, 20.0)
LARGEST = Measured(100_000, 300 * 10**6, 10**8, 10**8, 10**8, 500.0, 21.0)
SCALING = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"


def test_beyond_what_was_measured_bytes_are_a_line_work_a_power_and_a_search_a_logarithm() -> None:
    measured, beyond = sizes([10_000, 100_000], [SMALL, LARGE])
    assert measured.is_measured
    assert not beyond.is_measured
    assert measured.rows_gb == pytest.approx(0.02)
    assert beyond.rows_gb == pytest.approx(0.2)
    assert beyond.build_hours == pytest.approx(40 * 20 / 3600)
    assert (measured.search_ms, beyond.search_ms) == pytest.approx((20, 30))
    assert beyond.memory_gb == pytest.approx(100_000 * 384 * 5 / 1e9)


def test_the_nearest_two_sizes_tell() -> None:
    inside, third, beyond = sizes([5500, 100_000, 1_000_000], [SMALL, LARGE, LARGEST])
    assert inside.rows_gb == pytest.approx(0.011)
    assert (third.rows_gb, third.search_ms, third.is_measured) == pytest.approx((0.3, 21, True))
    assert (beyond.search_ms, beyond.build_hours) == pytest.approx((22, 500 * 12.5 / 3600))


def test_the_table_marks_what_is_computed() -> None:
    lines = markdown(sizes([10_000, 100_000], [SMALL, LARGE])).splitlines()
    assert lines[2].startswith("| 10,000 |")
    assert lines[3].startswith("| 100,000* |")


@pytest.mark.parametrize("measured", [[LARGE], [LARGE, LARGE], [LARGE, SMALL]])
def test_two_sizes_are_needed(measured: list[Measured]) -> None:
    with pytest.raises(ValueError, match="two sizes"):
        sizes([1], measured)


def test_the_document_has_the_table() -> None:
    assert markdown(sizes(SHOWN, MEASURED)) in SCALING.read_text(encoding="utf-8")
