"""`POST /v1/needs/{id}/team`."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from app.clock import today
from app.schemas.team import TeamIn
from matching.greedy import LARGEST, SIZE
from tests.app.asking import (
    SECRET,
    UNKNOWN,
    Body,
    capability,
    create,
    get,
    need,
    organisation,
    partner,
    problem,
)

BRIEF = "Our citrus juice turns brown after two months. Lorries stand idle at the harbour gate."


@pytest.fixture
def path(staff: TestClient) -> str:
    """Of the team of a need with two parts."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    body = need(organisation_id=home, title_en=None, brief_en=BRIEF)
    return f"/v1/needs/{create(staff, '/v1/needs', body)['id']}/team"


def _partner(staff: TestClient, title: str, text: str, **changes: object) -> str:
    stored = create(staff, "/v1/partners", partner(**changes))
    body = capability(title_en=title, text_en=text)
    create(staff, f"/v1/partners/{stored['id']}/capabilities", body)
    return str(stored["id"])


@pytest.fixture
def people(staff: TestClient) -> dict[str, str]:
    """One for each part of the need, and some for neither."""
    for number in range(5):
        _partner(staff, f"Tax law {number}", "Courts decide.")
    return {
        "juice": _partner(staff, "Browning of citrus juice", "Why citrus juice turns brown."),
        "gate": _partner(staff, "Lorries at a harbour gate", "Lorries stand idle at the gate."),
        "tax": _partner(staff, "Tax law of boats", "Courts decide."),
        "away": _partner(
            staff,
            "Harbour gates",
            "Lorries stand idle.",
            unavailable=[{"start": str(today() - timedelta(days=1))}],
        ),
    }


def _team(client: TestClient, path: str, **body: object) -> Body:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    found: Body = response.json()
    return found


def _ids(found: Body) -> list[str]:
    return [member["partner"]["id"] for member in found["members"]]


def test_sizes_are_the_engines() -> None:
    assert TeamIn().size == SIZE
    assert TeamIn(size=LARGEST).size == LARGEST


def test_a_team_covers_both_parts(staff: TestClient, path: str, people: dict[str, str]) -> None:
    found = _team(staff, path)
    assert set(_ids(found)) == {people["juice"], people["gate"]}
    assert [facet["covered_by"] for facet in found["facets"]] == [
        [people["juice"]],
        [people["gate"]],
    ]
    assert [facet["en"] for facet in found["facets"]] == BRIEF.replace(". ", ".|").split("|")
    assert found["blocked"] == {"unavailable": 1}
    assert sum(member["gain"] for member in found["members"]) == pytest.approx(found["value"])
    assert found["value"] <= found["upper_bound"]
    assert found["guarantee"] <= found["share_of_best"] <= 1
    assert all(sentence["en"] and sentence["ja"] for sentence in found["says"])
    covering = [each for each in found["members"][0]["facets"] if each["is_covered"]]
    assert len(covering) == 1
    assert covering[0]["capability_id"]
    ranks = {
        item["partner"]["id"]: item["rank"]
        for item in get(staff, path.replace("/team", "/matches"))["items"]
    }
    assert [member["rank"] for member in found["members"]] == [ranks[i] for i in _ids(found)]
    assert _team(staff, path) == found


def test_what_a_team_is_asked_for(staff: TestClient, path: str, people: dict[str, str]) -> None:
    assert len(_ids(_team(staff, path, size=1))) == 1
    assert _ids(_team(staff, path, include=[people["tax"]]))[0] == people["tax"]
    assert people["gate"] not in _ids(_team(staff, path, exclude=[people["gate"]]))
    assert people["away"] in _ids(
        _team(staff, path, include_unavailable=True, exclude=[people["gate"]])
    )
    assert _ids(_team(staff, path, partner_kinds=["company"])) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size": 0}, "size"),
        ({"size": 7}, "size"),
        ({"colour": SECRET}, "body"),
        ({"include": [SECRET]}, "include.0"),
        ({"include": [UNKNOWN]}, "include"),
        ({"include": [UNKNOWN], "exclude": [UNKNOWN]}, "exclude"),
        ({"size": 1, "include": [UNKNOWN, UNKNOWN.replace("0000", "1111")]}, "include"),
        ({"clusters": ["nowhere"]}, "clusters"),
    ],
)
def test_refuses(staff: TestClient, path: str, body: Body, field: str) -> None:
    problem(staff.post(path, json=body), 422, field)


def test_who_is_ruled_out_cannot_be_made_a_member(
    staff: TestClient, path: str, people: dict[str, str]
) -> None:
    answer = problem(staff.post(path, json={"include": [people["away"]]}), 422, "include")
    assert "not available" in answer["errors"][0]["message"]
    silent = create(staff, "/v1/partners", partner())["id"]
    answer = problem(staff.post(path, json={"include": [silent]}), 422, "include")
    assert "without evidence" in answer["errors"][0]["message"]


def test_only_an_open_need_has_a_team(staff: TestClient, path: str) -> None:
    staff.post(path.replace("/team", "/close"))
    problem(staff.post(path, json={}), 409)
    problem(staff.post(f"/v1/needs/{UNKNOWN}/team", json={}), 404)


def test_a_company_sees_no_team(company: TestClient) -> None:
    stored = create(company, "/v1/needs", need())
    hidden = company.post(f"/v1/needs/{stored['id']}/team", json={})
    problem(hidden, 403)
    assert hidden.content == company.post(f"/v1/needs/{UNKNOWN}/team", json={}).content
