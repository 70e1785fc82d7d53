"""Correlation with people: of the cosine, of words, of both."""

import numpy as np
import pytest

from matching.sentence_similarity import measure_similarity, tfidf_cosines

PAIRS = [
    ("犬が公園を走っています。", "公園で犬が走っています。"),
    ("犬が公園を走っています。", "猫が公園で寝ています。"),
    ("男性が料理をしています。", "飛行機が空を飛んでいます。"),
]
HUMAN = [5.0, 2.0, 0.0]


def vectors(cosines: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Two sides whose rows have these cosines."""
    one = np.tile(np.array([1, 0], np.float32), (len(cosines), 1))
    other = np.array([[c, (1 - c * c) ** 0.5] for c in cosines], np.float32)
    return one, other


def test_the_right_order_is_a_spearman_of_one() -> None:
    one, other = vectors([0.9, 0.5, 0.4])

    found = measure_similarity(one, other, texts=PAIRS, rated=HUMAN)

    assert found.spearman == pytest.approx(1)
    assert 0.9 < found.pearson < 1
    assert found.fused_spearman == pytest.approx(1)
    assert (found.pairs, found.unread) == (3, 0)


def test_the_wrong_order_is_minus_one_and_words_make_up_for_some_of_it() -> None:
    one, other = vectors([0.1, 0.2, 0.3])

    found = measure_similarity(one, other, texts=PAIRS, rated=HUMAN)

    assert found.spearman == pytest.approx(-1)
    assert found.lexical_spearman == pytest.approx(1)
    assert found.spearman <= found.fused_spearman


def test_pairs_that_were_not_read_count_as_unlike() -> None:
    one, other = vectors([0.9, 0.5, 0.4])
    one[0] = 0  # the most alike

    found = measure_similarity(one, other, texts=PAIRS, rated=HUMAN)

    assert found.unread == 1
    assert found.pairs == 3
    assert found.spearman == pytest.approx(-0.5)  # ranks 1, 3, 2 against 3, 2, 1


def test_an_encoder_that_reads_nothing_leaves_the_words() -> None:
    nothing = np.zeros((3, 2), np.float32)

    found = measure_similarity(nothing, nothing, texts=PAIRS, rated=HUMAN)

    assert (found.spearman, found.pearson, found.unread) == (0, 0, 3)
    assert found.fused_spearman == found.lexical_spearman == pytest.approx(1)


def test_ratings_that_are_all_equal_say_nothing() -> None:
    one, other = vectors([0.9, 0.5, 0.4])

    found = measure_similarity(one, other, texts=PAIRS, rated=[3.0] * 3)

    assert (found.spearman, found.lexical_pearson, found.fused_spearman) == (0, 0, 0)


def test_tfidf_of_equal_and_of_foreign_sentences() -> None:
    same, foreign, width = tfidf_cosines([("焼酎粕", "焼酎粕"), ("猫", "空"), ("ｶﾒﾗ", "カメラ")])

    assert same == pytest.approx(1)
    assert foreign == 0
    assert width == pytest.approx(1)


def test_what_few_sentences_hold_weighs_more() -> None:
    common, rare = tfidf_cosines([("犬がいる", "鳥がいる"), ("粕をほす", "粕だった")])

    assert common > 0
    assert rare > 0
    assert tfidf_cosines([]).shape == (0,)
