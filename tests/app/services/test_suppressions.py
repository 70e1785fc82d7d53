"""Erased persons are known again, and nobody else is taken for them."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import Problem
from app.services.suppressions import (
    Identifiers,
    PersonName,
    digests_to_keep,
    keep,
    require_admitted,
    require_admitted_email,
    some,
    suppressed_by,
)
from models import Suppression

HOME = ("日向灘大学", "Hyuganada University")
ERASED = Identifiers(
    email=some("H.Kuroki@example.org"),
    researchmap=some("kuroki-h"),
    external_id=some("p-1"),
    names=(PersonName("髙橋 太郎", "たかはし たろう", "Taro Takahashi", HOME),),
)


@pytest.fixture
def erased(database: Database) -> None:
    with database.writing() as session:
        keep(session, digests_to_keep(ERASED))


def is_suppressed(session: Session, candidate: Identifiers) -> bool:
    return bool(suppressed_by(session, [candidate])[0])


def named(
    ja: str | None = None,
    kana: str | None = None,
    en: str | None = None,
    home: tuple[str, ...] = HOME,
    orcid: str | None = None,
) -> Identifiers:
    return Identifiers(names=(PersonName(ja, kana, en, home),), orcid=some(orcid))


@pytest.mark.usefixtures("erased")
@pytest.mark.parametrize(
    "candidate",
    [
        Identifiers(email=some(" h.kuroki@EXAMPLE.org ")),
        Identifiers(researchmap=some("Kuroki-H")),
        Identifiers(external_id=some("p-1")),
        named("高橋太郎"),
        named("高橋 太郎", home=("日向灘大学",)),
        named(kana="タカハシ タロウ"),
        named(en="TAKAHASHI, Taro", home=("Hyuganada University",)),
        named("高橋太郎", orcid="0000-0002-1825-0097"),
    ],
)
def test_is_known_again(database: Database, candidate: Identifiers) -> None:
    with database.reading() as session:
        assert is_suppressed(session, candidate)


@pytest.mark.usefixtures("erased")
@pytest.mark.parametrize(
    "candidate",
    [
        Identifiers(),
        Identifiers(external_id=some("p-2")),
        Identifiers(external_id=some("kuroki-h")),  # an identifier of another kind
        named("高橋 太郎", home=("高千穂工科大学",)),
        named("高橋 太郎", home=()),
        named("高橋 多朗", "たかはし たろう", "Taro Takahashi"),  # reads alike, other kanji
        named("高橋"),
    ],
)
def test_others_are_not_taken_for_her(database: Database, candidate: Identifiers) -> None:
    with database.reading() as session:
        assert not is_suppressed(session, candidate)


def test_a_name_without_kanji_is_known_by_its_sound(database: Database) -> None:
    with database.writing() as session:
        keep(session, digests_to_keep(named(en="Taro Takahashi")))
        assert is_suppressed(session, named("高橋 太郎", "たかはし たろう"))
        assert not is_suppressed(session, named("高橋 次郎", "たかはし じろう"))


def test_two_orcids_are_two_persons(database: Database) -> None:
    with database.writing() as session:
        keep(session, digests_to_keep(named("高橋 太郎", orcid="0000-0002-1825-0097")))
        assert is_suppressed(session, named("高橋 太郎"))
        assert is_suppressed(session, named("高橋 太郎", orcid="0000-0002-1825-0097"))
        assert not is_suppressed(session, named("高橋 太郎", orcid="0000-0001-5109-3700"))


@pytest.mark.usefixtures("erased")
def test_a_namesake_who_is_stored_can_be_edited(database: Database) -> None:
    namesake = named("高橋 太郎")
    with database.reading() as session:
        with pytest.raises(Problem, match="asked to be erased"):
            require_admitted(session, namesake)
        require_admitted(session, namesake, before=namesake)
        with pytest.raises(Problem, match="asked to be erased"):
            require_admitted_email(session, "h.kuroki@example.org")


@pytest.mark.usefixtures("erased")
def test_nothing_can_be_read_from_what_is_kept(database: Database) -> None:
    with database.reading() as session:
        rows = session.scalars(select(Suppression)).all()
    assert {row.kind for row in rows} == {"email", "researchmap", "external_id", "name"}
    assert all(len(row.digest) == 64 and int(row.digest, 16) for row in rows)
