"""The step of a nightly run that puts mails into the outbox: ids alone, all at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.mail_settings import MailSettings
from app.services.digest_items import Item, has_news, items_for
from app.services.digest_waiting import waiting_for
from app.services.recipients import recipients
from models import Mail, MailItem, MailReminder, Run, new_id


def compose_run(
    session: Session,
    run: Run,
    *,
    settings: MailSettings,
    now: datetime,
) -> int:
    """Queue a mail for each recipient to whom there is something to say; returns how many the run
    has. Taken again, it queues those that are missing.

    `now`: in the time zone of the office. A run that is late counts as on its own day, which
    decides who gets weekly digests.
    """
    today = now.date()
    day = min(run.run_date, today)
    has_mail = set(session.scalars(select(Mail.account_id).where(Mail.run_id == run.id)))
    accounts = [
        account
        for account in recipients(session, now=now, day=day, weekday=settings.nightly_weekday)
        if account.id not in has_mail
    ]
    items = items_for(
        session, accounts, today=today, until=run.run_date, most=settings.nightly_per_coordinator
    )
    waiting = waiting_for(session, accounts, today=today)
    queued = {
        account.id: new_id()
        for account in accounts
        if has_news(items.get(account.id, ())) or account.id in waiting
    }
    _insert(
        session,
        Mail,
        [
            {
                "id": mail_id,
                "run_id": run.id,
                "account_id": account_id,
                "message_id": message_id(mail_id, settings.mail_from),
            }
            for account_id, mail_id in queued.items()
        ],
    )
    _insert(session, MailItem, _items(queued, items))
    _insert(
        session,
        MailReminder,
        [
            {"mail_id": queued[account_id], "introduction_id": key}
            for account_id, ids in waiting.items()
            for key in ids
        ],
    )
    return len(has_mail) + len(queued)


def message_id(mail_id: UUID, sender: str) -> str:
    """The Message-ID of a mail, for good; `sender`: the address that it comes from."""
    domain = sender.rpartition("@")[2] or "enmusubi.invalid"
    return f"<{mail_id}@{domain}>"


def _items(queued: dict[UUID, UUID], items: dict[UUID, list[Item]]) -> list[dict[str, object]]:
    return [
        {
            "mail_id": queued[account_id],
            "suggestion_id": item.suggestion_id,
            "section": item.section,
            "position": position,
        }
        for account_id, listed in items.items()
        if account_id in queued
        for position, item in enumerate(listed, 1)
    ]


def _insert(session: Session, model: type[object], rows: Sequence[dict[str, object]]) -> None:
    if rows:
        session.execute(insert(model), rows)
