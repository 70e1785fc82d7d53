"""SQL that is compiled once in a process, instead of anew by the engine of every test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url

from app import db_engines

KEPT = 4000
"""More statements than the tests make; an engine keeps 500."""


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let every engine on SQLite that is made meanwhile find what the others have compiled.

    SQLAlchemy keeps compiled statements by engine and by the engine's dialect, and a test with a
    database of its own has both of its own: it would spend a good part of its time on compiling.
    They are the same to the letter, since all are compiled by the same rules for the same SQLite.
    """
    first = create_engine("sqlite://", query_cache_size=KEPT)
    first.connect().close()  # only now the dialect has found out what this SQLite can do

    def create(url: Any, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        if make_url(url).get_backend_name() == "sqlite":
            engine.dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db_engines, "create_engine", create)
        yield
    first.dispose()
