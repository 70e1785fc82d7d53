"""What of a mail its recipient may see at the moment it leaves, by its own view.

The session may act for the program itself and see every row: that the recipient sees no more than
the policy allows comes from conditions made for the recipient, here and in what is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defaultload, selectinload

from app.access import Actor, Scope
from app.emails.content import Language, Links
from app.services.actors import actor_of
from app.services.candidates import K
from app.services.digest_items import count_open
from app.services.digest_waiting import ShownWaiting, shown_waiting
from app.services.fingerprints import need_fingerprint
from app.services.introduction_moves import side_of
from app.services.introduction_suggestions import obstacle_to
from app.services.open_suggestions import (
    concerns,
    may_be_told,
    open_for,
    visible_to,
    was_mailed,
)
from app.services.outside import Brief, briefs_of
from app.services.partner_groups import ANYBODY, Group, count_groups
from app.services.recipients import RECIPIENTS
from models import Account, Mail, MailItem, MailSection, Need, Partner, Role, Side, Suggestion

LinksOf = Callable[[Suggestion], Links | None]
"""Where one answers to a suggestion; None in a preview."""

_NO_BRIEFS: Final[Mapping[UUID, Brief]] = {}
_NO_GROUPS: Final[Mapping[Group, int]] = {}


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A suggestion that the recipient may see."""

    suggestion: Suggestion
    is_new: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a mail may still say."""

    account: Account
    actor: Actor
    day: date
    pairs: tuple[ShownPair, ...]
    waiting: tuple[ShownWaiting, ...]
    briefs: Mapping[UUID, Brief] = field(default_factory=dict)
    """For a partner: by need, the version that it is shown."""
    groups: Mapping[Group, int] = field(default_factory=dict)
    """For a company: how many partners share what it is told of one."""
    left_out: int = 0
    """For a coordinator: suggestions for which there was no room."""

    @property
    def side(self) -> Side:
        """Of the recipient."""
        return side_of(self.actor)

    @property
    def language(self) -> Language:
        """Of the recipient."""
        return "en" if self.account.language == "en" else "ja"

    @property
    def suggestions(self) -> list[Suggestion]:
        """In the order of the mail."""
        return [pair.suggestion for pair in self.pairs]

    @property
    def versions(self) -> set[UUID]:
        """Ids of the versions of needs that the mail shows to a partner."""
        told = {brief.version.id for brief in self.briefs.values()}
        return told | {each.version.id for each in self.waiting if each.version is not None}


def shown_in(session: Session, mail: Mail, *, today: date) -> Shown | None:
    """What the mail may say now; None if nothing is left.

    Left out is what is answered, closed, changed or withdrawn since, ruled out by a hard constraint
    today, already in another mail of the recipient, or not for its eyes any more.
    """
    account = mail.account
    if account.role not in RECIPIENTS:
        return None
    actor = actor_of(account, scopes=frozenset(Scope))
    pairs = _standing(session, mail, actor=actor, today=today)
    briefs, groups = _NO_BRIEFS, _NO_GROUPS
    if actor.role is Role.PARTNER and pairs:
        briefs = _briefs(session, pairs, actor)
        pairs = [pair for pair in pairs if pair.suggestion.need_id in briefs]
    elif actor.role is Role.COMPANY and pairs:
        groups = _groups(session, pairs)
        if groups.get(ANYBODY, 0) < K:
            pairs = []
    waiting = shown_waiting(session, mail, actor=actor)
    if not waiting and not any(pair.is_new for pair in pairs):
        return None  # what is still open is no reason for a mail
    return Shown(
        account=account,
        actor=actor,
        day=min(mail.run.run_date, today),
        pairs=tuple(pairs),
        waiting=tuple(waiting),
        briefs=briefs,
        groups=groups,
        left_out=_left_out(session, mail, today=today) if actor.is_staff and pairs else 0,
    )


def _standing(session: Session, mail: Mail, *, actor: Actor, today: date) -> list[ShownPair]:
    """The mail's suggestions that still stand and are not kept from the recipient."""
    mailed = was_mailed(mail.account_id)
    statement = (
        select(Suggestion, MailItem.section, mailed)
        .join(MailItem, MailItem.suggestion_id == Suggestion.id)
        .join(Need, Need.id == Suggestion.need_id)
        .where(
            MailItem.mail_id == mail.id,
            open_for(side_of(actor), today=today, until=mail.run.run_date),
            visible_to(actor),
        )
        .order_by(MailItem.position)
        .options(
            defaultload(Suggestion.need).selectinload(Need.clusters),
            defaultload(Suggestion.partner).options(
                selectinload(Partner.clusters), selectinload(Partner.unavailable)
            ),
        )
    )
    if actor.is_staff:
        statement = statement.where(concerns(mail.account))
    fingerprints: dict[UUID, str] = {}
    found = []
    for suggestion, section, known in session.execute(statement):
        need = suggestion.need
        is_new = section is MailSection.NEW and not known
        if not is_new and not actor.is_staff:
            continue  # it came with another mail meanwhile
        if need.id not in fingerprints:
            fingerprints[need.id] = need_fingerprint(need)
        if fingerprints[need.id] != suggestion.need_fingerprint:
            continue
        if obstacle_to(need, suggestion.partner, today=today) is None:
            found.append(ShownPair(suggestion, is_new))
    return found


def _briefs(session: Session, pairs: list[ShownPair], actor: Actor) -> dict[UUID, Brief]:
    """What the partner is shown of these needs, of those of which it is told by mail at all."""
    briefs = briefs_of(session, {pair.suggestion.need_id for pair in pairs}, actor=actor)
    return {
        key: brief
        for key, brief in briefs.items()
        if may_be_told(Role.PARTNER, brief.need.confidentiality, brief.need.status)
    }


def _groups(session: Session, pairs: list[ShownPair]) -> dict[Group, int]:
    slugs = {cluster.slug for pair in pairs for cluster in pair.suggestion.partner.clusters}
    return count_groups(session, clusters=slugs)


def _left_out(session: Session, mail: Mail, *, today: date) -> int:
    in_all = count_open(session, mail.account, today=today, until=mail.run.run_date)
    return max(in_all - len(mail.items), 0)
