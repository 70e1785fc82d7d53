"""The revision of what is matched, what each revision changed, and which snapshots can be used."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, utc_now


class CorpusRevision(Base):
    """One row, made by the first migration. A process whose index is older brings it up to it."""

    __tablename__ = "corpus_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]
    identity: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Random: tells this database from another one whose snapshots lie in the same folder."""
    whole: Mapped[int] = mapped_column(default=0, server_default="0")
    """The latest revision that is not in the log partner by partner: anything may have changed."""
    logged: Mapped[int] = mapped_column(default=0, server_default="0")
    """The latest revision whose partners are in the log: not `value` if a program raised that which
    keeps none, such as an earlier version during an upgrade."""
    erased: Mapped[int] = mapped_column(default=0, server_default="0")
    """The latest revision at which somebody was erased: no older snapshot may be used."""
    access: Mapped[int] = mapped_column(default=0, server_default="0")
    """Raised, apart from `value`, by all that may change who is shown which match list: accounts,
    keys, needs."""


class PartnerChange(Base):
    """The latest revision at which a partner was changed; also of partners that are gone."""

    __tablename__ = "partner_changes"

    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Without a foreign key: it outlives its partner."""
    revision: Mapped[int] = mapped_column(index=True)


class CorpusSnapshot(Identified, Base):
    """A corpus that some machine has saved; files that no row names are not believed.

    A restored database knows only the snapshots that were made before its backup, so that none of
    a state that it never had is used.
    """

    __tablename__ = "corpus_snapshots"

    revision: Mapped[int]
    made_of: Mapped[str] = mapped_column(String(64))
    """What besides the rows it depends on: encoder, words, program (`app.services.snapshots`)."""
    made_at: Mapped[datetime] = mapped_column(default=utc_now)
