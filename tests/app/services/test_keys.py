import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.access import Scope
from app.db import Database
from app.errors import Problem
from app.services import keys
from app.services.keys import add_key, create_key, end_key, find_actor, may_be_key, rotate_key
from models import ApiKey, Role, utc_now
from tests.factories import make_account


def _old_key(session: Session) -> str:
    """A key as they were made before they had a check."""
    secret = "enm_" + "aB3-_x7Q" * 4
    session.add(
        ApiKey(
            account=make_account(session),
            name="old",
            prefix=secret[:10],
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=["directory"],
        )
    )
    session.flush()
    return secret


def test_the_form_of_a_key(database: Database) -> None:
    with database.writing() as session:
        key, secret = create_key(session, name="x", role=Role.COORDINATOR)
    assert secret.startswith("enm_")
    assert len(secret) == 42
    assert secret.isascii()
    assert secret.replace("_", "").isalnum()
    assert key.prefix == secret[:10]


def test_keys_from_before_the_check_go_on_working(database: Database) -> None:
    with database.writing() as session:
        secret = _old_key(session)
        found = find_actor(session, secret)
        assert found is not None
        assert found.scopes == {Scope.DIRECTORY}


def test_a_mistyped_key_never_reaches_the_database(database: Database) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with database.reading() as session:
        for place in range(4, len(secret)):
            other = "a" if secret[place] != "a" else "b"
            wrong = secret[:place] + other + secret[place + 1 :]
            assert find_actor(session, wrong) is None
        at = next(n for n in range(20, len(secret)) if secret[n] != secret[n + 1])
        swapped = secret[:at] + secret[at + 1] + secret[at] + secret[at + 2 :]
        assert find_actor(session, swapped) is None
        for wrong in ("", "enm_", secret + "x", secret[:-1], secret.upper(), "é" * 42, "x" * 9999):
            assert find_actor(session, wrong) is None
        assert asked == []
        assert find_actor(session, secret) is not None
        assert asked != []


def test_the_check_is_of_the_whole_key() -> None:
    """CRC-32 finds each error within 32 bits; a known value holds the form for ever."""
    body = "enm_" + "0" * 32
    assert may_be_key(body + keys._check(body))
    assert keys._check(body) != keys._check("enm_" + "0" * 31 + "1")
    assert (body + keys._check(body)) == "enm_" + "0" * 32 + "1e4FEX"


def test_a_key_ends_when_it_runs_out(database: Database) -> None:
    with database.writing() as session:
        key, secret = create_key(
            session, name="x", role=Role.ADMIN, expires_at=utc_now() + timedelta(days=1)
        )
        assert find_actor(session, secret) is not None
        key.expires_at = utc_now() - timedelta(seconds=1)
        session.flush()
        assert find_actor(session, secret) is None


def test_an_expiry_in_the_past_is_refused(database: Database) -> None:
    with database.writing() as session, pytest.raises(Problem, match="past"):
        create_key(session, name="x", role=Role.ADMIN, expires_at=utc_now())


def test_rotation(database: Database) -> None:
    """The second key is like the first; both work until the first is revoked."""
    with database.writing() as session:
        old, first = create_key(
            session,
            name="nightly",
            role=Role.COORDINATOR,
            scopes=[Scope.NEEDS],
            expires_at=utc_now() + timedelta(days=90),
        )
        new, second = rotate_key(session, old)
        assert (new.name, new.scopes) == ("nightly", ["needs"])
        assert new.account_id == old.account_id
        assert new.expires_at is not None
        assert old.expires_at is not None
        assert abs(new.expires_at - old.expires_at) < timedelta(minutes=1)
        assert find_actor(session, first) is not None
        assert find_actor(session, second) is not None
        end_key(session, old)
        assert find_actor(session, first) is None
        assert find_actor(session, second) is not None


def test_a_third_live_key_is_refused(database: Database) -> None:
    with database.writing() as session:
        old, _ = create_key(session, name="x", role=Role.ADMIN)
        new, _ = rotate_key(session, old)
        for key in (old, new):
            with pytest.raises(Problem, match="revoke one first"):
                rotate_key(session, key)
        with pytest.raises(Problem, match="revoke one first"):
            add_key(session, old.account, name="y")
        end_key(session, old)
        third, _ = rotate_key(session, new)
        third.expires_at = utc_now() - timedelta(seconds=1)
        session.flush()
        add_key(session, old.account, name="one that has run out does not count")


def test_a_key_that_has_ended_is_not_rotated(database: Database) -> None:
    with database.writing() as session:
        key, _ = create_key(session, name="x", role=Role.ADMIN)
        end_key(session, key)
        with pytest.raises(Problem, match="ended"):
            rotate_key(session, key)


def test_scopes_shrink_with_the_role(database: Database) -> None:
    with database.writing() as session:
        key, secret = create_key(session, name="x", role=Role.ADMIN)
        key.account.role = Role.COORDINATOR
        session.flush()
        actor = find_actor(session, secret)
        assert actor is not None
        assert Scope.ACCOUNTS not in actor.scopes
        new, _ = rotate_key(session, key)
        assert "accounts" not in new.scopes


def test_no_two_keys_have_one_prefix(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since a key is revoked by its prefix."""
    drawn = iter("a" * 32 + "a" * 32 + "b" * 32)
    monkeypatch.setattr("app.services.keys.secrets.choice", lambda _: next(drawn))
    with database.writing() as session:
        _, first = create_key(session, name="x", role=Role.ADMIN)
        _, second = create_key(session, name="y", role=Role.ADMIN)
    assert (first[:10], second[:10]) == ("enm_aaaaaa", "enm_bbbbbb")


def test_unknown_scopes_are_refused() -> None:
    with pytest.raises(Problem, match="choose from"):
        keys.parse_scopes(["needs", "everything"])
    assert keys.parse_scopes(["needs"]) == {Scope.NEEDS}
