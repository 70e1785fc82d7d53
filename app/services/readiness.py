"""Can this process rank?"""

from http import HTTPStatus

from app.contexts import NOBODY
from app.errors import Problem
from app.schemas.health import EncoderChangeOut, ReadyOut
from app.services.encoders import change_of
from app.services.engines import Engines


def readiness(engines: Engines) -> ReadyOut:
    """How things stand, asked of the database; Problem 503 while the corpus is not loaded.

    A database that hangs keeps it as long as its connections bear that.
    """
    with engines.database.reading(NOBODY) as session:
        engine = engines.current(session)
        loaded = engine.corpora.ready(session)
        if loaded is None:
            raise not_yet("The encoder and the corpus are being loaded: try again shortly.")
        change = change_of(session)
        replica = engines.database.replica
        return ReadyOut(
            status="ready",
            encoder=engine.encoder.id,
            pending_embeddings=loaded.corpus.pending,
            read_replica="none" if replica is None else replica.state or "unknown",
            encoder_change=None if change is None else EncoderChangeOut.model_validate(change),
        )


def not_yet(why: str) -> Problem:
    """Problem 503, after which one asks again soon."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, why, headers={"Retry-After": "2"})
