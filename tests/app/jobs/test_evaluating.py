"""Evaluation measures the product: the same lists as a request to the service."""

import json
from math import log2
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from app.cli.data import import_path
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.evaluating import build_tasks, evaluate_folder
from app.jobs.steps import Steps
from app.services.corpus import Engine
from data.samples import REGION
from matching.encoders import make_encoder
from matching.evaluate import RANKERS
from matching.metrics import RANKING_METRICS
from matching.ranker import rank
from models import Account, Need, Role, need_staff
from tests.app.jobs.judged import write_judged

BENCH = Path(__file__).resolve().parents[4] / "shared" / "bench"
QUIET = Steps(lambda _title, _total: lambda _amount: None)


def assert_same_lists(
    folder: Path, cache: Path, database: Database, staff: TestClient, *, queries: int
) -> None:
    """The first ten of `enmusubi evaluate` and of the API agree, partner by partner."""
    encoder = make_encoder("hashing")
    (task,) = build_tasks(folder, encoder, cache=cache, steps=QUIET)
    import_path(database, folder)
    embed_pending(database, encoder, pending_texts(database, encoder))
    with database.writing(SYSTEM) as session:
        ids = {need.external_id: need.id for need in session.scalars(select(Need))}
        # Some of the region's needs are for named staff: name the one who asks.
        (asker,) = session.scalars(select(Account.id).where(Account.role == Role.COORDINATOR))
        rows = [{"need_id": need_id, "account_id": asker} for need_id in ids.values()]
        session.execute(insert(need_staff), rows)
    # The service may have followed the import before the vectors were there, and hears of them
    # a moment later by itself.
    with database.reading(SYSTEM) as session:
        staff.app.state.engines.current(session).corpora.renew(session)  # type: ignore[attr-defined]
    for judged in task.queries[:queries]:
        ranking = rank(judged.query, judged.vector, task.corpus, top=10)
        expected = [task.names[match.partner.id] for match in ranking.matches]
        url = f"/v1/needs/{ids[judged.id]}/matches?explain=false&include_unavailable=true"
        listed = staff.get(url).json()
        assert [item["partner"]["external_id"] for item in listed["items"]] == expected


@pytest.mark.slow
def test_sample_region(
    vectors_kept: Path, database: Database, staff: TestClient, engine: Engine
) -> None:
    assert_same_lists(REGION, vectors_kept, database, staff, queries=35)


@pytest.mark.slow
@pytest.mark.skipif(not BENCH.is_dir(), reason="needs the benchmark folder beside the project")
@pytest.mark.parametrize("name", ["sbir-university", "cordis-agri"])
def test_real_sets(name: str, vectors_kept: Path, database: Database, staff: TestClient) -> None:
    """cordis-agri excludes evidence: a leak there would change the lists."""
    assert_same_lists(BENCH / name, vectors_kept, database, staff, queries=15)


def test_the_official_loss_is_measured_on_each_profile_variant(tmp_path: Path) -> None:
    folder = tmp_path / "variants"
    folder.mkdir()
    evidence = [
        {"id": "e1", "title": "Citrus juice browning", "variants": list(range(1, 11))},
        {"id": "e2", "title": "Welding of aluminium", "variants": [1]},
    ]
    (folder / "people.jsonl").write_text(json.dumps({"id": "r", "evidence": evidence}))
    (folder / "queries.jsonl").write_text(json.dumps({"id": "q", "text": "welding"}))
    (folder / "qrels.tsv").write_text("query_id\tdoc_id\tscore\nq\tr\t4\n")

    tasks = build_tasks(folder, make_encoder("hashing"), cache=tmp_path, steps=QUIET)

    assert [len(task.corpus.evidence) for task in tasks] == [2] + [1] * 9


def measured(folder: Path, cache: Path) -> tuple[dict[str, dict[str, float]], list[str]]:
    """`[ranker][metric]` of a folder, and what its reader was warned of."""
    warnings: list[str] = []
    steps = Steps(QUIET.begin, warnings.append)
    found = evaluate_folder(folder, make_encoder("hashing"), cache=cache, steps=steps)
    values = {
        ranker: {metric: estimate.value for metric, estimate in metrics.items()}
        for ranker, metrics in found.items()
    }
    return values, warnings


PEOPLE = {
    "juice": ["Browning of citrus juice", "Bitterness of juice"],
    "metal": ["Welding of aluminium", "Corrosion of aluminium"],
    "buses": ["Timetables of buses", "Night buses"],
    "koji": ["Koji for brewing", "Brewing of shochu"],
}
EVERYTHING = [f"{name}{number}" for name in PEOPLE for number in range(2)]
ANSWERED = {"id": "answered", "text": "welding aluminium, corrosion of aluminium"}


@pytest.mark.parametrize(
    ("queries", "warned"),
    [
        ([ANSWERED], True),
        ([ANSWERED, {"id": "other", "text": ""}], True),
        ([ANSWERED, {"id": "other", "text": "!?"}], False),
        (
            [ANSWERED, {"id": "other", "text": "citrus juice", "exclude_evidence": EVERYTHING}],
            False,
        ),
    ],
    ids=["not among the queries", "no text", "no word", "every candidate ruled out"],
)
def test_a_judged_query_without_an_answer_scores_zero_and_is_counted(
    tmp_path: Path, queries: list[dict[str, Any]], warned: bool
) -> None:
    right = [("answered", "metal"), ("other", "juice")]
    folder = write_judged(tmp_path / "set", people=PEOPLE, queries=queries, right=right)

    found, warnings = measured(folder, tmp_path)

    for ranker in ("bm25-top3", "bm25-profile", "dense-max", "dense-top3", "enmusubi"):
        for metric in RANKING_METRICS:
            assert found[ranker][metric.name] == 0.5, (ranker, metric.name)
    assert bool(warnings) == warned


def test_no_answer_is_not_half_right_in_matched_accuracy(tmp_path: Path) -> None:
    right = [("answered", "metal"), ("other", "juice")]
    folder = write_judged(tmp_path / "set", people=PEOPLE, queries=[ANSWERED], right=right)

    found, _ = measured(folder, tmp_path)

    assert found["enmusubi"]["matched"] == 0.5  # 1 for the query that was answered


def test_a_candidate_that_cannot_be_used_stops_the_evaluation(tmp_path: Path) -> None:
    folder = write_judged(
        tmp_path / "set",
        people=PEOPLE | {"empty": [""]},
        queries=[ANSWERED],
        right=[("answered", "metal")],
    )

    with pytest.raises(Problem, match=r"people\.jsonl, line 5"):
        measured(folder, tmp_path)


COPY = "Pressureless silver sintering of power modules on bare copper"


def leak_measured(tmp_path: Path, name: str, excluded: list[str]) -> dict[str, float]:
    """nDCG@10 by ranker, where `copy` has the query's own text twice and unrelated evidence."""
    folder = write_judged(
        tmp_path / name,
        people={
            "copy": [COPY, f"{COPY} (preprint)", "Timetables of buses"],
            "near": ["Silver sintering", "Copper in power modules"],
        },
        queries=[{"id": "q", "text": COPY, "exclude_evidence": excluded}],
        right=[("q", "copy")],
    )
    found, _ = measured(folder, tmp_path)
    return {ranker: metrics["nDCG@10"] for ranker, metrics in found.items()}


@pytest.mark.slow
def test_excluded_evidence_helps_in_no_ranker(tmp_path: Path) -> None:
    allowed = leak_measured(tmp_path, "allowed", [])
    excluded = leak_measured(tmp_path, "excluded", ["copy0", "copy1"])

    assert allowed.keys() == excluded.keys() == RANKERS.keys()
    assert set(allowed.values()) == {1.0}  # what a leak would look like
    assert set(excluded.values()) == {1 / log2(3)}  # the second of two


def test_partners_new_to_the_asker_are_measured_where_the_set_names_them(tmp_path: Path) -> None:
    folder = write_judged(
        tmp_path / "set",
        people=PEOPLE,
        queries=[
            # Two right ones, of whom only the second in the list is new: 1 / log2(3).
            ANSWERED
            | {"text": f"{ANSWERED['text']}, juice", "new_partners_of_first_author": ["juice"]},
            {"id": "known", "text": "koji brewing shochu", "new_partners_of_first_author": []},
        ],
        right=[("answered", "metal"), ("answered", "juice"), ("known", "koji")],
    )

    found, _ = measured(folder, tmp_path)

    assert found["enmusubi"]["nDCG@10"] == pytest.approx(1)
    assert found["enmusubi"]["new nDCG@10"] == pytest.approx(1 / log2(3))


def test_the_measure_of_new_partners_is_absent_where_no_query_names_any(tmp_path: Path) -> None:
    right = [("answered", "metal")]
    folder = write_judged(tmp_path / "set", people=PEOPLE, queries=[ANSWERED], right=right)

    found, _ = measured(folder, tmp_path)

    assert "new nDCG@10" not in found["enmusubi"]
