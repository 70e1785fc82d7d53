"""The revision of what is matched: every change of it adds one."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class CorpusRevision(Base):
    """One row, made by the first migration. A process whose index is older rebuilds it."""

    __tablename__ = "corpus_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]
