"""The start of the training."""

import numpy as np
import torch

from matching.encoders.training.bags import Bags
from matching.encoders.training.lessons import Lessons
from matching.encoders.training.ridge import ridge_table


def targets_of(lessons: Lessons) -> torch.Tensor:
    return torch.from_numpy(lessons.targets[lessons.places].astype(np.float32))


def test_it_solves_the_equations(bags: Bags, lessons: Lessons) -> None:
    tokens = int(bags.tokens.max()) + 1
    targets = targets_of(lessons)
    design = np.zeros((len(bags), tokens))
    for row, length in enumerate(bags.lengths):
        for token in bags.tokens[bags.bounds[row] : bags.bounds[row + 1]]:
            design[row, token] += 1 / np.sqrt(length)
    expected = np.linalg.solve(
        design.T @ design + 0.6 * np.eye(tokens), design.T @ targets.double().numpy()
    )
    found = ridge_table(bags, targets, tokens, penalty=0.6, iterations=80).numpy()
    assert np.abs(found - expected).max() < 1e-3


def test_more_steps_come_nearer_and_each_is_told(bags: Bags, lessons: Lessons) -> None:
    tokens, targets = int(bags.tokens.max()) + 1, targets_of(lessons)
    best = ridge_table(bags, targets, tokens, iterations=60)
    distances = []
    for iterations in (1, 4, 12):
        told: list[int] = []
        found = ridge_table(bags, targets, tokens, iterations=iterations, advance=told.append)
        distances.append(float((found - best).norm()))
        assert told == [1] * iterations
    assert distances[0] > 2 * distances[1] > 4 * distances[2]


def test_a_token_that_is_never_met_has_no_vector(bags: Bags, lessons: Lessons) -> None:
    tokens = int(bags.tokens.max()) + 2
    assert not ridge_table(bags, targets_of(lessons), tokens)[-1].any()
