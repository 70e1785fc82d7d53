from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.clock import today
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.services.corpus import Engine
from models import Base
from tests.app.asking import (
    SECRET,
    UNKNOWN,
    Body,
    capability,
    cluster,
    create,
    need,
    organisation,
    partner,
    problem,
)

PATH = "/v1/match"


def _text(**changes: Any) -> Body:
    return {"text": "Our citrus juice turns brown after two months.", **changes}


def _with_paper(staff: TestClient, **changes: Any) -> str:
    stored = create(staff, "/v1/partners", partner(**changes))
    create(staff, f"/v1/partners/{stored['id']}/capabilities", capability())
    return str(stored["id"])


def _match(client: TestClient, **changes: Any) -> Body:
    response = client.post(PATH, json=_text(**changes))
    assert response.status_code == 200, response.text
    body: Body = response.json()
    return body


def _partners(found: Body) -> set[str]:
    return {item["partner"]["id"] for item in found["items"]}


def test_match(staff: TestClient) -> None:
    other = create(staff, "/v1/partners", partner())["id"]
    create(
        staff,
        f"/v1/partners/{other}/capabilities",
        capability(title_en="Bus timetables", text_en="Buses are late."),
    )
    near = _with_paper(staff)
    found = _match(staff)
    assert found["need_id"] is None
    assert [item["partner"]["id"] for item in found["items"]] == [near, other]
    best = found["items"][0]["evidence"][0]
    span = slice(best["best_sentence"]["start"], best["best_sentence"]["end"])
    assert best["text"][span] == best["best_sentence"]["text"]
    assert len(_match(staff, top=1)["items"]) == 1
    assert _match(staff, explain=False)["items"][0]["evidence"] == []


def test_explain_is_a_level_or_the_switch_it_was(staff: TestClient) -> None:
    _with_paper(staff)
    assert _match(staff, explain=True) == _match(staff, explain="brief") == _match(staff)
    assert _match(staff, explain=False) == _match(staff, explain="none")
    assert _match(staff)["facets"] == []
    assert _match(staff)["items"][0]["explanation"] is None
    full = _match(staff, text="The juice turns brown. Buses are late.", explain="full")
    assert [facet["en"] for facet in full["facets"]] == [
        "The juice turns brown.",
        "Buses are late.",
    ]
    (item,) = full["items"]
    juice, buses = item["explanation"]["facets"]
    assert juice["is_covered"]
    assert juice["capability_id"] == item["evidence"][0]["capability_id"]
    assert buses == {
        "facet": 1,
        "share": buses["share"],
        "is_covered": False,
        "capability_id": None,
        "external_id": None,
    }
    assert "without_passage" in [change["kind"] for change in item["explanation"]["changes"]]


def test_the_title_counts(staff: TestClient) -> None:
    _with_paper(staff)
    plain = _match(staff, text="It is bad.")["items"][0]["score"]
    titled = _match(staff, text="It is bad.", title="Browning of citrus juice")["items"][0]["score"]
    assert titled > plain


def test_the_place_counts(staff: TestClient) -> None:
    lab = create(staff, "/v1/organisations", organisation())
    _with_paper(staff, organisation_id=lab["id"])
    near = _match(staff, prefecture="宮崎県", city="日南市")["items"][0]["score"]
    far = _match(staff, prefecture="北海道", city="札幌市")["items"][0]["score"]
    assert near > far


def test_filters(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    lab = create(staff, "/v1/organisations", organisation())["id"]
    other = create(staff, "/v1/organisations", organisation())["id"]
    plain = _with_paper(staff, organisation_id=other)
    clustered = _with_paper(staff, clusters=["food-health"], kind="laboratory")
    excluded = _with_paper(staff, organisation_id=lab, engagement_types=["testing"])
    away = _with_paper(staff, unavailable=[{"start": str(today() - timedelta(days=1))}])

    found = _match(staff)
    assert _partners(found) == {plain, clustered, excluded}
    assert found["blocked"] == {"unavailable": 1}
    found = _match(staff, include_unavailable=True)
    assert _partners(found) == {plain, clustered, excluded, away}
    assert found["blocked"] == {}
    found = _match(staff, clusters=["food-health"])
    assert _partners(found) == {clustered}
    assert found["blocked"] == {"cluster": 3}
    found = _match(staff, partner_kinds=["laboratory"])
    assert _partners(found) == {clustered}
    assert found["blocked"] == {"kind": 3}
    found = _match(staff, engagement_types=["testing"])
    assert _partners(found) == {excluded}
    assert found["blocked"] == {"engagement_not_stated": 3}
    found = _match(staff, excluded_organisations=[lab])
    assert _partners(found) == {plain}
    # Those without affiliation might be of the excluded organisation.
    assert found["blocked"] == {"excluded_organisation": 1, "organisation_unknown": 2}


def _counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_nothing_is_stored(
    staff: TestClient, company: TestClient, database: Database, engine: Engine
) -> None:
    _with_paper(staff)
    embed_pending(database, engine.encoder, pending_texts(database, engine.encoder))
    before = _counts(database)
    found = _match(staff, text=SECRET, title="Another text")
    _match(company, text=f"{SECRET} again")
    assert _counts(database) == before
    assert before["embeddings"] == 1
    assert found["corpus_revision"] == _match(staff)["corpus_revision"]
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            assert SECRET not in str(session.execute(select(table)).all())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "colour"),
        ({"text": None}, "text"),
        ({"text": " \u200b "}, "text"),
        ({"text": 5}, "text"),
        ({"text": SECRET * 3000}, "text"),
        ({"top": 0}, "top"),
        ({"top": 201}, "top"),
        ({"clusters": [f"No {SECRET}"]}, "clusters.0"),
        ({"partner_kinds": [SECRET]}, "partner_kinds.0"),
        ({"engagement_types": [SECRET]}, "engagement_types.0"),
        ({"excluded_organisations": [SECRET]}, "excluded_organisations.0"),
        ({"explain": SECRET}, "explain"),
    ],
)
def test_match_refuses(staff: TestClient, changes: Body, field: str) -> None:
    problem(staff.post(PATH, json=_text(**changes)), 422, field)


def test_match_without_text(staff: TestClient) -> None:
    problem(staff.post(PATH, json={"title": SECRET}), 422, "text")


def test_a_company_sees_anonymous_candidates(
    staff: TestClient, company: TestClient, company_id: str
) -> None:
    partner_id = _with_paper(staff, name_en="Dr-Name", external_id="p-77")
    _with_paper(staff, organisation_id=company_id, name_en="Own-Person")
    for number in range(4):
        create(staff, "/v1/partners", partner(name_en=f"Somebody {number}"))
    answer = company.post(PATH, json=_text(explain="full"))
    (item,) = answer.json()["candidates"]  # its own people are not suggested to it
    assert set(item) == {"candidate_id", "kind", "cluster", "reason"}
    assert item["kind"] == "researcher"
    hidden = (partner_id, "Dr-Name", "p-77", "rowning", "Own-Person")
    assert [text for text in hidden if text in answer.text] == []


def test_match_run_of_an_unknown_or_malformed_id(staff: TestClient) -> None:
    problem(staff.get(f"/v1/match-runs/{UNKNOWN}"), 404)
    problem(staff.get(f"/v1/match-runs/{SECRET}"), 422, "path.run_id")


def test_a_company_reads_no_match_runs(staff: TestClient, company: TestClient) -> None:
    stored = create(company, "/v1/needs", need())
    run = staff.post(f"/v1/needs/{stored['id']}/match-runs").json()
    hidden = company.get(f"/v1/match-runs/{run['id']}")
    problem(hidden, 403)
    assert hidden.content == company.get(f"/v1/match-runs/{UNKNOWN}").content
