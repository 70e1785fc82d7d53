"""Pages of rows in the order of their ids, which is that of their creation, or by name."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from app.errors import invalid
from app.schemas.common import Order
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
    order: Order = "created",
) -> PageOf[Row]:
    """The `limit` rows of a statement that follow the cursor.

    By name, for tables that have a `name_sort`: the cursor is that of the last row seen, wherever
    it stands now. Problem 422 if that row is gone, since nobody then knows where to go on.
    """
    row_id: Any = table.id
    columns: tuple[Any, ...] = (row_id,)
    if order == "name":
        columns = (cast("Any", table).name_sort, row_id)
    if cursor is not None:
        last: Any = (decode_cursor(cursor),)
        if order == "name":
            last = session.execute(select(*columns).where(row_id == last[0])).one_or_none()
            if last is None:
                raise invalid("cursor", "stands after a row that is gone; begin again without it")
        statement = statement.where(tuple_(*columns) > tuple_(*last))
    rows = session.scalars(statement.order_by(*columns).limit(limit + 1)).unique().all()
    more = len(rows) > limit
    return PageOf(rows[:limit], encode_cursor(rows[limit - 1].id) if more else None)
