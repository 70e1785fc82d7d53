"""Teams: worth nearly the best there is, whoever is asked first."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching.corpus import Corpus, Query
from matching.facets import COVERED, split
from matching.team import GUARANTEE, LARGEST, benefits, build, choose
from tests.matching.factories import ask, corpora, corpus_of, make_query, queries, repeatable

FloatArray = NDArray[np.float64]
Instance = tuple[FloatArray, FloatArray, list[str], int]
OTHERS = {f"p{i}": ["trade of wood", "history of roads"] for i in range(20)}
NEED = "The gel strength of our frozen surimi is low. A robot arm should pack shochu bottles."


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Benefits (facets, candidates), weights, ids, size; small enough to try every team."""
    facets, candidates = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    cells = st.sampled_from([0.0, 0.1, 0.25, 0.25, 0.4, 0.7, 1.0])
    shares = [[draw(cells) for _ in range(candidates)] for _ in range(facets)]
    raw = np.array([draw(st.integers(1, 5)) for _ in range(facets)], np.float64)
    fit = np.array([draw(cells) for _ in range(candidates)])
    benefit = benefits(np.array(shares), fit)
    return benefit, raw / raw.sum(), [f"p{i}" for i in range(candidates)], draw(st.integers(1, 6))


def value(benefit: FloatArray, weights: FloatArray, team: Sequence[int]) -> float:
    return float(weights @ benefit[:, list(team)].max(axis=1)) if team else 0.0


def best(benefit: FloatArray, weights: FloatArray, size: int, include: Sequence[int] = ()) -> float:
    people = range(benefit.shape[1])
    teams = combinations(people, min(size, len(people)))
    return max(value(benefit, weights, team) for team in teams if set(include) <= set(team))


@given(instances())
@repeatable
def test_greedy_keeps_its_guarantee_and_its_bound(instance: Instance) -> None:
    benefit, weights, names, size = instance
    team = choose(benefit, weights, names, size=size)
    optimum = best(benefit, weights, size)
    assert team.value == pytest.approx(value(benefit, weights, team.members))
    assert team.value >= GUARANTEE * optimum - 1e-9
    assert team.bound >= optimum - 1e-9
    assert team.share * optimum <= team.value + 1e-9
    assert 1 <= len(team.members) <= size
    assert len(set(team.members)) == len(team.members)
    assert list(team.gains) == sorted(team.gains, reverse=True)


@given(instances(), st.data())
@repeatable
def test_who_must_be_in_it_is(instance: Instance, data: st.DataObject) -> None:
    benefit, weights, names, size = instance
    include = data.draw(
        st.lists(st.integers(0, len(names) - 1), unique=True, max_size=min(size, len(names)))
    )
    team = choose(benefit, weights, names, size=size, include=include)
    assert set(include) <= set(team.members)
    optimum = best(benefit, weights, size, include)
    assert team.bound >= optimum - 1e-9
    assert team.value >= GUARANTEE * optimum - 1e-9


@given(instances(), st.randoms(use_true_random=False))
@repeatable
def test_the_order_of_the_candidates_changes_nothing(instance: Instance, random: object) -> None:
    benefit, weights, names, size = instance
    order = list(range(len(names)))
    random.shuffle(order)  # type: ignore[attr-defined]
    team = choose(benefit, weights, names, size=size)
    other = choose(benefit[:, order], weights, [names[i] for i in order], size=size)
    assert [names[order[i]] for i in other.members] == [names[i] for i in team.members]
    assert choose(benefit, weights, names, size=size) == team


def test_more_than_fit_cannot_be_in_it() -> None:
    with pytest.raises(ValueError, match="team of 1"):
        choose(np.ones((1, 3)), np.ones(1), ["a", "b", "c"], size=1, include=[0, 1])


def test_nobody_makes_an_empty_team() -> None:
    team = choose(np.zeros((2, 0)), np.array([0.5, 0.5]), [], size=3)
    assert team.members == ()
    assert team.value == team.bound == 0
    assert team.share == 1


def test_weak_coverage_serves_nobody() -> None:
    found = benefits(np.array([[COVERED - 0.01, COVERED]]), np.zeros(2))
    assert found[0, 0] == 0
    assert found[0, 1] > 0


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
    assert any("Nobody known here covers 1" in sentence.en for sentence in answer.says)


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
