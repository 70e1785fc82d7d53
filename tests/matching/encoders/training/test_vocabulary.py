"""The vocabulary of the table."""

import json

import pytest
from tokenizers import Tokenizer

from matching.encoders.static_table import UNKNOWN
from matching.encoders.training.bags import Bags
from matching.encoders.training.lessons import Lessons
from matching.encoders.training.vocabulary import (
    LONGEST_TOKEN,
    UNKNOWN_TOKEN,
    train_vocabulary,
    without_rare_tokens,
)


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """Tokens in the order of their ids."""
    return [token for token, _ in json.loads(tokenizer.to_str())["model"]["vocab"]]


def test_it_is_the_same_each_time(tokenizer: Tokenizer, lessons: Lessons) -> None:
    """The trainer of `tokenizers` keeps words in a hash map of random order."""
    again = train_vocabulary(lessons.texts, 300)
    assert again.to_str() == tokenizer.to_str()


def test_the_unknown_token_comes_first(tokenizer: Tokenizer) -> None:
    assert vocabulary(tokenizer)[UNKNOWN] == UNKNOWN_TOKEN
    assert tokenizer.encode("ไทย").ids == [UNKNOWN]


def test_its_size_is_kept(tokenizer: Tokenizer) -> None:
    assert 100 < tokenizer.get_vocab_size() <= 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("焼酎粕を発酵させる", ["焼酎粕", "を", "発酵", "させる"]),
        ("イチゴ温室", ["イチゴ", "温室"]),
        ("aiカメラ", ["ai", "カメラ"]),
        ("gel strength", ["gel", "strength"]),
        ("2026", ["2", "0", "2", "6"]),
        ("佐々木", ["佐々木"]),
    ],
)
def test_words_are_cut_where_the_script_changes(
    tokenizer: Tokenizer, text: str, words: list[str]
) -> None:
    assert tokenizer.pre_tokenizer is not None
    found = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
    assert found == words


def test_no_token_is_too_long_or_holds_a_space(tokenizer: Tokenizer) -> None:
    for token in vocabulary(tokenizer)[1:]:
        assert len(token) <= LONGEST_TOKEN
        assert not any(letter.isspace() for letter in token)


def test_rare_tokens_become_unknown() -> None:
    texts = ["yeast beef"] * 9 + ["pearl"] + ["一二三"] * 2
    trained = train_vocabulary(texts, 60)
    kept = without_rare_tokens(trained, texts, 3)
    counts = Bags.of(kept, texts).tokens
    assert set(vocabulary(kept)) < set(vocabulary(trained))
    assert len(Bags.of(kept, ["一二三"]).tokens) == 0
    assert (counts != UNKNOWN).all()
    assert kept.encode("yeast").ids == [
        vocabulary(kept).index(token) for token in trained.encode("yeast").tokens
    ]


def test_tokens_of_other_scripts_are_unknown_however_often_they_are_met() -> None:
    texts = ["yeast μ é 酵母 한국어 ไทย"] * 50
    trained = train_vocabulary(texts, 80)
    kept = without_rare_tokens(trained, texts, 1)
    for known in ("yeast", "μ", "é", "酵母"):
        assert UNKNOWN not in kept.encode(known).ids
    for unknown in ("한국어", "ไทย"):
        assert UNKNOWN not in trained.encode(unknown).ids
        assert set(kept.encode(unknown).ids) == {UNKNOWN}


def test_a_saved_tokenizer_reads_the_same(
    tokenizer: Tokenizer, lessons: Lessons, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = str(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json")
    tokenizer.save(path)
    assert Tokenizer.from_file(path).to_str() == tokenizer.to_str()
