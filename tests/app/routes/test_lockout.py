"""Lockout, and that nobody learns from an answer whether an account exists."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from app.db import Database
from app.services import passwords
from models import Account, utc_now
from tests.app.asking import SECRET, headers_of, problem
from tests.app.people import OTHER, PASSWORD, browser, person, try_to_sign_in

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def _change(database: Database, account: Account, **values: object) -> None:
    with database.writing() as session:
        row = session.get_one(Account, account.id)
        for name, value in values.items():
            setattr(row, name, value)


def _account(database: Database, account: Account) -> Account:
    with database.reading() as session:
        return session.get_one(Account, account.id)


def _states(database: Database) -> dict[str, tuple[str, str]]:
    """What to sign in with so that it is refused, by why."""
    person(database, email="wrong@example.jp")
    disabled = person(database, email="disabled@example.jp")
    locked = person(database, email="locked@example.jp")
    person(database, email="none@example.jp", password=None)
    _change(database, disabled, disabled_at=utc_now())
    _change(database, locked, locked_until=utc_now() + timedelta(hours=1), failed_sign_ins=9)
    return {
        "wrong": ("wrong@example.jp", OTHER),
        "unknown": ("unknown@example.jp", PASSWORD),
        "no address": (SECRET, PASSWORD),
        "disabled": ("disabled@example.jp", PASSWORD),
        "locked": ("locked@example.jp", PASSWORD),
        "no password": ("none@example.jp", PASSWORD),
    }


def test_all_refusals_are_alike(anonymous: TestClient, database: Database) -> None:
    answers = []
    for email, password in _states(database).values():
        answer = try_to_sign_in(browser(anonymous), email, password)
        problem(answer, 401)
        headers = headers_of(answer)
        answers.append((answer.content, headers))
    assert all(answer == answers[0] for answer in answers)
    assert "set-cookie" not in answers[0][1]


def _median_seconds(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Of each call, taken in turn so that a busy machine slows all alike."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def test_all_refusals_take_as_long(
    anonymous: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an argon2 that takes far longer than all else, as the real one does.

    Without the verification of a made-up hash the others would take a fifth of it.
    """
    hasher = PasswordHasher(time_cost=4, memory_cost=2**13, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", hasher)
    states = _states(database)
    client = browser(anonymous)

    def ask(email: str, password: str) -> Callable[[], object]:
        return lambda: try_to_sign_in(client, email, password)

    calls = {name: ask(*given) for name, given in states.items()}
    medians = _median_seconds(calls, rounds=5)
    least, most = min(medians.values()), max(medians.values())
    assert least > 0.005, medians
    assert most < 2 * least, medians  # a busy machine; they differ by a few percent


def test_the_account_is_locked_for_ever_longer(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = browser(anonymous)
    for _ in range(4):
        problem(try_to_sign_in(client, password=OTHER), 401)
    assert _account(database, account).locked_until is None
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        problem(try_to_sign_in(client, password=OTHER), 401)
        until = _account(database, account).locked_until
        assert until is not None
        left = until - utc_now()
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)
        problem(try_to_sign_in(client), 401)  # the right one
        # and attempts meanwhile do not count
        assert _account(database, account).locked_until == until
        _change(database, account, locked_until=utc_now())
    assert try_to_sign_in(client).status_code == 204
    after = _account(database, account)
    assert (after.failed_sign_ins, after.locked_until) == (0, None)


def test_a_success_begins_the_count_anew(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = browser(anonymous)
    for _ in range(2):
        for _ in range(4):
            problem(try_to_sign_in(client, password=OTHER), 401)
        assert try_to_sign_in(client).status_code == 204
    assert _account(database, account).locked_until is None


def test_a_refusal_changes_nobody_else(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    before = _account(database, account)
    problem(try_to_sign_in(browser(anonymous), "unknown@example.jp"), 401)
    after = _account(database, account)
    for name in ("failed_sign_ins", "locked_until", "updated_at", "password_hash"):
        assert getattr(after, name) == getattr(before, name)
