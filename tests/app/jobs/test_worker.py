"""The background thread embeds what is pending, and outlives what fails."""

from collections.abc import Sequence

from app.db import Database
from app.jobs.embedding import pending_texts
from app.jobs.worker import EmbeddingWorker
from app.services.corpus import Engine
from matching.encoders import Encoder, Progress, Role, Vectors
from matching.encoders.hashing import HashingEncoder
from tests.app.asking import eventually
from tests.conftest import engines_of
from tests.factories import make_capability, make_partner


class Failing(HashingEncoder):
    """Fails once."""

    failures = 1

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        if self.failures:
            self.failures -= 1
            raise OSError("no space left on device")
        return super().encode(texts, role=role, progress=progress)


def _worker(database: Database, encoder: Encoder) -> EmbeddingWorker:
    engine = Engine.make(database, encoder, inline=0, sentence_cache=10)
    return EmbeddingWorker(engines_of(engine))


def test_the_worker_embeds_what_is_pending_and_stops(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    encoder = HashingEncoder()
    worker = _worker(database, encoder)

    worker.start()
    eventually(lambda: not pending_texts(database, encoder))
    worker.stop()

    assert not worker.is_alive()


def test_the_worker_outlives_a_failing_encoder(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    encoder = Failing()
    worker = _worker(database, encoder)

    worker.start()
    eventually(lambda: not encoder.failures)
    worker.wake()
    eventually(lambda: not pending_texts(database, encoder))
    worker.stop()
