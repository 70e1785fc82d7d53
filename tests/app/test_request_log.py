"""Each request has a number, in the answer and in all its log lines; nothing else is told of it."""

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from app.db import Database
from app.log_format import ClearingFormatter, ClearingJsonFormatter, logging_as
from app.request_ids import HEADER
from app.services import needs
from models import Role
from tests.app.asking import SECRET, UNKNOWN, create, get, need, organisation, problem

GIVEN = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"


@contextmanager
def logged(formatter: logging.Formatter | None = None) -> Iterator[io.StringIO]:
    """What the service would write, meanwhile."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter or ClearingJsonFormatter())
    root, ours = logging.getLogger(), logging.getLogger("app")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_number_that_a_proxy_gave_is_kept(anonymous: TestClient) -> None:
    for given in (GIVEN, GIVEN.replace("-", ""), "0123456789abcdef"):
        assert anonymous.get("/healthz", headers={HEADER: given}).headers[HEADER] == given


@pytest.mark.parametrize(
    "given",
    [None, "", "short", "0" * 65, SECRET, f"{GIVEN} {SECRET}", "Haruka-Kuroki-0123456"],
    ids=["none", "empty", "short", "long", "word", "two", "name"],
)
def test_else_one_is_made(anonymous: TestClient, given: str | None) -> None:
    headers = {} if given is None else {HEADER: given}
    made = [anonymous.get("/healthz", headers=headers).headers[HEADER] for _ in range(2)]
    assert made[0] != made[1]
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in made)


@pytest.mark.parametrize("path", ["/v1/needs", "/nowhere", "/v1/session"])
def test_refusals_have_one_and_answer_alike(anonymous: TestClient, path: str) -> None:
    """It stands in the header, so that what is hidden and what is absent have the same body."""
    answers = [anonymous.get(path) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].headers[HEADER] != answers[1].headers[HEADER]
    assert "request_id" not in answers[0].json()


def test_an_error_of_ours_names_it_in_its_body(
    staff: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged() as log, monkeypatch.context() as broken:
        broken.setattr(needs, "list_needs", None)
        broken.setattr("app.routes.needs.list_needs", None, raising=False)
        answer = staff.get("/v1/needs", headers={HEADER: GIVEN})
    assert problem(answer, 500)["request_id"] == GIVEN == answer.headers[HEADER]
    told = _lines(log)
    assert {line["request_id"] for line in told} == {GIVEN}
    assert [line["status"] for line in told if "status" in line] == [500]
    assert any("trace" in line for line in told)


def test_a_request_is_one_line(staff: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    stored = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    with logged() as log:
        assert staff.get(f"/v1/needs/{stored}", headers={HEADER: GIVEN}).status_code == 200
    (line,) = _lines(log)
    assert line["ms"] > 0
    assert {**line, "at": "", "ms": 0, "message": ""} == {
        "at": "",
        "level": "info",
        "logger": "app.request_log",
        "message": "",
        "request_id": GIVEN,
        "method": "GET",
        "route": "/v1/needs/{need_id}",
        "status": 200,
        "ms": 0,
        "actor": "coordinator/key",
    }
    assert line["message"].startswith("GET /v1/needs/{need_id} 200 ")


def test_lines_from_threads_bear_it(anonymous: TestClient, database: Database) -> None:
    """Endpoints run in threads of a pool."""
    seen: list[str] = []

    def tell(*_: object) -> None:
        logging.getLogger("app.test").warning("from a thread")
        seen.append(threading.current_thread().name)

    engine = anonymous.app.state.engines.database.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", tell)
    try:
        with logged() as log:
            anonymous.get("/readyz", headers={HEADER: GIVEN})
    finally:
        event.remove(engine, "before_cursor_execute", tell)
    ours = [line for line in _lines(log) if line.get("request_id") == GIVEN]
    assert ours
    assert any("AnyIO" in name for name in seen)


def test_outside_of_a_request_there_is_none(anonymous: TestClient) -> None:
    with logged() as log:
        get(anonymous, "/healthz")
        logging.getLogger("app.test").warning("later")
    assert "request_id" not in _lines(log)[-1]


def test_lines_for_a_person_end_with_it(anonymous: TestClient) -> None:
    with logged(ClearingFormatter("%(levelprefix)s %(message)s")) as log:
        anonymous.get("/nowhere", headers={HEADER: GIVEN})
    assert re.fullmatch(rf"INFO:     GET - 404 [\d.]+ ms nobody \[{GIVEN}\]\n", log.getvalue())


def test_machines_that_look_after_it_are_not_told_of(anonymous: TestClient) -> None:
    with logged() as log:
        get(anonymous, "/healthz")
    assert log.getvalue() == ""


def test_nothing_confidential_is_told(
    staff: TestClient, anonymous: TestClient, company: TestClient, database: Database
) -> None:
    """Texts, names, keys, tokens of mails, search words and made-up addresses."""
    token = "T0ken" + "x" * 38
    with logged() as log:
        home = create(staff, "/v1/organisations", organisation(name_en=SECRET))["id"]
        stored = create(staff, "/v1/needs", need(organisation_id=home, brief_en=SECRET))["id"]
        get(staff, f"/v1/needs/{stored}/matches")
        staff.post("/v1/match", json={"text": f"{SECRET} juice"})
        staff.get("/v1/partners", params={"name": SECRET})
        staff.get(f"/{SECRET}", headers={HEADER: SECRET})
        staff.request(SECRET.upper().replace("-", ""), f"/v1/needs/{UNKNOWN}")
        company.get(f"/v1/needs/{stored}")
        anonymous.get("/v1/needs", headers={"Authorization": f"Bearer enm_{token}"})
        anonymous.get(f"/mail/{token}")
        anonymous.post("/v1/session", json={"email": f"{SECRET}@x.jp", "password": SECRET})
        staff.post("/v1/needs", json={"kind": SECRET})
    text = log.getvalue().lower()
    assert len(_lines(log)) >= 12
    for canary in (SECRET, SECRET.replace("-", ""), token, stored, home):
        assert canary.lower() not in text
    assert "/mail/{token}" in text


def test_json_for_machines() -> None:
    machine = logging_as("json")
    assert {f["()"] for f in machine["formatters"].values()} == {
        "app.log_format.ClearingJsonFormatter"
    }
    assert machine["handlers"] == logging_as("text")["handlers"]


def test_roles_are_known() -> None:
    """The kind of caller is one of a handful of words."""
    assert all(re.fullmatch("[a-z]+", role.value) for role in Role)
