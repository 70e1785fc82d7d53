"""Teams and who covers what."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching.corpus import Corpus, Query
from matching.greedy import LARGEST
from matching.splitting import split
from matching.team import build
from tests.matching.factories import ask, corpora, corpus_of, make_query, queries, repeatable

FloatArray = NDArray[np.float64]
OTHERS = {f"p{i}": ["trade of wood", "history of roads"] for i in range(20)}
NEED = "The gel strength of our frozen surimi is low. A robot arm should pack shochu bottles."


def team_corpus() -> Corpus:
    return corpus_of(
        {
            "fish": ["gel strength of frozen surimi", "surimi of winter fish"],
            "fish2": ["gel strength of frozen surimi"],
            "robots": ["a robot arm to pack shochu bottles"],
            **OTHERS,
        }
    )


def test_a_team_covers_what_one_cannot() -> None:
    ranking = ask(team_corpus(), NEED)
    answer = build(ranking, split(NEED), None)
    members = {member.match.partner.id for member in answer.members}
    assert len(members) == 2
    assert "robots" in members
    assert [len(served.members) for served in answer.facets] == [1, 1]
    assert answer.facets[0].others == 1  # the other who knows surimi
    said = " ".join(sentence.en for sentence in answer.says)
    assert "2 of at most 3" in said
    assert "cover 2 of the 2 parts" in said
    by = {m.match.partner.id: [a.is_covered for a in m.answers] for m in answer.members}
    assert by["robots"] == [False, True]
    assert sum(member.gain for member in answer.members) == pytest.approx(answer.team.value)


def test_who_must_and_who_must_not_be_in_it() -> None:
    ranking = ask(team_corpus(), NEED)
    answer = build(ranking, split(NEED), None, include=["p7"], exclude={"robots"})
    members = [member.match.partner.id for member in answer.members]
    assert members[0] == "p7"
    assert "robots" not in members
    assert answer.facets[1].members == ()
    assert answer.facets[1].others == 0
    assert any("nobody covers 1 of them" in sentence.en for sentence in answer.says)


def test_a_need_with_one_part_needs_no_team() -> None:
    text = "gel strength of frozen surimi"
    ranking = ask(team_corpus(), text)
    answer = build(ranking, split(text), None, size=LARGEST)
    assert [m.match.partner.id for m in answer.members] == [ranking.matches[0].partner.id]
    assert answer.team.share == 1
    assert "team is not needed" in answer.says[0].en
    assert "不要" in answer.says[0].ja


@given(corpora(), queries(), st.integers(1, LARGEST))
@repeatable
def test_teams_of_anything(corpus: Corpus, query: Query, size: int) -> None:
    ranking = ask(corpus, query)
    facets = split(query.text)
    answer = build(ranking, facets, None, size=size)
    assert len(answer.facets) == len(facets)
    assert len(answer.members) <= size
    assert bool(answer.members) == bool(ranking.matches)
    assert answer.team.value <= answer.team.bound <= 1 + 1e-9
    for number, served in enumerate(answer.facets):
        covering = [i for i, m in enumerate(answer.members) if m.answers[number].is_covered]
        assert sorted(served.members) == covering
        assert served.others >= 0


def test_an_excluded_piece_of_evidence_covers_nothing() -> None:
    corpus = corpus_of({"a": ["gel strength of frozen surimi", "trade"], **OTHERS})
    query = make_query(NEED, excluded_evidence=frozenset({"a0"}))
    answer = build(ask(corpus, query), split(NEED), None)
    assert all(not served.members for served in answer.facets)
