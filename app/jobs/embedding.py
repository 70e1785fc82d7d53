"""Embedding in pieces that are committed one by one."""

import random
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from app.contexts import SYSTEM
from app.db import Database
from app.services.capabilities import passage_of
from app.services.embeddings import (
    load_vectors,
    pending_capabilities,
    present_texts,
    store_vectors,
)
from matching.encoders import Encoder, Progress, Role, Vectors
from matching.encoders.protocol import ignore_progress

CHUNK: Final = 128
"""Texts per commit: a few seconds of work, so that little is lost when it is killed."""


def embed_texts(
    database: Database,
    encoder: Encoder,
    texts: Mapping[str, str],
    *,
    role: Role = "passage",
    progress: Progress | None = None,
    chunk: int = CHUNK,
    only_present: bool = False,
) -> dict[str, Vectors]:
    """Vectors of texts by content hash: stored ones are read, the others computed and stored.

    With `only_present` those that no capability has any more are not stored: while the encoder
    worked, its owner may have been erased.
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
            kept = present_texts(session, fresh) if only_present else fresh.keys()
            store_vectors(session, {key: fresh[key] for key in kept}, encoder, role)
        vectors |= fresh
    return vectors


def pending_texts(database: Database, encoder: Encoder) -> dict[str, str]:
    """Texts of stored capabilities that are still to be embedded, by content hash."""
    with database.reading(SYSTEM) as session:
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
    # Sorted over the whole, so that each chunk holds texts of about one length. The chunks come in
    # random order: the pace so far then tells the time left, and two processes share the work
    # instead of doing the same at the same time.
    remaining = iter(sorted(texts.items(), key=lambda item: (len(item[1]), item[0])))
    chunks = list(iter(lambda: dict(islice(remaining, CHUNK)), {}))
    random.shuffle(chunks)
    for chunk in chunks:
        embed_texts(database, encoder, chunk, progress=progress, only_present=True)
        if not after_chunk():
            return
