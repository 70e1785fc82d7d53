"""Versions follow the texts of needs, however these are written."""

from datetime import date

from sqlalchemy import select

from app.db import Database
from app.jobs.importing import store
from app.services.need_versions import keep_full_versions
from data.importers import ReadResult
from data.records import NeedRecord
from models import Audience, Need, NeedVersion, utc_now
from tests.factories import make_need, make_version


def imported(database: Database, *texts: str) -> None:
    """One need for each text."""
    needs = [
        NeedRecord.model_validate({"id": f"n{number}", "brief_en": text})
        for number, text in enumerate(texts)
    ]
    store(database, ReadResult(needs=needs), set_name="test", today=date(2026, 11, 1))


def full_versions(database: Database) -> list[tuple[int, str | None]]:
    """Number and text of each full version."""
    with database.reading() as session:
        statement = (
            select(NeedVersion)
            .join(Need, Need.id == NeedVersion.need_id)
            .where(NeedVersion.audience == Audience.FULL)
            .order_by(Need.external_id, NeedVersion.number)
        )
        return [(version.number, version.brief_en) for version in session.scalars(statement)]


def test_an_import_writes_full_versions_of_what_is_new(database: Database) -> None:
    imported(database, "juice", "stillage")
    imported(database, "juice", "stillage")
    assert full_versions(database) == [(1, "juice"), (1, "stillage")]
    with database.writing() as session:
        for need in session.scalars(select(Need)):
            make_version(session, need)
    imported(database, "juice", "dry stillage")
    assert full_versions(database) == [(1, "juice"), (1, "stillage"), (2, "dry stillage")]
    with database.reading() as session:
        statement = (
            select(Need.external_id)
            .join(NeedVersion)
            .where(NeedVersion.audience == Audience.TEASER, NeedVersion.withdrawn_at.is_(None))
        )
        assert session.scalars(statement).all() == ["n0"]


def test_what_was_withdrawn_keeps_its_time(database: Database) -> None:
    before = utc_now()
    with database.writing() as session:
        need = make_need(session)
        keep_full_versions(session, [need], actor=None)
        old = make_version(session, need, withdrawn_at=before)
        shown = make_version(session, need, number=2)
        waiting = make_version(session, need, number=3, released_at=None)
        need.brief_en = "Another text."
        session.flush()
        keep_full_versions(session, [need], actor=None)
        for version in (old, shown, waiting):
            session.refresh(version)
        assert old.withdrawn_at == before
        assert shown.withdrawn_at is not None
        assert shown.withdrawn_at >= before
        assert waiting.withdrawn_at is None
