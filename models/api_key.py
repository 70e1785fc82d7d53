"""API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Timestamped, text_enum
from models.enums import Role


class ApiKey(Identified, Timestamped, Base):
    """A key is shown once; what is kept is its hash, and a prefix to tell keys apart."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(
            "(role = 'company') = (organisation_id IS NOT NULL)", name="company_is_bound"
        ),
    )

    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    """Of a company key: the only organisation whose needs it sees."""
    revoked_at: Mapped[datetime | None]
