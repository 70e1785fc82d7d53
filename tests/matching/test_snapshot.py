"""A saved corpus comes back as it was, or not at all."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching import snapshot
from matching.corpus import Corpus, Period
from matching.snapshot import ARRAYS, MANIFEST, SnapshotError
from tests.matching.factories import (
    TODAY,
    ask,
    corpora,
    corpus_of,
    make_evidence,
    make_partner,
    queries,
    repeatable,
)
from tests.matching.test_corpus_change import change


def small() -> Corpus:
    corpus = corpus_of(
        {"a": ["surimi gel robot", "sensor koji"], "b": ["焼酎 発酵 surimi"], "c": []},
        a={"organisation": "o1", "clusters": frozenset({"food"}), "prefecture": "宮崎県"},
        b={"unavailable": (Period(TODAY), Period(TODAY, TODAY))},
    )
    return change(corpus, {"d": (make_partner("d"), (make_evidence("d", "d", "robot"),))}, ["d"])


def lists(corpus: Corpus) -> list[object]:
    return [
        (match.partner, match.score, [value.value for value in match.signals])
        for text in ("surimi gel robot", "発酵 焼酎", "nothing known")
        for match in ask(corpus, text).matches
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots") / "one"
    corpus_of({"a": ["surimi gel robot", "sensor koji"], "b": ["焼酎 発酵"]}).save(folder)
    return folder


@given(corpora(), queries())
@settings(repeatable, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_comes_back_to_the_last_bit(tmp_path: Path, corpus: Corpus, query: object) -> None:
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    corpus.save(folder)
    opened = Corpus.open(folder)
    assert opened.partners == corpus.partners
    assert opened.evidence == corpus.evidence
    assert lists(opened) == lists(corpus)
    assert [m.score for m in ask(opened, query).matches] == [  # type: ignore[arg-type]
        m.score
        for m in ask(corpus, query).matches  # type: ignore[arg-type]
    ]


def test_partners_come_back_with_all_their_fields(tmp_path: Path) -> None:
    base = small().base
    assert base is not None
    small().save(tmp_path / "s")
    opened = Corpus.open(tmp_path / "s")
    assert opened.partners == base.partners
    assert lists(change(opened, {}, ["a"])) == lists(change(base, {}, ["a"]))


def test_files_are_private_and_mapped_read_only(saved: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in saved.iterdir()} == {
        ARRAYS: 0o600,
        MANIFEST: 0o600,
    }
    opened = Corpus.open(saved)
    with pytest.raises(ValueError, match="read-only"):
        opened.lexical.parts[0].document[0] = 1


def test_nothing_is_overwritten_and_nothing_half_done_stays(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileExistsError):
        small().save(saved)

    def fails(_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="No space"):
        small().save(tmp_path / "full")
    assert list(tmp_path.iterdir()) == []


@given(st.data())
@settings(repeatable, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_or_a_cut_is_found(saved: Path, tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([ARRAYS, MANIFEST]))
    content = bytearray((saved / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[place:]
    damaged = tmp_path / "damaged"
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(saved, damaged)
    (damaged / name).write_bytes(content)
    with pytest.raises(SnapshotError):
        Corpus.open(damaged)
    with pytest.raises(SnapshotError):
        Corpus.check(damaged)


@pytest.mark.parametrize("name", [ARRAYS, MANIFEST])
def test_a_missing_file_is_found(saved: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(saved, tmp_path / "s")
    (tmp_path / "s" / name).unlink()
    with pytest.raises(SnapshotError):
        Corpus.open(tmp_path / "s", verify=False)


def test_another_version_or_other_words_are_refused(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(snapshot, "FORMAT", snapshot.FORMAT + 1)
        with pytest.raises(SnapshotError, match="format"):
            Corpus.open(saved)
    monkeypatch.setattr("matching.corpus.words_id", lambda: "others")
    with pytest.raises(SnapshotError, match="made otherwise"):
        Corpus.open(saved)


def test_only_listed_classes_are_made(tmp_path: Path) -> None:
    snapshot.save(tmp_path / "s", Period(TODAY.replace(year=1)).end, {}, marks={})
    assert snapshot.load(tmp_path / "s", {}, marks={}, verify=True) is None
    with pytest.raises(TypeError):
        snapshot.save(tmp_path / "t", Period(TODAY), {}, marks={})
    snapshot.save(tmp_path / "u", small().speech, {"Spoken": type(small().speech)}, marks={})
    with pytest.raises(SnapshotError):
        snapshot.load(tmp_path / "u", {}, marks={}, verify=True)


def test_vectors_are_mapped_and_not_copied(saved: Path) -> None:
    vectors = Corpus.open(saved).vectors
    assert not getattr(vectors, "vectors", np.zeros(1)).flags.owndata
