"""Addresses that are mailed no more."""

from sqlalchemy import select

from app.contexts import SYSTEM
from app.db import Database
from app.services.mail_suppressions import is_suppressed, lift, suppress
from models import MailSuppression


def test_suppressed_until_lifted(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        suppress(session, "Sato@Example.jp", 550)
        suppress(session, "sato@example.jp", 551)
        assert is_suppressed(session, "SATO@example.jp")
        assert not is_suppressed(session, "kato@example.jp")
        (row,) = session.scalars(select(MailSuppression))
        assert row.smtp_code == 550
        assert "sato" not in row.digest
    with database.writing(SYSTEM) as session:
        assert lift(session, "sato@example.jp")
        assert not lift(session, "sato@example.jp")
        assert not is_suppressed(session, "sato@example.jp")


def test_suppressed_again_after_it_was_lifted(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        suppress(session, "sato@example.jp", 550)
        assert lift(session, "sato@example.jp")
        suppress(session, "sato@example.jp", 553)
        assert is_suppressed(session, "sato@example.jp")
