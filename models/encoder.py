"""Which encoder a database is used with, and which one it is being changed to."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, text_enum, utc_now
from models.enums import EncoderUse


class StoredEncoder(Base):
    """At most two rows: the encoder that serves, and the one that is wanted in its place."""

    __tablename__ = "encoders"

    use: Mapped[EncoderUse] = mapped_column(text_enum(EncoderUse), primary_key=True)
    encoder_id: Mapped[str] = mapped_column(String(200))
    """Under which its vectors are stored."""
    name: Mapped[str | None] = mapped_column(String(1000))
    """By which it is made again, such as `minilm`; None if nobody knows."""
    query_prompt: Mapped[str] = mapped_column(default="")
    passage_prompt: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime] = mapped_column(default=utc_now)
    # How far the change is; only of the one that is wanted, and None until work has begun.
    embedded: Mapped[int | None]
    """Texts that have a vector."""
    total: Mapped[int | None]
    texts_per_second: Mapped[float | None]
    worked_at: Mapped[datetime | None]
    """When the three above were last written."""
