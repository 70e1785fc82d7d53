"""Idempotency keys: claimed before a write, answered in its transaction, forgotten after a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, null, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.errors import Problem, conflict, invalid
from models import IdempotentAnswer, utc_now

KEPT: Final = timedelta(hours=24)
"""How long an answer is given again."""

ABANDONED_AFTER: Final = timedelta(seconds=60)
"""Longer than any write takes. Taking over a claim that is still worked on is safe, however: the
claim's first holder then cannot store its answer, and so cannot commit its write."""

RETRY_SECONDS: Final = 1

FIELD: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that one request works on."""

    account_id: UUID
    key: str
    at: datetime
    """When it was claimed; tells it from earlier and later claims of the same key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, to be given again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def claim_key(session: Session, *, account_id: UUID, key: str, fingerprint: str) -> Claim | Answer:
    """Claim a key of an account for a request, or find the answer that the request had before.

    To be committed at once, in a transaction of its own, so that others see the claim. Problem 422
    if the key was used for another request; 409 while the request is under way, and where it was
    carried out but its answer is not kept.
    """
    if _claimed(session, claim := Claim(account_id, key, utc_now()), fingerprint):
        return claim
    found = session.get(IdempotentAnswer, (account_id, key))
    if found is not None and found.fingerprint != fingerprint:
        raise invalid(
            FIELD, "was used for another request: send each request with a key of its own"
        )
    if found is None or found.status is None:  # None: it was released this very moment
        raise Problem(
            HTTPStatus.CONFLICT,
            "A request with this Idempotency-Key is under way: ask again shortly.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    if found.body is None:
        raise conflict(
            "The request with this Idempotency-Key was carried out, but its answer is not kept: "
            "read what it wrote."
        )
    return Answer(found.status, found.headers or {}, found.body)


def _claimed(session: Session, claim: Claim, fingerprint: str) -> bool:
    """Insert the claim, or put it in the place of one that is too old; one statement, so that of
    several requests one wins.
    """
    values = {
        "account_id": claim.account_id,
        "key": claim.key,
        "fingerprint": fingerprint,
        "created_at": claim.at,
    }
    over = {"fingerprint": fingerprint, "created_at": claim.at}
    over |= {"status": null(), "headers": null(), "body": null()}
    free = or_(
        IdempotentAnswer.created_at < claim.at - KEPT,
        and_(
            IdempotentAnswer.status.is_(None),
            IdempotentAnswer.created_at < claim.at - ABANDONED_AFTER,
        ),
    )
    on_server = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(IdempotentAnswer) if on_server else sqlite.insert(IdempotentAnswer)
    statement = insert.values(values).on_conflict_do_update(
        index_elements=["account_id", "key"], set_=over, where=free
    )
    return session.scalar(statement.returning(IdempotentAnswer.key)) is not None


def keep_answer(
    session: Session, claim: Claim, *, status: int, headers: Mapping[str, str], body: bytes | None
) -> None:
    """Store the answer to the request that holds the claim, in the transaction of its write.

    Without `body` a repetition is told that the request was carried out, no more. Problem 409 if
    the claim was taken over: the write must then be rolled back.
    """
    statement = (
        update(IdempotentAnswer)
        .where(_still_held(claim))
        .values(status=status, headers=dict(headers), body=body)
        .returning(IdempotentAnswer.key)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(statement) is None:
        raise conflict(
            "The request took so long that a repetition took its place; nothing was written by "
            "this one. Ask again with the same Idempotency-Key."
        )


def release_key(session: Session, claim: Claim) -> None:
    """Give up a claim whose request wrote nothing: the key is free again, for any request."""
    session.execute(
        delete(IdempotentAnswer)
        .where(_still_held(claim))
        .execution_options(synchronize_session=False)
    )


def _still_held(claim: Claim) -> ColumnElement[bool]:
    return and_(
        IdempotentAnswer.account_id == claim.account_id,
        IdempotentAnswer.key == claim.key,
        IdempotentAnswer.created_at == claim.at,
        IdempotentAnswer.status.is_(None),
    )


def forget_answers(session: Session) -> None:
    """Empty all answers that are kept, of every account; their keys still write nothing twice.

    For changes of who may see what, and for erasures: an answer may hold what its account saw then
    and may see no more.
    """
    session.execute(
        update(IdempotentAnswer)
        .where(func.length(IdempotentAnswer.body) > 0)
        .values(headers=null(), body=null())
        .execution_options(synchronize_session=False)
    )


def delete_expired_answers(session: Session) -> int:
    """Remove the keys that are older than a day, with their answers; returns how many."""
    old = (
        delete(IdempotentAnswer)
        .where(IdempotentAnswer.created_at < utc_now() - KEPT)
        .returning(IdempotentAnswer.key)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(old).all())
