"""Scores worked out ahead against `bm25`, which works them out for each query."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus, Query
from matching.impacts import Impacts
from matching.lexical import LexicalIndex, TermCounts, bm25, count_terms
from matching.profiles import WORDS
from matching.ranker import prepare
from tests.matching.factories import corpora, queries, repeatable, vector_of

words = st.lists(st.sampled_from("abcde"), max_size=6)
collections = st.lists(words, max_size=8)

NEAR = 1e-7
"""Impacts are kept in float32."""


def counts_of(passage: list[str]) -> TermCounts:
    terms = tuple(dict.fromkeys(passage))
    return TermCounts(terms, tuple(passage.count(term) for term in terms))


@given(collections, st.lists(st.sampled_from("abcdexy"), max_size=6), st.data())
@repeatable
def test_scores_are_those_of_the_formula(
    passages: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    """Also where the passages of a document do not lie together."""
    size = len(passages)
    group = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), np.int64)
    index = LexicalIndex.build([counts_of(passage) for passage in passages])
    fields: dict[str, Any] = {
        "group": group,
        "lengths": np.bincount(group, index.lengths, minlength=4).astype(np.float64),
        "statistics": index.statistics(group, 4),
    }
    known = index.known(counts_of(query))
    expected = bm25(index.postings(known), **fields)
    found = Impacts.build(index, **fields).shares(known)
    assert found == pytest.approx(expected, abs=NEAR)


@given(collections, st.lists(st.sampled_from("abcdexy"), max_size=6), st.data())
@repeatable
def test_postings_of_rows_are_those_of_a_mask(
    passages: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    size = len(passages)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    whole = LexicalIndex.build([counts_of(passage) for passage in passages])
    order = np.array(data.draw(st.permutations(range(size))), np.int64)
    for index in (whole, whole.select(order)):
        known = index.known(counts_of(query))
        expected = index.postings(known, allowed=mask)
        found = index.postings_of(known, np.flatnonzero(mask))
        for name in ("term_id", "weight", "term", "passage", "count"):
            assert getattr(found, name).tolist() == getattr(expected, name).tolist()


@given(corpora(), queries())
@repeatable
def test_a_request_sees_the_words_that_its_postings_hold(corpus: Corpus, query: Query) -> None:
    """Excluded evidence and ruled out partners speak neither alone nor in a profile."""
    context, _ = prepare(query, vector_of(query.text), corpus)
    known = corpus.lexical.known(count_terms(query.text))
    by_passage = bm25(
        corpus.lexical.postings(known, allowed=context.allowed),
        group=np.arange(len(corpus.evidence)),
        lengths=corpus.lexical.lengths,
        statistics=corpus.passage_statistics,
    )
    assert context.passage_words == pytest.approx(by_passage, abs=NEAR)
    pieces = corpus.profile_words.index
    shown = np.bincount(
        corpus.partner_of, pieces.lengths * context.allowed, minlength=len(corpus.partners)
    )
    by_profile = bm25(
        pieces.postings(known, allowed=context.allowed),
        group=corpus.partner_of,
        lengths=shown.astype(np.float64),
        statistics=corpus.profile_words.statistics,
        k1=WORDS.k1,
        b=WORDS.b,
    )
    assert context.words.profiles.shares == pytest.approx(by_profile, abs=NEAR)
