"""Two records of one person: offered, merged, dismissed."""

from typing import Any, Final

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.db import Database
from models import Account, Base, Introduction, Need, Role
from tests.app.asking import (
    UNKNOWN,
    Body,
    capability,
    cluster,
    create,
    everything,
    get,
    ids,
    need,
    organisation,
    partner,
    patch,
    problem,
)
from tests.factories import make_account, make_introduction, make_need, make_partner

PARTNERS = "/v1/partners"
DUPLICATES = "/v1/partners/duplicates"


def make(client: TestClient, name_ja: str, **values: Any) -> str:
    made: str = create(
        client, "/v1/partners", partner(name_ja=name_ja, **{"name_en": None, **values})
    )["id"]
    return made


def pairs(client: TestClient) -> list[tuple[str, ...]]:
    return [tuple(ids(pair["partners"])) for pair in get(client, DUPLICATES)["items"]]


def merge(client: TestClient, kept: str, duplicate: str, **values: Any) -> Body:
    body = {"duplicate_id": duplicate, **values}
    response = client.post(f"/v1/partners/{kept}/merge", json=body)
    assert response.status_code == 200, response.text
    merged: Body = response.json()
    return merged


def evidence(client: TestClient, who: str) -> list[Body]:
    found: list[Body] = get(client, f"/v1/partners/{who}/capabilities")["items"]
    return found


def test_records_of_one_name_are_offered_with_reasons(staff: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    one = make(staff, "髙橋 太郎", organisation_id=home)
    other = make(staff, "高橋太郎", organisation_id=home)
    make(staff, "高橋 次郎", organisation_id=home)
    far, near = make(staff, "黒木 遥"), make(staff, "くろき はるか", name_en="Haruka Kuroki")
    patch(staff, f"/v1/partners/{far}", {"name_kana": "くろき はるか"})

    found = get(staff, DUPLICATES)

    assert found["total"] == 2
    assert pairs(staff) == [(one, other), (far, near)]
    first, second = found["items"]
    assert [reason["code"] for reason in first["reasons"]] == [
        "same_written_name",
        "same_organisation",
    ]
    assert all(reason["detail"]["en"] and reason["detail"]["ja"] for reason in first["reasons"])
    assert 0 < second["strength"] < first["strength"] <= 1
    assert get(staff, DUPLICATES, limit=1)["total"] == 2
    assert len(get(staff, DUPLICATES, limit=1)["items"]) == 1


def test_shared_works_are_a_reason_but_coauthors_are_no_pair(staff: TestClient) -> None:
    one, other = (
        make(staff, "鈴木 浩", name_kana="すずき ひろし"),
        make(staff, "鈴木 博", name_kana="すずき ひろし"),
    )
    coauthor = make(staff, "甲斐 明")
    assert pairs(staff) == []
    for who in (one, other, coauthor):
        create(staff, f"/v1/partners/{who}/capabilities", capability(external_id="doi:10.1234/x"))

    assert pairs(staff) == [(one, other)]
    reasons = get(staff, DUPLICATES)["items"][0]["reasons"]
    assert [r["code"] for r in reasons] == ["same_sound_other_kanji", "same_works", "same_texts"]


def test_a_dismissed_pair_is_not_offered_again(staff: TestClient) -> None:
    one, other = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")
    third = make(staff, "高橋太郎")
    for body in ([other, one], [one, other]):
        response = staff.post(f"{DUPLICATES}/dismiss", json={"partner_ids": body})
        assert response.status_code == 204
    assert pairs(staff) == [(one, third), (other, third)]

    merge(staff, other, third)  # what was said of the pair holds for who is left

    assert pairs(staff) == []


def test_a_dismissal_follows_the_merged_record(staff: TestClient) -> None:
    one, other, third = (make(staff, "高橋 太郎") for _ in range(3))
    staff.post(f"{DUPLICATES}/dismiss", json={"partner_ids": [one, other]})

    merge(staff, third, one)

    assert pairs(staff) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [([0, 0], 422), ([0, UNKNOWN], 404), ([0], 422), ([0, 1, 1], 422)],
)
def test_dismissing_what_is_no_pair(staff: TestClient, change: list[Any], status: int) -> None:
    who = [make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")]
    body = [who[i] if isinstance(i, int) else i for i in change]
    problem(staff.post(f"{DUPLICATES}/dismiss", json={"partner_ids": body}), status)
    assert len(pairs(staff)) == 1


def test_a_merge_moves_everything_and_removes_the_other(staff: TestClient) -> None:
    for slug in ("food-health", "it-resort"):
        create(staff, "/v1/clusters", cluster(slug=slug))
    home = create(staff, "/v1/organisations", organisation())["id"]
    away = {"start": "2027-04-01", "end": "2027-09-30", "reason": "sabbatical"}
    later = {"start": "2028-04-01", "end": None, "reason": None}
    kept = make(staff, "高橋 太郎", clusters=["food-health"], unavailable=[away], external_id="k")
    gone = make(
        staff,
        "髙橋 太郎",
        name_en="Taro Takahashi",
        languages=["en"],
        clusters=["food-health", "it-resort"],
        unavailable=[away, later],
        organisation_id=home,
        orcid="0000-0002-1825-0097",
        engagement_types=["testing"],
        external_id="d",
    )
    create(staff, f"/v1/partners/{kept}/capabilities", capability(year=None))
    create(staff, f"/v1/partners/{gone}/capabilities", capability(external_id="same"))
    create(staff, f"/v1/partners/{gone}/capabilities", capability(title_en="Another work"))

    merged = merge(staff, kept, gone)

    assert merged["id"] == kept
    assert merged["external_id"] == "k"
    assert (merged["name_ja"], merged["name_en"]) == ("高橋 太郎", "Taro Takahashi")
    assert merged["clusters"] == ["food-health", "it-resort"]
    assert merged["unavailable"] == [away, later]
    assert merged["languages"] == ["ja", "en"]
    assert merged["engagement_types"] == ["testing"]
    assert (merged["organisation_id"], merged["orcid"]) == (home, "0000-0002-1825-0097")
    assert get(staff, f"/v1/partners/{kept}") == merged
    problem(staff.get(f"/v1/partners/{gone}"), 404)
    works = evidence(staff, kept)
    assert sorted(work["title_en"] for work in works) == [
        "Another work",
        "Browning of citrus juice",
    ]
    assert {work["year"] for work in works} == {2024}
    assert pairs(staff) == []
    for reference in ("k", "d"):
        assert everything(staff, "/v1/partners", external_id=reference) == [kept]
    taken = partner(external_id="d")
    problem(staff.post("/v1/partners", json=taken), 409)


def test_a_former_name_is_still_found(staff: TestClient) -> None:
    kept, gone = make(staff, "高橋 花子"), make(staff, "甲斐 花子")
    merge(staff, kept, gone)
    last = make(staff, "黒木 花子")
    merge(staff, last, kept)
    for name in ("かい", "高橋 花子", "Kuroki"):
        assert everything(staff, "/v1/partners", name=name) == [last]


def test_works_of_one_number_that_differ_are_both_kept(staff: TestClient) -> None:
    kept, gone = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎", external_id="d")
    create(staff, f"/v1/partners/{kept}/capabilities", capability(external_id="1"))
    create(
        staff, f"/v1/partners/{gone}/capabilities", capability(external_id="1", title_en="Other")
    )
    merge(staff, kept, gone)
    assert sorted(str(work["external_id"]) for work in evidence(staff, kept)) == ["1", "d/1"]


def test_works_of_other_years_are_not_identical(staff: TestClient) -> None:
    kept, gone = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")
    for who, year in ((kept, 2020), (gone, 2021)):
        create(staff, f"/v1/partners/{who}/capabilities", capability(year=year))
    merge(staff, kept, gone)
    assert {work["year"] for work in evidence(staff, kept)} == {2020, 2021}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("orcid", ("0000-0002-1825-0097", "0000-0001-5109-3700")),
        ("researchmap_id", ("one", "other")),
        ("kind", ("researcher", "company")),
    ],
)
def test_conflicting_records_are_refused(
    staff: TestClient, field: str, values: tuple[str, str]
) -> None:
    kept, gone = (make(staff, "高橋 太郎", **{field: value}) for value in values)
    path = f"/v1/partners/{kept}/merge"
    problem(staff.post(path, json={"duplicate_id": gone}), 409, field)
    assert len(everything(staff, "/v1/partners")) == 2
    insisting = staff.post(path, json={"duplicate_id": gone, "keep_differing": True})
    if field == "kind":
        assert insisting.json()["kind"] == "researcher"
    else:
        problem(insisting, 409, field)


def test_another_organisation_is_kept_only_if_that_is_said(staff: TestClient) -> None:
    homes = [create(staff, "/v1/organisations", organisation())["id"] for _ in range(2)]
    kept, gone = (make(staff, "高橋 太郎", organisation_id=home) for home in homes)
    path = f"/v1/partners/{kept}/merge"
    problem(staff.post(path, json={"duplicate_id": gone}), 409, "organisation_id")
    assert merge(staff, kept, gone, keep_differing=True)["organisation_id"] == homes[0]


@pytest.mark.parametrize("duplicate", ["itself", UNKNOWN])
def test_a_merge_with_nobody(staff: TestClient, duplicate: str) -> None:
    kept = make(staff, "高橋 太郎")
    other = kept if duplicate == "itself" else duplicate
    response = staff.post(f"/v1/partners/{kept}/merge", json={"duplicate_id": other})
    problem(response, 422 if other == kept else 404)
    problem(staff.post(f"/v1/partners/{UNKNOWN}/merge", json={"duplicate_id": kept}), 404)


def test_kept_lists_name_the_kept_partner(staff: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    wanted = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    kept, gone = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")
    for who in (kept, gone):
        create(staff, f"/v1/partners/{who}/capabilities", capability())
    both = staff.post(f"/v1/needs/{wanted}/match-runs").json()
    assert len(both["matches"]) == 2

    merge(staff, kept, gone)

    (match,) = get(staff, f"/v1/match-runs/{both['id']}")["matches"]
    assert match["partner_id"] == kept
    (work,) = evidence(staff, kept)
    assert [piece["capability_id"] for piece in match["evidence"]] == [work["id"]]


def test_the_next_list_is_made_after_the_merge(staff: TestClient) -> None:
    kept, gone = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")
    create(staff, f"/v1/partners/{gone}/capabilities", capability())
    asked = {"text": "Our citrus juice turns brown."}
    before = staff.post("/v1/match", json=asked).json()
    assert [item["partner"]["id"] for item in before["items"]] == [gone]

    merge(staff, kept, gone)

    after = staff.post("/v1/match", json=asked).json()
    assert [item["partner"]["id"] for item in after["items"]] == [kept]
    assert after["corpus_revision"] > before["corpus_revision"]


def test_a_need_goes_on_excluding_evidence_that_was_identical(
    staff: TestClient, database: Database
) -> None:
    kept, gone = make(staff, "高橋 太郎"), make(staff, "髙橋 太郎")
    for who, name in ((kept, "a"), (gone, "b")):
        create(staff, f"/v1/partners/{who}/capabilities", capability(external_id=name))
    with database.writing() as session:
        make_need(session, excluded_evidence=["b"])

    merge(staff, kept, gone)

    with database.reading() as session:
        assert session.scalars(select(Need.excluded_evidence)).one() == ["b", "a"]


def test_a_name_that_everybody_has_does_not_bring_back_the_square(
    staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        for _ in range(100):
            make_partner(session, name_ja="鈴木 一郎", name_en=None)

    assert get(staff, DUPLICATES)["total"] == 99


def test_dealings_go_over(staff: TestClient, database: Database) -> None:
    with database.writing() as session:
        kept, gone = make_partner(session), make_partner(session)
        wanted = make_need(session)
        introduction = make_introduction(session, wanted, gone).id
        account = make_account(session, role=Role.PARTNER, partner_id=gone.id).id
        both = str(kept.id), str(gone.id)
    merged = staff.post(f"{PARTNERS}/{both[0]}/merge", json={"duplicate_id": both[1]})
    assert merged.status_code == 200
    with database.reading() as session:
        assert str(session.get_one(Introduction, introduction).partner_id) == both[0]
        assert str(session.get_one(Account, account).partner_id) == both[0]


def test_an_introduction_with_each_stands_against_it(staff: TestClient, database: Database) -> None:
    with database.writing() as session:
        kept, gone = make_partner(session), make_partner(session)
        wanted = make_need(session)
        for who in (kept, gone):
            make_introduction(session, wanted, who)
        both = str(kept.id), str(gone.id)
    answer = staff.post(f"{PARTNERS}/{both[0]}/merge", json={"duplicate_id": both[1]})
    assert "under way" in problem(answer, 409)["detail"]


TOLD_APART: Final = {
    "capabilities": "moved",
    "matches": "moved",
    "partner_clusters": "united",
    "partner_aliases": "moved",
    "distinct_partners": "moved",
    "unavailabilities": "united",
    "partner_name_keys": "made anew",
    "introductions": "moved",
    "accounts": "moved",
    "disclosures": "moved",
    "suggestions": "moved",
}
"""What a merge does with each table that refers to partners."""


def test_no_table_that_refers_to_partners_is_forgotten() -> None:
    """Whoever adds one decides what a merge does with its rows, in `app/services/merging.py`."""
    referring = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "partners"
    }
    assert referring == TOLD_APART.keys()
