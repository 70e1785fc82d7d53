"""Pairs and rated pairs through an encoder, their vectors kept."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.jobs.bilingual import evaluate_bilingual
from app.jobs.steps import Steps
from matching.encoders import Progress, Role, Vectors, make_encoder
from matching.encoders.hashing import HashingEncoder
from matching.pair_retrieval import Retrieval
from matching.sentence_similarity import Similarity

QUIET = Steps(lambda _title, _total: lambda _amount: None)
PAIRS = [["GABA 焼酎粕", "GABA residue"], ["SiC 電源", "SiC power"], ["の", "of the"]]


class Counting(HashingEncoder):
    """Counts the texts that it is given."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        self.encoded += len(texts)
        return super().encode(texts, role=role, progress=progress)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps({"terms": PAIRS}))
    return file


def test_pairs_are_found_by_the_words_they_share(pairs: Path, tmp_path: Path) -> None:
    found = evaluate_bilingual(pairs, make_encoder("hashing"), cache=tmp_path, steps=QUIET)

    terms = found["terms"]
    assert isinstance(terms, Retrieval)
    assert terms.ja_en_at_1 == terms.en_ja_at_10 == pytest.approx(2 / 3)
    assert (terms.ja_unread, terms.en_unread) == (1, 1)  # grammar alone, which it does not read


def test_a_second_run_embeds_nothing(pairs: Path, tmp_path: Path) -> None:
    encoder = Counting()
    first = evaluate_bilingual(pairs, encoder, cache=tmp_path, steps=QUIET)
    assert encoder.encoded == 6

    assert evaluate_bilingual(pairs, encoder, cache=tmp_path, steps=QUIET) == first
    assert encoder.encoded == 6


def test_rated_pairs(tmp_path: Path) -> None:
    rated = [
        {"a": "焼酎粕の乾燥", "b": "焼酎粕の乾燥", "score": 5},
        {"a": "焼酎粕の乾燥", "b": "焼酎粕の利用", "score": 2},
        {"a": "焼酎粕の乾燥", "b": "椿油の精製", "score": 0},
    ]
    (tmp_path / "valid.jsonl").write_text("\n".join(map(json.dumps, rated)))

    found = evaluate_bilingual(
        tmp_path / "valid.jsonl", make_encoder("hashing"), cache=tmp_path, steps=QUIET
    )["valid"]

    assert isinstance(found, Similarity)
    assert found.spearman == found.lexical_spearman == found.fused_spearman == pytest.approx(1)


def test_progress_is_said(pairs: Path, tmp_path: Path) -> None:
    begun: list[tuple[str, int]] = []
    done: list[int] = []

    def begin(title: str, total: int):  # type: ignore[no-untyped-def]
        begun.append((title, total))
        return done.append

    evaluate_bilingual(pairs, make_encoder("hashing"), cache=tmp_path, steps=Steps(begin))

    assert begun == [("terms: embedding pairs", 6)]
    assert sum(done) == 6
