"""Versions of a need's brief, and the ledger of who has seen which."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, Timestamped, text_enum, utc_now
from models.enums import Audience, Role


class NeedVersion(Identified, Timestamped, Base):
    """A brief for one audience; nothing but released versions is shown outside the office."""

    __tablename__ = "need_versions"
    __table_args__ = (
        UniqueConstraint("need_id", "audience", "number"),
        CheckConstraint(
            "coalesce(title_ja, title_en, brief_ja, brief_en) IS NOT NULL", name="has_text"
        ),
        CheckConstraint("withdrawn_at IS NULL OR released_at IS NOT NULL", name="order"),
    )

    need_id: Mapped[UUID] = mapped_column(ForeignKey("needs.id", ondelete="CASCADE"), index=True)
    audience: Mapped[Audience] = mapped_column(text_enum(Audience))
    number: Mapped[int]
    """From 1, within the need and audience."""
    title_ja: Mapped[str | None] = mapped_column(String(500))
    title_en: Mapped[str | None] = mapped_column(String(500))
    brief_ja: Mapped[str | None]
    brief_en: Mapped[str | None]
    drafted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    released_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    """From then on it is shown to nobody outside, who has seen it stays in the ledger."""
    accepted_findings: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many findings of the anonymiser the releasing coordinator accepted knowingly."""


class Disclosure(Identified, Base):
    """Who outside the office was shown a version, and when: one row each time."""

    __tablename__ = "disclosures"

    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("need_versions.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("partners.id", ondelete="SET NULL"))
    """Of a partner: for whom it was shown."""
    channel: Mapped[str] = mapped_column(String(16), default="api", server_default="api")
    """`api` or `mail`."""
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)

    version: Mapped[NeedVersion] = relationship()
