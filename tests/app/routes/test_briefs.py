"""Versions of briefs over HTTP: drafts, releases, what partners then see, the ledger."""

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.db import Database
from app.services.keys import create_key
from models import Audience, Disclosure, NeedVersion, Role
from tests.app import asking
from tests.app.asking import Body, create, get, patch, problem
from tests.conftest import with_key
from tests.factories import make_capability, make_need, make_partner

BRIEF = (
    "We at Hyuganada Brewing in Nichinan press 180 tonnes of hyuganatsu a year. "
    "Write to info@hyuganada.example.com or call 0987-12-3456."
)


@pytest.fixture
def organisation_id(staff: TestClient) -> str:
    """A company that its needs name."""
    body = asking.organisation(name_en="Hyuganada Brewing Co., Ltd.", name_ja="日向灘酒造")
    return str(create(staff, "/v1/organisations", body)["id"])


@pytest.fixture
def need(staff: TestClient, organisation_id: str) -> Body:
    """A need that partners may see a teaser of."""
    body = asking.need(
        organisation_id=organisation_id,
        brief_en=BRIEF,
        title_ja="日向灘酒造の果汁を長持ちさせたい",
        confidentiality="match_only",
    )
    return create(staff, "/v1/needs", body)


@pytest.fixture
def partner(anonymous: TestClient, database: Database) -> TestClient:
    """Called by a partner."""
    with database.writing() as session:
        row = make_partner(session)
        make_capability(session, row)
        _, secret = create_key(session, name="partner", role=Role.PARTNER, partner_id=row.id)
    return with_key(anonymous, secret)


def draft(client: TestClient, need: Body, **body: Any) -> Body:
    """A new draft."""
    return create(client, f"/v1/needs/{need['id']}/teaser", body)


def release(client: TestClient, need: Body, brief: Body, **body: Any) -> Body:
    """Release that must succeed."""
    response = client.post(f"/v1/needs/{need['id']}/briefs/{brief['id']}/release", json=body)
    assert response.status_code == 200, response.text
    released: Body = response.json()
    return released


def states(client: TestClient, need: Body) -> list[tuple[str, int, str]]:
    """Audience, number and state of each version."""
    found = get(client, f"/v1/needs/{need['id']}/briefs")["items"]
    return [(brief["audience"], brief["number"], brief["state"]) for brief in found]


def test_a_draft_takes_out_who_asks_and_says_what_it_took(staff: TestClient, need: Body) -> None:
    made = draft(staff, need)
    assert made["brief_en"] == (
        "We at [company] in [place] press hundreds of tonnes of hyuganatsu a year. "
        "Write to [contact] or call [contact]."
    )
    assert made["title_ja"] == "〔企業〕の果汁を長持ちさせたい"
    assert made["title_en"] == need["title_en"]
    taken = [
        (r["kind"], BRIEF[r["start"] : r["end"]])
        for r in made["removals"]
        if r["field"] == "brief_en"
    ]
    assert taken == [
        ("company", "Hyuganada Brewing"),
        ("place", "Nichinan"),
        ("quantity", "180"),
        ("contact", "info@hyuganada.example.com"),
        ("contact", "0987-12-3456"),
    ]
    assert (made["state"], made["findings"], made["outdated"]) == ("draft", [], False)


def test_rare_terms_are_counted_in_the_evidence_of_partners(
    staff: TestClient, need: Body, database: Database
) -> None:
    with database.writing() as session:
        for number in range(6):
            row = make_partner(session, name_en=f"Partner {number}")
            text = "Hyuganatsu peel" if number < 2 else "Citrus"
            make_capability(session, row, title_en=text, text_en=f"Pressing number {number}")
    (rare,) = [r for r in draft(staff, need)["rare_terms"] if r["term"] == "hyuganatsu"]
    assert (rare["partners"], rare["of"], rare["field"]) == (2, 6, "brief_en")


def test_a_name_that_is_stored_later_is_found_from_then_on(staff: TestClient, need: Body) -> None:
    patch(staff, f"/v1/needs/{need['id']}", {"brief_en": "The peel goes to kiridani for drying."})
    made = draft(staff, need)
    assert "kiridani" in made["brief_en"]
    assert made["findings"] == []
    create(staff, "/v1/organisations", asking.organisation(name_en="Kiridani Foods Inc."))
    (shown,) = [
        b for b in get(staff, f"/v1/needs/{need['id']}/briefs")["items"] if b["id"] == made["id"]
    ]
    assert [f["kind"] for f in shown["findings"]] == ["company"]
    assert draft(staff, need)["brief_en"] == "The peel goes to [company] for drying."


def test_a_need_s_texts_are_kept_as_full_versions(staff: TestClient, need: Body) -> None:
    assert states(staff, need) == [("full", 1, "draft")]
    patch(staff, f"/v1/needs/{need['id']}", {"budget_jpy": 5})
    assert len(states(staff, need)) == 1
    patch(staff, f"/v1/needs/{need['id']}", {"brief_en": "Another text."})
    assert states(staff, need) == [("full", 1, "draft"), ("full", 2, "draft")]


def test_partners_see_released_versions_alone(
    staff: TestClient, partner: TestClient, need: Body
) -> None:
    path = f"/v1/needs/{need['id']}"
    made = draft(staff, need)
    problem(partner.get(path), 404)
    release(staff, need, made)
    shown = get(partner, path)
    assert shown["brief_en"] == made["brief_en"]
    assert "Hyuganada" not in str(shown)
    response = staff.post(f"{path}/briefs/{made['id']}/withdraw")
    assert response.json()["state"] == "withdrawn"
    problem(partner.get(path), 404)
    again = staff.post(f"{path}/briefs/{made['id']}/withdraw")
    assert again.json()["withdrawn_at"] == response.json()["withdrawn_at"]


def test_a_draft_is_edited_and_a_released_version_is_not(staff: TestClient, need: Body) -> None:
    made = draft(staff, need)
    path = f"/v1/needs/{need['id']}/briefs/{made['id']}"
    edited = patch(staff, path, {"brief_en": "A drink loses its colour."})
    assert edited["brief_en"] == "A drink loses its colour."
    assert edited["title_ja"] == made["title_ja"]
    nothing = dict.fromkeys(("title_ja", "title_en", "brief_ja", "brief_en"))
    problem(staff.patch(path, json=nothing), 422)
    release(staff, need, made)
    problem(staff.patch(path, json={"brief_en": "Other"}), 409)
    problem(staff.post(f"{path}/release"), 409)
    full = get(staff, f"/v1/needs/{need['id']}/briefs")["items"][0]
    problem(staff.patch(f"/v1/needs/{need['id']}/briefs/{full['id']}", json={"brief_en": "x"}), 409)


def test_a_name_in_a_draft_is_released_only_knowingly(
    staff: TestClient, database: Database, need: Body
) -> None:
    made = draft(staff, need)
    path = f"/v1/needs/{need['id']}/briefs/{made['id']}"
    edited = patch(staff, path, {"brief_en": "As ＨＹＵＧＡＮＡＤＡ-brewing does"})
    assert [(f["field"], f["kind"]) for f in edited["findings"]] == [("brief_en", "company")]
    refused = problem(staff.post(f"{path}/release"), 409, "brief_en")
    assert "yuganada" not in str(refused).casefold()
    problem(staff.post(f"{path}/release", json={"accept_findings": "yes"}), 422)
    released = release(staff, need, made, accept_findings=True)
    assert (released["state"], released["accepted_findings"]) == ("released", 1)
    with database.reading() as session:
        row = session.get_one(NeedVersion, UUID(made["id"]))
        assert row.released_by is not None
        assert row.drafted_by == row.released_by


def test_releasing_a_version_withdraws_the_one_before(
    staff: TestClient, partner: TestClient, need: Body
) -> None:
    first, second = draft(staff, need), draft(staff, need)
    release(staff, need, first)
    release(staff, need, second)
    assert states(staff, need)[1:] == [("teaser", 1, "withdrawn"), ("teaser", 2, "released")]
    staff.post(f"/v1/needs/{need['id']}/briefs/{second['id']}/withdraw")
    problem(partner.get(f"/v1/needs/{need['id']}"), 404)


def test_a_new_text_withdraws_what_was_released_of_the_old_one(
    staff: TestClient, partner: TestClient, need: Body
) -> None:
    released, waiting = draft(staff, need), draft(staff, need, audience="public")
    release(staff, need, released)
    patch(staff, f"/v1/needs/{need['id']}", {"budget_jpy": 5})
    get(partner, f"/v1/needs/{need['id']}")
    patch(staff, f"/v1/needs/{need['id']}", {"title_en": "Something else"})
    problem(partner.get(f"/v1/needs/{need['id']}"), 404)
    found = get(staff, f"/v1/needs/{need['id']}/briefs")["items"]
    assert {(b["audience"], b["number"]): b["outdated"] for b in found} == {
        ("full", 1): True,
        ("full", 2): False,
        ("teaser", 1): True,
        ("public", 1): True,
    }
    path = f"/v1/needs/{need['id']}/briefs/{waiting['id']}"
    problem(staff.patch(path, json={"title_en": "x"}), 409)
    problem(staff.post(f"{path}/release"), 409)


def test_the_ledger_says_who_has_seen_which_version(
    staff: TestClient, anonymous: TestClient, partner: TestClient, need: Body, database: Database
) -> None:
    made = draft(staff, need)
    release(staff, need, made)
    path = f"/v1/needs/{need['id']}"
    get(partner, path)
    get(partner, "/v1/needs")
    entries = get(staff, f"{path}/disclosures")["items"]
    assert [(e["brief_id"], e["role"], e["channel"]) for e in entries] == [
        (made["id"], "partner", "api")
    ] * 2
    assert all(entry["partner_id"] and entry["account_id"] for entry in entries)
    with database.writing() as session:
        _, secret = create_key(
            session,
            name="the company",
            role=Role.COMPANY,
            organisation_id=UUID(need["organisation_id"]),
        )
    own = with_key(anonymous, secret)
    entries = get(own, f"{path}/disclosures")["items"]
    assert len(entries) == 2
    assert not {"partner_id", "account_id"} & entries[0].keys()
    shown = get(own, f"{path}/briefs")["items"]
    assert [brief["audience"] for brief in shown] == ["full", "teaser"]
    assert not {"drafted_by", "findings"} & shown[0].keys()


def test_briefs_of_others_look_like_none(
    staff: TestClient, company: TestClient, partner: TestClient, need: Body
) -> None:
    made = draft(staff, need)
    path = f"/v1/needs/{need['id']}"
    problem(company.get(f"{path}/briefs"), 404)
    problem(company.get(f"{path}/disclosures"), 404)
    for client in (company, partner):
        problem(client.post(f"{path}/teaser"), 403)
        problem(client.post(f"{path}/briefs/{made['id']}/release"), 403)
    problem(partner.get(f"{path}/briefs"), 403)
    other = create(staff, "/v1/needs", asking.need(organisation_id=need["organisation_id"]))
    for method, tail in ((staff.patch, ""), (staff.post, "/release"), (staff.post, "/withdraw")):
        for brief in (made["id"], asking.UNKNOWN):
            problem(method(f"/v1/needs/{other['id']}/briefs/{brief}{tail}", json={}), 404)
    problem(staff.post(f"{path}/briefs/{made['id']}/withdraw"), 409)
    problem(staff.post(f"{path}/teaser", json={"audience": "full"}), 422, "audience")


def test_a_need_that_was_stored_before_versions_gets_its_full_one(
    staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        need_id = make_need(session).id
    made = draft(staff, {"id": str(need_id)}, audience="public")
    assert (made["audience"], made["number"]) == ("public", 1)
    with database.reading() as session:
        count = select(func.count()).select_from(NeedVersion)
        statement = count.where(NeedVersion.need_id == need_id)
        assert session.scalar(statement.where(NeedVersion.audience == Audience.FULL)) == 1


def test_drafting_shows_nothing_to_anybody(
    staff: TestClient, database: Database, need: Body
) -> None:
    draft(staff, need)
    get(staff, f"/v1/needs/{need['id']}/briefs")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Disclosure)) == 0
