"""Metrics against values worked out by hand."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.metrics import (
    RANKING_METRICS,
    expertise_tally,
    matched_accuracy,
    ndcg,
    recall,
    reciprocal_rank,
)

GAINS = {"a": 2.0, "b": 1.0, "c": 0.0}


def test_ndcg_discounts_by_place() -> None:
    ideal = 2 / log2(2) + 1 / log2(3)
    assert ndcg(["a", "b"], GAINS, cutoff=10) == pytest.approx(1)
    assert ndcg(["x", "a", "b"], GAINS, cutoff=10) == pytest.approx(
        (2 / log2(3) + 1 / log2(4)) / ideal
    )
    assert ndcg(["x", "a"], GAINS, cutoff=1) == 0


def test_reciprocal_rank_looks_at_the_first_relevant_one() -> None:
    assert reciprocal_rank(["c", "x", "b", "a"], GAINS) == pytest.approx(1 / 3)


def test_recall_counts_relevant_ones_only() -> None:
    assert recall(["b", "c", "x"], GAINS, cutoff=3) == 0.5
    assert recall(["x", "b"], GAINS, cutoff=1) == 0


def test_a_query_without_an_answer_scores_zero() -> None:
    assert [metric.measure([], GAINS) for metric in RANKING_METRICS] == [0, 0, 0, 0]


@given(st.permutations(["a", "b", "c", "d", "e"]))
def test_the_ideal_order_is_never_beaten(order: list[str]) -> None:
    gains = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert ndcg(order, gains, cutoff=3) <= ndcg(list("abcde"), gains, cutoff=3) == 1


def test_the_official_loss_weighs_by_the_difference_of_ratings() -> None:
    # p1 > p3 > p2 is right; here p3 is put above p1: a difference of 1 out of 4 + 1 + 3.
    found = expertise_tally({"p1": 5.0, "p2": 1.0, "p3": 4.0}, {"p1": 0.5, "p2": 0.1, "p3": 0.9})
    assert found.loss == (1, 8)
    assert found.easy == (2, 2)
    assert found.hard == (0, 1)


def test_ties_and_missing_predictions_cost_half() -> None:
    found = expertise_tally({"p1": 5.0, "p2": 1.0}, {})
    assert (found.loss, found.easy) == ((2, 4), (0.5, 1))


def test_one_rated_paper_says_nothing() -> None:
    assert expertise_tally({"p1": 5.0}, {"p1": 0.9}).loss == (0, 0)


def test_matched_accuracy_compares_with_partners_of_like_volume_only() -> None:
    volume = {"good": 10, "like1": 8, "like2": 13, "like3": 10, "huge": 100}
    scores = {"good": 0.5, "like1": 0.1, "like2": 0.9, "like3": 0.5, "huge": 1.0}
    # Above like1, below like2, level with like3; huge is not compared.
    assert matched_accuracy(scores, {"good": 1.0}, volume) == [0.5]


def test_matched_accuracy_leaves_out_what_has_too_few_rivals() -> None:
    assert matched_accuracy({"good": 1.0}, {"good": 1.0}, {"good": 10, "x": 10}) == []
