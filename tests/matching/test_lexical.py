"""BM25 against the formula written out in plain Python."""

from collections import Counter
from collections.abc import Sequence
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.lexical import K1, B, LexicalIndex, TermCounts, bm25, count_terms, idf
from tests.matching.factories import repeatable

Words = list[str]
words = st.lists(st.sampled_from("abcde"), max_size=6)
collections = st.lists(words, max_size=8)
unseen = st.lists(st.sampled_from("abcdexy"), max_size=6)


def counts_of(words: Words) -> TermCounts:
    counted = Counter(words)
    return TermCounts(tuple(counted), tuple(counted.values()))


def index_of(passages: Sequence[Words]) -> LexicalIndex:
    return LexicalIndex.build([counts_of(words) for words in passages])


def naive(
    query: Words, documents: Sequence[Words], visible: Sequence[Words] | None = None
) -> list[float]:
    """Shares of the `visible` part of each document by the statistics of the whole documents."""
    filled = [document for document in documents if document]
    mean = sum(map(len, filled)) / len(filled) if filled else 1.0
    weights = {
        term: sqrt(count) * log(1 + (len(filled) - df + 0.5) / (df + 0.5))
        for term, count in Counter(query).items()
        if (df := sum(term in document for document in filled))
    }
    ceiling = sum(weights.values())
    shares = []
    for document in documents if visible is None else visible:
        score = 0.0
        for term, weight in weights.items():
            tf = document.count(term)
            score += weight * tf / (tf + K1 * (1 - B + B * len(document) / mean))
        shares.append(score / ceiling if ceiling else 0.0)
    return shares


def joined(passages: Sequence[Words], groups: Sequence[int], number: int) -> list[Words]:
    """The words of each group's passages, as one document."""
    return [
        [
            word
            for words, owner in zip(passages, groups, strict=True)
            if owner == group
            for word in words
        ]
        for group in range(number)
    ]


@given(collections, unseen)
@repeatable
def test_passages_score_as_the_formula_says(passages: list[Words], query: Words) -> None:
    index = index_of(passages)
    rows = np.arange(len(passages))
    found = bm25(
        index.postings(index.known(counts_of(query))),
        group=rows,
        lengths=index.lengths,
        statistics=index.statistics(rows, len(passages)),
    )
    assert found == pytest.approx(naive(query, passages), abs=1e-12)
    assert ((found >= 0) & (found <= 1)).all()


@given(collections, unseen, st.data())
@repeatable
def test_profiles_score_as_if_each_were_one_text(
    passages: list[Words], query: Words, data: st.DataObject
) -> None:
    number = 3
    size = len(passages)
    groups = data.draw(st.lists(st.integers(0, number - 1), min_size=size, max_size=size))
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    group = np.array(groups, np.int64)
    index = index_of(passages)
    shown = [words if may else [] for words, may in zip(passages, allowed, strict=True)]
    profiles = joined(shown, groups, number)
    found = bm25(
        index.postings(index.known(counts_of(query)), allowed=allowed),
        group=group,
        lengths=np.array([len(words) for words in profiles], np.float64),
        statistics=index.statistics(group, number),
    )
    expected = naive(query, joined(passages, groups, number), profiles)
    assert found == pytest.approx(expected, abs=1e-12)
    assert ((found >= 0) & (found <= 1)).all()


@given(collections, unseen, st.data())
@repeatable
def test_a_hidden_passage_has_no_posting(
    passages: list[Words], query: Words, data: st.DataObject
) -> None:
    size = len(passages)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    index = index_of(passages)
    everything = index.postings(index.known(counts_of(query)))
    postings = index.postings(index.known(counts_of(query)), allowed=allowed)
    assert allowed[postings.passage].all()
    assert len(postings.passage) == allowed[everything.passage].sum()
    assert (postings.weight == everything.weight).all()


@given(collections, unseen, st.data())
@repeatable
def test_a_selection_scores_as_in_the_whole(
    passages: list[Words], query: Words, data: st.DataObject
) -> None:
    size = len(passages)
    chosen = np.array(
        data.draw(st.lists(st.integers(0, size - 1), unique=True)) if size else [], np.int64
    )
    index = index_of(passages)
    terms = counts_of(query)
    statistics = index.statistics(np.arange(size), size)
    whole = bm25(
        index.postings(index.known(terms)),
        group=np.arange(size),
        lengths=index.lengths,
        statistics=statistics,
    )
    part = index.select(chosen)
    found = bm25(
        part.postings(part.known(terms)),
        group=np.arange(len(chosen)),
        lengths=part.lengths,
        statistics=statistics,
    )
    assert found == pytest.approx(whole[chosen], abs=1e-12)


@given(collections)
@repeatable
def test_statistics_count_filled_documents(passages: list[Words]) -> None:
    index = index_of(passages)
    statistics = index.statistics(np.arange(len(passages)), len(passages))
    filled = [words for words in passages if words]
    assert statistics.documents == len(filled)
    assert statistics.frequency.tolist() == [
        sum(term in words for words in filled) for term in index.vocabulary
    ]
    if filled:
        assert statistics.mean_length == pytest.approx(np.mean([len(words) for words in filled]))


def scores(query: str, *passages: str) -> list[float]:
    index = LexicalIndex.build([count_terms(passage) for passage in passages])
    rows = np.arange(len(passages))
    found = bm25(
        index.postings(index.known(count_terms(query))),
        group=rows,
        lengths=index.lengths,
        statistics=index.statistics(rows, len(rows)),
    )
    return [float(score) for score in found]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    common, rare, *_ = scores("gel surimi", "gel fish", "surimi fish", "gel ham", "gel ice")
    assert rare > common


def test_a_word_counts_more_in_a_short_text_than_in_a_long_one() -> None:
    short, long = scores("surimi", "surimi gel", "surimi gel strength quality heating freezing")
    assert short > long


def test_a_word_said_twice_in_the_query_counts_more_than_one_said_once() -> None:
    twice, once = scores("surimi surimi robot", "surimi gel", "robot arm")
    assert twice > once


def test_a_second_mention_adds_less_than_the_first() -> None:
    none, first, second = scores("surimi", "ham ice salt", "surimi ice salt", "surimi surimi salt")
    assert none == 0 < second - first < first


def test_unknown_words_and_empty_queries_score_nothing() -> None:
    assert scores("nonsense", "surimi gel", "") == [0, 0]
    assert scores("", "surimi gel", "") == [0, 0]
    assert scores("surimi") == []


def test_unknown_words_do_not_lower_the_share_of_the_known() -> None:
    assert scores("surimi nonsense", "surimi gel") == scores("surimi", "surimi gel")


def test_a_word_of_every_document_has_still_some_weight() -> None:
    index = index_of([["a"], ["a", "b"]])
    weight = idf(index.statistics(np.arange(2), 2), np.arange(2))
    assert 0 < weight[0] < weight[1]


def test_count_terms_keeps_the_order_of_first_occurrence() -> None:
    counted = count_terms("yeast barley yeast cap")
    assert (counted.terms, counted.counts, counted.length) == (
        ("yeast", "barley", "cap"),
        (2, 1, 1),
        4,
    )


def test_a_repeated_sentence_counts_once() -> None:
    once = count_terms("Barley yeast. Caps leak.")
    assert count_terms("Barley yeast. Caps leak. Barley yeast. Barley yeast.") == once
