"""Long work, done in pieces that are committed one by one: it can be killed and run again."""

import logging
import threading
from collections.abc import Callable, Mapping
from itertools import islice

from app.db import Database
from app.services.capabilities import passage_of
from app.services.embeddings import load_vectors, pending_capabilities, store_vectors
from matching.encoders import Encoder, EncoderError, Progress, Role, Vectors
from matching.encoders.protocol import ignore_progress

logger = logging.getLogger(__name__)

CHUNK = 1024
"""Texts per commit: large enough to sort by length, small enough to lose little when killed."""


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

    Each chunk is committed on its own; a run that was interrupted goes on where it stopped.
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


class EmbeddingWorker(threading.Thread):
    """Embeds in the background what requests left undone, and once at the start.

    `after` is called when a round is done, to renew the index.
    """

    def __init__(self, database: Database, encoder: Encoder, after: Callable[[], None]) -> None:
        super().__init__(name="embedding-worker", daemon=True)
        self._database = database
        self._encoder = encoder
        self._after = after
        self._wake = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """Ask for another round."""
        self._wake.set()

    def stop(self) -> None:
        """End after the present chunk."""
        self._stopping = True
        self._wake.set()
        self.join(timeout=30)

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            try:
                self._round()
            except EncoderError:
                logger.exception("the encoder cannot be used; texts are compared by words only")
            except Exception:
                # The thread must outlive a busy database or a full disk: it tries again later.
                logger.exception("embedding failed; it is tried again after the next change")
            self._wake.wait()
            self._wake.clear()

    def _round(self) -> None:
        texts = pending_texts(self._database, self._encoder)
        remaining = iter(texts.items())
        while not self._stopping and (some := dict(islice(remaining, CHUNK))):
            embed_texts(self._database, self._encoder, some)
        self._after()
