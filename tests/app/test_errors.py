import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import event
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import errors
from app.db import Database
from app.errors import MOST_ERRORS
from app.services import needs
from app.services.corpus import Engine
from matching.encoders import EncoderError
from tests.app.asking import (
    SECRET,
    Body,
    capability,
    cluster,
    create,
    everything,
    get,
    need,
    organisation,
    partner,
    problem,
)
from tests.factories import make_need

NO_CAUSE = Exception("disk I/O error")


@pytest.fixture
def rows(staff: TestClient) -> dict[str, str]:
    """A row of each kind, by the noun."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    spare = create(staff, "/v1/organisations", organisation())["id"]
    who = create(staff, "/v1/partners", partner())["id"]
    paper = create(staff, f"/v1/partners/{who}/capabilities", capability())["id"]
    wanted = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    create(staff, "/v1/clusters", cluster())
    get(staff, f"/v1/needs/{wanted}/matches")  # embeds, so that nothing but the request writes
    return {"home": home, "spare": spare, "partner": who, "paper": paper, "need": wanted}


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/organisations", organisation()),
    ("PATCH", "/v1/organisations/{home}", {"name_en": "New"}),
    ("DELETE", "/v1/organisations/{spare}", None),
    ("POST", "/v1/clusters", cluster(slug="new")),
    ("POST", "/v1/partners", partner()),
    ("PATCH", "/v1/partners/{partner}", {"name_en": "New"}),
    ("DELETE", "/v1/partners/{partner}", None),
    ("POST", "/v1/partners/{partner}/capabilities", capability()),
    ("POST", "/v1/capabilities/bulk", "bulk"),
    ("PATCH", "/v1/capabilities/{paper}", {"year": 1999}),
    ("DELETE", "/v1/capabilities/{paper}", None),
    ("POST", "/v1/needs", "need"),
    ("PATCH", "/v1/needs/{need}", {"title_en": "New"}),
    ("POST", "/v1/needs/{need}/close", None),
    ("POST", "/v1/needs/{need}/match-runs", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_commit_that_fails_is_not_answered_with_success(
    staff: TestClient,
    engine: Engine,
    rows: dict[str, str],
    method: str,
    path: str,
    body: Any,
) -> None:
    bodies: dict[str, Body] = {
        "bulk": {"items": [capability(partner_id=rows["partner"])]},
        "need": need(organisation_id=rows["home"]),
    }
    before = _state(staff, rows)

    def fail(_: object) -> None:
        raise OperationalError("COMMIT", {"brief": SECRET}, NO_CAUSE)

    event.listen(engine.database.writes, "before_commit", fail)
    try:
        answer = staff.request(
            method,
            path.format(**rows),
            json=bodies[body] if isinstance(body, str) else body,
        )
    finally:
        event.remove(engine.database.writes, "before_commit", fail)
    problem(answer, 503)
    assert _state(staff, rows) == before


def _state(staff: TestClient, rows: dict[str, str]) -> list[Any]:
    return [
        *(get(staff, f"/v1/{noun}") for noun in ("organisations", "clusters", "partners", "needs")),
        get(staff, f"/v1/partners/{rows['partner']}/capabilities"),
        get(staff, f"/v1/needs/{rows['need']}/match-runs"),
    ]


def _raise(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError(SECRET), 500),
        (ValueError(SECRET), 500),
        (OperationalError("SELECT 1", {"brief": SECRET}, NO_CAUSE), 503),
        (IntegrityError("INSERT", {"brief": SECRET}, NO_CAUSE), 409),
        (DataError("INSERT", {"brief": SECRET}, NO_CAUSE), 422),
        (ProgrammingError("SELECT", {"brief": SECRET}, NO_CAUSE), 500),
        (EncoderError("the weights are gone"), 503),
    ],
)
def test_unexpected_errors(
    staff: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    monkeypatch.setattr(needs, "list_needs", _raise(error))
    answer = staff.get("/v1/needs")
    problem(answer, status)
    assert "Traceback" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


def test_unexpected_errors_are_logged(
    staff: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(needs, "list_needs", _raise(RuntimeError("boom")))
    staff.get("/v1/needs")
    assert any(r.levelno == logging.ERROR and r.exc_info for r in caplog.records)


def test_logs_hold_no_confidential_text(
    staff: TestClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLAlchemy's errors carry the statement's parameters unless told not to."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE needs RENAME TO gone")
    caplog.set_level(logging.DEBUG)
    answer = staff.post("/v1/needs", json=need(organisation_id=home, brief_en=SECRET))
    problem(answer, 503)
    assert caplog.records
    assert SECRET not in caplog.text


def test_a_stored_row_that_does_not_fit_is_our_error(staff: TestClient, database: Database) -> None:
    """422 would blame a caller who has sent nothing wrong."""
    with database.writing() as session:
        stored = make_need(session, excluded_organisations=["an old id"])
    problem(staff.get(f"/v1/needs/{stored.id}"), 500)


@pytest.mark.parametrize("path", ["/nowhere", "/v1/nowhere", "/v1"])
def test_no_such_route(staff: TestClient, path: str) -> None:
    problem(staff.get(path), 404)


def test_wrong_method(staff: TestClient) -> None:
    answer = staff.delete("/v1/needs")
    problem(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/needs/{SECRET}",
        f"/v1/needs/zz{SECRET}",
        f"/v1/partners?kind={SECRET}",
        f"/v1/partners?limit={SECRET}",
        f"/v1/partners?cursor={SECRET}",
        f"/v1/partners?order={SECRET}",
        f"/v1/partners?{SECRET}=1",
        f"/{SECRET}",
    ],
)
def test_errors_repeat_nothing_of_the_address(staff: TestClient, path: str) -> None:
    answer = staff.get(path)
    problem(answer, answer.status_code)
    assert answer.status_code in {404, 422}
    assert "found `" not in answer.text  # pydantic's word for the letter that is wrong in an id


def test_errors_do_not_repeat_the_method(staff: TestClient) -> None:
    body = problem(staff.request("MYSECRET", "/v1/needs"), 405)
    assert "MYSECRET" not in body["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {SECRET: 1},
        {"clusters": [SECRET]},
        {"clusters": [f"A {SECRET}"]},
        {"deadline": SECRET},
        {"organisation_id": SECRET},
        {"confidentiality": SECRET},
        {"engagement_types": [SECRET]},
        {"budget_jpy": SECRET},
        {"title_en": {SECRET: SECRET}},
        {"title_en": f"=?utf-8?q?{SECRET}?="},
    ],
)
def test_errors_repeat_nothing_of_the_body(company: TestClient, changes: Body) -> None:
    problem(company.post("/v1/needs", json=need(**changes)), 422)


def test_only_some_of_many_errors_are_listed(staff: TestClient) -> None:
    items = [{"kind": 1, "partner_id": 1}] * 500
    body = problem(staff.post("/v1/capabilities/bulk", json={"items": items}), 422)
    assert len(body["errors"]) == MOST_ERRORS


def test_lists_are_counted_in_items(staff: TestClient) -> None:
    body = problem(staff.post("/v1/clusters", json={"slug": "a", "name_en": "x" * 301}), 422)
    assert "300 characters" in body["errors"][0]["message"]
    many = organisation(clusters=[f"c{i}" for i in range(21)])
    body = problem(staff.post("/v1/organisations", json=many), 422)
    assert "20 items" in body["errors"][0]["message"]


def _send(client: TestClient, content: bytes, kind: str = "application/json") -> Response:
    return client.post("/v1/needs", content=content, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        f'{{"brief_en": "{SECRET}"'.encode(),
        f'"{SECRET}"'.encode(),
        b"null",
        b"[]",
        b"5",
        b"NaN",
    ],
)
def test_bodies_that_are_no_object(staff: TestClient, content: bytes) -> None:
    body = problem(_send(staff, content), 422)
    assert body["errors"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe{}",
        b'{"title_en": "\xff"}',
        b"[" * 100_000,
        b'{"budget_jpy": ' + b"9" * 5000 + b"}",
    ],
)
def test_bodies_that_cannot_be_read(staff: TestClient, content: bytes) -> None:
    answer = _send(staff, content)
    problem(answer, answer.status_code)
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "content",
    [
        b'{"kind": "technology", "title_en": "\\ud800"}',
        b'{"kind": "technology", "title_en": "x", "\\ud800": 1}',
        b'{"kind": "\\ud800", "title_en": "x"}',
        b'{"kind": "technology", "title_en": "x", "budget_jpy": NaN}',
        b'{"kind": "technology", "title_en": "x", "budget_jpy": 1e400}',
        b'{"kind": "technology", "title_en": "x", "clusters": ["\\ud800"]}',
    ],
)
def test_broken_texts_and_numbers(company: TestClient, content: bytes) -> None:
    problem(_send(company, content), 422)


def test_half_characters_are_not_stored(company: TestClient) -> None:
    """A lone surrogate cannot be written as UTF-8: it is dropped or refused, never kept."""
    content = b'{"kind": "technology", "title_en": "a\\ud800b", "external_id": "\\ud800"}'
    answer = _send(company, content)
    assert answer.status_code in {201, 422}
    if answer.status_code == 201:
        stored = answer.json()
        assert (stored["title_en"], stored["external_id"]) == ("a b", None)
        assert get(company, f"/v1/needs/{stored['id']}") == stored


def test_other_media_types(staff: TestClient) -> None:
    problem(_send(staff, b"kind=technology", "application/x-www-form-urlencoded"), 415)
    assert everything(staff, "/v1/needs") == []


class Late:
    """A row of which something is loaded when it is read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def number(self) -> int:
        raise self._error


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    number: int


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("SELECT 1", {}, Exception("server closed the connection")), 503),
        (PoolTimeout("no connection is free"), 503),
        (RuntimeError("a mistake of ours"), 500),
    ],
    ids=["lost", "no connection", "mistake"],
)
def test_a_row_that_cannot_be_read_to_its_end(error: Exception, status: int) -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    def show() -> dict[str, int]:
        return Shown.model_validate(Late(error)).model_dump()

    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status == 503)
