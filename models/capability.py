"""Capabilities: dated pieces of evidence of what a partner can do."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Timestamped, text_enum
from models.enums import CapabilityKind, LicenceStatus


class Capability(Identified, Timestamped, Base):
    """A paper, patent, project, piece of equipment, service or statement."""

    __tablename__ = "capabilities"
    __table_args__ = (
        UniqueConstraint("partner_id", "source", "external_id"),
        # For rows that hang on a capability and lie with its partner.
        Index("uq_capabilities_partner_id_id", "partner_id", "id", unique=True),
        CheckConstraint(
            "coalesce(title_ja, title_en, text_ja, text_en) IS NOT NULL", name="has_text"
        ),
        CheckConstraint("licence_status IS NULL OR kind = 'patent'", name="licence_of_patent"),
    )

    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True, active_history=True
    )
    """When it moves, both partners have changed: the old one must be known."""
    kind: Mapped[CapabilityKind] = mapped_column(text_enum(CapabilityKind))
    title_ja: Mapped[str | None] = mapped_column(String(1000))
    title_en: Mapped[str | None] = mapped_column(String(1000))
    text_ja: Mapped[str | None]
    text_en: Mapped[str | None]
    year: Mapped[int | None]
    source: Mapped[str] = mapped_column(String(100), default="api")
    """Where it comes from: `api`, or the name of the imported file or database."""
    external_id: Mapped[str | None] = mapped_column(String(300))
    licence_status: Mapped[LicenceStatus | None] = mapped_column(text_enum(LicenceStatus))
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    """Of the text that is embedded: the key of its vector."""
