"""Versions of needs' briefs as they follow the text of the need."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.access import Actor
from models import Account, Audience, Need, NeedVersion, utc_now

TEXTS: Final = ("title_ja", "title_en", "brief_ja", "brief_en")
"""The fields of a need, and of a version, that are text."""
_CHUNK: Final = 500


def texts_of(row: Need | NeedVersion) -> dict[str, str | None]:
    """The texts of a need or of a version."""
    return {field: getattr(row, field) for field in TEXTS}


def keep_full_versions(session: Session, needs: Iterable[Need], *, actor: Actor | None) -> None:
    """Write a full version of each flushed need whose text is not that of its newest one.

    What was released of the text before is withdrawn: a released version must be true to its need.
    """
    drafted_by = account_of(session, actor)
    remaining = iter(needs)
    while some := list(islice(remaining, _CHUNK)):
        newest = newest_full_versions(session, some)
        changed: list[UUID] = []
        for need in some:
            last = newest.get(need.id)
            if last is not None and texts_of(last) == texts_of(need):
                continue
            if last is not None:
                changed.append(need.id)
            session.add(
                NeedVersion(
                    need_id=need.id,
                    audience=Audience.FULL,
                    number=1 if last is None else last.number + 1,
                    drafted_by=drafted_by,
                    **texts_of(need),
                )
            )
        _withdraw_released(session, changed)
        session.flush()


def newest_full_versions(session: Session, needs: Sequence[Need]) -> dict[UUID, NeedVersion]:
    """The newest full version of each need that has one."""
    statement = (
        select(NeedVersion)
        .where(
            NeedVersion.need_id.in_([need.id for need in needs]),
            NeedVersion.audience == Audience.FULL,
        )
        .order_by(NeedVersion.number)
    )
    return {version.need_id: version for version in session.scalars(statement)}


def account_of(session: Session, actor: Actor | None) -> UUID | None:
    """The stored account of an actor; the terminal has none."""
    if actor is None or session.get(Account, actor.account_id) is None:
        return None
    return actor.account_id


def _withdraw_released(session: Session, needs: Sequence[UUID]) -> None:
    if needs:
        session.execute(
            update(NeedVersion)
            .where(
                NeedVersion.need_id.in_(needs),
                NeedVersion.released_at.is_not(None),
                NeedVersion.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=utc_now())
        )
