"""Which version of a need's brief the partner of an introduction is shown."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import conflict, invalid
from models import Audience, Confidentiality, Introduction, Need, NeedVersion


def brief_to_show(session: Session, need: Need, version_id: UUID | None) -> NeedVersion:
    """The version asked for, or the newest that may be shown; a public need's public one first.

    Problem 422 if the one asked for is none that partners may see, 409 if there is none at all.
    """
    audiences = [Audience.TEASER]
    if need.confidentiality is Confidentiality.PUBLIC:
        audiences.insert(0, Audience.PUBLIC)
    statement = select(NeedVersion).where(
        NeedVersion.need_id == need.id,
        NeedVersion.audience.in_(audiences),
        NeedVersion.released_at.is_not(None),
        NeedVersion.withdrawn_at.is_(None),
    )
    if version_id is not None:
        found = session.scalar(statement.where(NeedVersion.id == version_id))
        if found is None:
            raise invalid("version_id", "is no version of this need that is released for partners")
        return found
    versions = session.scalars(statement.order_by(NeedVersion.number.desc())).all()
    if not versions:
        raise conflict("Release a teaser of the need first: nothing else is shown to the partner.")
    return min(versions, key=lambda version: audiences.index(version.audience))


def brief_shown(session: Session, introduction: Introduction) -> NeedVersion | None:
    """The version that the partner is shown.

    None where it was withdrawn, or written for everybody when the need was public and is no more.
    """
    if introduction.version_id is None:
        return None
    version = session.get(NeedVersion, introduction.version_id)
    if version is None or version.released_at is None or version.withdrawn_at is not None:
        return None
    is_public = introduction.need.confidentiality is Confidentiality.PUBLIC
    return version if is_public or version.audience is Audience.TEASER else None
