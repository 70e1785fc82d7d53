"""Vectors, stored with the rows they come from."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, utc_now


class Embedding(Base):
    """The vector of one text by one encoder; vectors of two encoders never meet."""

    __tablename__ = "embeddings"

    content_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    encoder_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    vector: Mapped[bytes | None]
    """float32, little-endian; NULL if the encoder found nothing to read in the text."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
