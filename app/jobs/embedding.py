"""Embedding in pieces that are committed one by one."""

import logging
import threading
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from app.db import Database
from app.services.capabilities import passage_of
from app.services.embeddings import (
    delete_orphans,
    load_vectors,
    pending_capabilities,
    pending_queries,
    store_vectors,
)
from matching.encoders import Encoder, Progress, Role, Vectors
from matching.encoders.protocol import ignore_progress

logger = logging.getLogger(__name__)

CHUNK: Final = 128
"""Texts per commit: a few seconds of work, so that little is lost when it is killed."""
RETRY_SECONDS: Final = 30.0


def embed_texts(
    database: Database,
    encoder: Encoder,
    texts: Mapping[str, str],
    *,
    role: Role = "passage",
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> dict[str, Vectors]:
    """Vectors of texts by content hash: stored ones are read, the others computed and stored.

    Each chunk is committed on its own; a run that was interrupted goes on where it stopped. No
    session is open while the encoder works.
    """
    with database.reading() as session:
        vectors = load_vectors(session, texts.keys(), encoder, role)
    (progress or ignore_progress)(len(vectors))
    # Neighbours in length go into one chunk, so that hardly anything is padded.
    missing = sorted(texts.keys() - vectors.keys(), key=lambda key: (len(texts[key]), key))
    remaining = iter(missing)
    while keys := list(islice(remaining, chunk)):
        encoded = encoder.encode([texts[key] for key in keys], role=role, progress=progress)
        fresh = dict(zip(keys, encoded, strict=True))
        with database.writing() as session:
            store_vectors(session, fresh, encoder, role)
        vectors |= fresh
    return vectors


def pending_texts(database: Database, encoder: Encoder) -> dict[str, str]:
    """Texts of stored capabilities that are still to be embedded, by content hash."""
    with database.reading() as session:
        return {c.content_hash: passage_of(c) for c in pending_capabilities(session, encoder)}


def embed_pending(
    database: Database,
    encoder: Encoder,
    texts: Mapping[str, str],
    *,
    progress: Progress | None = None,
    after_chunk: Callable[[], bool] = lambda: True,
) -> None:
    """Embed pending texts and keep nothing in memory; stops early if `after_chunk` says False."""
    # Sorted over the whole, so that each chunk holds texts of about one length.
    remaining = iter(sorted(texts.items(), key=lambda item: (len(item[1]), item[0])))
    while some := dict(islice(remaining, CHUNK)):
        embed_texts(database, encoder, some, progress=progress)
        if not after_chunk():
            return


class EmbeddingWorker(threading.Thread):
    """Embeds in the background what requests left undone, and once at the start.

    `renew` is called after each chunk and at the end of a round, to renew the index. A round that
    fails is tried again after half a minute, or earlier when woken.
    """

    def __init__(self, database: Database, encoder: Encoder, renew: Callable[[], None]) -> None:
        super().__init__(name="embedding-worker", daemon=True)
        self._database = database
        self._encoder = encoder
        self._renew = renew
        self._wake = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """Ask for another round."""
        self._wake.set()

    def stop(self) -> None:
        """End after the present chunk."""
        self._stopping = True
        self._wake.set()
        self.join(timeout=RETRY_SECONDS)

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            failed = False
            try:
                self._round()
            except Exception:
                # The thread must outlive a busy database, a full disk or a missing model.
                logger.exception("embedding failed; it is tried again in %.0f s", RETRY_SECONDS)
                failed = True
            self._wake.wait(timeout=RETRY_SECONDS if failed else None)
            self._wake.clear()

    def _round(self) -> None:
        texts = pending_texts(self._database, self._encoder)
        embed_pending(self._database, self._encoder, texts, after_chunk=self._after_chunk)
        with self._database.reading() as session:
            queries = pending_queries(session, self._encoder)
        if queries and not self._stopping:
            embed_texts(self._database, self._encoder, queries, role="query")
        with self._database.writing() as session:
            delete_orphans(session)
        if not self._stopping:
            self._renew()

    def _after_chunk(self) -> bool:
        if not self._stopping:
            self._renew()
        return not self._stopping
