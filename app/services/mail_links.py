"""The links in a mail: each carries a token that allows one thing to whoever holds it.

A token is 256 random bits. It stands in the mail alone: what is kept is its SHA-256, and the log
leaves it out (`app.log_format`).
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.emails.content import Links
from app.errors import conflict
from app.services.fingerprints import need_fingerprint
from models import LinkPurpose, Mail, MailLink, Suggestion

TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
STOP_DAYS: Final = 365
"""A link that stops mail works at least so long: the way out of an old mail stays open."""


class LinkSettings(Protocol):
    """What of the settings decides on links."""

    @property
    def public_url(self) -> str:
        """As people reach the service."""

    @property
    def link_days(self) -> int:
        """How long links work."""


@dataclass(frozen=True, slots=True)
class MailUrls:
    """The links of one mail."""

    pairs: Mapping[UUID, Links]
    """By the id of the suggestion."""
    stop_url: str
    """A page that asks whether mail is to stop."""
    one_click_url: str
    """Where a mail program posts to, to stop mail (RFC 8058)."""


def make_links(
    session: Session,
    mail: Mail,
    suggestions: Iterable[Suggestion],
    *,
    now: datetime,
    settings: LinkSettings,
) -> MailUrls:
    """New links for a mail that is about to leave; those of an earlier attempt end, but for the
    way out: a server may have delivered what it said it had not.

    Problem 409 if the settings do not say where the service is reached.
    """
    if not settings.public_url:
        raise conflict("A mail needs links: set ENMUSUBI_PUBLIC_URL to where people reach this.")
    _end_answers(session, MailLink.mail_id == mail.id)
    expires_at = now + timedelta(days=settings.link_days)
    stop_at = now + timedelta(days=max(settings.link_days, STOP_DAYS))
    pages = f"{settings.public_url.rstrip('/')}/mail"

    def url(purpose: LinkPurpose, suggestion: Suggestion | None, fingerprint: str | None) -> str:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session.add(
            MailLink(
                sha256=_digest(token),
                mail_id=mail.id,
                account_id=mail.account_id,
                suggestion_id=None if suggestion is None else suggestion.id,
                purpose=purpose,
                need_fingerprint=fingerprint,
                expires_at=stop_at if suggestion is None else expires_at,
            )
        )
        return f"{pages}/{token}"

    pairs = {}
    for each in suggestions:
        fingerprint = need_fingerprint(each.need)
        pairs[each.id] = Links(
            accept=url(LinkPurpose.ACCEPT, each, fingerprint),
            decline=url(LinkPurpose.DECLINE, each, fingerprint),
            later=url(LinkPurpose.LATER, each, fingerprint),
        )
    stop = url(LinkPurpose.STOP, None, None)
    session.flush()
    return MailUrls(pairs, stop_url=stop, one_click_url=f"{stop}/one-click")


def end_answers(session: Session, account_id: UUID) -> None:
    """End the links by which an account answers: whoever has its mails is somebody else now.

    Those that stop mail stay: at worst somebody is mailed less. For the system, which alone sees
    links.
    """
    _end_answers(session, MailLink.account_id == account_id)


def _end_answers(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(delete(MailLink).where(which, MailLink.purpose != LinkPurpose.STOP))


def find_link(session: Session, token: str, *, lock: bool = False) -> MailLink | None:
    """The link of a token, None if there is none; `lock` it to act by it.

    What is compared is a hash, so that the time tells nothing of how near a guess came.
    """
    if not _TOKEN.fullmatch(token):
        return None
    statement = select(MailLink).where(MailLink.sha256 == _digest(token))
    return session.scalar(statement.with_for_update() if lock else statement)


def _digest(token: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()
