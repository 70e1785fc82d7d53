"""The made-up region that speed is measured on."""

import numpy as np
import pytest

from matching.corpus import Corpus
from matching.lexical import count_terms
from matching.ranker import rank
from matching.synthetic import Region, make_region
from matching.text import language_of


def region(seed: int = 1) -> Region:
    return make_region(30, 300, 8, seed=seed)


@pytest.mark.slow
def test_the_same_seed_makes_the_same_region() -> None:
    one, again, other = region(), region(), region(seed=2)
    assert one.partners == again.partners
    assert one.evidence == again.evidence
    assert np.array_equal(one.vectors, again.vectors)
    assert [r.query for r in one.requests] == [r.query for r in again.requests]
    assert [r.filters for r in one.requests] == [r.filters for r in again.requests]
    assert one.evidence != other.evidence


def test_texts_are_distinct_and_in_both_languages() -> None:
    texts = [piece.text for piece in region().evidence]
    assert len(set(texts)) == 300
    assert {language_of(text) for text in texts} == {"ja", "en"}
    assert 90 < np.mean([len(text.split()) for text in texts]) < 150


@pytest.mark.slow
def test_the_engine_ranks_it_and_some_constraints_hold() -> None:
    made = region()
    terms = [count_terms(piece.text) for piece in made.evidence]
    corpus = Corpus.build(made.partners, made.evidence, made.vectors, terms)
    rankings = [rank(r.query, r.vector, corpus, filters=r.filters) for r in made.requests]
    assert any(ranking.matches for ranking in rankings)
    assert any(ranking.blocked for ranking in rankings)
    assert any(request.query.excluded_evidence for request in made.requests)
