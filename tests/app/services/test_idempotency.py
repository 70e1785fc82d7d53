"""Claims of idempotency keys, and how long answers are kept."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.db import Database
from app.errors import Problem
from app.jobs.worker import EmbeddingWorker
from app.services import idempotency
from app.services.corpus import Engine
from app.services.idempotency import (
    ABANDONED_AFTER,
    KEPT,
    Answer,
    Claim,
    claim_key,
    delete_expired_answers,
    forget_answers,
    keep_answer,
    release_key,
)
from models import Account, IdempotentAnswer, utc_now
from tests.app.asking import eventually
from tests.conftest import engines_of
from tests.factories import make_account


@pytest.fixture
def account(database: Database) -> Account:
    with database.writing() as session:
        return make_account(session)


def _claim(database: Database, account: Account, key: str = "k", request: str = "r") -> Claim:
    with database.writing() as session:
        claim = claim_key(session, account_id=account.id, key=key, fingerprint=request)
    assert isinstance(claim, Claim)
    return claim


def _keep(database: Database, claim: Claim, body: bytes | None = b"{}") -> None:
    with database.writing() as session:
        keep_answer(session, claim, status=201, headers={"etag": '"t"'}, body=body)


def _at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(idempotency, "utc_now", lambda: moment)


def test_a_claim_is_answered_once(database: Database, account: Account) -> None:
    claim = _claim(database, account)
    _keep(database, claim)
    with database.writing() as session:
        found = claim_key(session, account_id=account.id, key="k", fingerprint="r")
    assert found == Answer(201, {"etag": '"t"'}, b"{}")
    with pytest.raises(Problem):
        _keep(database, claim, b"other")


def test_a_released_key_is_free(database: Database, account: Account) -> None:
    claim = _claim(database, account)
    with database.writing() as session:
        release_key(session, claim)
    assert _claim(database, account, request="another").key == "k"


def test_an_answer_is_not_released(database: Database, account: Account) -> None:
    """As after a commit whose success did not reach us."""
    claim = _claim(database, account)
    _keep(database, claim)
    with database.writing() as session:
        release_key(session, claim)
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer)).one().status == 201


def test_an_abandoned_claim_is_taken_over_and_lost_to_its_first_holder(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _claim(database, account)
    _at(monkeypatch, first.at + ABANDONED_AFTER)
    with pytest.raises(Problem) as refused:
        _claim(database, account)
    assert refused.value.status == 409

    _at(monkeypatch, first.at + ABANDONED_AFTER + timedelta(microseconds=1))
    second = _claim(database, account)
    with pytest.raises(Problem) as refused:
        _keep(database, first)
    assert refused.value.status == 409
    with database.writing() as session:
        release_key(session, first)  # and cannot be ended by it
    _keep(database, second)


def test_answers_are_kept_a_day(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = _claim(database, account)
    _keep(database, claim)
    _at(monkeypatch, claim.at + KEPT)
    with database.writing() as session:
        assert delete_expired_answers(session) == 0
        assert isinstance(
            claim_key(session, account_id=account.id, key="k", fingerprint="r"), Answer
        )
    _at(monkeypatch, claim.at + KEPT + timedelta(microseconds=1))
    with database.writing() as session:
        assert delete_expired_answers(session) == 1
        assert session.scalars(select(IdempotentAnswer)).all() == []


def test_forgotten_answers_still_guard_their_keys(database: Database, account: Account) -> None:
    _keep(database, _claim(database, account))
    _keep(database, _claim(database, account, "empty"), b"")
    under_way = _claim(database, account, "under way")
    with database.writing() as session:
        forget_answers(session)
        with pytest.raises(Problem) as refused:
            claim_key(session, account_id=account.id, key="k", fingerprint="r")
        assert refused.value.status == 409
        assert refused.value.headers is None  # to ask again would not help
        found = claim_key(session, account_id=account.id, key="empty", fingerprint="r")
        assert isinstance(found, Answer)
    _keep(database, under_way)


def test_the_worker_removes_old_answers(
    database: Database, account: Account, engine: Engine
) -> None:
    with database.writing() as session:
        for key, age in (("old", KEPT + timedelta(minutes=1)), ("new", timedelta(hours=1))):
            session.add(
                IdempotentAnswer(
                    account_id=account.id,
                    key=key,
                    fingerprint="r",
                    status=201,
                    headers={},
                    body=b"x",
                    created_at=utc_now() - age,
                )
            )

    def left() -> list[str]:
        with database.reading() as session:
            return list(session.scalars(select(IdempotentAnswer.key)))

    worker = EmbeddingWorker(engines_of(engine))
    worker.start()
    eventually(lambda: left() == ["new"])
    worker.stop()
