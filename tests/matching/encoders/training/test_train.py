"""The whole training: learns, goes on where it stopped, gives the same bytes."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from matching.encoders.hashing import HashingEncoder
from matching.encoders.static_table import MANIFEST, TABLE, TOKENIZER, StaticEncoder, Table
from matching.encoders.training.artefact import NOTICE
from matching.encoders.training.pairs import CREDITS, Pair, PairsError, fingerprint
from matching.encoders.training.train import CHECKPOINT_FILE, START_FILE
from tests.tiny_encoder import (
    RECIPE,
    Interrupted,
    RecordedSteps,
    SpyTeacher,
    made_pairs,
    train_tiny,
)

TRAINING = "Contrastive training"
PAIRS = made_pairs()


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def found_first(folder: Path) -> float:
    """Share of the made sentences and terms whose English the teacher places nearest."""
    pairs = PAIRS[:130]
    japanese = StaticEncoder(folder).encode([pair.japanese for pair in pairs])
    english = HashingEncoder().encode([pair.english for pair in pairs])
    return float((np.argmax(japanese @ english.T, axis=1) == np.arange(len(pairs))).mean())


class TestSameBytes:
    def test_the_same_seed_gives_the_same_files(self, tiny_table: Path, tmp_path: Path) -> None:
        assert files_of(train_tiny(tmp_path)) == files_of(tiny_table)

    def test_another_seed_gives_another_table(self, tiny_table: Path, tmp_path: Path) -> None:
        other = files_of(train_tiny(tmp_path, seed=2))
        assert other[TABLE] != files_of(tiny_table)[TABLE]

    @pytest.mark.parametrize("stop_at", [1, 14])
    def test_an_interrupted_run_goes_on(
        self, tiny_table: Path, tmp_path: Path, stop_at: int
    ) -> None:
        """Stopped in the first epoch, or in the second, after the checkpoint of the first."""
        whole = RecordedSteps()
        expected = files_of(train_tiny(tmp_path / "whole", steps=whole))
        batches = whole.totals[TRAINING] // RECIPE.epochs
        assert 1 < batches < 14 < whole.totals[TRAINING]
        with pytest.raises(Interrupted):
            train_tiny(tmp_path, steps=RecordedSteps(stop_in=TRAINING, stop_at=stop_at))
        assert not (tmp_path / "out").exists()
        assert len(list((tmp_path / "work").rglob(CHECKPOINT_FILE))) == (stop_at > batches)

        steps, teacher = RecordedSteps(), SpyTeacher(HashingEncoder().id)
        assert files_of(train_tiny(tmp_path, steps=steps, teacher=teacher)) == expected
        assert expected == files_of(tiny_table)
        assert teacher.asked == []
        assert "Vocabulary" not in steps.totals
        assert "Ridge start" not in steps.totals
        assert steps.done[TRAINING] == whole.totals[TRAINING]

    @pytest.mark.parametrize("title", ["Teacher's vectors", "Vocabulary", "Ridge start"])
    def test_a_run_stopped_before_the_training_goes_on(
        self, tiny_table: Path, tmp_path: Path, title: str
    ) -> None:
        with pytest.raises(Interrupted):
            train_tiny(tmp_path, steps=RecordedSteps(stop_in=title, stop_at=1))
        assert files_of(train_tiny(tmp_path)) == files_of(tiny_table)

    def test_all_bars_come_to_their_end(self, tmp_path: Path) -> None:
        steps = RecordedSteps()
        train_tiny(tmp_path, steps=steps)
        assert steps.done == steps.totals


class TestKept:
    def test_the_second_run_asks_the_teacher_nothing(self, tmp_path: Path) -> None:
        first, second = SpyTeacher(), SpyTeacher()
        train_tiny(tmp_path, teacher=first)
        train_tiny(tmp_path, name="again", teacher=second)
        assert len(first.asked) == len(set(first.asked)) > 100
        assert second.asked == []
        assert files_of(tmp_path / "again") == files_of(tmp_path / "out")

    def test_another_recipe_starts_anew_but_keeps_the_vectors(self, tmp_path: Path) -> None:
        train_tiny(tmp_path, teacher=SpyTeacher())
        steps, teacher = RecordedSteps(), SpyTeacher()
        other = files_of(train_tiny(tmp_path, name="b", teacher=teacher, steps=steps, epochs=1))
        assert teacher.asked == []
        assert steps.done == steps.totals
        assert {"Vocabulary", "Ridge start", TRAINING} <= steps.totals.keys()
        fresh = train_tiny(tmp_path / "fresh", teacher=SpyTeacher(), epochs=1)
        assert files_of(fresh) == other

    def test_other_pairs_start_anew(self, tmp_path: Path) -> None:
        train_tiny(tmp_path)
        steps = RecordedSteps()
        train_tiny(tmp_path, name="fewer", pairs=PAIRS[:-20], steps=steps)
        assert {"Vocabulary", "Ridge start", TRAINING} <= steps.totals.keys()
        assert len(list((tmp_path / "work").rglob(START_FILE))) == 2


class TestLearning:
    def test_it_learns(self, tiny_table: Path, tmp_path: Path) -> None:
        """A start of one step alone finds less than a start that is then trained."""
        start = found_first(train_tiny(tmp_path, iterations=1, epochs=0))
        trained = found_first(train_tiny(tmp_path, name="trained", iterations=1, epochs=8))
        assert trained > start + 0.1
        assert trained > 0.8
        assert found_first(tiny_table) > 0.9

    def test_japanese_that_was_not_in_the_pairs_is_understood(self, tiny_table: Path) -> None:
        encoder = StaticEncoder(tiny_table)
        query = encoder.encode(["真珠と木材のロボット検査"])[0]
        fitting, other = HashingEncoder().encode(
            ["robot inspection of pearl and timber", "fermentation of beef"]
        )
        assert query @ fitting > query @ other + 0.3

    def test_the_means_are_those_of_each_language(self, tiny_table: Path) -> None:
        means = StaticEncoder(tiny_table).means
        for mean in (means.japanese, means.english, means.teacher):
            assert 0.05 < np.linalg.norm(mean) < 1
        assert means.english == pytest.approx(means.teacher, abs=0.1)


class TestData:
    def test_a_damaged_line_is_named(self, tmp_path: Path) -> None:
        pairs = [*PAIRS[:9], Pair("", "nothing", "jmdict")]
        with pytest.raises(PairsError, match="line 10"):
            train_tiny(tmp_path, pairs=pairs)
        assert not (tmp_path / "out").exists()

    def test_no_pairs_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PairsError, match="holds no pairs"):
            train_tiny(tmp_path, pairs=[])

    def test_pairs_of_one_unlisted_source_give_means_too(self, tmp_path: Path) -> None:
        pairs = [Pair(pair.japanese, pair.english, "mine") for pair in PAIRS]
        folder = train_tiny(tmp_path, pairs=pairs, epochs=0)
        means = Table.load(folder / TABLE).means
        assert np.isfinite(means).all()
        assert (np.linalg.norm(means, axis=1) > 0.05).all()
        assert "mine (credit not known)" in (folder / NOTICE).read_text("utf-8")


class TestArtefact:
    def test_the_notice_credits_each_source(self, tiny_table: Path) -> None:
        notice = (tiny_table / NOTICE).read_text("utf-8")
        for source in {pair.source for pair in PAIRS}:
            assert f"- {CREDITS[source]}\n" in notice
        assert CREDITS["hpo"] not in notice
        assert "CC BY-SA 4.0" in notice
        assert "all-MiniLM-L6-v2" in notice

    def test_the_manifest_says_what_it_was_made_of(self, tiny_table: Path) -> None:
        manifest = json.loads((tiny_table / MANIFEST).read_text("utf-8"))
        assert manifest["data"]["pairs"] == len(PAIRS)
        assert manifest["data"]["derived"] > 60
        assert manifest["data"]["sha256"] == fingerprint(PAIRS)
        assert manifest["teacher"] == HashingEncoder().id
        assert manifest["recipe"] == asdict(RECIPE)
        assert manifest["files"].keys() == {TABLE, TOKENIZER}

    def test_an_old_manifest_beside_a_new_table_is_refused(
        self, tiny_table: Path, tmp_path: Path
    ) -> None:
        """As a run that was stopped while it wrote leaves it."""
        folder = train_tiny(tmp_path, epochs=1)
        (folder / TABLE).write_bytes((tiny_table / TABLE).read_bytes())
        with pytest.raises(Exception, match="is not the file that"):
            StaticEncoder(folder)
