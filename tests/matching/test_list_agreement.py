"""Two lists for one need: overlap, shares of monolingual partners, gains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.list_agreement import measure_agreement, rank_biased_overlap
from matching.text import Language

LETTERS = "abcdefghijklmnopqrst"
LISTS = st.permutations(LETTERS)
NOBODY: dict[Language, frozenset[str]] = {"ja": frozenset(), "en": frozenset()}


@given(LISTS)
def test_a_list_overlaps_wholly_with_itself(one: list[str]) -> None:
    assert rank_biased_overlap(one, one) == pytest.approx(1)


@given(LISTS, LISTS)
def test_overlap_is_symmetric_and_bounded(one: list[str], other: list[str]) -> None:
    found = rank_biased_overlap(one, other)

    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(rank_biased_overlap(other, one))


def test_overlap_by_hand() -> None:
    # Depth 2, p = .5: agreements 0 and 1; 1 · .25 + (.5 / .5) · (0 · .5 + 1 · .25).
    assert rank_biased_overlap(["a", "b"], ["b", "a"], p=0.5) == pytest.approx(0.5)
    assert rank_biased_overlap(["a", "b"], ["a", "c"], p=0.5) == pytest.approx(0.75)


def test_the_head_counts_more_than_the_tail() -> None:
    head = rank_biased_overlap(list("abcdef"), list("bacdef"))
    tail = rank_biased_overlap(list("abcdef"), list("abcdfe"))

    assert head < tail < 1


def test_lists_that_share_nothing_or_are_empty() -> None:
    assert rank_biased_overlap(list("abc"), list("xyz")) == 0
    assert rank_biased_overlap([], list("abc")) == 0


def test_shares_and_gaps() -> None:
    japanese = {"n1": [*"abcdefghij", "z"], "n2": list("ab")}
    english = {"n1": [*"abcdeklmno", "z"], "n2": list("xy")}

    found = measure_agreement(
        japanese,
        english,
        only={"ja": {"a", "b", "f", "z"}, "en": {"k", "x", "y"}},
        judgements={"n1": {"a": 2.0}, "gone": {"a": 1.0}},
    )

    assert found.lists == 2
    assert found.shared_of_10 == pytest.approx((5 + 0) / 2)
    assert found.ja_only_for_ja == pytest.approx((0.3 + 1.0) / 2)
    assert found.ja_only_for_en == pytest.approx((0.2 + 0.0) / 2)
    assert found.ja_only_gap == pytest.approx(100 * (0.65 - 0.1))
    assert found.en_only_gap == pytest.approx(100 * (0.55 - 0.0))
    # A judged need that is not there scores 0 and is counted.
    assert (found.judged, found.ndcg_ja, found.ndcg_en) == (2, 0.5, 0.5)


def test_what_cannot_be_measured_is_none_and_not_nought() -> None:
    found = measure_agreement({"n": ["a"]}, {"n": ["a"]}, only=NOBODY, judgements={})

    assert found.shared_of_10 == 1
    assert found.ja_only_gap is None
    assert found.en_only_for_en is None
    assert found.ndcg_ja is None


def test_a_partner_of_a_group_that_is_never_found_has_a_share_of_nought() -> None:
    found = measure_agreement(
        {"n": ["a"]}, {"n": []}, only={"ja": {"b"}, "en": set()}, judgements={}
    )

    assert (found.ja_only_for_ja, found.ja_only_for_en, found.ja_only_gap) == (0, 0, 0)


def test_both_sides_hold_the_same_needs() -> None:
    with pytest.raises(ValueError, match="same needs"):
        measure_agreement({"n": []}, {"m": []}, only=NOBODY, judgements={})
