import pytest
from fastapi.testclient import TestClient

from tests.app.asking import (
    SECRET,
    UNKNOWN,
    Body,
    cluster,
    create,
    delete,
    everything,
    get,
    headers_of,
    ids,
    need,
    organisation,
    pages,
    partner,
    patch,
    problem,
    without_stamp,
)

PATH = "/v1/organisations"


def test_create_and_read(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    body = organisation(latitude=31.6, longitude=131.4, clusters=["food-health"])
    stored = create(staff, PATH, body)
    assert {name: stored[name] for name in body} == body
    assert stored["name_ja"] is None
    assert get(staff, f"{PATH}/{stored['id']}") == stored


def test_create_with_an_external_id(staff: TestClient) -> None:
    assert create(staff, PATH, organisation(external_id="org-1"))["external_id"] == "org-1"


def test_texts_are_normalised_and_blank_ones_are_missing(staff: TestClient) -> None:
    stored = create(staff, PATH, organisation(name_ja="㈱ｱｵｲ\u200b", city="  "))
    assert stored["name_ja"] == "(株)アオイ"
    assert stored["city"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "body"),
        ({"kind": SECRET}, "kind"),
        ({"kind": None}, "kind"),
        ({"name_en": None}, "body"),
        ({"name_en": "   "}, "body"),
        ({"name_en": SECRET * 20}, "name_en"),
        ({"latitude": 91}, "latitude"),
        ({"longitude": SECRET}, "longitude"),
        ({"clusters": [f"Not a slug {SECRET}"]}, "clusters.0"),
        ({"clusters": ["nowhere"]}, "clusters"),
        ({"external_id": {"a": SECRET}}, "external_id"),
    ],
)
def test_create_refuses(staff: TestClient, changes: Body, field: str) -> None:
    problem(staff.post(PATH, json=organisation(**changes)), 422, field)
    assert everything(staff, PATH) == []


def test_unknown_clusters_are_pointed_out(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    answer = staff.post(PATH, json=organisation(clusters=["food-health", "nowhere"]))
    message = problem(answer, 422, "clusters")["errors"][0]["message"]
    assert "number 2" in message
    assert "food-health" not in message


def test_external_id_is_unique(staff: TestClient) -> None:
    first = create(staff, PATH, organisation(name_en="First"))
    second = create(staff, PATH, organisation(name_en="Second"))
    patch(staff, f"{PATH}/{first['id']}", {"external_id": "org-1"})
    problem(staff.post(PATH, json=organisation(external_id="org-1")), 409)
    problem(staff.patch(f"{PATH}/{second['id']}", json={"external_id": "org-1"}), 409)
    assert everything(staff, PATH) == [first["id"], second["id"]]
    assert get(staff, f"{PATH}/{second['id']}") == second
    # One's own external id is no obstacle.
    assert patch(staff, f"{PATH}/{first['id']}", {"external_id": "org-1", "city": "都城市"})


def test_conflict_does_not_echo(staff: TestClient) -> None:
    first = create(staff, PATH, organisation())
    second = create(staff, PATH, organisation())
    patch(staff, f"{PATH}/{first['id']}", {"external_id": SECRET})
    problem(staff.patch(f"{PATH}/{second['id']}", json={"external_id": SECRET}), 409)


def test_patch_leaves_other_fields(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    stored = create(staff, PATH, organisation(clusters=["food-health"], latitude=31.6))
    changed = patch(staff, f"{PATH}/{stored['id']}", {"city": "都城市"})
    assert without_stamp(changed) == without_stamp(stored) | {"city": "都城市"}
    assert changed["updated_at"] > stored["updated_at"]
    assert get(staff, f"{PATH}/{stored['id']}") == changed
    assert patch(staff, f"{PATH}/{stored['id']}", {}) == changed


def test_patch_null_clears(staff: TestClient) -> None:
    stored = create(staff, PATH, organisation(latitude=31.6))
    changed = patch(staff, f"{PATH}/{stored['id']}", {"latitude": None, "city": None})
    assert (changed["latitude"], changed["city"]) == (None, None)
    assert changed["prefecture"] == stored["prefecture"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name_en": None, "city": "都城市"}, "body"),
        ({"kind": None}, "kind"),
        ({"colour": SECRET}, "body"),
        ({"clusters": ["nowhere"], "city": "都城市"}, "clusters"),
        ({"clusters": None}, "clusters"),
    ],
)
def test_patch_refuses(staff: TestClient, body: Body, field: str) -> None:
    stored = create(staff, PATH, organisation())
    problem(staff.patch(f"{PATH}/{stored['id']}", json=body), 422, field)
    assert get(staff, f"{PATH}/{stored['id']}") == stored


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_and_malformed_ids(staff: TestClient, method: str) -> None:
    body: Body | None = {} if method == "PATCH" else None
    problem(staff.request(method, f"{PATH}/{UNKNOWN}", json=body), 404)
    problem(staff.request(method, f"{PATH}/{SECRET}", json=body), 422, "path.organisation_id")


def test_delete(staff: TestClient) -> None:
    stored = create(staff, PATH, organisation())
    delete(staff, f"{PATH}/{stored['id']}")
    problem(staff.get(f"{PATH}/{stored['id']}"), 404)
    problem(staff.delete(f"{PATH}/{stored['id']}"), 404)


@pytest.mark.parametrize(("path", "make"), [("/v1/needs", need), ("/v1/partners", partner)])
def test_delete_refuses_while_in_use(staff: TestClient, path: str, make: type[Body]) -> None:
    stored = create(staff, PATH, organisation())
    create(staff, path, make(organisation_id=stored["id"]))
    problem(staff.delete(f"{PATH}/{stored['id']}"), 409)
    assert get(staff, f"{PATH}/{stored['id']}") == stored


def test_delete_refuses_while_a_key_is_bound(
    staff: TestClient, company: TestClient, company_id: str
) -> None:
    problem(staff.delete(f"{PATH}/{company_id}"), 409)
    get(company, f"{PATH}/{company_id}")


def test_filters(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    a = create(staff, PATH, organisation(clusters=["food-health"]))
    b = create(staff, PATH, organisation(kind="university"))
    assert everything(staff, PATH) == [a["id"], b["id"]]
    assert everything(staff, PATH, kind="university") == [b["id"]]
    assert everything(staff, PATH, cluster="food-health") == [a["id"]]
    assert everything(staff, PATH, cluster="food-health", kind="university") == []
    problem(staff.get(PATH, params={"kind": SECRET}), 422, "kind")
    problem(staff.get(PATH, params={"cluster": "Not a slug"}), 422, "cluster")


def test_pages(staff: TestClient) -> None:
    made = [create(staff, PATH, organisation())["id"] for _ in range(5)]
    found = [ids(items) for items in pages(staff, PATH, limit=2)]
    assert found == [made[:2], made[2:4], made[4:]]


def test_a_company_sees_its_own_only(
    staff: TestClient, company: TestClient, company_id: str
) -> None:
    foreign = create(staff, PATH, organisation(name_en=SECRET))
    assert everything(company, PATH) == [company_id]
    assert get(company, f"{PATH}/{company_id}")["id"] == company_id
    hidden = company.get(f"{PATH}/{foreign['id']}")
    absent = company.get(f"{PATH}/{UNKNOWN}")
    problem(hidden, 404)
    assert hidden.content == absent.content
    assert headers_of(hidden) == headers_of(absent)
