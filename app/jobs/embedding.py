"""Embedding in pieces that are committed one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.checkpoints import reached
from app.jobs.claims import Claims
from app.services.embeddings import (
    load_vectors,
    pending_lengths,
    present_texts,
    store_vectors,
    texts_of,
)
from matching.encoders import Encoder, Progress, Role, Vectors
from matching.encoders.protocol import ignore_progress

CHUNK: Final = 500
"""Texts per commit: a few seconds of work, so that little is lost when it is killed."""


@dataclass(frozen=True, slots=True)
class PendingTexts:
    """Texts that are still to be embedded, by content hash: not the texts themselves."""

    hashes: NDArray[np.bytes_]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hashes)

    def chunks(self, size: int) -> Iterator[list[str]]:
        """Hashes of texts of about one length, in random order.

        The pace so far then tells the time left, and processes that work at once start at
        different places.
        """
        order = np.lexsort((self.hashes, self.lengths))
        starts = np.arange(0, len(order), size)
        np.random.default_rng().shuffle(starts)
        for start in starts:
            yield [key.decode() for key in self.hashes[order[start : start + size]]]


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
    with database.reading(SYSTEM) as session:
        vectors = load_vectors(session, texts.keys(), encoder, role)
    (progress or ignore_progress)(len(vectors))
    # Neighbours in length go into one chunk, so that hardly anything is padded.
    missing = sorted(texts.keys() - vectors.keys(), key=lambda key: (len(texts[key]), key))
    remaining = iter(missing)
    while keys := list(islice(remaining, chunk)):
        encoded = encoder.encode([texts[key] for key in keys], role=role, progress=progress)
        fresh = dict(zip(keys, encoded, strict=True))
        with database.writing(SYSTEM) as session:
            store_vectors(session, fresh, encoder, role)
        vectors |= fresh
    return vectors


def pending_texts(
    database: Database, encoder: Encoder, *, between: tuple[UUID, UUID] | None = None
) -> PendingTexts:
    """Which texts of stored capabilities are still to be embedded; `between` two of their ids."""
    with database.reading(SYSTEM) as session:
        return PendingTexts(*pending_lengths(session, encoder, between=between))


def embed_pending(
    database: Database,
    encoder: Encoder,
    texts: PendingTexts,
    *,
    progress: Progress | None = None,
    after_chunk: Callable[[], bool] = lambda: True,
) -> None:
    """Embed pending texts and keep nothing in memory; stops early if `after_chunk` says False.

    Texts are read chunk by chunk; what another process has embedded meanwhile is skipped, and on
    PostgreSQL what it is embedding right now is left to it, and looked at again at the end.
    """
    progress = progress or ignore_progress
    with Claims.of(database, encoder) as claims:
        left: list[list[str]] = []
        for hashes in texts.chunks(CHUNK):
            if busy := _embed_chunk(database, encoder, hashes, claims, progress):
                left.append(busy)
            if not after_chunk():
                return
        for hashes in left:
            # Whoever was at it has stored it by now, or was killed and holds it no longer.
            while busy := _embed_chunk(database, encoder, hashes, claims, progress):
                hashes = busy  # noqa: PLW2901 - what remains of it
                if not after_chunk():
                    return
                claims.wait()


def _embed_chunk(
    database: Database, encoder: Encoder, hashes: list[str], claims: Claims, progress: Progress
) -> list[str]:
    """Embed those of these texts that are pending still; returns those that another is at."""
    with claims.claimed(hashes) as ours:
        with database.reading(SYSTEM) as session:
            done = load_vectors(session, hashes, encoder, "passage").keys()
            wanted = texts_of(session, [key for key in hashes if key in ours and key not in done])
        busy = [key for key in hashes if key not in ours and key not in done]
        # What is done or gone is no longer pending, either.
        progress(len(hashes) - len(busy) - len(wanted))
        if not wanted:
            return busy
        vectors = encoder.encode(list(wanted.values()), role="passage", progress=progress)
        reached("embedding.encoded")
        fresh = dict(zip(wanted, vectors, strict=True))
        with database.writing(SYSTEM) as session:
            # While the encoder worked, the owner of a text may have been erased.
            kept = present_texts(session, fresh)
            store_vectors(session, {key: fresh[key] for key in kept}, encoder, "passage")
            reached("embedding.storing")
    reached("embedding.stored")
    return busy
