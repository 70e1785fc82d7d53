"""What the tests of the training share: a tokenizer, bags and lessons of the made pairs."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from matching.encoders.hashing import HashingEncoder
from matching.encoders.training.bags import Bags
from matching.encoders.training.lessons import Lessons, make_lessons
from matching.encoders.training.steps import silent_steps
from matching.encoders.training.teacher import Targets, teacher_vectors
from matching.encoders.training.vocabulary import train_vocabulary
from matching.text import normalise
from tests.tiny_encoder import RECIPE, made_pairs


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    english = (normalise(pair.english) for pair in made_pairs())
    cache: Path = tmp_path_factory.mktemp("teacher")
    return teacher_vectors(english, HashingEncoder(), cache, silent_steps)


@pytest.fixture(scope="session")
def lessons(targets: Targets) -> Lessons:
    return make_lessons(made_pairs(), [], targets, RECIPE)


@pytest.fixture(scope="session")
def tokenizer(lessons: Lessons) -> Tokenizer:
    return train_vocabulary(lessons.texts, RECIPE.vocabulary)


@pytest.fixture(scope="session")
def bags(tokenizer: Tokenizer, lessons: Lessons) -> Bags:
    return Bags.of(tokenizer, lessons.texts)
