from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.folds import folds
from tests.matching.factories import repeatable


@repeatable
@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=40), st.integers(0, 3))
def test_a_group_lies_in_one_fold_and_folds_are_even(groups: list[str], seed: int) -> None:
    number = min(3, len(set(groups)))
    found = folds(groups, ["s"] * len(groups), number=number, seed=seed)

    home = dict(zip(groups, found.tolist(), strict=True))
    assert found.tolist() == [home[group] for group in groups]
    sizes = Counter(home.values())
    assert set(sizes) == set(range(number))
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_folds_are_the_same_in_every_run_and_each_has_its_share_of_each_set() -> None:
    groups = [f"q{i}" for i in range(20)]
    strata = ["one"] * 10 + ["two"] * 10

    found = folds(groups, strata, number=5, seed=1)

    assert found.tolist() == folds(groups, strata, number=5, seed=1).tolist()
    assert found.tolist() != folds(groups, strata, number=5, seed=2).tolist()
    assert Counter(found[:10].tolist()) == Counter(found[10:].tolist())


def test_too_few_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="2 different queries"):
        folds(["a", "b", "a"], ["s"] * 3, number=3)
