"""What a connection is told, by the address or else by us."""

from typing import Any

import pytest
from sqlalchemy import QueuePool, create_engine

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
