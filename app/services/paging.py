"""Pages of rows in the order of their ids, which is the order of their creation."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.errors import invalid
from models.base import Identified

Row = TypeVar("Row", bound=Identified)


@dataclass(frozen=True, slots=True)
class PageOf(Generic[Row]):
    """Rows, and the cursor of the page after them."""

    items: Sequence[Row]
    next_cursor: str | None


def encode_cursor(row_id: UUID) -> str:
    """An opaque cursor that stands after that row."""
    return base64.urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """The id in a cursor; Problem 422 if it is none of ours."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return UUID(bytes=base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid("cursor", "is not a cursor of this service; leave it out") from error


def page(
    session: Session,
    statement: Select[Row],
    table: type[Row],
    *,
    cursor: str | None,
    limit: int,
) -> PageOf[Row]:
    """The `limit` rows of a statement that follow the cursor."""
    column: Any = table.id
    if cursor is not None:
        statement = statement.where(column > decode_cursor(cursor))
    rows = session.scalars(statement.order_by(column).limit(limit + 1)).unique().all()
    more = len(rows) > limit
    return PageOf(rows[:limit], encode_cursor(rows[limit - 1].id) if more else None)
