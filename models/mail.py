"""The outbox, the links in its mails, and who may be mailed at all."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.account import Account
from models.base import Base, Identified, text_enum, utc_now
from models.enums import ConsentMeans, LinkPurpose, MailSection, MailState, Withheld
from models.run import Run


class Mail(Identified, Base):
    """One digest of a run for one recipient: ids only, the text is made when it leaves."""

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("run_id", "account_id"),
        Index(None, "run_id", "state", "due_at"),
        CheckConstraint("(state = 'withheld') = (withheld IS NOT NULL)", name="why_withheld"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    """Fixed when the mail is queued, so that a receiver can tell a copy."""
    state: Mapped[MailState] = mapped_column(text_enum(MailState), default=MailState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    claim: Mapped[str | None] = mapped_column(String(32))
    """Of the runner that has it in hand: who has lost its claim cannot move it on."""
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    """Not before then."""
    queued_at: Mapped[datetime] = mapped_column(default=utc_now)
    settled_at: Mapped[datetime | None]
    """When it was sent, given up or withheld, or found to be unknown."""
    smtp_code: Mapped[int | None]
    """Of the server's last refusal."""
    withheld: Mapped[Withheld | None] = mapped_column(text_enum(Withheld))
    """Why it did not leave although it was queued."""

    run: Mapped[Run] = relationship()
    account: Mapped[Account] = relationship()
    items: Mapped[list["MailItem"]] = relationship(
        cascade="all, delete-orphan", order_by="MailItem.position", passive_deletes=True
    )
    reminders: Mapped[list["MailReminder"]] = relationship(
        cascade="all, delete-orphan",
        order_by="MailReminder.introduction_id",
        passive_deletes=True,
    )


class MailItem(Base):
    """A suggestion in a mail."""

    __tablename__ = "mail_items"

    mail_id: Mapped[UUID] = mapped_column(
        ForeignKey("mails.id", ondelete="CASCADE"), primary_key=True
    )
    suggestion_id: Mapped[UUID] = mapped_column(
        ForeignKey("suggestions.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    section: Mapped[MailSection] = mapped_column(text_enum(MailSection))
    position: Mapped[int]


class MailReminder(Base):
    """An introduction that waits for the recipient, in a mail."""

    __tablename__ = "mail_reminders"

    mail_id: Mapped[UUID] = mapped_column(
        ForeignKey("mails.id", ondelete="CASCADE"), primary_key=True
    )
    introduction_id: Mapped[UUID] = mapped_column(
        ForeignKey("introductions.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class MailLink(Identified, Base):
    """A link in a mail: whoever holds its token may do that one thing, once."""

    __tablename__ = "mail_links"
    __table_args__ = (
        CheckConstraint("(purpose = 'stop') = (suggestion_id IS NULL)", name="is_about"),
    )

    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the token, which stands nowhere but in the mail."""
    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mails.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    suggestion_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("suggestions.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[LinkPurpose] = mapped_column(text_enum(LinkPurpose))
    need_fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Of the need as it was mailed: a changed one ends the link."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class MailConsent(Identified, Base):
    """The record of a consent to be mailed, or of its withdrawal: the last one of an account
    counts.
    """

    __tablename__ = "mail_consents"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    given: Mapped[bool]
    means: Mapped[ConsentMeans] = mapped_column(text_enum(ConsentMeans))
    """How it was given or withdrawn."""
    at: Mapped[datetime] = mapped_column(default=utc_now)
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    """None: by the program, or at the terminal."""
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)


class MailSuppression(Base):
    """An address that a server refused for good; kept as a keyed digest."""

    __tablename__ = "mail_suppressions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    smtp_code: Mapped[int]
    suppressed_at: Mapped[datetime] = mapped_column(default=utc_now)
