"""The ledger of who outside the office was shown which version of a need's brief, and when."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.access import Actor
from models import Disclosure


def record_disclosure(
    session: Session, version_id: UUID, *, actor: Actor, channel: str = "api"
) -> None:
    """Note that the actor is shown the version, now; staff is not noted."""
    if actor.is_staff:
        return
    entry = Disclosure(
        version_id=version_id,
        account_id=actor.account_id,
        role=actor.role,
        partner_id=actor.partner_id,
        channel=channel,
    )
    session.add(entry)
    session.flush()
