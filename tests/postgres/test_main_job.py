"""The main job on PostgreSQL, through the commands and over HTTP."""

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from app.cli import app
from app.db import Database, make_engine
from app.services.corpus import Engine
from app.services.keys import create_key
from models import (
    Audience,
    Capability,
    Confidentiality,
    CorpusRevision,
    Disclosure,
    Embedding,
    Match,
    Need,
    Partner,
    Role,
    StoredEncoder,
)
from tests.app.asking import (
    capability,
    cluster,
    create,
    get,
    need,
    organisation,
    partner,
    patch,
    problem,
)
from tests.conftest import engines_of, with_key
from tests.factories import make_account, make_need, make_partner, make_version
from tests.postgres.rows import match_run

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


@pytest.mark.slow
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


def test_what_the_database_refuses_is_not_done(company: TestClient, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP POLICY needs_insert ON needs"))
    problem(company.post("/v1/needs", json=need()), HTTPStatus.FORBIDDEN)
    assert get(company, "/v1/needs")["items"] == []


def test_two_processes_may_start_at_once(database: Database, engine: Engine) -> None:
    with ThreadPoolExecutor() as pool:
        started = [pool.submit(engines_of(engine).open) for _ in range(6)]
    assert [future.result() for future in started] == [None] * 6
    with database.reading() as session:
        assert len(session.scalars(select(StoredEncoder)).all()) == 1


def test_both_spellings_of_the_address_use_psycopg() -> None:
    for url in ("postgresql://u:p@host/db", "postgres://u:p@host/db"):
        assert make_engine(url).url.drivername == "postgresql+psycopg"


def test_a_company_works_with_its_own_needs(
    company: TestClient, company_id: str, staff: TestClient
) -> None:
    owner = create(staff, "/v1/organisations", organisation())
    foreign = create(staff, "/v1/needs", need(organisation_id=owner["id"]))
    own = create(company, "/v1/needs", need())

    assert [row["id"] for row in get(company, "/v1/needs")["items"]] == [own["id"]]
    assert patch(company, f"/v1/needs/{own['id']}", {"title_en": "Changed"})["title_en"]
    assert get(company, f"/v1/needs/{own['id']}/matches")["candidates"] == []
    problem(company.get(f"/v1/needs/{foreign['id']}"), HTTPStatus.NOT_FOUND)
    problem(
        company.patch(f"/v1/needs/{own['id']}", json={"organisation_id": owner["id"]}),
        HTTPStatus.NOT_FOUND,
    )


def test_staff_names_itself_and_others(staff: TestClient, database: Database) -> None:
    create(staff, "/v1/clusters", cluster())
    owner = create(staff, "/v1/organisations", organisation())
    secret = {"organisation_id": owner["id"], "confidentiality": "named_staff"}
    stored = create(staff, "/v1/needs", need(clusters=["food-health"], **secret))
    path = f"/v1/needs/{stored['id']}"
    assert get(staff, path)["clusters"] == ["food-health"]
    with database.writing() as session:
        other = str(make_account(session).id)

    named = staff.put(f"{path}/staff", json={"accounts": [other]})

    assert named.json() == {"accounts": [other]}
    problem(staff.get(path), HTTPStatus.NOT_FOUND)
    problem(staff.put(f"{path}/staff", json={"accounts": [other]}), HTTPStatus.NOT_FOUND)


def test_an_administrator_who_is_not_named_names_staff(
    anonymous: TestClient, company: TestClient, database: Database
) -> None:
    """Else nobody could work with a need that a company gives this level."""
    stored = create(company, "/v1/needs", need(confidentiality="named_staff"))
    path = f"/v1/needs/{stored['id']}"
    with database.writing() as session:
        _, secret = create_key(session, name="a", role=Role.ADMIN)
        account, its = create_key(session, name="c", role=Role.COORDINATOR)
        named = str(account.account_id)
    admin, coordinator = with_key(anonymous, secret), with_key(anonymous, its)
    problem(coordinator.put(f"{path}/staff", json={"accounts": [named]}), HTTPStatus.NOT_FOUND)

    answer = admin.put(f"{path}/staff", json={"accounts": [named]})

    assert answer.json() == {"accounts": [named]}
    assert get(coordinator, path)["title_en"] == stored["title_en"]
    assert "title_en" not in get(admin, path)
    changed = admin.patch(path, json={"title_en": "x"})
    problem(changed, HTTPStatus.NOT_FOUND)


def test_a_partner_reads_briefs_into_the_ledger(
    anonymous: TestClient, staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        somebody = make_partner(session)
        _, secret = create_key(session, name="p", role=Role.PARTNER, partner_id=somebody.id)
        public = make_need(session, confidentiality=Confidentiality.PUBLIC)
        make_version(session, public, audience=Audience.PUBLIC)
        make_version(session, public, audience=Audience.FULL, number=2)
        make_version(session, make_need(session))
    client = with_key(anonymous, secret)

    assert [row["id"] for row in get(client, "/v1/needs")["items"]] == [str(public.id)]
    assert get(client, f"/v1/needs/{public.id}")["title_en"] == "Keep a drink fresh"

    with database.reading() as session:
        seen = session.scalars(select(Disclosure)).all()
        assert [row.partner_id for row in seen] == [somebody.id] * 2


def test_a_merge_takes_lists_along_that_its_coordinator_does_not_see(
    staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        kept, duplicate = make_partner(session), make_partner(session)
        hidden = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
        session.add(match_run(hidden.id, duplicate.id))

    path = f"/v1/partners/{kept.id}/merge"
    merged = staff.post(path, json={"duplicate_id": str(duplicate.id)})

    assert merged.status_code == HTTPStatus.OK, merged.text
    with database.reading() as session:
        assert session.scalars(select(Match.partner_id)).all() == [kept.id]
