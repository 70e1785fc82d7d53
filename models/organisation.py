"""Organisations: companies, universities, institutes, support institutions, government, TLOs."""

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, Timestamped, code_points, text_enum
from models.cluster import Cluster, organisation_clusters
from models.enums import OrganisationKind


class Organisation(Identified, Timestamped, Base):
    """Has a name in at least one language, and a place."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("name_ja IS NOT NULL OR name_en IS NOT NULL", name="has_name"),
        Index(None, "name_sort", "id"),
    )

    external_id: Mapped[str | None] = mapped_column(String(300), unique=True)
    """Its id in the file it was imported from."""
    kind: Mapped[OrganisationKind] = mapped_column(text_enum(OrganisationKind))
    name_ja: Mapped[str | None] = mapped_column(String(300))
    name_en: Mapped[str | None] = mapped_column(String(300))
    name_kana: Mapped[str | None] = mapped_column(String(300))
    """How it is read, in kana."""
    name_sort: Mapped[str] = mapped_column(code_points(64), default="", server_default="")
    """Place in a list by name (`matching.names.sort_key`); never shown."""
    prefecture: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(100))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    clusters: Mapped[list[Cluster]] = relationship(
        secondary=organisation_clusters, order_by=Cluster.slug
    )
