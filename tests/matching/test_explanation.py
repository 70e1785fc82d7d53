"""Explanations in full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus
from matching.counterfactual import scores_without
from matching.encoders.hashing import HashingEncoder
from matching.explain import PASSAGES
from matching.explanation import LEAST, carriers, explanations
from matching.ranker import Ranking
from matching.splitting import split, wordings
from tests.matching.factories import (
    WORDS,
    ask,
    corpora,
    corpus_of,
    make_query,
    match_of,
    queries,
    repeatable,
)

NEED = "The gel strength of our frozen surimi is low. A robot arm should pack the gel."


@st.composite
def telling(draw: st.DrawFn) -> Corpus:
    """Partners with several pieces of evidence, each of distinct words."""
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5, unique=True).map(" ".join)
    pieces = st.lists(words, min_size=1, max_size=6, unique=True)
    return corpus_of(draw(st.dictionaries(st.sampled_from("abcde"), pieces, min_size=1)))


def matched(ranking: Ranking) -> list[int]:
    """Matches that share a word or a meaning with the need."""
    context = ranking.context
    return [
        i for i, m in enumerate(ranking.matches) if context.words.profiles.shares[m.position] > 0
    ]


@given(telling(), st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join))
@repeatable
def test_without_the_cited_passages_the_score_is_lower(corpus: Corpus, text: str) -> None:
    ranking = ask(corpus, text)
    cited = carriers(ranking, ranking.matches)
    values = scores_without(ranking, ranking.matches, cited)
    for i in matched(ranking):
        assert not values[i] >= ranking.matches[i].score  # NaN: not in the list at all


@given(corpora(), queries())
@repeatable
def test_explanations_hold_for_anything(corpus: Corpus, query: object) -> None:
    ranking = ask(corpus, query)  # type: ignore[arg-type]
    text = ranking.context.query.text
    facets = split(text)
    vectors = HashingEncoder().encode(wordings(facets), role="query")
    found = explanations(ranking, ranking.matches, facets, facet_vectors=vectors)
    assert len(found) == len(ranking.matches)
    for match, explanation in zip(ranking.matches, found, strict=True):
        allowed = ranking.context.allowed[corpus.rows_of(match.position)].sum()
        assert min(LEAST, allowed) <= len(explanation.passages) <= PASSAGES
        assert [answer.facet for answer in explanation.facets] == list(range(len(facets)))
        for answer in explanation.facets:
            assert (answer.evidence is not None) == answer.is_covered
            if answer.evidence is not None:
                assert answer.evidence.partner == match.partner.id
        assert (explanation.behind is None) == (match is ranking.matches[0])
        assert (explanation.ahead is None) == (match is ranking.matches[-1])
        assert (explanation.ahead or 0) >= -1e-6
    assert sum(signal.contribution for m in ranking.matches for signal in m.signals) == (
        pytest.approx(sum(m.score for m in ranking.matches))
    )


def test_facets_are_covered_by_the_piece_that_speaks_of_them() -> None:
    corpus = corpus_of(
        {
            "a": ["gel strength of frozen surimi", "robot arm to pack goods", "tax law"],
            "b": ["tax law of boats"],
            **{f"p{i}": ["trade of wood", "history of roads"] for i in range(20)},
        }
    )
    ranking = ask(corpus, NEED)
    facets = split(NEED)
    full, empty = explanations(ranking, [match_of(ranking, "a"), match_of(ranking, "b")], facets)
    assert [answer.evidence and answer.evidence.id for answer in full.facets] == ["a0", "a1"]
    assert [answer.is_covered for answer in empty.facets] == [False, False]
    assert {passage.evidence.id for passage in full.passages[:2]} == {"a0", "a1"}


def test_excluded_evidence_covers_nothing_and_is_not_cited() -> None:
    corpus = corpus_of({"a": ["gel strength of frozen surimi", "surimi"], "b": ["robot"]})
    query = make_query(NEED, excluded_evidence=frozenset({"a0"}))
    ranking = ask(corpus, query)
    (found,) = explanations(ranking, [match_of(ranking, "a")], split(NEED))
    assert [passage.evidence.id for passage in found.passages] == ["a1"]
    assert all(a.evidence is None or a.evidence.id == "a1" for a in found.facets)
