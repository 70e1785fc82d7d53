"""What a training may be told."""

import pytest

from matching.encoders.training.recipe import LARGEST_HIDDEN, Recipe


@pytest.mark.parametrize("hidden", [0, -1, LARGEST_HIDDEN + 1])
def test_a_hidden_layer_whose_sums_would_not_be_exact_is_refused(hidden: int) -> None:
    with pytest.raises(ValueError, match="hidden units"):
        Recipe(hidden=hidden)


def test_the_largest_hidden_layer_is_exact() -> None:
    assert Recipe(hidden=LARGEST_HIDDEN).hidden * 127 * 127 < 2**24
