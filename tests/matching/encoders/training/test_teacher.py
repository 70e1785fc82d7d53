"""The teacher's vectors, kept on disk."""

from pathlib import Path

import numpy as np
import pytest

from matching.encoders.hashing import HashingEncoder
from matching.encoders.training import teacher as training_teacher
from matching.encoders.training.steps import silent_steps
from matching.encoders.training.teacher import Targets, teacher_vectors
from tests.tiny_encoder import RecordedSteps, SpyTeacher

TEXTS = ["shochu residue", "yeast", "camellia oil", "yeast", "beef"]


def vectors_of(texts: list[str], teacher: SpyTeacher, cache: Path) -> Targets:
    return teacher_vectors(texts, teacher, cache, silent_steps)


def test_each_different_text_has_the_vector_of_the_teacher(tmp_path: Path) -> None:
    teacher = SpyTeacher()
    found = vectors_of(TEXTS, teacher, tmp_path)
    assert sorted(teacher.asked) == sorted(set(TEXTS))
    assert found.places.keys() == set(TEXTS)
    expected = HashingEncoder().encode(TEXTS)
    assert found.vectors[[found.places[text] for text in TEXTS]] == pytest.approx(
        expected, abs=1e-3
    )


def test_the_second_time_they_are_read_from_disk(tmp_path: Path) -> None:
    first, second = SpyTeacher(), SpyTeacher()
    once = vectors_of(TEXTS, first, tmp_path)
    again = vectors_of(TEXTS[::-1], second, tmp_path)
    assert (len(first.asked), second.asked) == (4, [])
    assert again.places == once.places
    assert np.array_equal(again.vectors, once.vectors)


def test_only_the_chunks_that_are_missing_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_teacher, "CHUNK", 2)
    vectors_of(TEXTS, SpyTeacher(), tmp_path)
    teacher = SpyTeacher()
    found = vectors_of([*TEXTS, "a text that is longer than any other"], teacher, tmp_path)
    assert teacher.asked == ["a text that is longer than any other"]
    assert len(found.vectors) == 5


def test_a_torn_file_is_not_taken_for_a_chunk(tmp_path: Path) -> None:
    vectors_of(TEXTS, SpyTeacher(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.rename(file.with_suffix(".part"))
    teacher = SpyTeacher()
    vectors_of(TEXTS, teacher, tmp_path)
    assert len(teacher.asked) == 4


def test_another_teacher_is_asked_anew(tmp_path: Path) -> None:
    vectors_of(TEXTS, SpyTeacher(), tmp_path)
    other = SpyTeacher("another")
    vectors_of(TEXTS, other, tmp_path)
    assert len(other.asked) == 4


def test_progress_is_told(tmp_path: Path) -> None:
    steps = RecordedSteps()
    teacher_vectors(TEXTS, SpyTeacher(), tmp_path, steps)
    assert steps.done == steps.totals == {"Teacher's vectors": 4}


def test_no_texts_have_no_vectors(tmp_path: Path) -> None:
    assert vectors_of([], SpyTeacher(), tmp_path).vectors.shape == (0, 256)
