"""What would change a match: each claim is the score of a corpus in which it is so."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from matching.corpus import Corpus, Query
from matching.counterfactual import additions, place_of, rank_of, removals, scores_without, title
from tests.matching.factories import (
    ask,
    corpora,
    corpus_of,
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    match_of,
    queries,
    repeatable,
    score_of,
)

NEED = "gel strength of frozen surimi"


@given(corpora(), queries())
@repeatable
def test_a_score_without_evidence_is_that_of_a_query_that_excludes_it(
    corpus: Corpus, query: Query
) -> None:
    ranking = ask(corpus, query)
    allowed = ranking.context.allowed
    cited = [
        list(range(*corpus.rows_of(match.position).indices(len(allowed))))[:2]
        for match in ranking.matches
    ]
    cited = [[row for row in rows if allowed[row]] for rows in cited]
    together = scores_without(ranking, ranking.matches, cited)
    for match, rows, value in zip(ranking.matches, cited, together, strict=True):
        names = frozenset(str(corpus.evidence[row].external_id) for row in rows)
        other = ask(corpus, replace(query, excluded_evidence=query.excluded_evidence | names))
        found = [m.score for m in other.matches if m.partner.id == match.partner.id]
        if found:
            assert value == pytest.approx(found[0], abs=1e-9)
        else:
            assert np.isnan(value)


@given(corpora(), queries())
@repeatable
def test_places_are_those_of_the_list(corpus: Corpus, query: Query) -> None:
    ranking = ask(corpus, query)
    assert [rank_of(ranking, match) for match in ranking.matches] == list(
        range(1, len(ranking.matches) + 1)
    )
    for match in ranking.matches:
        assert place_of(ranking, match, 2.0) == 1
        assert place_of(ranking, match, -1.0) == len(ranking.matches)


def test_without_its_best_piece_a_partner_falls() -> None:
    corpus = corpus_of(
        {
            "a": ["gel strength of frozen surimi", "tax law"],
            "b": ["frozen surimi trade", "frozen surimi boats"],
            "c": ["robots"],
        }
    )
    ranking = ask(corpus, NEED)
    match = match_of(ranking, "a")
    assert rank_of(ranking, match) == 1
    without, both = removals(ranking, [match], [[0, 1]])[0][0::2]
    assert without.evidence is not None
    assert without.evidence.id == "a0"
    assert without.score is not None
    assert without.score < match.score
    assert without.rank == 2
    assert "rank go from 1 to 2" in without.detail.en
    assert "1位から2位" in without.detail.ja
    assert both.kind == "without_cited"
    assert both.score is both.rank is None
    assert "not be in the list" in both.detail.en


def test_a_statement_that_is_missing_is_supposed() -> None:
    corpus = corpus_of({"a": [NEED], "b": [NEED]}, b={"engagement_types": frozenset({"testing"})})
    query = make_query(NEED, engagement_types=frozenset({"testing"}))
    ranking = ask(corpus, query)
    unstated, silent = additions(ranking, [match_of(ranking, "a"), match_of(ranking, "b")])
    (change,) = [change for change in unstated if change.kind == "engagement"]
    stated = corpus_of(
        {"a": [NEED], "b": [NEED]},
        a={"engagement_types": frozenset({"testing"})},
        b={"engagement_types": frozenset({"testing"})},
    )
    assert change.score == pytest.approx(score_of(ask(stated, query), "a"))
    assert change.rank == 1
    assert "testing" in change.detail.en
    assert "engagement" not in [change.kind for change in silent]


def test_a_date_that_is_missing_is_supposed() -> None:
    query = make_query(NEED)
    partners = [make_partner("a"), make_partner("b")]
    other = make_evidence("b0", "b", "surimi", year=2000)
    ranking = ask(make_corpus(partners, [make_evidence("a0", "a", NEED), other]), query)
    dated = make_evidence("a0", "a", NEED, year=query.posted_on.year)
    expected = score_of(ask(make_corpus(partners, [dated, other]), query), "a")
    changes = additions(ranking, ranking.matches)
    by_partner = dict(zip([m.partner.id for m in ranking.matches], changes, strict=True))
    (change,) = by_partner["a"]
    assert change.kind == "recency"
    assert change.score == pytest.approx(expected)
    assert by_partner["b"] == []


def test_a_place_that_is_missing_is_supposed() -> None:
    query = make_query(NEED, prefecture="宮崎県")
    ranking = ask(corpus_of({"a": [NEED]}), query)
    changes = {change.kind: change for change in additions(ranking, ranking.matches)[0]}
    there = ask(corpus_of({"a": [NEED]}, a={"prefecture": "宮崎県"}), query)
    assert changes["place"].score == pytest.approx(score_of(there, "a"))
    assert "宮崎県" in changes["place"].detail.ja


def test_what_cannot_be_read_is_said_and_not_guessed() -> None:
    corpus = corpus_of({"a": [NEED, "。"], "b": ["robot"]})
    ranking = ask(corpus, NEED)
    changes = [c for c in additions(ranking, [match_of(ranking, "a")])[0] if c.kind == "unreadable"]
    assert len(changes) == int(not corpus.has_vector[1])
    for change in changes:
        assert change.score is change.rank is None
        assert "1 of its 2" in change.detail.en


def test_titles_are_in_the_language_asked_for() -> None:
    piece = make_evidence("e", "a", "焼酎粕の乾燥\n本文です。\nDrying of lees\nThe text.")
    assert title(piece, "ja") == "焼酎粕の乾燥"
    assert title(piece, "en") == "Drying of lees"
    assert title(make_evidence("e", "a", "焼酎粕の乾燥"), "en") == "焼酎粕の乾燥"
