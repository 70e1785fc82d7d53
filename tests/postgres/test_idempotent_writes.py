"""Keys and conditions under many writers at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select

from app.db import Database
from app.idempotency import REPLAYED
from app.services.idempotency import FIELD
from models import IdempotentAnswer, Need
from tests.app.asking import create, get, need, patch, problem

KEY = {FIELD: "k-1"}


def test_fifty_at_once_make_one_need(company: TestClient, database: Database) -> None:
    together = Barrier(50)

    def ask(_: int) -> Response:
        together.wait()
        return company.post("/v1/needs", json=need(), headers=KEY)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Need)) == 1
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409)
    again = company.post("/v1/needs", json=need(), headers=KEY)
    assert again.content == made[0].content
    assert again.headers[REPLAYED] == "true"


def test_of_clients_who_edit_at_once_one_is_taken(company: TestClient) -> None:
    answer = company.post("/v1/needs", json=need())
    path, tag = f"/v1/needs/{answer.json()['id']}", answer.headers["etag"]
    together = Barrier(8)

    def edit(number: int) -> Response:
        together.wait()
        return company.patch(path, json={"budget_jpy": number}, headers={"If-Match": tag})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(edit, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    (taken,) = (answer for answer in answers if answer.status_code == 200)
    assert get(company, path) == taken.json()
    assert company.get(path).headers["etag"] == taken.headers["etag"]


def test_what_failed_may_be_sent_again(company: TestClient) -> None:
    create(company, "/v1/needs", need(external_id="n1"))
    problem(company.post("/v1/needs", json=need(external_id="n1"), headers=KEY), 409)
    assert company.post("/v1/needs", json=need(), headers=KEY).status_code == 201


def test_a_new_level_empties_the_answers_of_all_accounts(
    staff: TestClient, company: TestClient, database: Database
) -> None:
    path = f"/v1/needs/{create(company, '/v1/needs', need())['id']}"
    assert staff.post(f"{path}/close", headers=KEY).status_code == 200
    patch(company, path, {"confidentiality": "named_staff"})
    problem(staff.post(f"{path}/close", headers=KEY), 409)
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer)).one().body is None
