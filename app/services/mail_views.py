"""What the page behind a link says of its suggestion: no more than its recipient may see now.

Asking for a page is not recorded, since mail scanners ask as well. So a page shows nothing that the
recipient was not shown before: to a partner only the version of the need that the ledger names.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.access import Action, Scope, View
from app.emails.content import Language
from app.errors import Problem
from app.services.actors import actor_of
from app.services.digest_words import title_of
from app.services.digests_for_companies import label_of
from app.services.digests_for_staff import heading_of, partner_line
from app.services.needs import view_of
from app.services.outside import get_brief
from models import (
    Account,
    Confidentiality,
    Disclosure,
    Role,
    Suggestion,
)

MAILED_TO_PARTNERS: Final = frozenset({Confidentiality.PUBLIC, Confidentiality.MATCH_ONLY})
"""Levels of needs of which partners are told by mail."""


def lines_for(session: Session, suggestion: Suggestion, account: Account) -> tuple[str, ...] | None:
    """The suggestion in lines, in the account's language; None if it may not see it any more."""
    if account.role is Role.PARTNER:
        return _for_partner(session, suggestion, account)
    actor, need = actor_of(account, scopes=frozenset(Scope)), suggestion.need
    if view_of(session, need, actor=actor, action=Action.READ_NEED) is not View.FULL:
        return None
    language: Language = "en" if account.language == "en" else "ja"
    if not actor.is_staff:  # the company whose need it is
        return (title_of(need, need.kind, language), label_of(suggestion, language))
    return (heading_of(need, language), partner_line(suggestion.partner, language))


def _for_partner(
    session: Session, suggestion: Suggestion, account: Account
) -> tuple[str, ...] | None:
    need = suggestion.need
    if (
        account.partner_id != suggestion.partner_id
        or need.confidentiality not in MAILED_TO_PARTNERS
    ):
        return None
    try:
        brief = get_brief(session, need.id, actor=actor_of(account, scopes=frozenset(Scope)))
    except Problem:
        return None
    if not _was_shown(session, brief.version.id, account.id):
        return None
    language: Language = "en" if account.language == "en" else "ja"
    return (title_of(brief.version, need.kind, language),)


def _was_shown(session: Session, version_id: UUID, account_id: UUID) -> bool:
    shown = exists().where(Disclosure.version_id == version_id, Disclosure.account_id == account_id)
    return bool(session.scalar(select(shown)))
