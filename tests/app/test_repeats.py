"""A list asked for again is granted again only while nothing has changed that it hangs on."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.requests import Request

from app import changes, repeats
from app.access import Actor
from app.audit_chain import Draft
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.repeats import Claim, Repeats, Together, question_of
from app.services.corpus import Engine
from app.services.encoders import Moment, moment_of
from app.services.keys import Holder, create_key, end_key
from app.services.uses import Uses
from models import (
    Account,
    ApiKey,
    AuditEntry,
    AuditEvent,
    Base,
    Cluster,
    Confidentiality,
    CorpusRevision,
    Need,
    NeedStatus,
    ObjectKind,
    Organisation,
    Partner,
    Role,
    need_clusters,
    utc_now,
)
from tests.app.asking import get, problem
from tests.conftest import with_key
from tests.factories import make_fitting_need

NOWHERE = Moment(-1, -1, None)


@pytest.fixture
def need_id(database: Database, company_id: str) -> str:
    """Of the company's own need, which some partners fit."""
    with database.writing() as session:
        session.add(Cluster(slug="food-health", name_en="Food"))
        return str(make_fitting_need(session, UUID(company_id)).id)


@pytest.fixture
def path(need_id: str) -> str:
    """Of the need's list."""
    return f"/v1/needs/{need_id}/matches"


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request for a list, whether it was granted without the ordinary way."""
    found: list[bool] = []
    answer = Repeats.answer

    async def told(self: Repeats, request: Request) -> Response | None:
        response = await answer(self, request)
        found.append(response is not None)
        return response

    monkeypatch.setattr(Repeats, "answer", told)
    return found


def readings(database: Database, need_id: str) -> list[AuditEntry]:
    """Entries of the audit log that the need was read."""
    with database.reading(SYSTEM) as session:
        mine = select(AuditEntry).where(AuditEntry.object_id == UUID(need_id))
        return list(session.scalars(mine.where(AuditEntry.event == "read").order_by("seq")))


def test_the_second_time_it_is_granted_and_recorded_as_the_first(
    staff: TestClient, database: Database, need_id: str, path: str, granted: list[bool]
) -> None:
    answers = [staff.get(path, headers={"X-Purpose": "brokering"}) for _ in range(3)]
    assert granted == [False, True, True]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    told = [dict(answer.headers) for answer in answers]
    for headers in told:
        assert headers.pop("x-request-id")
    assert told[0] == told[1] == told[2]
    entries = readings(database, need_id)
    assert [entry.purpose for entry in entries] == ["brokering"] * 3
    assert {entry.account_id for entry in entries} == {entries[0].account_id}
    assert {entry.role for entry in entries} == {"coordinator"}


def key_of(session: Session, name: str) -> ApiKey:
    return session.scalars(select(ApiKey).where(ApiKey.name == name)).one()


def revoke(session: Session, _: UUID) -> None:
    end_key(session, key_of(session, "coordinator"))


def revoke_in_bulk(session: Session, _: UUID) -> None:
    session.execute(update(ApiKey).values(revoked_at=utc_now()))


def disable(session: Session, _: UUID) -> None:
    key_of(session, "coordinator").account.disabled_at = utc_now()


def narrow(session: Session, _: UUID) -> None:
    key_of(session, "coordinator").scopes = []


def degrade(session: Session, _: UUID) -> None:
    account, partner = key_of(session, "coordinator").account, session.scalars(select(Partner.id))
    account.partner_id = partner.first()
    account.role = Role.PARTNER


def close(session: Session, need: UUID) -> None:
    session.get_one(Need, need).status = NeedStatus.CLOSED


def hide(session: Session, need: UUID) -> None:
    session.get_one(Need, need).confidentiality = Confidentiality.NAMED_STAFF


def remove(session: Session, need: UUID) -> None:
    session.delete(session.get_one(Need, need))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (revoke, 401),
        (revoke_in_bulk, 401),
        (disable, 401),
        (narrow, 403),
        (degrade, 403),
        (close, 409),
        (hide, 404),
        (remove, 404),
    ],
)
def test_what_was_taken_away_is_refused_at_once(
    staff: TestClient,
    settings: Any,
    database: Database,
    need_id: str,
    path: str,
    granted: list[bool],
    change: Callable[[Session, UUID], None],
    status: int,
) -> None:
    staff.get(path)
    assert staff.get(path).status_code == 200
    assert granted == [False, True]
    before = len(readings(database, need_id))
    elsewhere = Database.at(settings.url)  # as another process
    with elsewhere.writing(SYSTEM) as session:
        change(session, UUID(need_id))
    elsewhere.dispose()
    problem(staff.get(path), status)
    problem(staff.get(path), status)
    assert granted[2:] == [False, False]
    if change is not remove:
        assert len(readings(database, need_id)) == before


def edit(session: Session, need: UUID) -> None:
    session.get_one(Need, need).title_en = "Robots"


def edit_in_bulk(session: Session, need: UUID) -> None:
    session.execute(update(Need).where(Need.id == need).values(title_en="Robots"))


def group(session: Session, need: UUID) -> None:
    session.get_one(Need, need).clusters = list(session.scalars(select(Cluster)))


def group_in_bulk(session: Session, need: UUID) -> None:
    cluster = session.scalars(select(Cluster)).one()
    session.execute(need_clusters.insert().values(need_id=need, cluster_id=cluster.id))


def rename(session: Session, _: UUID) -> None:
    for partner in session.scalars(select(Partner)):
        partner.name_en = "Renamed"


def move(session: Session, need: UUID) -> None:
    session.get_one(Need, need).organisation.city = "延岡市"


@pytest.mark.parametrize("change", [edit, edit_in_bulk, group, group_in_bulk, rename, move])
def test_what_has_changed_makes_a_new_list(
    staff: TestClient,
    database: Database,
    need_id: str,
    path: str,
    granted: list[bool],
    change: Callable[[Session, UUID], None],
) -> None:
    for _ in range(2):
        staff.get(path)
    with database.writing(SYSTEM) as session:
        change(session, UUID(need_id))
    fresh = get(staff, path)
    assert granted == [False, True, False]
    assert get(staff, path) == fresh
    assert granted[-1]


def test_what_does_not_matter_changes_nothing(
    staff: TestClient, database: Database, need_id: str, path: str, granted: list[bool]
) -> None:
    staff.get(path)
    with database.reading(SYSTEM) as session:
        key, before = key_of(session, "coordinator"), moment_of(session)
    uses = Uses()
    uses.note(Actor(key.account_id, Role.COORDINATOR, key_id=key.id))
    assert uses.write(database) == 1
    with database.reading(SYSTEM) as session:
        assert moment_of(session) == before
    staff.get(path)
    assert granted == [False, True]


def test_each_question_is_one_of_its_own(
    staff: TestClient, anonymous: TestClient, database: Database, path: str, granted: list[bool]
) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="second", role=Role.COORDINATOR)
    other = with_key(anonymous, secret)
    staff.get(path)
    staff.get(path, params={"top": 3})
    staff.get(path, headers={"X-Purpose": "brokering"})
    other.get(path)
    assert not any(granted)
    problem(staff.get(path, headers={"X-Purpose": "curiosity"}), 422)
    problem(staff.get(path, headers={"X-Purpose": ""}), 422)
    problem(staff.get(path, params={"tops": 3}), 422)
    problem(anonymous.get(path), 401)
    assert len(get(staff, path, top=3)["items"]) == 3
    assert granted == [False] * 8 + [True]


def test_a_key_that_expires_is_not_believed_any_longer(
    anonymous: TestClient,
    database: Database,
    path: str,
    granted: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.writing() as session:
        until = utc_now() + timedelta(hours=1)
        _, secret = create_key(session, name="short", role=Role.COORDINATOR, expires_at=until)
    client = with_key(anonymous, secret)
    client.get(path)
    client.get(path)
    monkeypatch.setattr(repeats, "utc_now", lambda: until)
    client.get(path)
    assert granted == [False, True, False]


@pytest.mark.parametrize("name", ["today", "monotonic"])
def test_another_day_or_a_minute_later_it_goes_the_ordinary_way(
    staff: TestClient,
    path: str,
    granted: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    staff.get(path)
    later = {"today": timedelta(days=1), "monotonic": repeats.SECONDS + 1}
    now = getattr(repeats, name)
    monkeypatch.setattr(repeats, name, lambda: now() + later[name])
    assert staff.get(path).status_code == 200
    assert granted == [False, False]


def test_a_company_gets_its_candidates_again_and_leaves_no_entry(
    company: TestClient, database: Database, need_id: str, path: str, granted: list[bool]
) -> None:
    first = company.get(path)
    assert company.get(path).content == first.content
    assert granted == [False, True]
    assert "Partner" not in first.text
    assert readings(database, need_id) == []


def test_needs_for_named_staff_are_never_kept(
    company: TestClient, database: Database, need_id: str, path: str, granted: list[bool]
) -> None:
    with database.writing(SYSTEM) as session:
        hide(session, UUID(need_id))
    for _ in range(2):
        assert company.get(path).status_code == 200
    assert granted == [False, False]


def test_without_the_audit_log_nothing_is_shown(
    staff: TestClient, path: str, granted: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.get(path)

    def fail(*_: Any) -> None:
        raise OperationalError("INSERT", None, Exception("disk full"))

    monkeypatch.setattr(repeats, "append", fail)
    refused = problem(staff.get(path), 503)
    assert "audit log" in refused["detail"]
    monkeypatch.undo()
    assert staff.get(path).status_code == 200


def test_a_company_does_not_wait_for_the_log_of_staff(
    company: TestClient,
    staff: TestClient,
    path: str,
    granted: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for client in (company, staff):
        client.get(path)

    def fail(*_: Any) -> None:
        raise OperationalError("INSERT", None, Exception("disk full"))

    monkeypatch.setattr(repeats, "append", fail)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.get, path) for client in (company, staff) * 4]
        found = [answer.result().status_code for answer in asked]
    assert found == [200, 503] * 4


def test_a_key_that_was_taken_away_is_not_noted_as_used(
    staff: TestClient,
    application: FastAPI,
    database: Database,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    staff.get(path)
    with database.writing(SYSTEM) as session:
        revoke(session, UUID(int=0))
        key = key_of(session, "coordinator").id
    application.state.gate.uses._keys.clear()
    with caplog.at_level("INFO"):
        problem(staff.get(path), 401)
    assert application.state.gate.uses.last(key) is None
    assert "coordinator/key" not in caplog.text


def test_a_key_found_before_a_change_grants_nothing_after_it(
    staff: TestClient,
    application: FastAPI,
    database: Database,
    path: str,
    granted: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remember = Repeats.remember

    def changed_meanwhile(self: Repeats, request: Request, *values: Any) -> None:
        request.state.holder = Holder(
            request.state.holder.actor, None, request.state.holder.access - 1
        )
        remember(self, request, *values)

    monkeypatch.setattr(Repeats, "remember", changed_meanwhile)
    for _ in range(2):
        assert staff.get(path).status_code == 200
    assert granted == [False, False]


def test_a_text_that_is_forgotten_is_not_held_here(
    staff: TestClient, application: FastAPI, engine: Engine, database: Database, path: str
) -> None:
    application.state.repeats = Repeats()
    staff.get(path)
    (grant,) = application.state.repeats._grants.values()
    assert grant.answer() is not None
    loaded = engine.corpora.held
    assert loaded is not None
    engine.answers.follow(loaded.corpus, loaded.revision + 1)
    assert grant.answer() is None


def test_the_ordinary_way_reads_nothing_that_is_not_watched(
    staff: TestClient, company: TestClient, database: Database, path: str
) -> None:
    """A table that decides and is not watched would leave grants standing."""
    staff.get(path)  # reads the corpus, which has its revision
    read: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            read.append(statement)

    event.listen(SqlEngine, "before_cursor_execute", note)
    try:
        for client in (staff, company):
            assert client.get(path, params={"top": 7}).status_code == 200
    finally:
        event.remove(SqlEngine, "before_cursor_execute", note)
    words = set(re.findall(r"[a-z_]+", " ".join(read)))
    tables = words & set(Base.metadata.tables)
    # The numbers themselves, the log that is written, and what is made of texts alone.
    own = {"corpus_revision", "audit_entries", "encoders", "embeddings", "passage_vectors"}
    assert {"api_keys", "accounts", "needs", "organisations", "partners"} <= tables
    assert tables <= changes.TABLES | changes.GRANTING_TABLES | own


K, J = (f"enm_{letter * 32}" for letter in "kj")  # as keys were before they had a check


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"authorization": [f"Bearer {K}"]}, True),
        ({"authorization": [f"bearer {K}"]}, True),
        ({"x-api-key": [K]}, True),
        ({"x-api-key": [K], "authorization": [f"Bearer {J}"]}, True),
        ({}, False),
        ({"cookie": [f"session={K}"]}, False),
        ({"authorization": [f"Basic {K}"]}, False),
        ({"authorization": ["Bearer "]}, False),
        ({"authorization": [f"Bearer {K}", f"Bearer {J}"]}, False),
        ({"authorization": [f"Bearer {K}"], "x-purpose": ["a", "b"]}, False),
        ({"authorization": [f"Bearer {K}ü"]}, False),
        ({"authorization": [f"Bearer \x1c{K}"]}, False),
        ({"x-api-key": [f" {K}"]}, False),
    ],
)
def test_a_question_is_known_by_its_key_alone(headers: dict[str, list[str]], known: bool) -> None:
    assert (asked_with(headers) is not None) == known


def asked_with(headers: dict[str, list[str]]) -> Any:
    sent = [(n.encode(), value.encode("latin-1")) for n in headers for value in headers[n]]
    return question_of(
        Request({"type": "http", "path": "/p", "query_string": b"", "headers": sent})
    )


def test_a_key_in_its_own_header_goes_before_a_bearer() -> None:
    bearer = {"authorization": [f"Bearer {J}"]}
    both = asked_with(bearer | {"x-api-key": [K]})
    assert both == asked_with({"x-api-key": [K]}) == asked_with({"authorization": [f"Bearer {K}"]})
    assert both != asked_with(bearer)
    assert asked_with(bearer) != asked_with(bearer | {"x-purpose": [""]})


def draft() -> Draft:
    return Draft(AuditEvent.READ, ObjectKind.NEED, UUID(int=7), "coordinator", None)


def test_what_waits_is_recorded_with_one_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    record = Together._record

    def counted(self: Together, claims: Any) -> list[bool]:
        sizes.append(len(claims))
        return record(self, claims)

    monkeypatch.setattr(Together, "_record", counted)
    with database.reading(SYSTEM) as session:
        now = moment_of(session)

    async def ask() -> list[bool]:
        together = Together(asyncio.get_running_loop(), database)
        some = [Claim(now if number % 5 else NOWHERE, draft()) for number in range(20)]
        return await asyncio.gather(*(together.do(claim) for claim in some))

    held = asyncio.run(ask())
    assert held == [bool(number % 5) for number in range(20)]
    assert sum(sizes) == 20
    assert len(sizes) <= 2
    with database.reading(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 16


def test_an_error_is_raised_in_all_who_wait_and_who_left_is_no_matter(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("INSERT", None, Exception("disk full"))

    with database.reading(SYSTEM) as session:
        now = moment_of(session)

    async def ask() -> list[Any]:
        together = Together(asyncio.get_running_loop(), database)
        tasks = [asyncio.create_task(together.do(Claim(now, draft()))) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one) for one in asyncio.run(ask())] == [bool, asyncio.CancelledError, bool]
    monkeypatch.setattr(repeats, "append", fail)
    found = asyncio.run(ask())
    assert [type(one) for one in found] == [Problem, asyncio.CancelledError, Problem]


def test_signing_in_leaves_what_was_granted(database: Database) -> None:
    with database.writing() as session:
        key, _ = create_key(session, name="x", role=Role.COORDINATOR)
        mine = key.account_id
    before = access(database)
    with database.writing(SYSTEM) as session:
        account = session.get_one(Account, mine)
        account.last_sign_in_at, account.failed_sign_ins = utc_now(), 1
    assert access(database) == before
    with database.writing(SYSTEM) as session:
        account = session.get_one(Account, mine)
        account.last_sign_in_at = account.disabled_at = utc_now()
    assert access(database) == before + 1


@pytest.mark.parametrize("table", [Account, ApiKey, Need])
def test_every_statement_in_bulk_on_what_grants_raises_the_number(
    database: Database, need_id: str, table: type[Account | ApiKey | Need]
) -> None:
    with database.writing() as session:
        create_key(session, name="x", role=Role.COORDINATOR)
    before = access(database)
    with database.writing(SYSTEM) as session:
        session.execute(update(table).values(updated_at=utc_now()))
    assert access(database) == before + 1


def test_what_is_rolled_back_raises_nothing(database: Database, need_id: str) -> None:
    before = access(database)

    def edit_and_fail() -> None:
        with database.writing(SYSTEM) as session:
            edit(session, UUID(need_id))
            session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        edit_and_fail()
    assert access(database) == before
    with database.writing(SYSTEM) as session:
        session.execute(text("SELECT 1"))
        session.scalars(select(Organisation)).all()
    assert access(database) == before


def access(database: Database) -> int:
    with database.reading(SYSTEM) as session:
        return session.scalars(select(CorpusRevision.access)).one()
