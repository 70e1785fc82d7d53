import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.evaluate import JudgedQuery, Task
from matching.learn import (
    PULLS,
    Example,
    FloatArray,
    choose_pull,
    default_weights,
    equal_weights,
    fit,
    measure,
    ranked,
    read_example,
)
from matching.ranker import rank
from matching.signals import SIGNALS
from tests.matching.factories import corpus_of, make_query, repeatable, vector_of
from tests.matching.judged import make_examples, signals_of

EQUAL = default_weights(signals_of(1, 1, 1))


def reached(examples: list[Example], weights: FloatArray) -> float:
    return float(np.mean([measure(example, weights) for example in examples]))


def test_learned_weights_rank_unseen_queries_better_than_wrong_defaults() -> None:
    truth = (0.8, 0.2, 0.0)
    weights = fit(make_examples(truth), EQUAL, pull=0.03)

    unseen = make_examples(truth, seed=1)
    assert reached(unseen, weights) > reached(unseen, EQUAL) + 0.1
    assert weights[0] > weights[1] > weights[2]


@repeatable
@given(st.tuples(*[st.floats(-1, 1)] * 3), st.sampled_from(PULLS))
def test_weights_are_never_negative_and_add_up_to_one(
    truth: tuple[float, float, float], pull: float
) -> None:
    weights = fit(make_examples(truth, number=8, candidates=8), EQUAL, pull=pull)

    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-9


def test_the_stronger_the_pull_the_nearer_the_defaults() -> None:
    examples = make_examples((1.0, 0.0, 0.0))
    away = [float(np.abs(fit(examples, EQUAL, pull=pull) - EQUAL).sum()) for pull in PULLS]

    assert away == sorted(away, reverse=True)
    assert away[0] > 2 * away[-1]


def test_without_a_right_candidate_the_defaults_stay() -> None:
    examples = make_examples((1, 0, 0), number=3)
    for example in examples:
        example.gains[:] = 0

    assert fit(examples, EQUAL, pull=0.03).tolist() == EQUAL.tolist()


def test_a_large_set_weighs_no_more_than_a_small_one() -> None:
    shares = equal_weights(["large"] * 9 + ["small"])

    assert shares[:9].sum() == shares[9]

    many = make_examples((1, 0, 0), number=60, name="large")
    few = make_examples((0, 0, 1), number=20, name="small", seed=1)
    weights = fit([*many, *few], EQUAL, pull=0.03)
    assert abs(weights[0] - weights[2]) < 0.1


def test_the_pull_is_weak_where_the_defaults_are_wrong_and_strong_where_they_are_right() -> None:
    wrong = choose_pull(make_examples((1, 0, 0), number=40), EQUAL)
    noise = make_examples((1, 1, 1), number=24, candidates=20, noise=5.0)

    assert wrong < max(PULLS)
    assert choose_pull(noise, EQUAL) >= wrong


def test_an_example_is_ranked_as_the_product_ranks_it() -> None:
    corpus = corpus_of(
        {
            "b": ["koji brewing of shochu", "robot arm"],
            "a": ["koji brewing of shochu", "robot arm"],
            "c": ["surimi gel strength"],
        }
    )
    query = make_query("brewing shochu with koji")
    names = {partner.id: f"public-{partner.id}" for partner in corpus.partners}
    judged = JudgedQuery("q", query, vector_of(query.text), {"public-a": 1.0, "public-x": 2.0})

    example = read_example("set", Task(corpus, [judged], names), judged, SIGNALS)

    listed = [f"public-{m.partner.id}" for m in rank(query, judged.vector, corpus).matches]
    assert [example.names[i] for i in ranked(example, default_weights(SIGNALS))] == listed
    assert example.gains.sum() == 1.0
    assert example.judged == judged.gains


def test_a_query_without_a_word_has_no_candidates_and_scores_zero() -> None:
    corpus = corpus_of({"a": ["koji brewing"]})
    judged = JudgedQuery("q", make_query(""), vector_of(""), {"a": 1.0})

    example = read_example("set", Task(corpus, [judged], {"a": "a"}), judged, SIGNALS)

    assert example.names == ()
    assert measure(example, default_weights(SIGNALS)) == 0.0
