"""Vectors of capabilities where PostgreSQL searches them; empty on SQLite."""

from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class PassageVector(Base):
    """A capability's vector by one encoder, rounded to 16 bits: a copy that is made for search.

    It can be made anew from `embeddings`, where the vector itself is. The partner comes first in
    every key, so that a server that spreads rows over machines by partner keeps them together.
    """

    __tablename__ = "passage_vectors"
    __table_args__ = (
        PrimaryKeyConstraint("partner_id", "capability_id", "encoder_id"),
        ForeignKeyConstraint(
            ["partner_id", "capability_id"],
            ["capabilities.partner_id", "capabilities.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",  # two partners were one, and are merged
        ),
        CheckConstraint("speech BETWEEN 0 AND 3", name="speech"),
    )

    partner_id: Mapped[UUID]
    capability_id: Mapped[UUID]
    encoder_id: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64))
    """Of the text that was read, as in `embeddings`."""
    speech: Mapped[int] = mapped_column(SmallInteger)
    """The languages of the text: 1 for Japanese, and 2 for English; each has an index."""
    vector: Mapped[Any] = mapped_column(HALFVEC().with_variant(LargeBinary(), "sqlite"))
    """Missing on a PostgreSQL server without pgvector, where the table stays empty."""
