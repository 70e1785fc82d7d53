"""The thread that follows the database when nobody asks, so that the next request is warm."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from app.changes import CHANNEL
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.jobs.checkpoints import reached
from app.services.corpus import CorpusCache
from app.services.engines import Engines

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
"""How often the revision is read on SQLite, and where no connection listens."""
LOOK_SECONDS: Final = 10.0
"""How often it is read on PostgreSQL even if nothing was heard."""


class Follower(threading.Thread):
    """Brings the corpus in memory up to every change, and has it made anew where that is due.

    On PostgreSQL it listens on a connection of its own and hears of a change at its commit; a
    connection that breaks is made again. On SQLite it reads the revision every second.
    """

    def __init__(self, engines: Engines) -> None:
        super().__init__(name="corpus-follower", daemon=True)
        self._engines = engines
        self._database = engines.database
        self._ended = threading.Event()
        self._builder: threading.Thread | None = None
        self._swept = 0

    def stop(self) -> None:
        """End within a second or two; a build that is under way ends with the process."""
        self._ended.set()
        if self.is_alive():
            self.join(timeout=5 * POLL_SECONDS)

    def run(self) -> None:
        """Follow until stopped."""
        listens = self._database.engine.dialect.name == "postgresql"
        while not self._ended.is_set():
            try:
                if listens:
                    self._listen()
                else:
                    self._follow()
            except Problem:
                pass  # the worker reports it
            except SQLAlchemyError as error:
                logger.info("The database cannot be followed now: %s", type(error).__name__)
            except Exception:
                # The thread must outlive whatever is wrong for a while.
                logger.exception("following the database failed; it is tried again")
            self._ended.wait(POLL_SECONDS)

    def _listen(self) -> None:
        """Follow at each notification, until stopped or the connection breaks."""
        with _listening(self._database) as driver:
            unheard = 0.0
            self._follow()  # what was said while nobody listened
            while not self._ended.is_set():
                heard = any(True for _ in driver.notifies(timeout=POLL_SECONDS, stop_after=1))
                unheard = 0.0 if heard else unheard + POLL_SECONDS
                if heard or unheard >= LOOK_SECONDS or self._corpora_wait():
                    unheard = 0.0
                    self._follow()

    def _corpora_wait(self) -> bool:
        held = self._engines.held
        return held is not None and held.corpora.waits

    def _follow(self) -> None:
        with self._database.reading(SYSTEM) as session:
            engine = self._engines.current(session)
            corpora = engine.corpora
            if corpora.ready(session) is None:
                return  # the worker loads it first
            corpora.renew(session)
            loaded = corpora.current(session)
            engine.answers.follow(loaded.corpus, loaded.revision)
        if corpora.wants_build and (self._builder is None or not self._builder.is_alive()):
            self._builder = threading.Thread(
                target=self._build, args=(corpora,), name="corpus-builder", daemon=True
            )
            self._builder.start()

    def _build(self, corpora: CorpusCache) -> None:
        try:
            corpora.rebuild(self._database, reached=reached)
        except SQLAlchemyError as error:
            logger.info("The corpus could not be made anew now: %s", type(error).__name__)
        except Exception:
            logger.exception("the corpus could not be made anew; it is tried again")


@contextmanager
def _listening(database: Database) -> Iterator[Any]:
    """A connection of the driver on which notifications of new revisions come in."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        try:
            yield connection.connection.driver_connection
        finally:
            # Back in the pool it would go on listening for nobody.
            connection.invalidate()
