"""What the page behind a link says of its suggestion: no more than its recipient may see now.

Asking for a page is not recorded, since mail scanners ask as well. So a page shows nothing that the
recipient was not shown before: to a partner only the version of the need that the ledger names.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.access import Action, Scope, View
from app.errors import Problem
from app.services.actors import actor_of
from app.services.digests_for_companies import label_of
from app.services.needs import view_of
from app.services.outside import get_brief
from models import (
    Account,
    Confidentiality,
    Disclosure,
    Need,
    NeedVersion,
    Organisation,
    Partner,
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
    title = _title(need, account.language)
    if not actor.is_staff:  # the company whose need it is
        return (title, label_of(suggestion, "en" if account.language == "en" else "ja"))
    partner = suggestion.partner
    home = "" if partner.organisation is None else _name(partner.organisation, account.language)
    who = " · ".join(part for part in (_name(partner, account.language), home) if part)
    return (f"{title} · {_name(need.organisation, account.language)}", who)


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
    return (_title(brief.version, account.language),)


def _was_shown(session: Session, version_id: UUID, account_id: UUID) -> bool:
    shown = exists().where(Disclosure.version_id == version_id, Disclosure.account_id == account_id)
    return bool(session.scalar(select(shown)))


def _title(row: Need | NeedVersion, language: str) -> str:
    return _in(language, row.title_ja, row.title_en)


def _name(row: Organisation | Partner, language: str) -> str:
    return _in(language, row.name_ja, row.name_en)


def _in(language: str, ja: str | None, en: str | None) -> str:
    """The text in that language, else in the other."""
    return (ja or en if language == "ja" else en or ja) or ""
