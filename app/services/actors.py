"""An account as one who acts."""

from collections.abc import Collection
from uuid import UUID

from app.access import SCOPES_OF, Actor, Scope
from models import Account


def actor_of(
    account: Account,
    *,
    scopes: Collection[str],
    key_id: UUID | None = None,
    session_id: UUID | None = None,
) -> Actor:
    """The account as one who acts, with these scopes of those that its role has."""
    return Actor(
        account_id=account.id,
        role=account.role,
        organisation_id=account.organisation_id,
        partner_id=account.partner_id,
        scopes=SCOPES_OF[account.role] & {Scope(scope) for scope in scopes},
        key_id=key_id,
        session_id=session_id,
    )
