"""What became of earlier suggestions and introductions, and what it rules out tonight.

A few statements read it, whatever the number of pairs. Needs for named staff and all others have a
history each, so that nobody can tell from what is suggested that a hidden need exists.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from models import (
    Answer,
    Confidentiality,
    DeclineReason,
    Introduction,
    IntroductionState,
    Need,
    NeedStatus,
    Side,
    Suggestion,
    SuggestionAnswer,
)

LATER_DAYS: Final = 14
"""Who answered `later` is not asked again before."""
DECLINED_DAYS: Final = 180
"""A pair that was declined rests so long, and then has to have changed."""
NO_TIME_DAYS: Final = 30
"""Who declined for want of time is suggested to nobody."""
RISE: Final = 1.1
"""A pair has changed if what was matched of it has, and its score is so many times the old one."""
UNANSWERED_DAYS: Final = 30
"""Suggestions without an answer count so long against their limits."""
UNANSWERED_TOGETHER: Final = 3
"""Unanswered suggestions of one partner to all needs of one company."""
SELDOM_DAYS: Final = 90
"""Partners without a suggestion in that time are seldom suggested."""
FOR_EVER: Final = frozenset({DeclineReason.ALREADY_IN_TOUCH, DeclineReason.CONFLICT_OF_INTEREST})
"""Reasons that no change of a need or a partner does away with."""

Pair = tuple[UUID, UUID]
"""Ids of a need and a partner."""


class Out(StrEnum):
    """Why a pair is not suggested tonight although no hard constraint speaks against it."""

    UNSCORED = "unscored"
    """It has no score."""
    UNIDENTIFIED = "unidentified"
    """The need or the partner is not among the rows as they stand."""
    IMPROBABLE = "improbable"
    """Its probability is below the least that is suggested."""
    INTRODUCED = "introduced"
    """An introduction is or was under way."""
    DECLINED = "declined"
    PUT_OFF = "put_off"
    """Somebody answered `later`, not long ago."""
    SUGGESTED = "suggested"
    """It was suggested before, and has not changed or still rests."""
    PARTNER_RESTS = "partner_rests"
    """The partner has no time."""
    PARTNER_WAITS = "partner_waits"
    """Too many suggestions of the partner are unanswered."""
    NEED_WAITS = "need_waits"
    """Too many suggestions for the need are unanswered."""
    COMPANY_WAITS = "company_waits"
    """Too many of the company's suggestions of this partner are unanswered."""


@dataclass(frozen=True, slots=True)
class Tonight:
    """A pair as it stands."""

    score: float
    need_fingerprint: str
    partner_fingerprint: str


@dataclass(frozen=True, slots=True)
class Last:
    """The last suggestion of a pair: on which day, and as it stood then."""

    on: date
    then: Tonight


@dataclass(slots=True)
class Past:
    """What has been of one pair."""

    last: Last | None = None
    later_on: date | None = None
    """The day of the last answer, if that was `later`."""
    declined_on: date | None = None
    """The last time."""
    for_ever: bool = False
    """Declined for a reason that does not pass."""
    introduced: bool = False
    """By an introduction that was not declined."""

    def decline(self, on: date, reason: DeclineReason | None) -> None:
        """Take down that a side declined."""
        self.declined_on = max(on, self.declined_on or on)
        self.for_ever |= reason in FOR_EVER

    def why_out(self, now: Tonight, *, today: date, cool_down_days: int) -> Out | None:
        """What speaks against suggesting the pair again, if anything does.

        A pair that was declined or introduced without ever having been suggested cannot be told to
        have changed: it is out.
        """
        if self.introduced:
            return Out.INTRODUCED
        changed = self.last is not None and _has_changed(self.last.then, now)
        if self.declined_on is not None:
            rested = _days(self.declined_on, today) >= DECLINED_DAYS
            if self.for_ever or not (rested and changed):
                return Out.DECLINED
        if self.last is None:
            return None
        if self.later_on is not None and self.later_on >= self.last.on:
            return None if _days(self.later_on, today) >= LATER_DAYS else Out.PUT_OFF
        cool = _days(self.last.on, today) >= cool_down_days
        return None if changed and cool else Out.SUGGESTED


def _has_changed(then: Tonight, now: Tonight) -> bool:
    same = (then.need_fingerprint, then.partner_fingerprint) == (
        now.need_fingerprint,
        now.partner_fingerprint,
    )
    return not same and now.score >= then.score * RISE


def _days(since: date, today: date) -> int:
    """Negative for a day to come, as after a clock was set back: then nothing has passed."""
    return (today - since).days


@dataclass(slots=True)
class History:
    """Of the needs for named staff, or of all others."""

    pairs: dict[UUID, dict[UUID, Past]] = field(default_factory=dict)
    """By need that is open, then by partner."""
    resting: set[UUID] = field(default_factory=set)
    """Partners who have no time."""
    of_need: Counter[UUID] = field(default_factory=Counter)
    """Suggestions without an answer."""
    of_partner: Counter[UUID] = field(default_factory=Counter)
    together: Counter[Pair] = field(default_factory=Counter)
    """By company and partner."""
    recent: set[UUID] = field(default_factory=set)
    """Partners who are not seldom suggested."""

    def of(self, need: UUID) -> Mapping[UUID, Past]:
        """What has been of the need's pairs, by partner."""
        return self.pairs.get(need, {})

    def past(self, need: UUID, partner: UUID) -> Past:
        """To take something down of a pair."""
        return self.pairs.setdefault(need, {}).setdefault(partner, Past())


def read_history(session: Session, *, today: date, named_staff: bool) -> History:
    """As the rows stand; answers count by their day in UTC.

    That a partner has no time counts for hidden needs wherever it was said, and for the others
    only where it was said of one of them.
    """
    hidden = Need.confidentiality == Confidentiality.NAMED_STAFF
    ours = hidden if named_staff else ~hidden
    history = History()
    _read_suggestions(session, history, ours)
    _read_answers(session, history, ours)
    _read_introductions(session, history, ours)
    _read_loads(session, history, ours, today)
    history.resting.update(_without_time(session, today, None if named_staff else ours))
    return history


def _read_suggestions(session: Session, history: History, ours: ColumnElement[bool]) -> None:
    statement = (
        select(
            Suggestion.need_id,
            Suggestion.partner_id,
            Suggestion.suggested_on,
            Suggestion.score,
            Suggestion.need_fingerprint,
            Suggestion.partner_fingerprint,
        )
        .join(Need, Need.id == Suggestion.need_id)
        .where(Need.status == NeedStatus.OPEN, ours)
        .order_by(Suggestion.suggested_on, Suggestion.id)
    )
    for row in session.execute(statement):
        then = Tonight(row.score, row.need_fingerprint, row.partner_fingerprint)
        history.past(row.need_id, row.partner_id).last = Last(row.suggested_on, then)


def _read_answers(session: Session, history: History, ours: ColumnElement[bool]) -> None:
    statement = (
        select(
            Suggestion.need_id,
            Suggestion.partner_id,
            SuggestionAnswer.answer,
            SuggestionAnswer.reason,
            SuggestionAnswer.answered_at,
        )
        .join(Suggestion, Suggestion.id == SuggestionAnswer.suggestion_id)
        .join(Need, Need.id == Suggestion.need_id)
        .where(Need.status == NeedStatus.OPEN, ours)
        .order_by(SuggestionAnswer.answered_at, SuggestionAnswer.id)
    )
    for row in session.execute(statement):
        past, day = history.past(row.need_id, row.partner_id), row.answered_at.date()
        past.later_on = day if row.answer is Answer.LATER else None
        if row.answer is Answer.DECLINE:
            past.decline(day, row.reason)


def _read_introductions(session: Session, history: History, ours: ColumnElement[bool]) -> None:
    statement = (
        select(
            Introduction.need_id,
            Introduction.partner_id,
            Introduction.state,
            Introduction.decline_reason,
            Introduction.updated_at,
        )
        .join(Need, Need.id == Introduction.need_id)
        .where(Need.status == NeedStatus.OPEN, ours)
    )
    for row in session.execute(statement):
        past = history.past(row.need_id, row.partner_id)
        if row.state is IntroductionState.DECLINED:
            past.decline(row.updated_at.date(), row.decline_reason)
        else:
            past.introduced = True


def _read_loads(session: Session, history: History, ours: ColumnElement[bool], today: date) -> None:
    """Whether its need is still open or not: the partner was asked."""
    answered = exists().where(SuggestionAnswer.suggestion_id == Suggestion.id)
    statement = (
        select(
            Need.organisation_id,
            Suggestion.need_id,
            Suggestion.partner_id,
            Suggestion.suggested_on,
            answered.label("answered"),
        )
        .join(Need, Need.id == Suggestion.need_id)
        .where(Suggestion.suggested_on > today - timedelta(days=SELDOM_DAYS), ours)
    )
    for row in session.execute(statement):
        history.recent.add(row.partner_id)
        if _days(row.suggested_on, today) < UNANSWERED_DAYS and not row.answered:
            history.of_need[row.need_id] += 1
            history.of_partner[row.partner_id] += 1
            history.together[row.organisation_id, row.partner_id] += 1


def _without_time(
    session: Session, today: date, among: ColumnElement[bool] | None
) -> Iterator[UUID]:
    """Partners who declined for want of time, from a mail or in an introduction."""
    first = datetime.combine(today - timedelta(days=NO_TIME_DAYS - 1), time.min, UTC)
    answers = (
        select(Suggestion.partner_id)
        .join(SuggestionAnswer, SuggestionAnswer.suggestion_id == Suggestion.id)
        .join(Need, Need.id == Suggestion.need_id)
        .where(
            SuggestionAnswer.side == Side.PARTNER,
            SuggestionAnswer.reason == DeclineReason.NO_TIME,
            SuggestionAnswer.answered_at >= first,
        )
    )
    introductions = (
        select(Introduction.partner_id)
        .join(Need, Need.id == Introduction.need_id)
        .where(
            Introduction.declined_by == Side.PARTNER,
            Introduction.decline_reason == DeclineReason.NO_TIME,
            Introduction.updated_at >= first,
        )
    )
    for statement in (answers, introductions):
        yield from session.scalars(statement if among is None else statement.where(among))
