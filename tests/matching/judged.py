"""Judged queries made of numbers, whose true weights and difficulty a test chooses."""

from collections.abc import Sequence

import numpy as np

from matching.learn import Example
from matching.signals import Reading, Signal


def signals_of(*weights: float) -> tuple[Signal, ...]:
    """Signals of these weights that nobody reads."""

    def unread(_: object) -> Reading:
        raise AssertionError("not read in this test")

    return tuple(
        Signal(f"s{number}", unread, weight=weight, neutral=0.5)
        for number, weight in enumerate(weights)
    )


def make_examples(
    truth: Sequence[float],
    *,
    number: int = 60,
    candidates: int = 60,
    name: str = "set",
    noise: float = 0.05,
    seed: int = 0,
) -> list[Example]:
    """Queries whose right partner is the best by `truth`, up to some noise."""
    random = np.random.default_rng(seed)
    found = []
    for query in range(number):
        values = random.random((candidates, len(truth)))
        score = values @ np.array(truth) + noise * random.standard_normal(candidates)
        gains = np.zeros(candidates)
        gains[int(np.argmax(score))] = 1.0
        names = tuple(f"p{i:03}" for i in range(candidates))
        judged = {names[int(np.argmax(score))]: 1.0}
        found.append(Example(name, f"{name}{query}", names, values, gains, judged))
    return found
