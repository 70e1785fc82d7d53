"""The table of all needs says what each need's own list says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.calibrate import Calibration, Curve
from matching.corpus import Corpus, Period, Query
from matching.filters import Filters
from matching.lexical import count_terms
from matching.model import Model
from matching.ranker import rank
from matching.score_matrix import Question, ScoreMatrix, score_matrix
from matching.signals import SIGNALS, Context, Reading
from matching.synthetic import TODAY, make_region
from tests.matching.factories import (
    corpora,
    corpus_of,
    make_query,
    queries,
    repeatable,
    vector_of,
)

CALIBRATED = Model(
    calibration=Calibration(
        place=Curve((4.0, 0.5, 0.1), -3.0),
        strength=Curve((1.0,) * 3, -2.0),
        threshold=0.5,
        typical={},
    )
)


@pytest.fixture(scope="module")
def region() -> tuple[Corpus, list[Question]]:
    """A made-up region, and questions of which every fourth has no vector."""
    made = make_region(60, 400, 12, seed=3)
    terms = [count_terms(piece.text) for piece in made.evidence]
    corpus = Corpus.build(made.partners, made.evidence, made.vectors, terms)
    questions = [Question(r.query, r.vector, r.filters) for r in made.requests]
    questions[3] = replace(questions[3], vector=None)
    questions[7] = replace(questions[7], vector=np.zeros_like(made.vectors[0]))
    return corpus, questions


def assert_same(
    table: ScoreMatrix,
    questions: Sequence[Question],
    corpus: Corpus,
    model: Model,
    *,
    within: float,
) -> None:
    """Partners, scores, probabilities and verdicts are those of the single lists."""
    assert len(table.strong) == len(table.blocked) == len(table.strength) == len(questions)
    for need, question in enumerate(questions):
        alone = rank(
            question.query, question.vector, corpus, filters=question.filters, signals=model.signals
        )
        verdict = model.judge(alone.scores)
        rows = np.flatnonzero(table.need == need)
        assert table.partner[rows].tolist() == [match.position for match in alone.matches]
        scores = np.array([match.score for match in alone.matches])
        np.testing.assert_allclose(table.score[rows], scores, rtol=0, atol=within)
        assert table.blocked[need] == alone.blocked
        if verdict is None:
            assert np.isnan(table.probability[rows]).all()
            assert np.isnan(table.strength[need])
            assert table.strong[need] is (None if alone.matches else False)
        else:
            np.testing.assert_allclose(
                table.probability[rows], verdict.probabilities, rtol=0, atol=10 * within
            )
            assert table.strength[need] == pytest.approx(verdict.strength, abs=10 * within)
            assert table.strong[need] is verdict.strong


@pytest.mark.parametrize("model", [Model(), CALIBRATED], ids=["bare", "calibrated"])
def test_one_by_one_it_is_the_same_to_the_last_bit(
    region: tuple[Corpus, list[Question]], model: Model
) -> None:
    corpus, questions = region
    table = score_matrix(questions, corpus, model=model, block=1)
    assert_same(table, questions, corpus, model, within=0.0)
    assert (~np.isnan(table.probability)).any() == (model.calibration is not None)


@pytest.mark.parametrize("block", [5, 64])
def test_in_blocks_it_is_the_same_to_the_sixth_decimal(
    region: tuple[Corpus, list[Question]], block: int
) -> None:
    corpus, questions = region
    done: list[int] = []
    table = score_matrix(questions, corpus, model=CALIBRATED, block=block, progress=done.append)
    assert_same(table, questions, corpus, CALIBRATED, within=2e-6)
    assert sum(done) == len(questions)
    assert set(table.need.tolist()) == set(range(len(questions)))


@repeatable
@given(corpora(), st.lists(queries(), max_size=4))
def test_it_holds_for_any_corpus(corpus: Corpus, asking: list[Query]) -> None:
    questions = [Question(query, vector_of(query.text), Filters()) for query in asking]
    table = score_matrix(questions, corpus)
    assert_same(table, questions, corpus, Model(), within=2e-6)


def test_who_is_ruled_out_is_in_no_pair() -> None:
    corpus = corpus_of(
        {"a": ["surimi gel"], "b": ["surimi gel"], "c": ["surimi gel"], "d": ["surimi gel"]},
        a={"organisation": "asking"},
        b={"unavailable": (Period(date(2026, 1, 1)),), "organisation": "o"},
        c={"organisation": None},
        d={"organisation": "o"},
    )
    query = make_query(
        "surimi gel", organisation="asking", excluded_organisations=frozenset({"other"})
    )
    question = Question(query, vector_of(query.text), Filters(available_on=TODAY))
    table = score_matrix([question, question], corpus)
    assert [corpus.partners[at].id for at in table.partner] == ["d", "d"]
    assert table.blocked[0] == {"own_organisation": 1, "organisation_unknown": 1, "unavailable": 1}


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_score_that_is_not_a_number_makes_no_pair(wrong: float) -> None:
    corpus = corpus_of({"a": ["surimi gel"], "b": ["surimi gel"]})

    def broken(context: Context) -> Reading:
        return replace(SIGNALS[0].read(context), values=np.array([wrong, 1.0]))

    signals = (replace(SIGNALS[0], read=broken, neutral=np.nan), SIGNALS[1])
    question = Question(make_query("surimi gel"), vector_of("surimi gel"), Filters())
    table = score_matrix([question], corpus, model=Model(signals=signals))
    assert table.partner.tolist() == [1]
    assert np.isfinite(table.score).all()


def test_pairs_are_worth_their_probability_or_by_choice_their_score() -> None:
    table = ScoreMatrix(
        need=np.array([0, 0, 1]),
        partner=np.array([3, 4, 3]),
        score=np.array([0.5, 0.2, 1.2]),
        probability=np.array([0.7, np.nan, 0.1]),
        strength=np.array([0.5, 0.5]),
        strong=(True, True),
        blocked=({}, {}),
    )
    assert table.pairs().value.tolist() == [0.7, 0.1]
    assert table.pairs(by_score=True).value.tolist() == [0.5, 0.2, 1.0]
    kept = table.pairs(allowed=np.array([False, True, True]))
    assert (kept.need.tolist(), kept.partner.tolist()) == ([1], [3])


def test_without_questions_there_are_no_pairs() -> None:
    table = score_matrix([], corpus_of({"a": ["surimi gel"]}))
    assert len(table.pairs()) == 0
