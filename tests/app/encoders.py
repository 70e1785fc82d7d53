"""Two encoders that a test can tell apart, and a database that one of them has read."""

import hashlib
import threading
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.services.encoders import MakeEncoder, Offered, Recipe, adopt
from app.services.engines import Engines, Limits
from matching.encoders import Encoder, EncoderError, Progress, Role, Vectors
from matching.model import Model
from matching.text import tokens
from tests.factories import make_capability, make_need, make_partner

PLACES = 16

SUBJECTS = (
    "Browning of citrus juice",
    "Bitter taste of citrus peel",
    "Months of storage in bottles",
    "Late buses in the mountains",
    "Welding of brown steel",
    "Juice from sweet potatoes",
    "Fresh water for eels",
    "Keep robots in bottles",
)


class FakeEncoder:
    """Hashed words, salted by its name, in 16 places from `first` on of `dimension`.

    Two with other places have products of zero, two with other dimensions have none at all: a
    mixture shows. With the gate shut it waits before each call for passages until `let` allows
    one.
    """

    def __init__(self, name: str, *, dimension: int = 2 * PLACES, first: int = 0) -> None:
        self.name = name
        self.dimension = dimension
        self.seen: list[str] = []
        """The passages that it was given."""
        self.waiting = threading.Event()
        self._first = first
        self._gate: threading.Semaphore | None = None

    @property
    def id(self) -> str:
        return f"fake-{self.name}:v1"

    def shut(self) -> None:
        """Let no passages through."""
        self._gate = threading.Semaphore(0)

    def let(self, calls: int = 1_000_000) -> None:
        """Let that many calls through."""
        assert self._gate is not None
        self.waiting.clear()
        for _ in range(min(calls, 1000)):
            self._gate.release()

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        if role == "passage":
            if self._gate is not None:
                self.waiting.set()
                assert self._gate.acquire(timeout=30)
            self.seen += texts
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in tokens(text):
                digest = hashlib.blake2b(f"{self.name} {word}".encode(), digest_size=1).digest()
                vectors[row, self._first + digest[0] % PLACES] += 1
        if progress is not None:
            progress(len(texts))
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        return unit


def left() -> FakeEncoder:
    """The one that serves at first."""
    return FakeEncoder("left")


def right() -> FakeEncoder:
    """The one that is changed to: of the same dimension, so that nothing but places differs."""
    return FakeEncoder("right", first=PLACES)


def wide() -> FakeEncoder:
    """Of another dimension."""
    return FakeEncoder("wide", dimension=3 * PLACES)


def offered(encoder: FakeEncoder) -> Offered:
    """As the settings would."""
    return Offered(Recipe(encoder.name), encoder)


def maker(*known: FakeEncoder) -> MakeEncoder:
    """Makes these by their names, and no other."""

    def make(recipe: Recipe) -> Encoder:
        for encoder in known:
            if encoder.name == recipe.name:
                return encoder
        raise EncoderError(f"there is no {recipe.name} here")

    return make


def engines(
    database: Database, own: FakeEncoder, *others: FakeEncoder, inline: int = 100
) -> Engines:
    """Of a process that was asked for `own` and can make the others."""
    return Engines(
        database,
        offered(own),
        make=maker(*others),
        model_of=lambda _: Model(),
        limits=Limits(inline, sentence_cache=1000),
    )


def fill(database: Database) -> UUID:
    """Eight partners with a paper each, and the id of an open need."""
    with database.writing() as session:
        for subject in SUBJECTS:
            partner = make_partner(session, name_en=f"Expert on {subject}")
            make_capability(session, partner, title_en=subject)
        need: UUID = make_need(session).id
    return need


def embed(database: Database, encoder: FakeEncoder, *, serves: bool = True) -> None:
    """Embed everything with it; it serves then unless another does."""
    embed_pending(database, encoder, pending_texts(database, encoder))
    if serves:
        with database.writing() as session:
            adopt(session, offered(encoder), make=maker(encoder))
