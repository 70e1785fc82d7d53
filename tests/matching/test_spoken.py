import numpy as np

from tests.matching.factories import corpus_of

ENGLISH = "Measuring the gel strength of frozen surimi by ultrasound"
JAPANESE = "冷凍すり身のゲル強度"


def test_each_piece_speaks_its_languages() -> None:
    pieces = [ENGLISH, JAPANESE, f"{JAPANESE}\n{ENGLISH}", "2026"]
    corpus = corpus_of({"a": pieces})
    english, japanese = frozenset({"en"}), frozenset({"ja"})
    assert corpus.speech.any_of(english).tolist() == [True, False, True, False]
    assert corpus.speech.any_of(japanese).tolist() == [False, True, True, False]
    assert corpus.speech.any_of(english | japanese).tolist() == [True, True, True, False]
    assert corpus.speech.any_of(frozenset()).tolist() == [False] * 4


def test_each_piece_is_of_one_kind() -> None:
    corpus = corpus_of({"a": [ENGLISH, "surimi"], "b": [JAPANESE, "2026"]})
    kinds = sum(mask.astype(int) for mask in corpus.speech.masks.values())
    assert np.array_equal(kinds, np.ones(4))


def test_an_empty_corpus_says_nothing() -> None:
    assert corpus_of({}).speech.any_of(frozenset({"ja"})).shape == (0,)
