"""The thread of the service that embeds in the background."""

import logging
import threading
from typing import Final

from app.contexts import SYSTEM
from app.errors import Problem
from app.jobs.changing import change_over
from app.jobs.embedding import embed_pending, embed_texts, pending_texts
from app.jobs.following import Follower
from app.jobs.vector_index import bring_up_if_chosen
from app.services.corpus import Engine
from app.services.embeddings import delete_orphans, pending_queries
from app.services.engines import Engines
from app.services.idempotency import delete_expired_answers

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 3600.0
"""A round at least so often: what is kept for a day only goes at its end."""


class EmbeddingWorker(threading.Thread):
    """Embeds what requests left undone, and once at the start; then changes the encoder if asked.

    A round that fails is tried again after half a minute, or earlier when woken.
    """

    def __init__(self, engines: Engines) -> None:
        super().__init__(name="embedding-worker", daemon=True)
        self._engines = engines
        self._database = engines.database
        self._wake = threading.Event()
        self._stopping = False
        self._follower = Follower(engines)

    def wake(self) -> None:
        """Ask for another round."""
        self._wake.set()

    def stop(self) -> None:
        """End after the present chunk."""
        self._stopping = True
        self._wake.set()
        self._follower.stop()
        self.join(timeout=RETRY_SECONDS)

    def run(self) -> None:
        """Work until stopped."""
        self._follower.start()
        while not self._stopping:
            failed = True
            try:
                self._round()
                failed = False
            except Problem as problem:
                logger.error("%s", problem)  # noqa: TRY400 - a sentence that says what to do
            except Exception:
                # The thread must outlive a busy database, a full disk or a missing model.
                logger.exception("embedding failed; it is tried again in %.0f s", RETRY_SECONDS)
            self._wake.wait(timeout=RETRY_SECONDS if failed else SWEEP_SECONDS)
            self._wake.clear()

    def _round(self) -> None:
        with self._database.writing(SYSTEM) as session:
            delete_expired_answers(session)
        self._catch_up()
        self._change()

    def _catch_up(self) -> None:
        """Embed what the encoder that serves has not read yet."""
        engine = self._renew()
        if engine.reads:
            self._embed(engine)
        with self._database.writing(SYSTEM) as session:
            delete_orphans(session)
        if not self._stopping:
            self._search_by_server(self._renew())

    def _search_by_server(self, engine: Engine) -> None:
        """Let PostgreSQL search the vectors, if it is to; its indexes are made here."""
        if engine.reads and bring_up_if_chosen(
            self._database, engine.encoder, self._engines.vectors
        ):
            engine.corpora.leave_to_the_server(self._database)

    def _embed(self, engine: Engine) -> None:
        def after_chunk() -> bool:
            # Another process may have let another encoder serve meanwhile.
            return not self._stopping and self._renew() is engine

        texts = pending_texts(self._database, engine.encoder)
        embed_pending(self._database, engine.encoder, texts, after_chunk=after_chunk)
        with self._database.reading(SYSTEM) as session:
            queries = pending_queries(session, engine.encoder)
        if queries and not self._stopping:
            embed_texts(self._database, engine.encoder, queries, role="query")

    def _change(self) -> None:
        """Change the database to our own encoder, if that is wanted."""
        with self._database.reading(SYSTEM) as session:
            encoder = self._engines.change(session)
        if encoder is None or self._stopping:
            return
        prepare = self._engines.prepare
        if change_over(self._database, encoder, go_on=self._between_chunks, prepare=prepare):
            self._renew()

    def _between_chunks(self) -> bool:
        """New texts come first, for the encoder that serves; False if the service ends."""
        if self._wake.is_set() and not self._stopping:
            self._wake.clear()
            self._catch_up()
        return not self._stopping

    def _renew(self) -> Engine:
        """Bring the index up to date; returns the engine that serves."""
        with self._database.reading(SYSTEM) as session:
            engine = self._engines.current(session)
            engine.corpora.renew(session)
        return engine
