"""Fits the weights of the signals to judged queries.

A score is a weighted mean of signals, and must stay one: linear, so that contributions add up to
it, and with weights of at least 0, so that more of a signal never lowers it. Among what fits such
a model, the conditional logit (McFadden 1974), which is ListNet with top-one probabilities (Cao et
al. 2007), was chosen: its loss is over whole lists, as the product is judged, where a linear
regression or a logistic one over pairs of partner and query would spend its effort on telling easy
queries from hard ones, and pairwise differences grow with the square of the candidates.
scikit-learn has no logistic model with bounds; SciPy's L-BFGS-B takes them directly.

The weights are pulled towards the defaults, not towards zero: without data the defaults remain.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from matching.evaluate import JudgedQuery, Task
from matching.folds import folds
from matching.metrics import RANKING_METRICS, Gains
from matching.ranker import prepare
from matching.signals import Signal
from matching.text import content_hash, tokens

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PULLS: Final = (0.03, 0.3, 3.0, 30.0)
"""Strengths of the pull towards the default weights to choose from."""
OUTER_FOLDS: Final = 5
INNER_FOLDS: Final = 4
CHOSEN_BY: Final = RANKING_METRICS[0]
"""The metric that chooses the strength: nDCG@10."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A judged query with the signals of its candidates (c)."""

    set: str
    text: str
    """Hash of the query's text: equal texts belong to one fold."""
    names: tuple[str, ...]
    """Public ids of the candidates, in the order that breaks ties."""
    values: FloatArray
    """(c, signals), missing values as the signal's neutral one."""
    gains: FloatArray
    """(c,)."""
    judged: Gains
    """All gains, also of partners that are no candidates."""


def read_example(name: str, task: Task, query: JudgedQuery, signals: Sequence[Signal]) -> Example:
    """The signals of a query's candidates, as the product ranks them."""
    context, _ = prepare(query.query, query.vector, task.corpus)
    # Nobody answers a query without a word: see `JudgedQuery`.
    partners = context.partners() if tokens(query.query.text) else []
    order = sorted(range(len(partners)), key=lambda i: partners[i].id)
    values = np.empty((len(partners), len(signals)))
    for column, signal in enumerate(signals):
        found = signal.read(context).values
        values[:, column] = np.where(np.isnan(found), signal.neutral, found)[order]
    names = tuple(task.names[partners[i].id] for i in order)
    gains = np.array([query.gains.get(each, 0.0) for each in names], np.float64)
    return Example(name, content_hash(query.query.text), names, values, gains, query.gains)


def ranked(example: Example, weights: FloatArray) -> IntArray:
    """Positions (c,) of the candidates, the best first, as the ranker orders them."""
    return np.argsort(-np.round(example.values @ weights, 6), kind="stable")


def equal_weights(sets: Sequence[str]) -> FloatArray:
    """What each item counts (n,), adding up to 1: each set equally, each item of a set equally."""
    size = Counter(sets)
    return np.array([1 / (size[name] * len(size)) for name in sets], np.float64)


def default_weights(signals: Sequence[Signal]) -> FloatArray:
    """The visible weights (signals,), adding up to 1."""
    weights = np.array([signal.weight for signal in signals], np.float64)
    scaled: FloatArray = weights / weights.sum()
    return scaled


def fit(examples: Sequence[Example], default: FloatArray, *, pull: float) -> FloatArray:
    """Weights (signals,) of at least 0 that add up to 1.

    They minimise the cross-entropy between the gains and the softmax of the scores, plus `pull`
    times the squared distance to `default`. The steepness of the softmax is that which suits the
    default weights best. Queries without a relevant candidate teach nothing here.
    """
    taught = [example for example in examples if (example.gains > 0).any()]
    if not taught:
        return default
    lists = _Lists.of(taught)
    steepness = minimize_scalar(
        lambda log: lists.loss(np.exp(log) * default)[0], bounds=(0, 6), method="bounded"
    ).x
    scale = float(np.exp(steepness))

    def objective(weights: FloatArray) -> tuple[float, FloatArray]:
        loss, slope = lists.loss(scale * weights)
        away = weights - default
        return loss + pull * float(away @ away), scale * slope + 2 * pull * away

    found: FloatArray = minimize(
        objective, default, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(default)
    ).x
    return found / found.sum() if found.sum() > 0 else default


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """The candidates of all queries, one list after the other."""

    values: FloatArray
    target: FloatArray
    """(rows,) share of the list's gains, times what the query counts."""
    share: FloatArray
    """(lists,) what each query counts."""
    starts: IntArray
    sizes: IntArray

    @classmethod
    def of(cls, examples: Sequence[Example]) -> "_Lists":
        share = equal_weights([example.set for example in examples])
        sizes = np.array([len(example.gains) for example in examples], np.int64)
        target = [
            part * np.clip(example.gains, 0, None) / np.clip(example.gains, 0, None).sum()
            for part, example in zip(share, examples, strict=True)
        ]
        return cls(
            values=np.vstack([example.values for example in examples]),
            target=np.concatenate(target),
            share=share,
            starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]),
            sizes=sizes,
        )

    def loss(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Cross-entropy in nats, and its slope (signals,)."""
        scores = self.values @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, self.starts), self.sizes)
        odds = np.exp(scores)
        totals = np.add.reduceat(odds, self.starts)
        predicted = odds * np.repeat(self.share / totals, self.sizes)
        loss = float(self.share @ np.log(totals) - self.target @ scores)
        slope: FloatArray = self.values.T @ (predicted - self.target)
        return loss, slope


def choose_pull(
    examples: Sequence[Example],
    default: FloatArray,
    *,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> float:
    """The strength whose weights rank held-out queries best, each set counting equally.

    `step` is called once for each of ``len(PULLS) * INNER_FOLDS`` fits.
    """
    fold = folds_of(examples, number=INNER_FOLDS, seed=seed)
    share = equal_weights([example.set for example in examples])
    reached = dict.fromkeys(PULLS, 0.0)
    for number in range(INNER_FOLDS):
        kept = [examples[i] for i in np.flatnonzero(fold != number).tolist()]
        for pull in PULLS:
            weights = fit(kept, default, pull=pull)
            for i in np.flatnonzero(fold == number).tolist():
                reached[pull] += float(share[i]) * measure(examples[i], weights)
            step()
    # Among equals, the one that stays nearest to the defaults.
    return max(PULLS, key=lambda pull: (round(reached[pull], 4), pull))


def folds_of(examples: Sequence[Example], *, number: int, seed: int) -> IntArray:
    """The fold (n,) of each example."""
    texts, sets = [e.text for e in examples], [e.set for e in examples]
    return folds(texts, sets, number=number, seed=seed)


def measure(example: Example, weights: FloatArray) -> float:
    """What the weights reach on one query in the metric that chooses."""
    names = [example.names[i] for i in ranked(example, weights)]
    return CHOSEN_BY.measure(names, example.judged)
