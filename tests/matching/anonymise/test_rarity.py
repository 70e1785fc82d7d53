"""How many partners have a term."""

import numpy as np
import pytest

from matching.anonymise import Region, Vocabulary, count_partners
from matching.anonymise.rarity import K, rare_terms
from matching.corpus import Corpus, Evidence, Partner
from matching.lexical import count_terms


def corpus_of(*texts: str) -> Corpus:
    """One partner for each text."""
    evidence = [Evidence(f"e{i}", f"p{i}", text, "paper") for i, text in enumerate(texts)]
    return Corpus.build(
        [Partner(f"p{i}", "researcher") for i in range(len(texts))],
        evidence,
        np.zeros((len(texts), 1), np.float32),
        [count_terms(text) for text in texts],
    )


@pytest.mark.parametrize(
    ("term", "partners"),
    [
        ("stillage", 2),
        ("Distilled", 1),  # by its stem, as the index has it
        ("whisky", 0),
        ("焼酎粕", 2),
        ("焼酎かす", 2),  # a spelling variant of the same
        ("乾燥焼酎", 0),  # both pairs occur, the run does not
        ("芋焼酎", 1),
        ("センサ", 1),
    ],
)
def test_partners_with_a_term_are_counted(term: str, partners: int) -> None:
    corpus = corpus_of(
        "Drying of stillage. Stillage again.",
        "Distillation and stillage",
        "芋焼酎粕の乾燥",
        "乾燥した焼酎粕、燥焼きと焼酎",
        "センサーの設置",
    )
    assert count_partners(corpus, term) == partners


def test_a_partner_counts_once() -> None:
    evidence = [Evidence(f"e{i}", "p", f"stillage number {i}", "paper") for i in range(3)]
    corpus = Corpus.build(
        [Partner("p", "researcher")],
        evidence,
        np.zeros((3, 1), np.float32),
        [count_terms(piece.text) for piece in evidence],
    )
    assert count_partners(corpus, "stillage") == 1


def test_the_rarest_come_first_and_everyday_words_are_left_out() -> None:
    counts = {"stillage": 1, "hyuganatsu": 0, "bottle": 0, "citrus": K}
    region = Region(100, lambda term, language: counts.get(term, 50))
    vocabulary = Vocabulary(everyday=frozenset({"bottle"}))
    found = rare_terms(
        "stillage in a bottle of hyuganatsu citrus", region, vocabulary=vocabulary, skip=()
    )
    assert [(rare.term, rare.partners) for rare in found] == [("hyuganatsu", 0), ("stillage", 1)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("仕込みのとき", []),
        ("釜炒り茶を売る", ["釜炒り茶"]),
        ("蒸留後の廃液", ["蒸留", "廃液"]),
        ("3年前にコンテナで", ["コンテナ"]),
        ("半分を使える", ["半分"]),
    ],
)
def test_japanese_terms_are_runs_without_their_endings(text: str, terms: list[str]) -> None:
    found = rare_terms(text, Region(100, lambda term, language: 0))
    assert [rare.term for rare in found] == terms
