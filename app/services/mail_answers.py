"""What may be done by a link now, and doing it: once, whatever number of presses and scanners."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.access import Actor, Scope
from app.auditing import acting
from app.services import mail_consents
from app.services.accounts import get_account
from app.services.actors import actor_of
from app.services.fingerprints import need_fingerprint
from app.services.introduction_moves import side_of
from app.services.introduction_suggestions import (
    live_introduction,
    obstacle_to,
    suggest_accepted,
)
from app.services.mail_views import lines_for
from models import (
    Account,
    Answer,
    ConsentMeans,
    DeclineReason,
    DigestFrequency,
    Introduction,
    IntroductionNote,
    IntroductionState,
    IntroductionStep,
    LinkPurpose,
    Mail,
    MailLink,
    Need,
    NeedStatus,
    Side,
    Suggestion,
    SuggestionAnswer,
)

FINAL: Final = frozenset({Answer.ACCEPT, Answer.DECLINE})
"""After these nothing else is taken; whoever changes his mind tells the coordinator."""
ENDED: Final = frozenset({IntroductionState.DECLINED, IntroductionState.CLOSED})


class Standing(StrEnum):
    """How a link stands."""

    OPEN = "open"
    DONE = "done"
    """By this link, or by another one of the same recipient for the same pair."""
    EXPIRED = "expired"
    GONE = "gone"
    """What it was about is not so any more, or not for this recipient."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """How a link stands, and what its recipient may be told."""

    standing: Standing
    purpose: LinkPurpose
    language: str
    lines: tuple[str, ...] = ()
    """What it is about, as far as the recipient may see it now."""
    answer: Answer | None = None
    """What was answered."""
    by_this: bool = False
    """That was by this link."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A link with what it is about."""

    link: MailLink
    mail: Mail
    account: Account
    suggestion: Suggestion

    @property
    def actor(self) -> Actor:
        return actor_of(self.account, scopes=frozenset(Scope))


def state_of(session: Session, link: MailLink, *, now: datetime, today: date) -> LinkState:
    """How the link stands now; changes nothing."""
    account = session.get_one(Account, link.account_id)
    if link.suggestion_id is None:
        standing = Standing.EXPIRED if now >= link.expires_at else Standing.OPEN
        done = _has_stopped(link, account)
        return LinkState(Standing.DONE if done else standing, link.purpose, account.language)
    held = _Held(
        link,
        session.get_one(Mail, link.mail_id),
        account,
        session.get_one(Suggestion, link.suggestion_id),
    )
    return _state(session, held, now=now, today=today)


def _state(session: Session, held: _Held, *, now: datetime, today: date) -> LinkState:
    link, account = held.link, held.account
    if account.disabled_at is not None:
        return LinkState(Standing.GONE, link.purpose, account.language)
    lines = lines_for(session, held.suggestion, account)
    last = _last_answer(session, held)
    used = link.used_at is not None
    if used or (last is not None and last.answer in FINAL):
        said = Answer(link.purpose.value) if last is None else last.answer
        return LinkState(Standing.DONE, link.purpose, account.language, lines or (), said, used)
    if now >= link.expires_at:
        standing = Standing.EXPIRED
    elif lines is None or not _stands(session, held, today):
        standing, lines = Standing.GONE, ()
    else:
        standing = Standing.OPEN
    return LinkState(standing, link.purpose, account.language, lines or ())


def _last_answer(session: Session, held: _Held) -> SuggestionAnswer | None:
    """What the recipient said last of the pair, since this mail or of the same suggestion."""
    answers = session.scalars(
        select(SuggestionAnswer)
        .join(Suggestion, Suggestion.id == SuggestionAnswer.suggestion_id)
        .where(
            SuggestionAnswer.account_id == held.account.id,
            Suggestion.need_id == held.suggestion.need_id,
            Suggestion.partner_id == held.suggestion.partner_id,
            or_(
                SuggestionAnswer.suggestion_id == held.suggestion.id,
                SuggestionAnswer.answered_at >= held.mail.queued_at,
            ),
        )
        .order_by(SuggestionAnswer.answered_at, SuggestionAnswer.id)
    ).all()
    return next((a for a in answers if a.answer in FINAL), answers[-1] if answers else None)


def _stands(session: Session, held: _Held, today: date) -> bool:
    """True if the pair is still as it was mailed."""
    need, partner = held.suggestion.need, held.suggestion.partner
    ended = exists().where(
        Introduction.id == IntroductionStep.introduction_id,
        Introduction.need_id == need.id,
        Introduction.partner_id == partner.id,
        IntroductionStep.state.in_(sorted(ENDED)),
        IntroductionStep.taken_at >= held.mail.queued_at,
    )
    return (
        need.status is NeedStatus.OPEN
        and held.link.need_fingerprint == need_fingerprint(need)
        and obstacle_to(need, partner, today=today) is None
        and not session.scalar(select(ended))
    )


def answer(
    session: Session,
    link: MailLink,
    *,
    reason: DeclineReason | None,
    now: datetime,
    today: date,
) -> LinkState:
    """Answer by a locked link, in a transaction that writes: how it stands afterwards.

    Only an open link does anything, so that a repetition is told the same. A link to decline
    stays open without a reason. The link of another purpose than an answer is `stop`'s.
    """
    if link.suggestion_id is None:
        raise ValueError("this link answers nothing")
    _hold_need(session, link)
    state = state_of(session, link, now=now, today=today)
    missing = link.purpose is LinkPurpose.DECLINE and reason is None
    if state.standing is not Standing.OPEN or missing:
        return state
    account = session.get_one(Account, link.account_id)
    suggestion = session.get_one(Suggestion, link.suggestion_id)
    held = _Held(link, session.get_one(Mail, link.mail_id), account, suggestion)
    acting(session, held.actor)
    said = Answer(link.purpose.value)
    session.add(
        SuggestionAnswer(
            suggestion_id=suggestion.id,
            account_id=account.id,
            side=side_of(held.actor),
            answer=said,
            reason=reason if said is Answer.DECLINE else None,
            answered_at=now,
        )
    )
    link.used_at = now
    session.flush()
    _tell_office(session, held, said, reason, today)
    return state_of(session, link, now=now, today=today)


def _hold_need(session: Session, link: MailLink) -> None:
    """Wait until nobody else changes the need or makes an introduction for it; read all anew."""
    session.execute(
        select(Need.id)
        .join(Suggestion, Suggestion.need_id == Need.id)
        .where(Suggestion.id == link.suggestion_id)
        .with_for_update(of=Need)
    )
    session.expire_all()


def _tell_office(
    session: Session, held: _Held, said: Answer, reason: DeclineReason | None, today: date
) -> None:
    """An accepted pair becomes an introduction for the office, which reads of it in a note."""
    need, partner, actor = held.suggestion.need, held.suggestion.partner, held.actor
    who, live = _called(side_of(actor)), live_introduction(session, need, partner)
    mailed_on = held.mail.run.run_date.isoformat()
    if said is Answer.ACCEPT:
        made = suggest_accepted(
            session,
            need,
            partner,
            actor=actor if actor.is_staff else None,
            note=f"The {who} accepted the suggestion in a mail of {mailed_on}.",
            today=today,
        )
        if live is None:
            _note_declines(session, held.suggestion, made)
    elif said is Answer.DECLINE and reason is not None and live is not None:
        # What was declined in a mail ends no introduction: that is the office's to decide.
        text = f"The {who} declined the suggestion in a mail of {mailed_on}: {reason.value}."
        live.notes.append(IntroductionNote(text=text))
        session.flush()


def _note_declines(session: Session, suggestion: Suggestion, made: Introduction) -> None:
    """Say on a new introduction which sides have declined the pair: else nobody would know."""
    answers = session.scalars(
        select(SuggestionAnswer)
        .join(Suggestion, Suggestion.id == SuggestionAnswer.suggestion_id)
        .where(
            Suggestion.need_id == suggestion.need_id,
            Suggestion.partner_id == suggestion.partner_id,
            SuggestionAnswer.answer == Answer.DECLINE,
        )
        .order_by(SuggestionAnswer.id)
    )
    for each in answers:
        reason = "" if each.reason is None else f": {each.reason.value}"
        text = f"The {_called(each.side)} had declined this pair in a mail before{reason}."
        made.notes.append(IntroductionNote(text=text))
    session.flush()


def _called(side: Side) -> str:
    return "coordinator" if side is Side.STAFF else side.value


def stop(session: Session, link: MailLink, *, means: ConsentMeans, now: datetime) -> LinkState:
    """Stop all mail to the account of a locked link; how the link stands afterwards.

    Pressed again it does nothing while mail is stopped, and stops it anew for who has allowed it
    since: nobody is told that no more mails come who is still sent them.
    """
    if link.purpose is not LinkPurpose.STOP:
        raise ValueError("this link stops nothing")
    account = get_account(session, link.account_id, lock=True)
    if not _has_stopped(link, account) and now < link.expires_at:
        acting(session, actor_of(account, scopes=frozenset(Scope)))
        mail_consents.record(session, account, given=False, means=means, at=now, recorded_by=None)
        account.digest_frequency = DigestFrequency.NEVER
        link.used_at = now
        session.flush()
    return state_of(session, link, now=now, today=now.date())


def _has_stopped(link: MailLink, account: Account) -> bool:
    """True if the link was used, and what it did still holds."""
    return link.used_at is not None and account.digest_frequency is DigestFrequency.NEVER
