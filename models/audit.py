"""The audit log: one row for each read of confidential text, each change, each mail."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, PortableJSON


class AuditEntry(Base):
    """Chained: `mac` is over the canonical entry and the `mac` before. No free text, no address."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3, …, without a gap."""
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(32), index=True)
    role: Mapped[str] = mapped_column(String(32))
    """Of who acted; `system` for the program itself."""
    account_id: Mapped[UUID | None]
    """No foreign key: the entry outlives the account."""
    object_kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[UUID | None] = mapped_column(index=True)
    purpose: Mapped[str | None] = mapped_column(String(32))
    """Of a read: from a closed list."""
    fields: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """Names of the fields that changed, never their values."""
    previous: Mapped[str] = mapped_column(String(64))
    mac: Mapped[str] = mapped_column(String(64), unique=True)
