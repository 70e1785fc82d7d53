"""The loss of the training."""

import numpy as np
import pytest
import torch

from matching.encoders.training.bags import Bags
from matching.encoders.training.contrastive import Student, loss_of
from tests.tiny_encoder import RECIPE


def loss(
    vectors: torch.Tensor,
    targets: torch.Tensor,
    places: list[int],
    negatives: torch.Tensor | None = None,
) -> float:
    others = targets[:0] if negatives is None else negatives
    return float(loss_of(vectors, targets, torch.tensor(places), others, RECIPE))


def test_the_own_target_must_be_the_nearest() -> None:
    targets = torch.eye(4)
    right = loss(targets, targets, [0, 1, 2, 3])
    swapped = loss(targets[[1, 0, 2, 3]], targets, [0, 1, 2, 3])
    assert right == pytest.approx(0, abs=1e-5)
    assert swapped > right + 1


def test_the_distance_to_the_target_counts() -> None:
    """Where there is nothing to be confused with, only the pull is left."""
    near = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1]]), dim=1)
    far = torch.nn.functional.normalize(torch.tensor([[1.0, 1.0]]), dim=1)
    target = torch.tensor([[1.0, 0.0]])
    assert loss(near, target, [0]) == pytest.approx(RECIPE.pull * (1 - float(near[0, 0])))
    assert loss(far, target, [0]) > loss(near, target, [0])


def test_texts_of_one_target_are_not_held_against_each_other() -> None:
    targets = torch.eye(3)[[0, 0, 1]]
    assert loss(targets, targets, [0, 0, 1]) == pytest.approx(0, abs=1e-5)
    assert loss(targets, targets, [0, 2, 1]) > 0.4


def test_further_targets_push_away() -> None:
    targets = torch.eye(4)
    far, near = (
        loss(targets[:2], targets[:2], [0, 1], targets[2:]),
        loss(
            targets[:2],
            targets[:2],
            [0, 1],
            torch.nn.functional.normalize(targets[:2] + 0.1, dim=1),
        ),
    )
    assert far == pytest.approx(0, abs=1e-5)
    assert near > far + 0.1


def test_a_new_student_reads_by_the_sum_of_its_start(bags: Bags) -> None:
    torch.manual_seed(1)
    table = torch.randn(int(bags.tokens.max()) + 1, 8)
    rows = np.array([3, 0, 7])
    batch = bags.batch(rows)
    with torch.inference_mode():
        found = Student(table, 5).read(batch)
    for vector, row in zip(found, rows, strict=True):
        tokens = bags.tokens[bags.bounds[row] : bags.bounds[row + 1]].astype(np.int64)
        expected = torch.nn.functional.normalize(table[tokens].sum(0), dim=0)
        assert torch.allclose(vector, expected, atol=1e-6)
