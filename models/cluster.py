"""Clusters, and who and what belongs to them."""

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Timestamped


class Cluster(Identified, Timestamped, Base):
    """A regional theme such as Food and Health Biotechnology."""

    __tablename__ = "clusters"

    slug: Mapped[str] = mapped_column(String(64), unique=True)
    """Short name in addresses and files: `food-health`."""
    name_ja: Mapped[str | None] = mapped_column(String(300))
    name_en: Mapped[str | None] = mapped_column(String(300))
    description_ja: Mapped[str | None]
    description_en: Mapped[str | None]


def _memberships(member: str) -> Table:
    return Table(
        f"{member}_clusters",
        Base.metadata,
        Column(f"{member}_id", ForeignKey(f"{member}s.id", ondelete="CASCADE"), primary_key=True),
        Column(
            "cluster_id",
            ForeignKey("clusters.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
    )


organisation_clusters = _memberships("organisation")
partner_clusters = _memberships("partner")
need_clusters = _memberships("need")
account_clusters = _memberships("account")
