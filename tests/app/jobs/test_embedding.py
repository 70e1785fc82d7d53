"""Long work survives being killed."""

from collections.abc import Sequence

import pytest

from app.db import Database
from app.jobs.embedding import embed_texts
from matching.encoders import Progress, Role, Vectors
from matching.encoders.hashing import HashingEncoder
from matching.text import content_hash


class Fragile(HashingEncoder):
    """Dies after so many calls, as a killed process does; counts the texts it was given."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.seen: list[str] = []

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        if self.calls == 0:
            raise KeyboardInterrupt
        self.calls -= 1
        self.seen += texts
        return super().encode(texts, role=role, progress=progress)


def texts(number: int) -> dict[str, str]:
    """Different texts by content hash."""
    return {content_hash(text): text for text in (f"text number {i}" for i in range(number))}


def test_an_interrupted_embedding_goes_on_where_it_stopped(database: Database) -> None:
    wanted = texts(10)
    first, second = Fragile(calls=2), Fragile(calls=99)

    with pytest.raises(KeyboardInterrupt):
        embed_texts(database, first, wanted, chunk=3)
    vectors = embed_texts(database, second, wanted, chunk=3)

    assert len(first.seen) == 6
    assert set(first.seen).isdisjoint(second.seen)
    assert set(first.seen) | set(second.seen) == set(wanted.values())
    assert vectors.keys() == wanted.keys()


def test_nothing_is_embedded_twice(database: Database) -> None:
    embed_texts(database, HashingEncoder(), texts(4))
    again = Fragile(calls=0)

    embed_texts(database, again, texts(4))

    assert again.seen == []


def test_queries_and_passages_are_kept_apart(database: Database) -> None:
    encoder = Fragile(calls=2)

    embed_texts(database, encoder, texts(1), role="passage")
    embed_texts(database, encoder, texts(1), role="query")

    assert len(encoder.seen) == 2


def test_progress_counts_stored_and_new_texts(database: Database) -> None:
    embed_texts(database, HashingEncoder(), texts(3))
    steps: list[int] = []

    embed_texts(database, HashingEncoder(), texts(8), progress=steps.append)

    assert sum(steps) == 8
