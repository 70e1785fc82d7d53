"""The outbox: a mail moves on by conditional updates, so that it leaves once at most.

| From | To | When |
| --- | --- | --- |
| `queued` | `sending` | `claim`: a runner takes it in hand, under a token of its own |
| `sending` | `data` | `mark`: committed before the text is sent; it may have left from then on |
| `sending`, `data` | `queued` | `release`: the server said not now, or the text was not sent |
| `data` | `sent` | `settle`: the server took it |
| `data` | `unknown` | `settle`: no answer came; `recover`: the runner died |
| `sending`, `data` | `failed` | `settle`: refused for good, or too often for now |
| `sending` | `withheld` | `settle`: the recheck before sending spoke against it |
| `sending` | `queued` | `recover`: the runner died, and nothing had left |
| `queued`, `sending` | `withheld` | `abandon`: its run was closed |
| `data` | `unknown` | `abandon`, likewise |

`sent`, `unknown`, `failed` and `withheld` are the end. Each update names the state and the token:
whoever changes no row has lost its claim, and stops with that mail.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Update, bindparam, func, select, update
from sqlalchemy.orm import Session, contains_eager

from models import Account, Mail, MailState, Withheld

TOKEN_BYTES: Final = 16

UNSETTLED: Final = frozenset({MailState.QUEUED, MailState.SENDING, MailState.DATA})
"""The states in which no mail may be left when its run is finished."""

SETTLED_FROM: Final[dict[MailState, frozenset[MailState]]] = {
    MailState.SENT: frozenset({MailState.DATA}),
    MailState.UNKNOWN: frozenset({MailState.DATA}),
    MailState.FAILED: frozenset({MailState.SENDING, MailState.DATA}),
    MailState.WITHHELD: frozenset({MailState.SENDING}),
}
"""The states in which a mail can end, each with those that it may come from."""


_MAILS: Final = cast("Table", Mail.__table__)
_ACCOUNTS: Final = cast("Table", Account.__table__)
_STILL_CODE: Final[ColumnElement[int]] = func.coalesce(bindparam("code"), _MAILS.c.smtp_code)


def _move(states: Collection[MailState], **values: Any) -> Update:
    """The statement that moves a mail on for whoever holds its claim."""
    return (
        update(_MAILS)
        .where(
            _MAILS.c.id == bindparam("mail"),
            _MAILS.c.claim == bindparam("token"),
            _MAILS.c.state.in_(sorted(states)),
        )
        .values(**values)
    )


# Made once: a run of thousands of mails takes each of them thousands of times.
_CLAIM: Final = (
    update(_MAILS)
    .where(_MAILS.c.id == bindparam("mail"), _MAILS.c.state == MailState.QUEUED)
    .values(state=MailState.SENDING, claim=bindparam("token"), attempts=_MAILS.c.attempts + 1)
    .returning(
        _MAILS.c.attempts,
        select(_ACCOUNTS.c.email)
        .where(_ACCOUNTS.c.id == _MAILS.c.account_id)
        .scalar_subquery()
        .label("email"),
    )
)
_HELD: Final = (
    select(Mail)
    .join(Mail.account)
    .where(
        Mail.id == bindparam("mail"),
        Mail.claim == bindparam("token"),
        Mail.state == MailState.SENDING,
    )
    .options(contains_eager(Mail.account))
    .with_for_update(of=(Mail, Account))
    .execution_options(populate_existing=True)
)
_MARK: Final = _move({MailState.SENDING}, state=MailState.DATA)
_RELEASE: Final = _move(
    {MailState.SENDING, MailState.DATA},
    state=MailState.QUEUED,
    claim=None,
    due_at=bindparam("due"),
    attempts=_MAILS.c.attempts - bindparam("uncounted"),
    smtp_code=_STILL_CODE,
)
_SETTLE: Final = {
    state: _move(
        before,
        state=state,
        claim=None,
        settled_at=bindparam("now"),
        smtp_code=_STILL_CODE,
        withheld=bindparam("reason"),
    )
    for state, before in SETTLED_FROM.items()
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that one runner has in hand."""

    mail_id: UUID
    token: str
    attempts: int
    """With this one."""
    email: str | None
    """Of the recipient when it was claimed."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail that waits."""

    mail_id: UUID
    due_at: datetime
    email: str | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a runner that died had in hand."""

    requeued: int
    unknown: tuple[UUID, ...]


def queued(session: Session, run_id: UUID, *, after: UUID | None, limit: int) -> list[Queued]:
    """The next mails of a run that wait, due or not, by id after that one."""
    statement = (
        select(Mail.id, Mail.due_at, Account.email)
        .join(Account, Account.id == Mail.account_id)
        .where(Mail.run_id == run_id, Mail.state == MailState.QUEUED)
        .order_by(Mail.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Mail.id > after)
    return [Queued(*row) for row in session.execute(statement)]


def claim(session: Session, mail_id: UUID) -> Claim | None:
    """Take a mail in hand, for one more attempt; None if it does not wait any more."""
    token = secrets.token_hex(TOKEN_BYTES)
    given = {"mail": mail_id, "token": token}
    taken = session.connection().execute(_CLAIM, given).first()
    return None if taken is None else Claim(mail_id, token, taken.attempts, taken.email)


def held(session: Session, claimed: Claim) -> Mail | None:
    """The mail with its account as they are now, locked until the transaction ends; None if the
    claim was lost.

    With the account locked, whoever withdraws a consent or stops mails at this very moment does so
    before the mail is rechecked, or after it is marked.
    """
    return session.scalar(_HELD, {"mail": claimed.mail_id, "token": claimed.token})


def mark(session: Session, claimed: Claim) -> bool:
    """Say that the mail may leave from now on, to be committed before it does; False if the claim
    was lost.
    """
    return _moved(session, claimed, _MARK)


def release(
    session: Session,
    claimed: Claim,
    *,
    due_at: datetime,
    code: int | None = None,
    counted: bool = True,
) -> bool:
    """Let the mail wait again, since nothing of it has left or the server said not now; False if
    the claim was lost.

    An attempt that says nothing about the mail is not `counted`.
    """
    return _moved(session, claimed, _RELEASE, due=due_at, code=code, uncounted=0 if counted else 1)


def settle(
    session: Session,
    claimed: Claim,
    state: MailState,
    *,
    now: datetime,
    code: int | None = None,
    withheld: Withheld | None = None,
) -> bool:
    """Let the mail end in one of the states of `SETTLED_FROM`; False if the claim was lost."""
    return _moved(session, claimed, _SETTLE[state], now=now, code=code, reason=withheld)


def recover(session: Session, run_id: UUID, *, now: datetime) -> Recovered:
    """Put right what a runner of the run left behind when it died.

    Only for whoever holds the lock of the run: of a runner that lives it would take the claims.
    """
    requeued = session.scalars(
        update(Mail)
        .where(Mail.run_id == run_id, Mail.state == MailState.SENDING)
        .values(state=MailState.QUEUED, claim=None, attempts=Mail.attempts - 1)
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    ).all()
    return Recovered(len(requeued), _give_up(session, run_id, now=now))


def abandon(session: Session, run_id: UUID, *, now: datetime) -> int:
    """Let none of a run's mails leave any more, since it is closed; returns how many will not.

    Only for whoever holds the lock of the run, like `recover`.
    """
    stopped = session.scalars(
        update(Mail)
        .where(Mail.run_id == run_id, Mail.state.in_((MailState.QUEUED, MailState.SENDING)))
        .values(state=MailState.WITHHELD, withheld=Withheld.OVERTAKEN, claim=None, settled_at=now)
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    ).all()
    _give_up(session, run_id, now=now)
    return len(stopped)


def _give_up(session: Session, run_id: UUID, *, now: datetime) -> tuple[UUID, ...]:
    """Call those mails unknown that a dead runner left between the mark and the answer."""
    unknown = session.scalars(
        update(Mail)
        .where(Mail.run_id == run_id, Mail.state == MailState.DATA)
        .values(state=MailState.UNKNOWN, claim=None, settled_at=now)
        .returning(Mail.id)
        .execution_options(synchronize_session=False)
    ).all()
    return tuple(unknown)


def tally(session: Session, run_id: UUID) -> dict[MailState, int]:
    """How many mails of a run are in which state; states without one are left out."""
    statement = (
        select(Mail.state, func.count())
        .where(Mail.run_id == run_id)
        .group_by(Mail.state)
        .order_by(Mail.state)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def settled_since(session: Session, moment: datetime) -> Sequence[tuple[str, datetime]]:
    """Address and moment of the mails of any run that were settled at the server since then."""
    statement = (
        select(Account.email, Mail.settled_at)
        .join(Mail, Mail.account_id == Account.id)
        .where(
            Mail.settled_at > moment,
            Mail.state != MailState.WITHHELD,
        )
        .order_by(Mail.settled_at)
    )
    rows = session.execute(statement)
    return [(email, at) for email, at in rows if email is not None and at is not None]


def _moved(session: Session, claimed: Claim, statement: Update, **values: Any) -> bool:
    given = {"mail": claimed.mail_id, "token": claimed.token, **values}
    return session.connection().execute(statement, given).rowcount == 1
