"""ETag, If-None-Match and If-Match."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.etags import tag_fits
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

Case = tuple[str, str, dict[str, Any], dict[str, Any]]


@pytest.fixture(params=["organisation", "partner", "capability", "need"])
def case(request: pytest.FixtureRequest, staff: TestClient) -> Case:
    """Where such a thing is made, where it lies, its tag's first source, and a change."""
    create(staff, "/v1/clusters", cluster())
    change: dict[str, Any]
    if request.param == "organisation":
        made, body, change = "/v1/organisations", organisation(), {"city": "都城市"}
    elif request.param == "partner":
        away = [{"start": f"2027-0{month}-01", "reason": "x"} for month in (4, 2, 4)]
        away[2]["end"] = "2027-05-01"
        made, body, change = (
            "/v1/partners",
            partner(unavailable=away),
            {"clusters": ["food-health"]},
        )
    elif request.param == "capability":
        who = create(staff, "/v1/partners", partner())["id"]
        made, body, change = f"/v1/partners/{who}/capabilities", capability(), {"year": 2020}
    else:
        home = create(staff, "/v1/organisations", organisation())["id"]
        made, body, change = "/v1/needs", need(organisation_id=home), {"clusters": ["food-health"]}
    plural = "capabilities" if request.param == "capability" else f"{request.param}s"
    return made, f"/v1/{plural}", body, change


def _made(staff: TestClient, case: Case) -> tuple[str, str]:
    """Path and tag of a new one."""
    answer = staff.post(case[0], json=case[2])
    return f"{case[1]}/{answer.json()['id']}", answer.headers["etag"]


def test_the_tag_stays_and_changes_with_what_is_shown(staff: TestClient, case: Case) -> None:
    path, tag = _made(staff, case)
    read = staff.get(path)
    assert read.headers["etag"] == tag
    assert read.headers["cache-control"] == "private, no-cache"

    changed = staff.patch(path, json=case[3])
    assert changed.headers["etag"] != tag
    assert staff.get(path).headers["etag"] == changed.headers["etag"]


def test_unchanged_answers_304(staff: TestClient, case: Case) -> None:
    path, tag = _made(staff, case)
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = staff.get(path, headers={"If-None-Match": condition})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == tag
    assert staff.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    patch(staff, path, case[3])
    assert staff.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_change_of_another_state_is_refused(staff: TestClient, case: Case) -> None:
    path, tag = _made(staff, case)
    first = staff.patch(path, json=case[3], headers={"If-Match": tag})
    assert first.status_code == 200

    for condition in (tag, '"other"', f"W/{first.headers['etag']}", "nonsense"):
        problem(staff.patch(path, json={}, headers={"If-Match": condition}), 412)
    assert staff.get(path).json() == first.json()

    for condition in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
        again = staff.patch(path, json={}, headers={"If-Match": condition})
        assert again.status_code == 200


def test_a_removal_of_another_state_is_refused(staff: TestClient, case: Case) -> None:
    path, tag = _made(staff, case)
    if "/needs/" in path:
        path = f"{path}/close"
        patch(staff, path.removesuffix("/close"), case[3])
        problem(staff.post(path, headers={"If-Match": tag}), 412)
        assert staff.get(path.removesuffix("/close")).json()["status"] == "open"
        return
    patch(staff, path, case[3])
    problem(staff.delete(path, headers={"If-Match": tag}), 412)
    now = staff.get(path)
    assert now.status_code == 200
    gone = staff.delete(path, headers={"If-Match": now.headers["etag"]})
    assert gone.status_code == 204


def test_of_clients_who_edit_at_once_one_is_taken(
    company: TestClient,
) -> None:
    answer = company.post("/v1/needs", json=need())
    path, tag = f"/v1/needs/{answer.json()['id']}", answer.headers["etag"]
    together = Barrier(8)

    def edit(number: int) -> Response:
        together.wait()
        return company.patch(path, json={"budget_jpy": number}, headers={"If-Match": tag})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(edit, range(8)))

    taken = [answer for answer in answers if answer.status_code == 200]
    assert len(taken) == 1
    for answer in answers:
        if answer is not taken[0]:
            problem(answer, 412)
    assert get(company, path) == taken[0].json()


def test_counting_up_under_conditions_loses_nothing(company: TestClient) -> None:
    """Three clients each raise a number four times, reading it anew where they came too late."""
    path = f"/v1/needs/{create(company, '/v1/needs', need(budget_jpy=0))['id']}"

    def count(_: int) -> None:
        done = 0
        while done < 4:
            seen = company.get(path)
            answer = company.patch(
                path,
                json={"budget_jpy": seen.json()["budget_jpy"] + 1},
                headers={"If-Match": seen.headers["etag"]},
            )
            assert answer.status_code in {200, 412}
            done += answer.status_code == 200

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(count, range(3)))
    assert get(company, path)["budget_jpy"] == 12


def test_a_foreign_object_stays_absent_whatever_the_condition(
    staff: TestClient, company: TestClient
) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    answer = staff.post("/v1/needs", json=need(organisation_id=home))
    path, tag = f"/v1/needs/{answer.json()['id']}", answer.headers["etag"]
    for headers in ({"If-Match": tag}, {"If-Match": '"x"'}, {"If-None-Match": tag}):
        problem(company.patch(path, json={}, headers=headers), 404)
        problem(company.get(path, headers=headers), 404)


@pytest.mark.parametrize(
    ("lines", "strongly", "weakly"),
    [
        (['"a"'], True, True),
        (['W/"a"'], False, True),
        (['"b", "a"'], True, True),
        (['"b"', '"a"'], True, True),
        ([" * "], True, True),
        (['"b,a"'], False, False),
        (["a"], False, False),
        ([""], False, False),
    ],
)
def test_conditions_are_read(lines: list[str], strongly: bool, weakly: bool) -> None:
    assert tag_fits('"a"', lines) is strongly
    assert tag_fits('"a"', lines, weakly=True) is weakly
