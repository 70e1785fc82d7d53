from dataclasses import replace

import numpy as np
import pytest

from matching.training import DEFAULT, LEARNED, POOLED, steps, train
from tests.matching.judged import make_examples, signals_of

SIGNALS = signals_of(1, 1, 1)


@pytest.mark.slow
def test_learned_weights_and_what_they_reach_on_held_out_queries() -> None:
    examples = make_examples((1, 0.2, 0), number=40) + make_examples(
        (1, 0, 0), number=30, name="other", seed=1
    )
    done = []

    trained = train(examples, SIGNALS, step=lambda: done.append(1))

    assert len(done) == steps(learn=True)
    assert trained.weights[0] > 0.6
    for measures in trained.ranking.values():
        found = measures["nDCG@10"]
        assert found[LEARNED].value > found[DEFAULT].value
        above = found[LEARNED].above
        assert above is not None
        assert above[1] > 0


@pytest.mark.slow
def test_partners_who_stand_out_are_missed_when_they_are_gone() -> None:
    examples = make_examples((1, 1, 1), number=40) + make_examples(
        (1, 1, 1), number=30, name="other", seed=1
    )
    for example in examples[::2]:
        example.values[int(np.argmax(example.gains))] += 1

    trained = train(examples, SIGNALS, learn=False)

    assert trained.reliability.keys() == {"set", "other", POOLED}
    for found in trained.reliability.values():
        assert 0.6 < found.auc.low < found.auc.high <= 1
        assert found.flagged_without > found.flagged + 0.2
        assert 0 <= found.calibration_error < 0.1


@pytest.mark.slow
def test_random_labels_teach_nothing() -> None:
    """What is reported comes from queries that were not fitted: noise cannot shine there."""
    examples = make_examples((0, 0, 0), number=40, noise=1.0)

    trained = train(examples, SIGNALS)

    found = trained.ranking["set"]["nDCG@10"][LEARNED]
    assert found.above is not None
    assert found.above[1] <= 0 <= found.above[2]
    assert abs(trained.reliability["set"].auc.value - 0.5) < 0.1


@pytest.mark.slow
def test_training_is_the_same_twice_and_the_weights_may_be_kept() -> None:
    examples = make_examples((1, 0, 0), number=20)

    kept = train(examples, SIGNALS, learn=False)

    assert kept == train(examples, SIGNALS, learn=False)
    assert np.allclose(kept.weights, 1 / 3)
    assert kept.pull is None


@pytest.mark.slow
def test_a_query_without_candidates_does_not_stop_the_training() -> None:
    examples = make_examples((1, 0, 0), number=20)
    empty = make_examples((1, 0, 0), number=1, name="unanswered")[0]
    nobody = replace(empty, set="set", names=(), values=empty.values[:0], gains=empty.gains[:0])

    trained = train([*examples, nobody], SIGNALS, learn=False)

    alone = train(examples, SIGNALS, learn=False)
    with_it, without = (t.ranking["set"]["nDCG@10"][DEFAULT].value for t in (trained, alone))
    assert abs(with_it - without * 20 / 21) < 1e-9


def test_too_little_data_is_refused() -> None:
    with pytest.raises(ValueError, match="5 folds"):
        train(make_examples((1, 0, 0), number=3), SIGNALS)
    unjudged = make_examples((1, 0, 0), number=8)
    for example in unjudged:
        example.gains[:] = 0
    with pytest.raises(ValueError, match="nothing to learn"):
        train(unjudged, SIGNALS)
