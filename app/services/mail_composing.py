"""The one place where a digest becomes a mail: asked for as it is about to leave.

All that is noted of it is written in the caller's transaction, together with the mark that it
leaves: the links, the ledger of who is shown what, what staff reads of needs and introductions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.emails.content import Digest, Sender
from app.emails.digest import digest_mail
from app.services.audit import record
from app.services.digest_view import Shown, shown_in
from app.services.digest_waiting import note_reminded
from app.services.digests import worded
from app.services.disclosures import record_disclosure
from app.services.mail_links import LinkSettings, make_links
from app.services.recipients import may_be_mailed
from models import AuditEvent, Mail, ObjectKind, Withheld

CHANNEL: Final = "mail"


class ComposingSettings(LinkSettings, Protocol):
    """What of the settings a mail is made with."""

    @property
    def mail_from(self) -> str:
        """Address that mails come from."""

    @property
    def mail_sender(self) -> str:
        """Name of the office."""

    @property
    def mail_postal_address(self) -> str:
        """Of the office."""

    @property
    def mail_contact(self) -> str:
        """Where complaints and questions go."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail as it leaves."""

    digest: Digest
    message: EmailMessage


def compose_mail(
    session: Session, mail: Mail, *, settings: ComposingSettings, now: datetime
) -> Composed | Withheld:
    """The mail as it leaves now, or why it must not.

    Opt-out, consent, address and all that the recipient may see are asked for again, whatever was
    so when it was queued. `now`: in the time zone of the office.
    """
    found = _checked(session, mail, now=now)
    if isinstance(found, Withheld):
        return found
    address, shown = found
    urls = make_links(session, mail, shown.suggestions, now=now, settings=settings)
    digest = worded(session, shown, links=lambda suggestion: urls.pairs.get(suggestion.id))
    message = digest_mail(
        digest,
        sender=sender_of(settings),
        to=address,
        message_id=mail.message_id,
        at=now,
        stop_url=urls.stop_url,
        one_click_url=urls.one_click_url,
        until=(now + timedelta(days=settings.link_days)).date(),
    )
    _note(session, mail, shown)
    note_reminded(session, shown.waiting, today=now.date())
    return Composed(digest, message)


def preview_mail(
    session: Session, mail: Mail, *, settings: ComposingSettings, now: datetime
) -> Composed | Withheld:
    """As `compose_mail`, to be looked at: without links, and nothing is noted of it.

    What the settings do not say of the sender is marked as lacking.
    """
    found = _checked(session, mail, now=now)
    if isinstance(found, Withheld):
        return found
    address, shown = found
    digest = worded(session, shown, links=lambda _: None)
    message = digest_mail(
        digest,
        sender=sender_of(settings),
        to=address,
        message_id=mail.message_id,
        at=now,
        stop_url=None,
        one_click_url=None,
    )
    return Composed(digest, message)


def _checked(session: Session, mail: Mail, *, now: datetime) -> tuple[str, Shown] | Withheld:
    """The address and what may be said there, as the rows stand; or why nothing may."""
    # What this session has read before may have been changed by somebody else since.
    session.refresh(mail.account)
    reason = may_be_mailed(session, mail.account, now=now)
    address = mail.account.email
    if reason is not None or address is None:
        return reason or Withheld.NO_ADDRESS
    shown = shown_in(session, mail, today=now.date())
    return Withheld.NOTHING_LEFT if shown is None else (address, shown)


def sender_of(settings: ComposingSettings) -> Sender:
    """Who sends, by the settings."""
    return Sender(
        name=settings.mail_sender,
        address=settings.mail_from,
        postal_address=settings.mail_postal_address,
        contact=settings.mail_contact,
    )


def _note(session: Session, mail: Mail, shown: Shown) -> None:
    """Write down what leaves, and take out of the mail's rows what does not: it is told later."""
    _keep_only(mail, shown)
    for version_id in sorted(shown.versions):
        record_disclosure(session, version_id, actor=shown.actor, channel=CHANNEL)
    if shown.actor.is_staff:
        needs = {suggestion.need_id for suggestion in shown.suggestions}
        introductions = {each.introduction.id for each in shown.waiting}
        _note_read(session, shown, ObjectKind.NEED, needs)
        _note_read(session, shown, ObjectKind.INTRODUCTION, introductions)


def _note_read(session: Session, shown: Shown, kind: ObjectKind, ids: set[UUID]) -> None:
    for key in sorted(ids):
        record(session, event=AuditEvent.READ, object_kind=kind, object_id=key, actor=shown.actor)


def _keep_only(mail: Mail, shown: Shown) -> None:
    items = {suggestion.id for suggestion in shown.suggestions}
    mail.items = [item for item in mail.items if item.suggestion_id in items]
    introductions = {each.introduction.id for each in shown.waiting}
    mail.reminders = [each for each in mail.reminders if each.introduction_id in introductions]
