"""Evaluation measures the product: the same lists as a request to the service."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.cli.data import embed_all, import_path
from app.db import Database
from app.jobs.evaluating import Steps, build_tasks
from app.services.corpus import Engine
from data.samples import REGION
from matching.encoders import make_encoder
from matching.ranker import rank
from models import Need

BENCH = Path(__file__).resolve().parents[4] / "shared" / "bench"
QUIET = Steps(lambda _title, _total: lambda _amount: None)


def assert_same_lists(
    folder: Path, tmp_path: Path, database: Database, staff: TestClient, *, queries: int
) -> None:
    """The first ten of `enmusubi evaluate` and of the API agree, partner by partner."""
    (task,) = build_tasks(folder, make_encoder("hashing"), cache=tmp_path, steps=QUIET)
    import_path(database, folder)
    embed_all(database, make_encoder("hashing"))
    with database.reading() as session:
        ids = {need.external_id: need.id for need in session.scalars(select(Need))}
    for judged in task.queries[:queries]:
        ranking = rank(judged.query, judged.vector, task.corpus, top=10)
        expected = [task.names[match.partner.id] for match in ranking.matches]
        url = f"/v1/needs/{ids[judged.id]}/matches?explain=false&include_unavailable=true"
        listed = staff.get(url).json()
        assert [item["partner"]["external_id"] for item in listed["items"]] == expected


def test_sample_region(
    tmp_path: Path, database: Database, staff: TestClient, engine: Engine
) -> None:
    assert_same_lists(REGION, tmp_path, database, staff, queries=35)


@pytest.mark.skipif(not BENCH.is_dir(), reason="needs the benchmark folder beside the project")
@pytest.mark.parametrize("name", ["sbir-university", "cordis-agri"])
def test_real_sets(name: str, tmp_path: Path, database: Database, staff: TestClient) -> None:
    """cordis-agri excludes evidence: a leak there would change the lists."""
    assert_same_lists(BENCH / name, tmp_path, database, staff, queries=15)


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
