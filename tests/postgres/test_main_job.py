"""The main job on PostgreSQL, through the commands and over HTTP."""

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from fastapi.testclient import TestClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from app.cli import app
from app.db import Database, make_engine
from app.services.corpus import Engine
from models import Capability, CorpusRevision, Embedding, Need, Partner, StoredEncoder
from tests.app.asking import capability, create, get, need, organisation, partner, patch, problem
from tests.conftest import engines_of
from tests.factories import make_partner

RUNNER = CliRunner()


def _run(*arguments: str) -> str:
    with warnings.catch_warnings():
        # A command leaves its connections to the end of its process.
        warnings.simplefilter("ignore", ResourceWarning)
        result = RUNNER.invoke(app, arguments)
        gc.collect()
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def _revision(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(CorpusRevision.value)).one()


def test_the_sample_is_imported_embedded_and_matched(database: Database) -> None:
    printed = _run("demo")

    assert database.engine.dialect.name == "postgresql"
    assert "fictional" in printed
    with database.reading() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Partner, Need, Capability, Embedding)
        ]
    assert all(counts)
    assert _run("match", "--text", "Our citrus juice turns brown.", "--top", "3")


def test_a_need_is_created_and_matched_over_http(staff: TestClient) -> None:
    somebody = create(staff, "/v1/partners", partner(name_ja="髙橋 太郎"))
    create(staff, f"/v1/partners/{somebody['id']}/capabilities", capability())
    owner = create(staff, "/v1/organisations", organisation())
    stored = create(staff, "/v1/needs", need(organisation_id=owner["id"], external_id="n1"))

    matches = get(staff, f"/v1/needs/{stored['id']}/matches")
    run = create(staff, f"/v1/needs/{stored['id']}/match-runs", {})

    assert [m["partner"]["id"] for m in matches["items"]] == [somebody["id"]]
    assert [m["partner_id"] for m in run["matches"]] == [somebody["id"]]
    found = get(staff, "/v1/partners", name="たかはし", order="name")["items"]
    assert [row["id"] for row in found] == [somebody["id"]]
    patch(staff, f"/v1/needs/{stored['id']}", {"title_en": "Changed"})
    again = need(organisation_id=owner["id"], external_id="n1")
    problem(staff.post("/v1/needs", json=again), HTTPStatus.CONFLICT)


def test_a_change_of_the_corpus_is_in_the_next_list(staff: TestClient, database: Database) -> None:
    body = {"text": "Our citrus juice turns brown and bitter."}
    before = _revision(database)
    assert staff.post("/v1/match", json=body).json()["items"] == []

    somebody = create(staff, "/v1/partners", partner())
    create(staff, f"/v1/partners/{somebody['id']}/capabilities", capability())

    after = staff.post("/v1/match", json=body).json()
    assert after["corpus_revision"] == _revision(database) > before
    assert [m["partner"]["id"] for m in after["items"]] == [somebody["id"]]


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    with database.reading() as session:
        before = session.scalar(select(CorpusRevision.value))
        with database.writing() as other:
            make_partner(other)
        assert session.scalar(select(CorpusRevision.value)) == before
        assert session.scalar(select(func.count()).select_from(Partner)) == 0
    assert _revision(database) > (before or 0)


def test_a_value_that_postgresql_refuses_is_the_callers_mistake(staff: TestClient) -> None:
    problem(staff.get("/v1/needs", params={"external_id": "a\0b"}), 422, "request")


def test_two_processes_may_start_at_once(database: Database, engine: Engine) -> None:
    with ThreadPoolExecutor() as pool:
        started = [pool.submit(engines_of(engine).open) for _ in range(6)]
    assert [future.result() for future in started] == [None] * 6
    with database.reading() as session:
        assert len(session.scalars(select(StoredEncoder)).all()) == 1


def test_both_spellings_of_the_address_use_psycopg() -> None:
    for url in ("postgresql://u:p@host/db", "postgres://u:p@host/db"):
        assert make_engine(url).url.drivername == "postgresql+psycopg"
