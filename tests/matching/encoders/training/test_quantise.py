"""From floats to whole numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from matching.encoders import has_vector
from matching.encoders.static_table import LARGEST, LARGEST_SCALE, StaticEncoder
from matching.encoders.training import quantise as quantising
from matching.encoders.training.artefact import write_artefact
from matching.encoders.training.bags import Bags
from matching.encoders.training.contrastive import Student, train_student
from matching.encoders.training.lessons import Lessons
from matching.encoders.training.quantise import quantise
from matching.encoders.training.ridge import ridge_table
from matching.encoders.training.steps import silent_steps
from tests.matching.factories import repeatable
from tests.tiny_encoder import RECIPE


@pytest.fixture(scope="module")
def student(
    bags: Bags, lessons: Lessons, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Student:
    targets = torch.from_numpy(lessons.targets[lessons.places].astype(np.float32))
    return train_student(
        ridge_table(bags, targets, tokenizer.get_vocab_size()),
        bags,
        lessons,
        RECIPE,
        checkpoint=tmp_path_factory.mktemp("student") / "checkpoint.pt",
        steps=silent_steps,
    )


MEANS = np.zeros((3, 256), np.float32)


def test_the_table_reads_as_the_student_does(
    student: Student, bags: Bags, lessons: Lessons, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    table = quantise(student, bags, MEANS, seed=1)
    table.check()
    write_artefact(tmp_path, tokenizer, table, sources=[], manifest={})
    found = StaticEncoder(tmp_path).encode(lessons.texts)
    with torch.inference_mode():
        expected = student.read(bags.batch(np.arange(len(bags)))).numpy()
    assert student.outward.weight.abs().max() > 1e-3, "the hidden layer must have learned"
    cosines = (found * expected).sum(axis=1)
    assert has_vector(found).all()
    assert cosines.min() >= 0.99
    assert cosines.mean() >= 0.999


def test_a_hidden_layer_that_adds_much_survives_it(
    bags: Bags, lessons: Lessons, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """In a space as wide as that of MiniLM, where no entry of a unit vector is large."""
    torch.manual_seed(1)
    table = torch.randn(tokenizer.get_vocab_size(), 384)
    student = Student(table, 32)
    everything = bags.batch(np.arange(len(bags)))
    with torch.no_grad():
        plain = student.read(everything).numpy()
        student.outward.weight.normal_(0, 0.2)
        expected = student.read(everything).numpy()
    assert (plain * expected).sum(axis=1).mean() < 0.95
    quantised = quantise(student, bags, np.zeros((3, 384), np.float32), seed=1)
    write_artefact(tmp_path, tokenizer, quantised, sources=[], manifest={})
    found = StaticEncoder(tmp_path).encode(lessons.texts)
    assert (found * expected).sum(axis=1).min() >= 0.99


@given(st.integers(0, 10**6), st.floats(-9, 9), st.floats(0, 6))
@repeatable
def test_bounds_hold_and_rows_keep_their_values(seed: int, size: float, spread: float) -> None:
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(20, 8)) * 10 ** (size + spread * draw.random((20, 1)) - spread)
    table[3] = 0
    rows, scales = quantising._rows(table)
    assert (str(rows.dtype), str(scales.dtype)) == ("int8", "int16")
    assert np.abs(rows.astype(int)).max() <= LARGEST
    assert scales.min() >= 1
    assert scales.max() == LARGEST_SCALE
    assert not rows[3].any()
    unit = np.abs(table).max() / LARGEST / LARGEST_SCALE
    steps = scales[:, None] * unit
    assert (np.abs(rows * steps - table) <= 0.51 * steps).all()


@given(st.integers(0, 10**6), st.integers(0, 9))
@repeatable
def test_weights_of_a_layer_keep_their_values(seed: int, units: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(units, 6)) * 10.0 ** (units - 5)
    whole, scales = quantising._by_row(weights)
    assert np.abs(whole.astype(int)).max(initial=0) <= LARGEST
    assert (np.abs(whole * scales[:, None] - weights) <= 0.51 * scales[:, None]).all()
