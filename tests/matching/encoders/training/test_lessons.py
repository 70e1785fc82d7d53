"""What the student reads."""

from pathlib import Path

import numpy as np

from matching.encoders.hashing import HashingEncoder
from matching.encoders.training.lessons import make_lessons
from matching.encoders.training.pairs import Pair
from matching.encoders.training.steps import silent_steps
from matching.encoders.training.teacher import teacher_vectors
from matching.text import normalise
from tests.tiny_encoder import RECIPE

PAIRS = [Pair("酵　母", "Yeast", "jmdict"), Pair("パン種", "yeast  cake", "small")]
DERIVED = [Pair("酵母", "Yeast", "sense")]


def test_each_text_lands_on_the_vector_of_its_english(tmp_path: Path) -> None:
    english = [normalise(pair.english) for pair in [*PAIRS, *DERIVED]]
    targets = teacher_vectors(english, HashingEncoder(), tmp_path, silent_steps)
    lessons = make_lessons(PAIRS, DERIVED, targets, RECIPE)
    assert lessons.texts == ["酵 母", "パン種", "酵母", "yeast", "yeast cake"]
    expected = HashingEncoder().encode([*english, "Yeast", "yeast cake"])
    assert np.abs(lessons.targets[lessons.places] - expected).max() < 1e-3
    shares = [1.0, 1.0, RECIPE.sense_share, *[RECIPE.english_share] * 2]
    assert lessons.shares.tolist() == shares
