"""No cosine of a block of questions is further off than its product says."""

import numpy as np
import pytest

from matching import products
from matching.encoders.protocol import Vectors
from matching.products import Narrow, Wide, makers
from tests.matching.searches import units

SIZES = [1, 3, 31, 64, 384, 1000]
both = pytest.mark.parametrize("kind", [Narrow, Wide])


def off(kind: type[Narrow] | type[Wide], questions: Vectors, texts: Vectors) -> np.ndarray:
    """How far each cosine (t, q) is off, as a share of what it may be."""
    multiply = kind(questions)
    found = np.empty((len(texts), len(questions)), np.float32)
    multiply(texts, found)
    exact = texts.astype(np.float64) @ questions.astype(np.float64).T
    return np.asarray(np.abs(found - exact) / multiply.error)


@both
@pytest.mark.parametrize("size", SIZES)
def test_no_cosine_is_further_off_than_is_said(kind: type[Narrow] | type[Wide], size: int) -> None:
    texts, questions = units(700, size, seed=size), units(37, size, seed=size + 1)
    texts[::9] = 0
    texts[1::9] = questions[0]
    texts.flags.writeable = False
    assert off(kind, questions, texts).max() <= 1


@pytest.mark.parametrize("size", SIZES)
def test_what_bfloat16_loses_may_be_nearly_all_that_is_said(size: int) -> None:
    """All numbers lie just below the middle of two that bfloat16 knows, all are rounded down."""
    number = np.float32(1 / np.sqrt(size))
    power = np.float32(2.0 ** np.floor(np.log2(number)))
    worst = np.full((1, size), power * np.float32(1 + 0.99 * 2.0**-8), np.float32)
    share = off(Narrow, worst, worst).max()
    length = float(np.linalg.norm(worst))
    assert 0.3 * length <= share <= 1


def test_processors_without_fast_bfloat16_multiply_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for fast, expected in ((True, (Narrow, Wide)), (False, (Wide,))):
        monkeypatch.setattr(products, "NARROW", fast)
        assert makers() == expected
