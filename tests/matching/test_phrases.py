"""Phrases, their index, and profiles that count them."""

import numpy as np

from matching.lexical import count_terms
from matching.phrase_index import PhraseIndex
from matching.phrases import keys_of
from tests.matching.factories import ask, corpus_of, match_of


def test_a_phrase_is_two_words_in_a_row_of_one_sentence() -> None:
    one, other = count_terms("Frozen surimi gel."), count_terms("Surimi gel. Frozen.")
    assert len(keys_of(one.phrases)) == 2
    assert len(keys_of(other.phrases)) == 1
    assert set(keys_of(other.phrases)) < set(keys_of(one.phrases))
    assert count_terms("Gel surimi.").phrases != count_terms("Surimi gel.").phrases


def test_function_words_do_not_part_a_phrase() -> None:
    assert count_terms("strength of the gel").phrases == count_terms("strength gel").phrases


def test_the_index_finds_who_holds_a_phrase() -> None:
    texts = ["frozen surimi gel", "surimi robot", "frozen surimi"]
    index = PhraseIndex.build([count_terms(text).phrases for text in texts])
    known = index.known(count_terms("frozen surimi without name").phrases)
    assert index.index.postings(known).passage.tolist() == [0, 2]
    part = index.select(np.array([2, 1]))
    known = part.known(count_terms("frozen surimi").phrases)
    assert part.index.postings(known).passage.tolist() == [0]


def test_the_needs_own_phrase_beats_its_words_apart() -> None:
    corpus = corpus_of(
        {
            "phrase": ["carbon fibre from lignin", "tax law"],
            "words": ["fibre of lignin in carbon", "tax law"],
            "none": ["bus timetable", "tax law"],
        }
    )
    ranking = ask(corpus, "we need carbon fibre")
    found = {
        name: next(s.value for s in match_of(ranking, name).signals if s.name == "phrases")
        for name in ("phrase", "words", "none")
    }
    assert (found["phrase"] or 0) > 0
    assert found["words"] == found["none"] == 0
