"""Digests: the text of a mail, made when it leaves, under its recipient's own view."""

from datetime import date

from sqlalchemy.orm import Session

from app.emails.content import Digest, Group, Waiting
from app.services.digest_view import LinksOf, Shown, shown_in
from app.services.digest_words import NAME, cut
from app.services.digests_for_companies import groups_for_company, waiting_for_company
from app.services.digests_for_partners import groups_for_partner, waiting_for_partner
from app.services.digests_for_staff import groups_for_staff, waiting_for_staff
from models import Mail, Side


def digest_of(session: Session, mail: Mail, *, links: LinksOf, today: date) -> Digest | None:
    """What the mail says if it leaves today; None when nothing is left to say. It only reads."""
    shown = shown_in(session, mail, today=today)
    return None if shown is None else worded(session, shown, links=links)


def worded(session: Session, shown: Shown, *, links: LinksOf) -> Digest:
    """What a mail shows, in words."""
    return Digest(
        side=shown.side,
        language=shown.language,
        recipient=cut(shown.account.name, NAME),
        day=shown.day,
        groups=_groups(session, shown, links),
        waiting=_waiting(shown),
        left_out=shown.left_out,
    )


def _groups(session: Session, shown: Shown, links: LinksOf) -> tuple[Group, ...]:
    match shown.side:
        case Side.STAFF:
            return groups_for_staff(session, shown, links=links)
        case Side.COMPANY:
            return groups_for_company(shown, links=links)
        case Side.PARTNER:
            return groups_for_partner(session, shown, links=links)


def _waiting(shown: Shown) -> tuple[Waiting, ...]:
    match shown.side:
        case Side.STAFF:
            return waiting_for_staff(shown)
        case Side.COMPANY:
            return waiting_for_company(shown)
        case Side.PARTNER:
            return waiting_for_partner(shown)
