"""The passages shown for a match."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given

from matching.corpus import Corpus, Query
from matching.encoders.hashing import HashingEncoder
from matching.encoders.protocol import Vectors
from matching.explain import PASSAGES, Passage, passages
from matching.ranker import rank
from tests.matching.factories import (
    ask,
    corpora,
    corpus_of,
    make_query,
    match_of,
    queries,
    repeatable,
    unit,
    vector_of,
)

NEED = "gel strength of frozen surimi"


def shown(corpus: Corpus, query: Query | str, partner: str, count: int = PASSAGES) -> list[Passage]:
    ranking = ask(corpus, query)
    return list(passages(ranking, [match_of(ranking, partner)], count=count)[0])


@given(corpora(), queries())
@repeatable
def test_passages_are_the_partners_own_and_may_speak(corpus: Corpus, query: Query) -> None:
    ranking = ask(corpus, query)
    vector = vector_of(query.text)
    for match in ranking.matches:
        for encode in (None, HashingEncoder().encode):
            (found,) = passages(ranking, [match], encode=encode, vector=vector)
            assert found
            for passage in found:
                piece = passage.evidence
                assert piece.partner == match.partner.id
                assert piece.external_id not in query.excluded_evidence
                assert 0 <= passage.fit <= 1
                best = passage.best
                assert piece.text[best.start : best.end] == best.text
            fits = [passage.fit for passage in found]
            assert fits == sorted(fits, reverse=True)


def test_the_piece_that_fits_best_comes_first() -> None:
    corpus = corpus_of({"a": ["tax law", "surimi trade", "frozen surimi gel strength", "robot"]})
    found = shown(corpus, NEED, "a")
    assert [passage.evidence.id for passage in found][:2] == ["a2", "a1"]
    assert found[0].fit > found[1].fit > found[2].fit


@pytest.mark.parametrize("count", [1, 2, 5])
def test_at_most_so_many_passages(count: int) -> None:
    corpus = corpus_of({"a": ["surimi", "gel", "strength", "frozen"], "b": ["robot"]})
    assert len(shown(corpus, NEED, "a", count)) == min(count, 4)
    assert len(shown(corpus, NEED, "b", count)) == 1


def test_an_excluded_piece_is_not_shown() -> None:
    corpus = corpus_of({"a": [NEED, "surimi"]})
    query = make_query(NEED, excluded_evidence=frozenset({"a0"}))
    assert [passage.evidence.id for passage in shown(corpus, query, "a")] == ["a1"]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        (
            "私たちはロボットを作る。冷凍すり身を測る。frozen surimi gelを測る。税も学ぶ。",
            "frozen surimi gelを測る。",
        ),
        (
            "We study robots. Frozen surimi gel is tested. Tax law too.",
            "Frozen surimi gel is tested.",
        ),
        ("機械の研究。冷凍surimiの測定。税法も扱う。", "冷凍surimiの測定。"),
        ("Surimi\nThe gel strength of frozen surimi", "The gel strength of frozen surimi"),
        ("Nothing here fits. Nor here.", "Nothing here fits."),
        ("One sentence only", "One sentence only"),
    ],
)
def test_the_best_sentence_shares_the_needs_words(text: str, best: str) -> None:
    corpus = corpus_of({"a": [text], "b": ["robot arm", "tax law"]})
    assert shown(corpus, NEED, "a")[0].best.text == best


def test_a_rare_shared_word_makes_a_better_sentence_than_a_common_one() -> None:
    others = {f"p{i}": ["gel sheet"] for i in range(6)}
    corpus = corpus_of({"a": ["A gel is made. Surimi is made."], **others})
    assert shown(corpus, "surimi gel", "a")[0].best.text == "Surimi is made."


def test_meaning_picks_the_sentence_where_words_are_silent() -> None:
    corpus = corpus_of({"a": ["Robots move. Kamaboko is tested. Tax law."]})
    ranking = ask(corpus, NEED)

    def encode(texts: Sequence[str]) -> Vectors:
        rows = [unit(1, 0) if "Kamaboko" in text else unit(0, 1) for text in texts]
        return np.stack(rows)

    (found,) = passages(ranking, ranking.matches[:1], encode=encode, vector=unit(1, 0))
    assert found[0].best.text == "Kamaboko is tested."


def test_without_a_vector_the_fit_is_the_word_share() -> None:
    corpus = corpus_of({"a": ["surimi", "robot"], "b": ["gel"]})
    ranking = rank(make_query(NEED), None, corpus)
    fits = [passage.fit for passage in passages(ranking, [match_of(ranking, "a")])[0]]
    assert fits == pytest.approx(sorted(ranking.context.passage_words[:2], reverse=True))


def test_evidence_without_any_text_is_shown_whole() -> None:
    best = shown(corpus_of({"a": [""]}), NEED, "a")[0].best
    assert (best.start, best.end, best.text) == (0, 0, "")


@pytest.mark.parametrize(
    "need",
    ["焼酎かすから高濃度のたんぱく質を得る", "髙濃度タンパクを焼酎粕から", "koji, high protein"],
)
def test_the_best_sentence_is_marked_as_it_is_written(need: str) -> None:
    """Words are compared folded (髙, カス, 々); spans are places in the text that is shown."""
    text = (
        "人々と山々のロボット工学。サーバーとセンサーの話。\n"
        "焼酎カスの髙濃度タンパク質を醱酵で得る、high protein koji。Robots are next."
    )
    (passage,) = shown(corpus_of({"a": [text], "b": ["税法"]}), need, "a", 1)
    assert passage.best.text == "焼酎カスの髙濃度タンパク質を醱酵で得る、high protein koji。"
    assert text[passage.best.start : passage.best.end] == passage.best.text
