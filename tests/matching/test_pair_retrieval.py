"""Translations among others: nearest, tied, twice the same, not read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.pair_retrieval import BLOCK, NOT_FOUND, measure_retrieval, places

EYE = np.eye(4, dtype=np.float32)
TEXTS = ["a", "b", "c", "d"]


def measured(japanese: np.ndarray, english: np.ndarray) -> tuple[float, ...]:
    found = measure_retrieval(
        japanese.astype(np.float32),
        english.astype(np.float32),
        japanese_texts=[f"ja{i}" for i in range(len(japanese))],
        english_texts=[f"en{i}" for i in range(len(english))],
    )
    return found.ja_en_at_1, found.ja_en_at_10, found.en_ja_at_1, found.en_ja_at_10


def test_equal_vectors_find_each_other() -> None:
    assert places(EYE, EYE, TEXTS).tolist() == [1, 1, 1, 1]


def test_the_nearer_ones_go_before() -> None:
    turned = EYE[[1, 0, 2, 3]]  # the first two have each other's vector

    assert places(EYE, turned, TEXTS).tolist() == [4, 4, 1, 1]


def test_a_tie_is_lost() -> None:
    one_for_all = np.tile(EYE[0], (20, 1))

    assert places(one_for_all, one_for_all, [str(i) for i in range(20)]).tolist() == [20] * 20
    assert measured(one_for_all, one_for_all) == (0, 0, 0, 0)


def test_an_equal_text_is_right_too() -> None:
    vectors = EYE[[0, 0, 1, 2]]

    assert places(vectors, vectors, ["same", "same", "c", "d"]).tolist() == [1, 1, 1, 1]
    assert places(vectors, vectors, TEXTS).tolist() == [2, 2, 1, 1]


def test_a_text_without_a_vector_is_wrong_on_its_side_and_no_rival_on_the_other() -> None:
    answers = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    queries = np.array([[-1, 0], [0, 1], [0, 0]], np.float32)

    # The first one's own answer is opposite to it, yet the unread answer does not go before.
    assert places(queries, answers, TEXTS[:3]).tolist() == [2, NOT_FOUND, NOT_FOUND]


def test_the_unread_are_counted_and_never_dropped() -> None:
    japanese = EYE.copy()
    japanese[0] = 0

    found = measure_retrieval(japanese, EYE, japanese_texts=TEXTS, english_texts=TEXTS)

    assert (found.pairs, found.ja_unread, found.en_unread) == (4, 1, 0)
    # Four candidates are fewer than ten, but what has no vector is in no list.
    assert measured(japanese, EYE) == (0.75, 0.75, 0.75, 0.75)


def test_directions_differ() -> None:
    japanese = np.array([[1, 0], [0.8, 0.6]])
    english = np.array([[1, 0], [0.96, 0.28]])

    # The second English text lies nearer to the first Japanese one (.96) than to its own (.94).
    assert measured(japanese, english)[0] == 1.0
    assert measured(japanese, english)[2] == 0.5


@given(st.integers(min_value=1, max_value=3), st.integers(min_value=0, max_value=2**16))
def test_blocks_change_nothing(blocks: int, seed: int) -> None:
    number = BLOCK // 8 * blocks
    random = np.random.default_rng(seed)
    queries = random.normal(size=(number, 3)).astype(np.float32)
    answers = random.normal(size=(number, 3)).astype(np.float32)
    texts = [str(i) for i in range(number)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matching.pair_retrieval.BLOCK", 50)
        small = places(queries, answers, texts)

    assert (small == places(queries, answers, texts)).all()
    cosines = queries @ answers.T
    expected = (cosines >= np.diag(cosines)[:, None] - 1e-6).sum(axis=1)
    assert (small == expected).all()


def test_nothing_to_find() -> None:
    nothing = np.zeros((0, 3), np.float32)

    assert measured(nothing, nothing) == (0, 0, 0, 0)
