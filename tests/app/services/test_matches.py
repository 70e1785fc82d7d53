"""Needs for a partner on real data."""

from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from app.jobs.evaluating import build_tasks
from app.jobs.steps import Steps
from matching.encoders import make_encoder
from matching.metrics import ndcg
from matching.reverse import AskedNeed, need_scores, rank_needs

BENCH = Path(__file__).resolve().parents[4] / "shared" / "bench"
QUIET = Steps(lambda _title, _total: lambda _amount: None)


@pytest.mark.slow
@pytest.mark.skipif(not BENCH.is_dir(), reason="needs the benchmark folder beside the project")
def test_the_appeal_taken_off_finds_more_of_a_firms_own_projects(tmp_path: Path) -> None:
    """The judgements of sbir-firm, read from the side of some of its firms."""
    (task,) = build_tasks(BENCH / "sbir-firm", make_encoder("hashing"), cache=tmp_path, steps=QUIET)
    judged = task.queries[:150]
    needs = [
        AskedNeed(each.query, each.vector, need_scores(each.query, each.vector, task.corpus))
        for each in judged
    ]
    by_margin, by_score = [], []
    for position, partner in enumerate(task.corpus.partners):
        gains = {each.id: each.gains.get(task.names[partner.id], 0.0) for each in judged}
        if any(gains.values()):
            found, _ = rank_needs(needs, task.corpus, partner.id, top=10)
            by_margin.append(ndcg([judged[need.position].id for need in found], gains, cutoff=10))
            scores = [n.listed.scores[n.listed.partners == position].sum() for n in needs]
            bare = np.argsort(scores)[::-1]
            by_score.append(ndcg([judged[int(i)].id for i in bare], gains, cutoff=10))
        if len(by_score) == 40:
            break
    assert mean(by_margin) > mean(by_score)
