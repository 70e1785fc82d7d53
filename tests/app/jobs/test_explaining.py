"""On real data: the passages cited for a match are what carries it."""

from pathlib import Path

import numpy as np
import pytest

from app.jobs.evaluating import build_tasks
from app.jobs.steps import Steps
from data.samples import REGION
from matching.counterfactual import scores_without
from matching.encoders import make_encoder
from matching.evaluate import Task
from matching.explanation import carriers
from matching.ranker import rank

BENCH = Path(__file__).resolve().parents[4] / "shared" / "bench"
SETS = ("sbir-firm", "cordis-agri", "acl-people")
QUIET = Steps(lambda _title, _total: lambda _amount: None)
TOP = 10
REACH = 0.95

needs_bench = pytest.mark.skipif(
    not BENCH.is_dir(), reason="needs the benchmark folder beside the project"
)


def carried(task: Task, *, queries: int | None = None) -> float:
    """Share of (need, match in the first ten) whose score falls without the passages cited."""
    lower, pairs = 0, 0
    for judged in task.queries[:queries]:
        ranking = rank(judged.query, judged.vector, task.corpus, top=TOP)
        values = scores_without(ranking, ranking.matches, carriers(ranking, ranking.matches))
        for match, value in zip(ranking.matches, values, strict=True):
            lower += bool(np.isnan(value) or value < match.score)
            pairs += 1
    assert pairs > 0
    return lower / pairs


@pytest.mark.slow
def test_cited_passages_carry_matches_of_the_sample(vectors_kept: Path) -> None:
    (task,) = build_tasks(REGION, make_encoder("hashing"), cache=vectors_kept, steps=QUIET)
    assert carried(task) >= REACH


@pytest.mark.slow
@needs_bench
@pytest.mark.parametrize("name", SETS)
def test_cited_passages_carry_matches_of_real_sets(name: str, vectors_kept: Path) -> None:
    (task,) = build_tasks(BENCH / name, make_encoder("hashing"), cache=vectors_kept, steps=QUIET)
    assert carried(task, queries=60) >= REACH


@pytest.mark.slow
def test_cited_passages_carry_matches_of_the_shipped_encoder(vectors_kept: Path) -> None:
    (task,) = build_tasks(REGION, make_encoder("minilm"), cache=vectors_kept, steps=QUIET)
    assert carried(task) >= REACH
