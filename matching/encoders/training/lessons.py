"""What the student reads, and the vector that each text is to have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.encoders.static_table import prepare
from matching.encoders.training.pairs import Pair
from matching.encoders.training.recipe import Recipe
from matching.encoders.training.teacher import HalfVectors, Targets
from matching.text import normalise


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the student reads: text i, prepared, is to land on `targets[places[i]]`."""

    texts: list[str]
    places: NDArray[np.int64]
    shares: NDArray[np.float64]
    """(n,) probability that an epoch reads the text."""
    targets: HalfVectors


def make_lessons(
    pairs: Sequence[Pair], derived: Sequence[Pair], targets: Targets, recipe: Recipe
) -> Lessons:
    """Each Japanese text with its English's vector, and each English text with its own."""
    all_pairs = [*pairs, *derived]
    english = list(dict.fromkeys(normalise(pair.english) for pair in all_pairs))
    texts = [prepare(pair.japanese) for pair in all_pairs] + [prepare(text) for text in english]
    own = [targets.places[normalise(pair.english)] for pair in all_pairs]
    own += [targets.places[text] for text in english]
    shares = [recipe.sense_share if pair.source == "sense" else 1.0 for pair in all_pairs]
    shares += [recipe.english_share] * len(english)
    return Lessons(texts, np.array(own, np.int64), np.array(shares), targets.vectors)
