"""Names as they are looked for, names that a record had before it was merged, and decisions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Timestamped, code_points, text_enum, utc_now
from models.enums import NameKeyKind

KEY_LENGTH = 64


def _name_keys(owner: str) -> Table:
    return Table(
        f"{owner}_name_keys",
        Base.metadata,
        Column(f"{owner}_id", ForeignKey(f"{owner}s.id", ondelete="CASCADE"), primary_key=True),
        Column("key", code_points(KEY_LENGTH), primary_key=True),
        Column("kind", text_enum(NameKeyKind), nullable=False),
        Index(None, "key", f"{owner}_id"),
    )


organisation_name_keys = _name_keys("organisation")
partner_name_keys = _name_keys("partner")
"""Made from the names by `matching.names` and renewed with them; never shown."""


class PartnerAlias(Identified, Timestamped, Base):
    """A record that was merged into a partner: its names and its id in its file live on."""

    __tablename__ = "partner_aliases"

    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True
    )
    external_id: Mapped[str | None] = mapped_column(String(300), unique=True)
    """A later import under this id goes to the partner."""
    name_ja: Mapped[str | None] = mapped_column(String(300))
    name_kana: Mapped[str | None] = mapped_column(String(300))
    name_en: Mapped[str | None] = mapped_column(String(300))


class DistinctPartners(Base):
    """Two partners whom somebody has declared to be two: the pair is not offered again."""

    __tablename__ = "distinct_partners"
    __table_args__ = (CheckConstraint("first_id < second_id", name="ordered"),)

    first_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True
    )
    second_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
