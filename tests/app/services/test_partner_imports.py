"""Imports of partners by name, of possible duplicates and of merged records."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.cli.opening import TERMINAL
from app.db import Database
from app.jobs.importing import store
from app.services.imports import Imported
from app.services.merging import merge_partners
from app.services.partners import find_partner, list_partners
from data.importers import ReadResult
from data.records import OrganisationRecord, PartnerRecord
from models import Capability, Partner
from tests.factories import make_partner

ORCID = "0000-0002-1825-0097"
OTHER_ORCID = "0000-0001-5109-3700"


def partner(key: str, name_ja: str = "高橋 太郎", **values: Any) -> PartnerRecord:
    return PartnerRecord.model_validate({"id": key, "name_ja": name_ja, **values})


def imported(database: Database, *partners: PartnerRecord) -> Imported:
    read = ReadResult(partners=list(partners))
    return store(database, read, set_name="test", today=date(2026, 11, 1))


def found(database: Database, name: str) -> list[str]:
    with database.reading() as session:
        page = list_partners(session, actor=TERMINAL, cursor=None, limit=50, name=name)
        return [str(row.external_id) for row in page.items]


def merge(database: Database, kept: str, duplicate: str, **values: Any) -> None:
    with database.writing() as session:
        one, other = (
            find_partner(session, kept, actor=TERMINAL),
            find_partner(session, duplicate, actor=TERMINAL),
        )
        merge_partners(session, one, other, **values)


def rows(database: Database) -> list[Partner]:
    with database.reading() as session:
        partners = list(session.scalars(select(Partner)).unique())
        for row in partners:
            assert row.clusters is not None
            assert row.unavailable is not None
        return partners


def titles(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.scalars(select(Capability.title_en)), key=str)


def piece(key: str, title: str, **values: Any) -> dict[str, Any]:
    return {"id": key, "title_en": title, **values}


def test_imported_names_are_found_and_follow_corrections(database: Database) -> None:
    imported(database, partner("a", name_kana="タカハシ タロウ"), partner("b", "甲斐 明"))
    assert found(database, "takahashi taro") == ["a"]
    assert found(database, "カイ") == ["b"]

    imported(database, partner("a", "黒木 遥"))

    assert found(database, "くろき") == ["a"]
    assert found(database, "高橋") == []


def test_a_reading_that_a_file_does_not_name_stays(database: Database) -> None:
    imported(database, partner("a", name_kana="たかはし たろう"))
    done = imported(database, partner("a"))
    assert (done.changed, done.unchanged) == (0, 1)
    assert rows(database)[0].name_kana == "たかはし たろう"


def test_organisations_are_found_by_their_reading(database: Database) -> None:
    record = {"id": "o", "kind": "company", "name_ja": "日向灘醸造"}
    for kana in ("ひゅうがなだじょうぞう", None):
        read = OrganisationRecord.model_validate(record | {"name_kana": kana})
        done = store(
            database, ReadResult(organisations=[read]), set_name="x", today=date(2026, 11, 1)
        )
    assert done.unchanged == 1


def test_a_new_person_who_looks_like_a_stored_one_is_stored_and_counted(
    database: Database,
) -> None:
    assert imported(database, partner("a")).possible_duplicates == 0
    done = imported(database, partner("b", "髙橋太郎"), partner("c", "甲斐 明"))
    assert (done.created, done.possible_duplicates, done.problems) == (2, 1, [])
    assert imported(database, partner("b", "髙橋太郎")).possible_duplicates == 0


KEPT = partner("k", name_en="Taro Takahashi", evidence=[piece("1", "Juice"), piece("2", "Peel")])
GONE = partner(
    "d",
    "髙橋 太郎",
    languages=["en"],
    orcid=ORCID,
    evidence=[piece("x", "Juice"), piece("2", "Another work"), piece("y", "Pulp")],
    unavailable=[{"from": "2027-04-01", "to": "2027-09-30"}],
)


@pytest.mark.parametrize("order", [(KEPT, GONE), (GONE, KEPT), (GONE,), (KEPT,)])
def test_a_merged_record_is_not_resurrected(
    database: Database, order: tuple[PartnerRecord, ...]
) -> None:
    imported(database, KEPT, GONE)
    merge(database, "k", "d")
    before = titles(database)
    assert before == ["Another work", "Juice", "Peel", "Pulp"]

    for _ in range(2):
        done = imported(database, *order)
        assert (done.created, done.changed, done.problems) == (0, 0, [])
        assert done.possible_duplicates == 0

    (row,) = rows(database)
    assert (row.external_id, row.name_ja, row.orcid) == ("k", "高橋 太郎", ORCID)
    assert row.languages == ["en"]
    assert len(row.unavailable) == 1
    assert titles(database) == before


def test_a_later_import_of_a_merged_record_adds_to_the_kept_one(database: Database) -> None:
    imported(database, KEPT, GONE)
    merge(database, "k", "d")
    fresh = [*({"id": e.id, "title_en": e.title_en} for e in GONE.evidence), piece("z", "Zest")]
    fresh[2]["title_en"] = "Pulp, revised"
    changed = partner(
        "d", "高橋 次郎", name_kana="たかはし たろう", researchmap_id="taro", evidence=fresh
    )

    done = imported(database, changed)

    assert done.created == 1
    (row,) = rows(database)
    assert (row.name_ja, row.name_kana) == ("高橋 太郎", "たかはし たろう")
    assert (row.researchmap_id, row.orcid) == ("taro", ORCID)
    assert titles(database) == ["Another work", "Juice", "Peel", "Pulp, revised", "Zest"]
    assert imported(database, changed).changed == 0


def test_another_orcid_of_a_merged_record_is_reported(database: Database) -> None:
    imported(database, KEPT, GONE)
    merge(database, "k", "d")
    done = imported(database, partner("d", orcid=OTHER_ORCID))
    assert "two people" in done.problems[0]
    assert rows(database)[0].orcid == ORCID


def test_a_kept_record_without_id_of_its_own_keeps_what_people_wrote(database: Database) -> None:
    imported(database, GONE)
    with database.writing() as session:
        kept = make_partner(session, name_ja="高橋 太郎(確認済)", name_en=None)
        merge_partners(session, kept, find_partner(session, "d", actor=TERMINAL))

    assert imported(database, GONE).changed == 0

    (row,) = rows(database)
    assert (row.name_ja, row.external_id) == ("高橋 太郎(確認済)", None)


def test_loose_evidence_of_a_merged_record_goes_to_the_kept_one(database: Database) -> None:
    imported(database, KEPT, GONE)
    merge(database, "k", "d")
    extra = GONE.evidence[2].model_copy(update={"id": "w", "title_en": "Wine"})
    read = ReadResult(loose_capabilities=[("d", extra), ("d", GONE.evidence[0])])
    done = store(database, read, set_name="x", today=date(2026, 11, 1))
    assert (done.created, done.unchanged) == (1, 1)
    assert "Wine" in titles(database)
