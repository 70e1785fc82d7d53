"""Verifying the audit log: every entry, their order, and their end against an exported head."""

import hmac
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit_chain import GENESIS, TABLE, audit_key, mac_of
from app.services.audit_heads import Head
from models import AuditEntry

Entry = dict[str, Any]
AT_ONCE: Final = 1000
STORED_TIME: Final = "%Y-%m-%d %H:%M:%S.%f"
"""How SQLite has it."""


class FaultKind(StrEnum):
    """What is wrong with a log."""

    EDITED = "edited"
    """An entry is not as it was written, or was never written by the program."""
    MISSING = "missing"
    """Entries between others, or the first ones, are gone."""
    REORDERED = "reordered"
    """An entry was written by the program, but not for this place."""
    TRUNCATED = "truncated"
    """The log ends before the exported head."""
    REPLACED = "replaced"
    """The log is another than the one that the head was exported from."""
    FORGED_HEAD = "forged_head"
    """The head was not exported with this installation's key."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong."""

    seq: int
    """Of the first entry that is not right."""
    kind: FaultKind
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a log: how many entries are right, and what is wrong then."""

    entries: int
    fault: Fault | None


def verify(session: Session, head: Head | None = None) -> Verdict:
    """Check the whole log in one reading, and against a head if one is given."""
    if head is not None and not head.is_genuine:
        detail = "The head was not exported with this secret key, or was changed afterwards."
        return Verdict(0, Fault(head.seq, FaultKind.FORGED_HEAD, detail))
    with closing(_entries(session)) as entries:
        return _verify(session, entries, head)


def _verify(
    session: Session, entries: Iterator[tuple[object, Entry | None]], head: Head | None
) -> Verdict:
    key, right, previous = audit_key(), 0, GENESIS
    for seq, entry in entries:
        fault = _fault(session, key, seq, entry, right + 1, previous)
        if fault is not None:
            return Verdict(right, fault)
        previous = entry["mac"] if entry else ""
        right += 1
        if head is not None and head.seq == right and head.mac != previous:
            return Verdict(right - 1, _replaced(head))
    if head is not None and head.seq > right:
        detail = (
            f"The log ends with entry {right}, and when the head was exported ({head.at}) it "
            f"ended with {head.seq}: entries were cut off, or an older database was restored."
        )
        return Verdict(right, Fault(right + 1, FaultKind.TRUNCATED, detail))
    return Verdict(right, None)


def _replaced(head: Head) -> Fault:
    detail = (
        f"Entry {head.seq} is genuine but not the one that the head of {head.at} was exported "
        "with: an older database was restored and written on."
    )
    return Fault(head.seq, FaultKind.REPLACED, detail)


def _fault(
    session: Session, key: bytes, seq: object, entry: Entry | None, expected: int, previous: str
) -> Fault | None:
    if not isinstance(seq, int) or seq < expected or entry is None:
        detail = "It was not written by the program, which writes no such thing."
        return Fault(expected, FaultKind.EDITED, detail)
    if seq > expected:
        gone = f"Entry {expected} is" if seq == expected + 1 else f"{expected} to {seq - 1} are"
        return Fault(expected, FaultKind.MISSING, f"{gone} missing.")
    if not _is_signed(key, entry):
        return _moved_or_edited(session, key, entry)
    if entry["previous"] != previous:
        detail = "It is genuine, but belongs behind another entry: two logs were mixed."
        return Fault(seq, FaultKind.REORDERED, detail)
    return None


def _is_signed(key: bytes, entry: Entry) -> bool:
    # In bytes: what stands in the row may be any text.
    return hmac.compare_digest(mac_of(key, entry).encode(), entry["mac"].encode())


def _moved_or_edited(session: Session, key: bytes, entry: Entry) -> Fault:
    """Which of the two: an entry that is right under another number was moved."""
    seq = entry["seq"]
    last = session.scalar(select(func.max(AuditEntry.seq))) or seq
    # Whoever deletes some and closes the gap has moved all behind them by a few.
    for other in range(1, last + AT_ONCE):
        if _is_signed(key, entry | {"seq": other}):
            detail = f"It was written as entry {other}: entries were deleted, moved or swapped."
            return Fault(seq, FaultKind.REORDERED, detail)
    detail = "It is not as it was written, or was not written by the program."
    if seq == 1:
        detail += " If nobody touched the log, this is another secret key than it was written with."
    return Fault(seq, FaultKind.EDITED, detail)


def _entries(session: Session) -> Generator[tuple[object, Entry | None]]:
    """Number and content of each row, in order; None for a content that the program never writes.

    On SQLite any bytes may stand in any column, and one value may have several spellings: only
    the one that the program writes counts.
    """
    if session.get_bind().dialect.name != "sqlite":
        statement = select(TABLE).order_by(AuditEntry.seq).execution_options(yield_per=AT_ONCE)
        with closing(session.execute(statement)) as result:
            for row in result.mappings():
                yield row["seq"], dict(row)
        return
    columns = [column.name for column in TABLE.columns if column.name != "seq"]
    selected = ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in columns)
    raw_rows = text(f"SELECT seq, {selected} FROM audit_entries ORDER BY seq")  # noqa: S608
    with closing(session.execute(raw_rows.execution_options(yield_per=AT_ONCE))) as result:
        for seq, *cells in result:
            raw = zip(columns, cells[::2], cells[1::2], strict=True)
            yield seq, _entry(seq, raw)


def _entry(seq: object, raw: Iterable[tuple[str, str, bytes | None]]) -> Entry | None:
    try:
        return {"seq": seq} | {name: _plain(name, kind, cell) for name, kind, cell in raw}
    except (ValueError, RecursionError):
        return None


def _plain(name: str, kind: str, cell: bytes | None) -> Any:
    """The value of a cell; ValueError unless it is spelt as the program does it."""
    if cell is None and TABLE.c[name].nullable:
        return None
    if cell is None or kind != "text":
        raise ValueError(kind)
    written = cell.decode()
    value: Any = written
    again = written
    if name == "at":
        moment = datetime.strptime(written, STORED_TIME).replace(tzinfo=UTC)
        value, again = moment, moment.strftime(STORED_TIME)
    elif name in ("account_id", "object_id"):
        value = UUID(hex=written)
        again = value.hex
    elif name == "fields":
        value = json.loads(written)
        again = json.dumps(value)
    if again != written:
        raise ValueError(name)
    return value
