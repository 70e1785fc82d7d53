"""Partners: who could meet a need."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, PortableJSON, Timestamped, code_points, text_enum
from models.cluster import Cluster, partner_clusters
from models.enums import PartnerKind
from models.organisation import Organisation


class Partner(Identified, Timestamped, Base):
    """A researcher, laboratory, institute, support institution or company."""

    __tablename__ = "partners"
    __table_args__ = (
        CheckConstraint("name_ja IS NOT NULL OR name_en IS NOT NULL", name="has_name"),
        Index(None, "name_sort", "id"),
    )

    external_id: Mapped[str | None] = mapped_column(String(300), unique=True)
    kind: Mapped[PartnerKind] = mapped_column(text_enum(PartnerKind))
    name_ja: Mapped[str | None] = mapped_column(String(300))
    name_en: Mapped[str | None] = mapped_column(String(300))
    name_kana: Mapped[str | None] = mapped_column(String(300))
    """How it is read, in kana."""
    name_sort: Mapped[str] = mapped_column(code_points(64), default="", server_default="")
    """Place in a list by name (`matching.names.sort_key`); never shown."""
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    """Affiliation."""
    orcid: Mapped[str | None] = mapped_column(String(19), unique=True)
    researchmap_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    languages: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    engagement_types: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """Engagement types accepted; empty means not stated."""

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
    clusters: Mapped[list[Cluster]] = relationship(
        secondary=partner_clusters, order_by=Cluster.slug
    )
    unavailable: Mapped[list["Unavailability"]] = relationship(
        cascade="all, delete-orphan", order_by="Unavailability.start", passive_deletes=True
    )


class Unavailability(Identified, Base):
    """Days, both included, on which a partner has said it takes no new work."""

    __tablename__ = "unavailabilities"
    __table_args__ = (CheckConstraint('"end" >= start', name="order"),)

    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True, active_history=True
    )
    start: Mapped[date]
    end: Mapped[date | None]
    reason: Mapped[str | None] = mapped_column(String(300))
