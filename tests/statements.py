"""SQL that is compiled once in a process, instead of anew by the engine of every test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from app import db_engines

KEPT = 4000
"""More statements than the tests make; an engine keeps 500."""
SECONDS = 2
"""For a server to answer, which is on this machine."""

_made: dict[str, list[Engine]] = {}
"""Engines of servers by their databases. What a test forgets must not be found by the garbage
collector while another test runs: psycopg warns of connections that nobody has closed."""


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let every engine that is made meanwhile find what others of its server have compiled.

    SQLAlchemy keeps compiled statements by engine and by the engine's dialect, and a test with a
    database of its own has both of its own: it would spend a good part of its time on compiling.
    They are the same to the letter, since all are compiled by the same rules for the same server.
    """
    firsts: dict[tuple[Any, ...], Engine] = {}

    def create(url: Any, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        address = make_url(url)
        kind = address.get_backend_name(), address.host, address.port, str(address.query)
        if kind not in firsts and (first := _first(address)):
            firsts[kind] = first
        if kind in firsts:
            engine.dialect = firsts[kind].dialect
            engine._compiled_cache = firsts[kind]._compiled_cache
        if kind[0] != "sqlite":
            _made.setdefault(str(address.database), []).append(engine)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db_engines, "create_engine", create)
        yield
    for first in firsts.values():
        first.dispose()


def dispose_engines(database: str) -> None:
    """Close what the engines made for this database left open."""
    for engine in _made.pop(database, []):
        engine.dispose()


def _first(address: URL) -> Engine | None:
    """An engine whose dialect has found out what this server can do; None if it is not there."""
    if address.get_backend_name() == "sqlite":
        engine = create_engine("sqlite://", query_cache_size=KEPT)
    else:  # libpq would wait two minutes for a server that says nothing
        engine = create_engine(
            address, query_cache_size=KEPT, connect_args={"connect_timeout": SECONDS}
        )
    try:
        engine.connect().close()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()
    return engine
