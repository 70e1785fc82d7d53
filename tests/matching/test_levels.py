"""Cosines between languages stand where they would stand among all pairs."""

import numpy as np
import pytest

from matching.chance import Moments, of_cosines
from matching.levels import LEAST, Levels, Speech

JAPANESE: Speech = frozenset({"ja"})
ENGLISH: Speech = frozenset({"en"})


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled.astype(np.float32)


def level(
    levels: Levels, cosines: np.ndarray, asked: Speech, speech: dict[Speech, np.ndarray]
) -> np.ndarray:
    """What the cosines count, the texts of each language by its line."""
    found = cosines.copy()
    slopes, shifts = levels.lines(asked, list(speech))
    for mask, slope, shift in zip(speech.values(), slopes, shifts, strict=True):
        found[mask] = slope * cosines[mask] + shift
    return found


@pytest.fixture
def vectors() -> np.ndarray:
    """200 texts; the first half lean one way, as Japanese ones would without a correction."""
    draw = np.random.default_rng(3)
    found = draw.normal(size=(200, 16))
    found[:100, 0] += 3
    return unit(found)


@pytest.fixture
def speech() -> dict[Speech, np.ndarray]:
    japanese = np.arange(200) < 100
    return {ENGLISH: ~japanese, JAPANESE: japanese}


def test_the_chance_between_two_groups_is_that_of_all_their_pairs(vectors: np.ndarray) -> None:
    found = Moments.of(vectors[:100]).between(Moments.of(vectors[100:]))
    pairs = (vectors[:100] @ vectors[100:].T).astype(np.float64)
    assert found.mean == pytest.approx(pairs.mean(), abs=1e-6)
    assert found.deviation == pytest.approx(pairs.std(), abs=1e-6)


def test_the_language_of_a_text_no_longer_decides(
    vectors: np.ndarray, speech: dict[Speech, np.ndarray]
) -> None:
    levels = Levels.of(vectors, speech)
    gaps = []
    for query in vectors[:100]:
        cosines = (vectors @ query).astype(np.float64)
        levelled = level(levels, cosines, JAPANESE, speech)
        gaps.append([each[:100].mean() - each[100:].mean() for each in (cosines, levelled)])
    before, after = np.mean(gaps, axis=0)
    assert before > 0.2
    assert abs(after) < 0.02


def test_the_order_inside_a_language_stays(
    vectors: np.ndarray, speech: dict[Speech, np.ndarray]
) -> None:
    cosines = (vectors @ vectors[0]).astype(np.float64)
    levelled = level(Levels.of(vectors, speech), cosines, JAPANESE, speech)
    for mask in speech.values():
        assert np.argsort(levelled[mask]).tolist() == np.argsort(cosines[mask]).tolist()


def test_a_corpus_of_one_language_stays_as_it_is(vectors: np.ndarray) -> None:
    one = {JAPANESE: np.ones(200, bool)}
    levels = Levels.of(vectors, one)
    cosines = (vectors @ vectors[7]).astype(np.float64)
    assert levels.everywhere == of_cosines(vectors)
    assert level(levels, cosines, JAPANESE, one) == pytest.approx(cosines)


def test_too_few_texts_of_a_language_are_not_moved(vectors: np.ndarray) -> None:
    few = np.arange(200) < LEAST - 1
    speech = {ENGLISH: ~few, JAPANESE: few}
    cosines = (vectors @ vectors[0]).astype(np.float64)
    levelled = level(Levels.of(vectors, speech), cosines, ENGLISH, speech)
    assert np.array_equal(levelled[few], cosines[few])


def test_texts_without_a_vector_do_not_count(
    vectors: np.ndarray, speech: dict[Speech, np.ndarray]
) -> None:
    holes = np.concatenate([vectors, np.zeros((40, 16), np.float32)])
    longer = {kind: np.concatenate([mask, np.ones(40, bool)]) for kind, mask in speech.items()}
    assert Levels.of(holes, longer) == Levels.of(vectors, speech)
