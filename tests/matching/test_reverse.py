"""Needs for a partner: a pair's score is the need's, the order is the partner's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus, Query
from matching.filters import Filters
from matching.ranker import rank
from matching.reverse import (
    FEW,
    NEIGHBOURS,
    SHARE,
    AskedNeed,
    RankedNeed,
    need_scores,
    rank_needs,
    standing,
)
from tests.matching.factories import (
    corpora,
    corpus_of,
    make_query,
    match_of,
    queries,
    repeatable,
    vector_of,
)


def asked(corpus: Corpus, query: Query | str, filters: Filters | None = None) -> AskedNeed:
    """A need with the scores of its own list."""
    query = make_query(query) if isinstance(query, str) else query
    vector = vector_of(query.text)
    return AskedNeed(query, vector, need_scores(query, vector, corpus, filters=filters))


def ask_for(
    corpus: Corpus, partner: str, *needs: Query | str, top: int | None = None
) -> list[RankedNeed]:
    """The partner's list."""
    found, _ = rank_needs([asked(corpus, need) for need in needs], corpus, partner, top=top)
    return found


SHARED = "surimi gel and koji brewing sensor"
CROWD = {f"p{number}": [SHARED, f"timetable of bus {number}"] for number in range(12)}
MIXED = CROWD | {"me": [SHARED, "robot arm control"]}


def test_a_need_that_fits_everyone_comes_after_one_that_few_can_meet() -> None:
    corpus = corpus_of(MIXED)
    everyone, special = "surimi gel, koji brewing, sensor", "robot arm, valve, steam pipe"

    found = ask_for(corpus, "me", everyone, special)

    assert [need.position for need in found] == [1, 0]
    # The bare score says the opposite; it is kept as it is.
    assert found[0].match.score < found[1].match.score
    assert found[0].standing.place == 1
    assert "Stands out" in found[0].standing.reason.en
    assert "many partners about equally well" in found[1].standing.reason.en


def test_of_two_needs_of_like_appeal_the_nearer_one_comes_first() -> None:
    corpus = corpus_of({"me": ["surimi gel"], "a": ["robot arm"], "b": ["koji brewing"]})

    found = ask_for(corpus, "me", "robot arm", "surimi gel")

    assert [need.position for need in found] == [1, 0]


@repeatable
@given(corpora(), st.lists(queries(), max_size=4))
def test_score_lines_and_place_are_those_of_the_needs_own_list(
    corpus: Corpus, asking: list[Query]
) -> None:
    needs = [asked(corpus, query) for query in asking]
    for partner in corpus.partners:
        found, blocked = rank_needs(needs, corpus, partner.id)
        for need in found:
            query = asking[need.position]
            own = rank(query, vector_of(query.text), corpus)
            line = match_of(own, partner.id)
            assert need.match.score == pytest.approx(line.score)
            lines = [signal.contribution for signal in need.match.signals]
            assert lines == pytest.approx([signal.contribution for signal in line.signals])
            assert sum(lines) == pytest.approx(need.match.score)
            places = [match.partner.id for match in own.matches]
            assert need.standing.place == places.index(partner.id) + 1
            assert need.standing.eligible == len(places)
        margins = [round(need.standing.margin, 6) for need in found]
        assert margins == sorted(margins, reverse=True)
        assert len(found) + sum(blocked.values()) <= len(asking)


@repeatable
@given(corpora(), queries())
def test_hard_constraints_hold(corpus: Corpus, query: Query) -> None:
    listed = {match.partner.id for match in rank(query, None, corpus).matches}
    for partner in corpus.partners:
        found, blocked = rank_needs([asked(corpus, query)], corpus, partner.id)
        assert bool(found) == (partner.id in listed)
        assert not (found and blocked)


def test_the_filters_hold_for_the_partner_and_for_those_compared_with() -> None:
    corpus = corpus_of(MIXED, me={"clusters": frozenset({"food"})})
    filters = Filters(clusters=frozenset({"food"}))
    needs = [asked(corpus, "robot arm", filters)]

    mine, _ = rank_needs(needs, corpus, "me", filters=filters)
    theirs, blocked = rank_needs(needs, corpus, "p1", filters=filters)

    assert mine[0].standing.eligible == 1
    assert "No other partner" in mine[0].standing.reason.en
    assert (theirs, blocked) == ([], {"cluster": 1})


def test_appeal_is_the_mean_of_the_highest_scores() -> None:
    corpus = corpus_of(MIXED)
    need = asked(corpus, "surimi gel robot")

    own = rank(need.query, need.vector, corpus)

    best = [match.score for match in own.matches[:NEIGHBOURS]]
    assert need.listed.appeal == pytest.approx(sum(best) / NEIGHBOURS)
    assert standing(need.listed, 0.5, place=1).margin == pytest.approx(
        0.5 - SHARE * need.listed.appeal
    )


def test_a_partner_too_far_down_to_be_listed_has_no_place_and_comes_last() -> None:
    # One that neither search of the need brings: more partners than both take together.
    crowd = {f"p{number:03}": ["surimi gel"] for number in range(450)}
    corpus = corpus_of(crowd | {"zz": ["robot arm"]})

    found = ask_for(corpus, "zz", "surimi gel", "robot arm")

    assert [need.position for need in found] == [1, 0]
    assert [need.standing.place for need in found] == [1, None]
    assert "not among the first" in found[1].standing.reason.en
    assert [need.position for need in ask_for(corpus, "zz", "surimi gel", "robot arm", top=1)] == [
        1
    ]


def test_many_better_ones_are_named() -> None:
    corpus = corpus_of({f"p{n}": ["surimi gel"] for n in range(FEW)} | {"me": ["surimi robot"]})

    (found,) = ask_for(corpus, "me", "surimi gel")

    assert found.standing.place == FEW + 1
    assert found.standing.reason.en.startswith("Others fit this need better")


def test_an_unknown_partner_and_one_without_evidence_have_no_list() -> None:
    corpus = corpus_of(MIXED | {"silent": []})

    assert ask_for(corpus, "nobody", "surimi") == []
    assert ask_for(corpus, "silent", "surimi") == []
