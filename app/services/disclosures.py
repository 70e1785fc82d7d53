"""The ledger of who outside the office was shown which version of a need's brief, and when."""

from sqlalchemy.orm import Session

from app.access import Actor
from models import Disclosure, NeedVersion


def record_disclosure(session: Session, version: NeedVersion, *, actor: Actor) -> None:
    """Note that the actor is shown the version; staff is not noted."""
    if actor.is_staff:
        return
    session.add(
        Disclosure(
            version_id=version.id,
            account_id=actor.account_id,
            role=actor.role,
            partner_id=actor.partner_id,
        )
    )
    session.flush()
