"""What has changed since a revision: for processes that follow, and for code that writes in bulk.

How a change comes into the log says `app.changes`.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.changes import NOTED, has_changes, note_all_changed, note_changes, note_erasure
from models import CorpusRevision, PartnerChange

__all__ = [
    "NOTED",
    "State",
    "changed_since",
    "has_changes",
    "note_all_changed",
    "note_changes",
    "note_erasure",
    "state_of",
]


@dataclass(frozen=True, slots=True)
class State:
    """Where the data stand, as one session sees them: see `models.CorpusRevision`."""

    revision: int
    identity: str
    whole: int
    logged: int
    erased: int

    @property
    def complete_from(self) -> int:
        """The earliest revision since which the log holds every change."""
        return self.whole if self.logged == self.revision else self.revision


def state_of(session: Session) -> State:
    """Where the data stand."""
    row = CorpusRevision
    columns = (row.value, row.identity, row.whole, row.logged, row.erased)
    found = session.execute(select(*columns)).one_or_none()
    return State(0, "", 0, 0, 0) if found is None else State(*found)


def changed_since(session: Session, revision: int) -> list[UUID]:
    """Partners that were made, changed or deleted after that revision, in the order of their ids.

    Complete only if `State.complete_from` is not later than it.
    """
    statement = select(PartnerChange.partner_id).where(PartnerChange.revision > revision)
    return list(session.scalars(statement.order_by(PartnerChange.partner_id)))
