"""What a connection is told, by the address or else by us."""

import sqlite3
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import QueuePool, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from app import db_engines
from app.db_engines import SQLITE_CONNECTIONS, make_engine, requests_at_once


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of the engine that was made last."""
    made: dict[str, Any] = {}

    def create(url: Any, **options: Any) -> Any:
        made.clear()
        made.update(options, url=url)
        return create_engine(url, **options)

    monkeypatch.setattr(db_engines, "create_engine", create)
    return made


@pytest.mark.parametrize(("text", "value"), [("none", None), ("0", 0), ("7", 7)])
def test_the_drivers_own_option_is_not_sent_to_the_server(
    arguments: dict[str, Any], text: str, value: int | None
) -> None:
    make_engine(f"postgresql://u@h/d?prepare_threshold={text}&application_name=x")
    assert arguments["connect_args"]["prepare_threshold"] == value
    assert dict(arguments["url"].query) == {"application_name": "x"}


def test_the_address_comes_before_our_limits(arguments: dict[str, Any]) -> None:
    make_engine("postgresql://u@h/d?connect_timeout=2")
    assert "connect_timeout" not in arguments["connect_args"]
    assert arguments["connect_args"]["tcp_user_timeout"] == 20_000


def test_a_process_opens_no_more_than_it_was_told() -> None:
    engine = make_engine("postgresql://u@h/d", connections=8)
    assert isinstance(engine.pool, QueuePool)
    assert (engine.pool.size(), engine.pool._max_overflow) == (8, 0)
    assert requests_at_once(engine) == 3
    assert requests_at_once(make_engine("sqlite://")) == SQLITE_CONNECTIONS - 5


class Driver(sqlite3.Connection):
    """Says what it is told to say when it is asked to begin."""

    answers: ClassVar[list[sqlite3.Error]] = []

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE" and self.answers:
            raise self.answers.pop(0)
        return super().execute(sql, *values)


def busy(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY])
def test_a_writer_waits_for_whoever_is_busy_and_keeps_its_patience(
    tmp_path: Path, code: int
) -> None:
    opened = create_engine(f"sqlite:///{tmp_path / 'x.db'}", connect_args={"factory": Driver})
    event.listen(opened, "connect", db_engines._prepare_sqlite)
    event.listen(opened, "begin", db_engines._begin_sqlite)
    Driver.answers = [busy(code), busy(code)]
    with opened.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        assert Driver.answers == []
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
    opened.dispose()


def test_who_cannot_begin_is_told_as_of_any_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_engines, "BUSY_TIMEOUT_SECONDS", 0.01)
    file = tmp_path / "x.db"
    engine = make_engine(f"sqlite:///{file}")
    writing = engine.execution_options(sqlite_begin="IMMEDIATE")
    with writing.begin(), pytest.raises(OperationalError, match="locked"), writing.begin():
        pass
    engine.dispose()
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"), writing.begin():
        pass
    engine.dispose()
