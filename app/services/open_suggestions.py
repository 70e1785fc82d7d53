"""Suggestions that still wait for an answer, and what of them a digest may tell whom."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import aliased

from app.access import LIVE, Action, Actor, Relation, State, View, decide
from app.visibility import needs_for
from models import (
    Account,
    Answer,
    Confidentiality,
    Introduction,
    Mail,
    MailItem,
    MailState,
    Need,
    NeedStatus,
    Role,
    Side,
    Suggestion,
    SuggestionAnswer,
    account_clusters,
    need_clusters,
    need_staff,
)

OPEN_DAYS: Final = 30
"""A suggestion that nobody has answered for so long is told no more."""

LEFT: Final = frozenset({MailState.SENT, MailState.DATA, MailState.UNKNOWN})
"""Of a mail that its recipient has, or may have."""

_FULL: Final = frozenset({View.FULL})
_MATCHED: Final = {
    Role.COORDINATOR: _FULL,
    Role.COMPANY: frozenset({View.FULL, View.COARSE}),
}
"""How much of a need's matches one sees who is told of them: a company coarse ones."""
MAILED_TO_COMPANIES: Final = frozenset(Confidentiality) - {Confidentiality.NAMED_STAFF}
"""Levels of its own needs of which a company is mailed. All staff sees which accounts a run has
mailed, and must not find out by that whose the needs for named staff are."""


def open_for(side: Side, *, today: date, until: date) -> ColumnElement[bool]:
    """Condition on `Suggestion` joined to its `Need`: of the last days and no later than `until`,
    the need open, not answered by that side, nor accepted or declined by another, no introduction
    of the pair since, and the newest of its pair.
    """
    since = today - timedelta(days=OPEN_DAYS)
    # A day more than it takes: a day begins earlier in Tokyo than in UTC.
    touched = datetime.combine(since - timedelta(days=1), time.min, UTC)
    later = aliased(Suggestion)
    answered = exists().where(
        SuggestionAnswer.suggestion_id == Suggestion.id,
        or_(
            SuggestionAnswer.side == side,
            SuggestionAnswer.answer.in_([Answer.ACCEPT, Answer.DECLINE]),
        ),
    )
    introduced = exists().where(
        Introduction.need_id == Suggestion.need_id,
        Introduction.partner_id == Suggestion.partner_id,
        or_(Introduction.state.in_(sorted(LIVE)), Introduction.updated_at >= touched),
    )
    again = exists().where(
        later.need_id == Suggestion.need_id,
        later.partner_id == Suggestion.partner_id,
        later.suggested_on <= until,
        later.id > Suggestion.id,
    )
    return and_(
        Suggestion.suggested_on > since,
        Suggestion.suggested_on <= until,
        Need.status == NeedStatus.OPEN,
        ~answered,
        ~introduced,
        ~again,
    )


def was_mailed(account_id: ColumnElement[object] | object) -> ColumnElement[bool]:
    """Condition on `Suggestion`: in a mail to the account that has left, or may have."""
    return (
        select(MailItem.suggestion_id)
        .join(Mail, Mail.id == MailItem.mail_id)
        .where(
            MailItem.suggestion_id == Suggestion.id,
            Mail.account_id == account_id,
            Mail.state.in_(sorted(LEFT)),
        )
        .correlate(Suggestion, Account)
        .exists()
    )


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Condition on `Suggestion` joined to its `Need` under which the policy lets it be told.

    Partners see no need but by `app.services.outside`; here it is only said which suggestions are
    theirs.
    """
    if actor.role is Role.PARTNER:
        return false() if actor.partner_id is None else Suggestion.partner_id == actor.partner_id
    if actor.role not in _MATCHED:
        return false()
    return and_(
        needs_for(actor, Action.READ_NEED, _FULL),
        needs_for(actor, Action.MATCH_NEED, _MATCHED[actor.role]),
        mailed_to(actor.role),
    )


def mailed_to(role: Role) -> ColumnElement[bool]:
    """Condition on `Need`: somebody in that role who may see it is also mailed about it."""
    return Need.confidentiality.in_(sorted(MAILED_TO_COMPANIES)) if role is Role.COMPANY else true()


def concerns(account: Account) -> ColumnElement[bool]:
    """Condition on `Need`: in one of a coordinator's clusters or in none, or it is named for it."""
    own = exists().where(
        need_clusters.c.need_id == Need.id,
        need_clusters.c.cluster_id == account_clusters.c.cluster_id,
        account_clusters.c.account_id == account.id,
    )
    any_cluster = exists().where(need_clusters.c.need_id == Need.id)
    any_own = exists().where(account_clusters.c.account_id == account.id)
    named = exists().where(need_staff.c.need_id == Need.id, need_staff.c.account_id == account.id)
    return or_(own, ~any_cluster, ~any_own, named)


@cache
def may_be_told(role: Role, level: Confidentiality, status: NeedStatus) -> bool:
    """Whether a company may be told of a suggestion for its own need, or a partner who has no part
    in any introduction of a need of one for it: what the policy says of both.
    """
    if role is Role.PARTNER:
        state = State(Relation.STRANGER, level, status)
        return decide(role, Action.READ_NEED, state) is not View.NONE
    state = State(Relation.OWNER, level, status)
    return (
        role is Role.COMPANY
        and level in MAILED_TO_COMPANIES
        and decide(role, Action.READ_NEED, state) is View.FULL
        and decide(role, Action.MATCH_NEED, state) in _MATCHED[role]
    )
