import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from app.db import Database
from app.errors import Problem
from app.services.keys import add_key, is_live, list_keys
from app.services.sign_in import Candidate, lock_after, look_up, settle
from models import Account, utc_now
from tests.app.people import EMAIL, OTHER, person
from tests.copies import watching

pytestmark = pytest.mark.usefixtures("cheap_passwords")

FAILURES = 5


def _together(work: Callable[[], object], threads: int) -> None:
    """Do it in that many threads at once."""
    barrier = threading.Barrier(threads)

    def start() -> None:
        barrier.wait()
        work()

    running = [threading.Thread(target=start) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_failures_at_once_are_all_counted(database: Database) -> None:
    account = person(database)
    with database.reading() as session:
        candidate = look_up(session, EMAIL)

    def fail() -> None:
        with database.writing() as session:
            settle(session, candidate, verified=False, failures=FAILURES)

    _together(fail, FAILURES - 1)
    with database.reading() as session:
        row = session.get_one(Account, account.id)
        assert (row.failed_sign_ins, row.locked_until) == (FAILURES - 1, None)
    _together(fail, 4)
    with database.reading() as session:
        row = session.get_one(Account, account.id)
        assert row.failed_sign_ins == FAILURES  # those while it is locked do not count
        assert row.locked_until is not None


def test_a_right_guess_that_was_on_its_way_comes_too_late(database: Database) -> None:
    person(database)
    with database.writing() as session:
        candidate = look_up(session, EMAIL)
        for _ in range(FAILURES):
            settle(session, candidate, verified=False, failures=FAILURES)
        assert settle(session, candidate, verified=True, failures=FAILURES) is None


def test_a_password_that_was_just_changed_is_not_good_any_more(database: Database) -> None:
    account = person(database)
    with database.reading() as session:
        candidate = look_up(session, EMAIL)
    with database.writing() as session:
        session.get_one(Account, account.id).password_hash = OTHER
        session.flush()
        assert settle(session, candidate, verified=True, failures=FAILURES) is None


def test_every_refusal_is_as_much_work(database: Database) -> None:
    """The same statements, and something for the disk: so that none is told by its time."""
    wrong = person(database)
    others = {
        "disabled_at": utc_now(),
        "locked_until": utc_now() + timedelta(hours=1),
        "password_hash": None,
    }
    candidates = [Candidate(), Candidate(wrong.id, wrong.password_hash)]
    for i, (name, value) in enumerate(others.items()):
        account = person(database, email=f"p{i}@example.jp")
        with database.writing() as session:
            setattr(session.get_one(Account, account.id), name, value)
        candidates.append(Candidate(account.id, account.password_hash))
    seen: list[str] = []
    work: list[list[str]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: seen.append(a[2].split()[0]))
    with watching(database) as version:
        for candidate in candidates:
            before, written = _state(database), version()
            seen.clear()
            with database.writing() as session:
                assert settle(session, candidate, verified=False, failures=FAILURES) is None
            made = [word for word in seen if word in {"SELECT", "INSERT", "UPDATE", "DELETE"}]
            assert made.count("UPDATE") == 2
            work.append(made)
            assert version() != written
            changed = [row for row in _state(database) if row not in before]
            assert len(changed) == (candidate.account_id == wrong.id)
    assert all(made == work[0] for made in work)


def _state(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(select(Account.__table__))]


def test_where_there_is_no_account_at_all(database: Database) -> None:
    with database.writing() as session:
        assert look_up(session, EMAIL) == Candidate()
        assert settle(session, Candidate(), verified=False, failures=FAILURES) is None


def test_locks_grow_to_an_hour() -> None:
    minutes = [lock_after(further) / timedelta(minutes=1) for further in (0, 1, 2, 5, 6, 7, 10**6)]
    assert minutes == [1, 2, 4, 32, 60, 60, 60]


def test_keys_made_at_once_are_two_at_most(database: Database) -> None:
    account = person(database, password=None)
    refused = []

    def make() -> None:
        try:
            with database.writing() as session:
                add_key(session, session.get_one(Account, account.id), name="x")
        except Problem as problem:
            refused.append(problem.status)

    _together(make, 6)
    with database.reading() as session:
        assert len([key for key in list_keys(session, account.id) if is_live(key)]) == 2
    assert refused == [409] * 4
