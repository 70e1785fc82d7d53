import pytest
from fastapi.testclient import TestClient

from tests.app.asking import (
    SECRET,
    UNKNOWN,
    Body,
    capability,
    create,
    delete,
    everything,
    get,
    partner,
    patch,
    problem,
    without_stamp,
)

PATH = "/v1/capabilities"


@pytest.fixture
def partner_id(staff: TestClient) -> str:
    return str(create(staff, "/v1/partners", partner())["id"])


def _create(staff: TestClient, partner_id: str, **changes: object) -> Body:
    return create(staff, f"/v1/partners/{partner_id}/capabilities", capability(**changes))


def _of(staff: TestClient, partner_id: str) -> list[str]:
    return everything(staff, f"/v1/partners/{partner_id}/capabilities", limit=200)


def test_read(staff: TestClient, partner_id: str) -> None:
    stored = _create(staff, partner_id, title_ja="果汁の褐変", external_id="doi:1")
    assert get(staff, f"{PATH}/{stored['id']}") == stored
    assert stored["title_ja"] == "果汁の褐変"


def test_patch_leaves_other_fields(staff: TestClient, partner_id: str) -> None:
    stored = _create(staff, partner_id, external_id="doi:1", source="crossref")
    changed = patch(staff, f"{PATH}/{stored['id']}", {"year": 2020})
    assert without_stamp(changed) == without_stamp(stored) | {"year": 2020}
    assert get(staff, f"{PATH}/{stored['id']}") == changed


def test_patch_null_clears(staff: TestClient, partner_id: str) -> None:
    stored = _create(staff, partner_id, external_id="doi:1")
    body = {"year": None, "text_en": None, "external_id": None}
    changed = patch(staff, f"{PATH}/{stored['id']}", body)
    assert {name: changed[name] for name in body} == body
    assert changed["title_en"] == stored["title_en"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title_en": None, "text_en": None, "year": 1999}, "body"),
        ({"licence_status": "available"}, "body"),
        ({"kind": None}, "kind"),
        ({"kind": SECRET}, "kind"),
        ({"source": None}, "source"),
        ({"colour": SECRET}, "body"),
        ({"partner_id": UNKNOWN}, "body"),
    ],
)
def test_patch_refuses(staff: TestClient, partner_id: str, body: Body, field: str) -> None:
    stored = _create(staff, partner_id)
    problem(staff.patch(f"{PATH}/{stored['id']}", json=body), 422, field)
    assert get(staff, f"{PATH}/{stored['id']}") == stored


def test_patch_to_a_taken_external_id(staff: TestClient, partner_id: str) -> None:
    _create(staff, partner_id, external_id="doi:1")
    stored = _create(staff, partner_id, external_id="doi:2")
    problem(staff.patch(f"{PATH}/{stored['id']}", json={"external_id": "doi:1"}), 409)
    assert get(staff, f"{PATH}/{stored['id']}") == stored
    assert patch(staff, f"{PATH}/{stored['id']}", {"external_id": "doi:2"})


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_and_malformed_ids(staff: TestClient, method: str) -> None:
    body: Body | None = {} if method == "PATCH" else None
    problem(staff.request(method, f"{PATH}/{UNKNOWN}", json=body), 404)
    problem(staff.request(method, f"{PATH}/{SECRET}", json=body), 422, "path.capability_id")


def test_delete(staff: TestClient, partner_id: str) -> None:
    stored = _create(staff, partner_id)
    kept = _create(staff, partner_id)
    delete(staff, f"{PATH}/{stored['id']}")
    problem(staff.get(f"{PATH}/{stored['id']}"), 404)
    assert _of(staff, partner_id) == [kept["id"]]


def test_bulk_stores_a_thousand(staff: TestClient, partner_id: str) -> None:
    items = [
        capability(partner_id=partner_id, title_en=f"Paper {i}", external_id=f"doi:{i}")
        for i in range(1000)
    ]
    done = create(staff, f"{PATH}/bulk", {"items": items})
    assert (done["created"], done["replaced"]) == (1000, 0)
    assert len(set(done["ids"])) == 1000
    assert sorted(_of(staff, partner_id)) == sorted(done["ids"])
    for i in (0, 500, 999):  # in the order of the request
        assert get(staff, f"{PATH}/{done['ids'][i]}")["title_en"] == f"Paper {i}"


def test_bulk_replaces_by_source_and_external_id(staff: TestClient, partner_id: str) -> None:
    other = create(staff, "/v1/partners", partner())["id"]
    stored = _create(staff, partner_id, external_id="doi:1", year=1999, title_ja="古い")
    of_other = _create(staff, other, external_id="doi:1")
    items = [
        capability(partner_id=partner_id, external_id="doi:1", title_en="New title"),
        capability(partner_id=partner_id, external_id="doi:1", source="crossref"),
        capability(partner_id=partner_id),
    ]
    done = create(staff, f"{PATH}/bulk", {"items": items})
    assert (done["created"], done["replaced"]) == (2, 1)
    assert done["ids"][0] == stored["id"]
    replaced = get(staff, f"{PATH}/{stored['id']}")
    assert replaced["title_en"] == "New title"
    assert replaced["title_ja"] is None
    assert sorted(_of(staff, partner_id)) == sorted(done["ids"])
    assert get(staff, f"{PATH}/{of_other['id']}") == of_other


def test_bulk_twice_in_one_request_is_one(staff: TestClient, partner_id: str) -> None:
    items = [
        capability(partner_id=partner_id, external_id="doi:1", title_en=title)
        for title in ("First", "Second")
    ]
    done = create(staff, f"{PATH}/bulk", {"items": items})
    assert done["ids"][0] == done["ids"][1]
    assert (done["created"], done["replaced"]) == (1, 1)
    assert get(staff, f"{PATH}/{done['ids'][0]}")["title_en"] == "Second"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"partner_id": UNKNOWN}, "items.1.partner_id"),
        ({"partner_id": SECRET}, "items.1.partner_id"),
        ({"kind": SECRET}, "items.1.kind"),
        ({"title_en": None, "text_en": None}, "items.1"),
        ({"colour": SECRET}, "items.1"),
    ],
)
def test_bulk_is_all_or_nothing(
    staff: TestClient, partner_id: str, changes: Body, field: str
) -> None:
    items = [
        capability(partner_id=partner_id, text_en=SECRET),
        capability(**({"partner_id": partner_id} | changes)),
    ]
    problem(staff.post(f"{PATH}/bulk", json={"items": items}), 422, field)
    assert _of(staff, partner_id) == []


@pytest.mark.parametrize("number", [0, 1001])
def test_bulk_bounds(staff: TestClient, partner_id: str, number: int) -> None:
    items = [capability(partner_id=partner_id)] * number
    problem(staff.post(f"{PATH}/bulk", json={"items": items}), 422, "items")
    assert _of(staff, partner_id) == []
