"""Who was erased, and by what he or she must not come back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, utc_now


class Erasure(Identified, Base):
    """One erased person: ids only, so that a restored backup can erase again."""

    __tablename__ = "erasures"

    subject_kind: Mapped[str] = mapped_column(String(16))
    """`partner` or `account`."""
    subject_id: Mapped[UUID] = mapped_column(index=True)
    erased_at: Mapped[datetime] = mapped_column(default=utc_now)


class Suppression(Base):
    """A keyed digest of an identifier of somebody who was erased: an import skips its bearer."""

    __tablename__ = "suppressions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """HMAC-SHA-256 over kind and normalised identifier: nobody without the key can read it."""
    kind: Mapped[str] = mapped_column(String(32))
    """`email`, `orcid`, `researchmap`, `external_id`, `name`."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
