"""Finding and ordering partners and organisations by name over HTTP."""

import pytest
from fastapi.testclient import TestClient

from tests.app.asking import (
    create,
    everything,
    get,
    ids,
    organisation,
    pages,
    partner,
    patch,
    problem,
)

SPELLINGS = (
    "高橋",
    "髙橋",
    "たかはし",
    "タカハシ",
    "ﾀｶﾊｼ",
    "Takahashi",
    "TAKAHASHI",
    "takahasi taro",
)


@pytest.fixture
def who(staff: TestClient) -> str:
    create(staff, "/v1/partners", partner(name_ja="鈴木 花子", name_en="Hanako Suzuki"))
    found: str = create(
        staff, "/v1/partners", partner(name_ja="髙橋　太郎", name_en=None, name_kana="ﾀｶﾊｼ ﾀﾛｳ")
    )["id"]
    return found


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_partner_is_found_in_every_spelling(staff: TestClient, who: str, name: str) -> None:
    assert everything(staff, "/v1/partners", name=name) == [who]


def test_the_reading_is_stored_full_width_and_shown(staff: TestClient, who: str) -> None:
    assert get(staff, f"/v1/partners/{who}")["name_kana"] == "タカハシ タロウ"
    assert get(staff, f"/v1/partners/{who}")["name_ja"] == "髙橋 太郎"


@pytest.mark.parametrize("reading", ["高橋", "Takahashi", "123", "たかはし 太郎"])
def test_a_reading_is_in_kana(staff: TestClient, reading: str) -> None:
    for path, body in (("/v1/partners", partner), ("/v1/organisations", organisation)):
        problem(staff.post(path, json=body(name_kana=reading)), 422, "name_kana")


def test_a_changed_name_is_found_and_the_old_one_is_not(staff: TestClient, who: str) -> None:
    patch(staff, f"/v1/partners/{who}", {"name_ja": "甲斐 太郎", "name_kana": None})
    assert everything(staff, "/v1/partners", name="かい") == [who]
    assert everything(staff, "/v1/partners", name="高橋") == []


def test_a_removed_partner_is_found_no_more(staff: TestClient, who: str) -> None:
    assert staff.delete(f"/v1/partners/{who}").status_code == 204
    assert everything(staff, "/v1/partners", name="高橋") == []


def test_a_name_joins_other_filters(staff: TestClient, who: str) -> None:
    assert everything(staff, "/v1/partners", name="高橋", kind="researcher") == [who]
    assert everything(staff, "/v1/partners", name="高橋", kind="company") == []


@pytest.mark.parametrize("name", ["・", "%", "_", " "])
def test_a_name_without_letters_is_refused(staff: TestClient, name: str) -> None:
    problem(staff.get("/v1/partners", params={"name": name}), 422, "name")


def test_signs_of_sql_mean_nothing(staff: TestClient, who: str) -> None:
    assert everything(staff, "/v1/partners", name="T%i") == []  # two words, and no I…
    assert everything(staff, "/v1/partners", name="T%t") == [who]


def test_organisations_are_found_by_part_and_reading(staff: TestClient) -> None:
    made = create(
        staff,
        "/v1/organisations",
        organisation(
            name_ja="株式会社日向灘醸造", name_kana="ひゅうがなだじょうぞう", name_en=None
        ),
    )["id"]
    create(staff, "/v1/organisations", organisation(name_en="Another"))
    for name in ("日向灘", "醸造", "ヒュウガナダ", "Hyuganada", "㈱日向灘醸造"):
        assert everything(staff, "/v1/organisations", name=name) == [made]


def test_a_company_finds_only_itself(
    company: TestClient, staff: TestClient, company_id: str
) -> None:
    create(staff, "/v1/organisations", organisation(name_en="Hyuganada Foods"))
    assert everything(company, "/v1/organisations", name="Hyuganada") == [company_id]
    assert len(everything(staff, "/v1/organisations", name="Hyuganada")) == 2
    assert company.get("/v1/partners", params={"name": "高橋"}).status_code == 403


NAMES = (("渡辺 明", "わたなべ あきら"), ("東 次郎", "あずま じろう"), ("黒木 遥", "くろき はるか"))


def test_a_list_by_name_stands_in_the_order_of_the_kana(staff: TestClient) -> None:
    made = [
        create(staff, "/v1/partners", partner(name_ja=ja, name_kana=kana, name_en=None))["id"]
        for ja, kana in (*NAMES, NAMES[2])
    ]
    wanted = [made[1], made[2], made[3], made[0]]
    assert everything(staff, "/v1/partners", order="name") == wanted
    assert everything(staff, "/v1/partners", order="name", limit=1) == wanted
    assert everything(staff, "/v1/partners", order="created") == made
    assert everything(staff, "/v1/partners", order="name", limit=1, name="くろき") == made[2:]
    problem(staff.get("/v1/partners", params={"order": "height"}), 422, "order")


def test_organisations_by_name(staff: TestClient) -> None:
    made = [
        create(staff, "/v1/organisations", organisation(name_ja=ja, name_kana=kana))["id"]
        for ja, kana in NAMES
    ]
    found = everything(staff, "/v1/organisations", order="name", limit=2)
    assert found == [made[1], made[2], made[0]]


def test_a_cursor_after_a_removed_row_says_so(staff: TestClient) -> None:
    for ja, kana in NAMES:
        create(staff, "/v1/partners", partner(name_ja=ja, name_kana=kana))
    first = get(staff, "/v1/partners", order="name", limit=1)
    assert staff.delete(f"/v1/partners/{ids(first['items'])[0]}").status_code == 204
    asked = {"order": "name", "cursor": first["next_cursor"]}
    problem(staff.get("/v1/partners", params=asked), 422, "cursor")
    assert len(list(pages(staff, "/v1/partners", order="name"))) == 1
