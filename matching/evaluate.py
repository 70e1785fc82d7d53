"""Runs rankers on judged queries and measures them.

The product's own ranking is `enmusubi`; the baselines are what an engineer would build first.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.baselines import BASELINES
from matching.bootstrap import Estimate, Tally, estimates
from matching.corpus import Corpus, Query
from matching.encoders.protocol import Vectors
from matching.metrics import (
    NEW_PARTNER_METRIC,
    RANKING_METRICS,
    Gains,
    expertise_tally,
    matched_accuracy,
    only,
)
from matching.ranker import prepare, score
from matching.signals import SIGNALS, Signal
from matching.text import tokens

RANKERS: Final[Mapping[str, tuple[Signal, ...]]] = {**BASELINES, "enmusubi": SIGNALS}
"""By name: the signals that each ranks by."""
PRODUCT: Final = "enmusubi"
"""The ranker that is the product's own."""
BASELINE: Final = "bm25-profile"
"""Against which differences are reported unless another is named."""
EXPERTISE_METRICS: Final = ("loss", "easy", "hard")

Rows = dict[tuple[str, str], list[tuple[float, float]]]
"""By (metric, ranker): for each unit what it got and what it could get."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A question, its vector, and the gains of the candidates that are right.

    A query without a word in its text stands for one that nobody could answer: each ranker's list
    is empty, so it scores 0 and is counted.
    """

    id: str
    query: Query
    vector: Vectors
    gains: Gains
    new_partners: frozenset[str] = frozenset()
    """The right candidates whom the asker had not worked with before, where the set says so."""


@dataclass(frozen=True, slots=True)
class Task:
    """A set to evaluate on; `names` gives each partner's public id by its id in the corpus."""

    corpus: Corpus
    queries: Sequence[JudgedQuery]
    names: Mapping[str, str]


Measures = dict[str, dict[str, Estimate]]
"""`[ranker][metric]`."""


def evaluate(
    task: Task,
    *,
    rankers: Mapping[str, tuple[Signal, ...]] = RANKERS,
    baseline: str = BASELINE,
    progress: Callable[[], None] = lambda: None,
) -> Measures:
    """Means of the ranking metrics over all judged queries; `progress` is called once a query."""
    rows: Rows = defaultdict(list)
    for judged in task.queries:
        volume = _volume(task, judged.query)
        for name, scores in _scores(task, judged, rankers).items():
            ranked = list(scores)
            for metric in RANKING_METRICS:
                rows[metric.name, name].append((metric.measure(ranked, judged.gains), 1.0))
            matched = matched_accuracy(scores, judged.gains, volume)
            rows["matched", name].append((sum(matched), len(matched)))
            new = only(judged.gains, judged.new_partners)
            got = NEW_PARTNER_METRIC.measure(ranked, new) if new else 0.0
            rows[NEW_PARTNER_METRIC.name, name].append((got, 1.0 if new else 0.0))
        progress()
    return _measures([rows], rankers, baseline)


def evaluate_expertise(
    tasks: Sequence[Task],
    *,
    rankers: Mapping[str, tuple[Signal, ...]] = RANKERS,
    baseline: str = BASELINE,
    progress: Callable[[], None] = lambda: None,
) -> Measures:
    """Official loss and triple accuracies, the mean over the profile variants in `tasks`.

    The intervals are over people.
    """
    variants = []
    for task in tasks:
        ratings: dict[str, dict[str, float]] = defaultdict(dict)
        predicted: dict[str, dict[str, dict[str, float]]] = {
            name: defaultdict(dict) for name in rankers
        }
        for judged in task.queries:
            for name, scores in _scores(task, judged, rankers).items():
                for person in judged.gains:
                    predicted[name][person][judged.id] = scores.get(person, 0.0)
            for person, rating in judged.gains.items():
                ratings[person][judged.id] = rating
        rows: Rows = defaultdict(list)
        for name in rankers:
            for person in sorted(ratings):
                tally = expertise_tally(ratings[person], predicted[name][person])
                for metric in EXPERTISE_METRICS:
                    rows[metric, name].append(getattr(tally, metric))
        variants.append(rows)
        progress()
    return _measures(variants, rankers, baseline)


def _measures(
    variants: Sequence[Rows], rankers: Mapping[str, tuple[Signal, ...]], baseline: str
) -> Measures:
    """From what each unit got and could get, by (metric, ranker), to measures with intervals."""
    found: Measures = {name: {} for name in rankers}
    for metric in dict.fromkeys(metric for rows in variants for metric, _ in rows):
        tallies = {}
        for name in rankers:
            table = np.array([rows[metric, name] for rows in variants], np.float64)
            tallies[name] = Tally(table[:, :, 0], table[:, :, 1])
        if not any(tally.possible.any() for tally in tallies.values()):
            continue  # nothing here can be measured so, as matched accuracy with too few rivals
        for name, estimate in estimates(tallies, baseline=baseline).items():
            found[name][metric] = estimate
    return found


def _scores(
    task: Task, judged: JudgedQuery, rankers: Mapping[str, tuple[Signal, ...]]
) -> dict[str, dict[str, float]]:
    """By ranker, the scores by public id, the best first; none for a query without a word."""
    if not tokens(judged.query.text):
        return {name: {} for name in rankers}
    # Baselines rank everybody; the product is measured with the candidates it really has.
    everybody, _ = prepare(
        judged.query, judged.vector, task.corpus, candidates=len(task.corpus.partners)
    )
    shipped, _ = prepare(judged.query, judged.vector, task.corpus)
    found = {}
    for name, signals in rankers.items():
        context = shipped if name == PRODUCT else everybody
        scores = score(context, signals)
        names = [task.names[partner.id] for partner in context.partners()]
        found[name] = {names[i]: float(scores.values[i]) for i in scores.order}
    return found


def _volume(task: Task, query: Query) -> dict[str, int]:
    """Pieces of allowed evidence by public id."""
    volume: dict[str, int] = defaultdict(int)
    for piece in task.corpus.evidence:
        if piece.external_id not in query.excluded_evidence:
            volume[task.names[piece.partner]] += 1
    return volume
