"""Needs: what companies lack."""

from datetime import date
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, PortableJSON, Timestamped, text_enum
from models.cluster import Cluster, need_clusters
from models.enums import Confidentiality, NeedKind, NeedStatus
from models.organisation import Organisation

need_staff = Table(
    "need_staff",
    Base.metadata,
    Column("need_id", ForeignKey("needs.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)
"""Who may see a need of the level `named_staff`."""


class Need(Identified, Timestamped, Base):
    """Has a title or brief in at least one language; is matched while it is open."""

    __tablename__ = "needs"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id"),
        CheckConstraint(
            "coalesce(title_ja, title_en, brief_ja, brief_en) IS NOT NULL", name="has_text"
        ),
        CheckConstraint("trl_from BETWEEN 1 AND 9", name="trl_from"),
        CheckConstraint("trl_to BETWEEN 1 AND 9 AND trl_to >= trl_from", name="trl_to"),
        CheckConstraint("budget_jpy >= 0", name="budget"),
    )

    external_id: Mapped[str | None] = mapped_column(String(300), index=True)
    """Unique within its organisation: a clash must not tell a company of another's need."""
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[NeedKind] = mapped_column(text_enum(NeedKind))
    title_ja: Mapped[str | None] = mapped_column(String(500))
    title_en: Mapped[str | None] = mapped_column(String(500))
    brief_ja: Mapped[str | None]
    brief_en: Mapped[str | None]
    engagement_types: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    trl_from: Mapped[int | None]
    trl_to: Mapped[int | None]
    budget_jpy: Mapped[int | None] = mapped_column(BigInteger)
    deadline: Mapped[date | None]
    prefecture: Mapped[str | None] = mapped_column(String(100))
    """Where the work is to be done; the organisation's place if not said."""
    city: Mapped[str | None] = mapped_column(String(100))
    confidentiality: Mapped[Confidentiality] = mapped_column(
        text_enum(Confidentiality), default=Confidentiality.STAFF_ONLY
    )
    status: Mapped[NeedStatus] = mapped_column(
        text_enum(NeedStatus), default=NeedStatus.OPEN, index=True
    )
    posted_on: Mapped[date]
    """The recency of evidence is judged as of this day."""
    excluded_organisations: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """Ids of organisations that must not be suggested (competitors, conflicts of interest)."""
    excluded_evidence: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """External ids of evidence that must not speak for a partner here."""

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    clusters: Mapped[list[Cluster]] = relationship(secondary=need_clusters, order_by=Cluster.slug)
