import pytest
from fastapi.testclient import TestClient

from tests.app.asking import SECRET, Body, cluster, create, everything, get, ids, pages, problem

PATH = "/v1/clusters"


def test_create_and_list(staff: TestClient) -> None:
    body = cluster(name_ja="食・健康", description_en="Food", description_ja="食")
    stored = create(staff, PATH, body)
    assert {name: stored[name] for name in body} == body
    assert get(staff, PATH) == {"items": [stored], "next_cursor": None}


def test_a_company_sees_clusters(staff: TestClient, company: TestClient) -> None:
    stored = create(staff, PATH, cluster())
    assert get(company, PATH)["items"] == [stored]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "body"),
        ({"slug": f"Not a slug {SECRET}"}, "slug"),
        ({"slug": "-leading"}, "slug"),
        ({"slug": "a" * 65}, "slug"),
        ({"slug": "food-health\n"}, "slug"),
        ({"slug": None}, "slug"),
        ({"name_en": None}, "body"),
        ({"name_en": " \u200b"}, "body"),
        ({"description_en": SECRET * 3000}, "description_en"),
    ],
)
def test_create_refuses(staff: TestClient, changes: Body, field: str) -> None:
    problem(staff.post(PATH, json=cluster(**changes)), 422, field)
    assert everything(staff, PATH) == []


def test_slug_is_unique(staff: TestClient) -> None:
    stored = create(staff, PATH, cluster())
    problem(staff.post(PATH, json=cluster(name_en=SECRET)), 409)
    assert get(staff, PATH)["items"] == [stored]


def test_pages(staff: TestClient) -> None:
    made = [create(staff, PATH, cluster(slug=f"c-{i}"))["id"] for i in (3, 1, 2)]
    assert [ids(items) for items in pages(staff, PATH, limit=2)] == [made[:2], made[2:]]
