"""Is the process alive, and can it rank?"""

from http import HTTPStatus

from fastapi import APIRouter

from app.access import Action, rule
from app.deps import CurrentEngines, OpenSession
from app.errors import Problem
from app.schemas.health import EncoderChangeOut, HealthOut, ReadyOut
from app.services.encoders import change_of

router = APIRouter(tags=["operation"])


@router.get("/healthz")
@rule(Action.OPEN)
async def health() -> HealthOut:
    """The process answers; says nothing of the database or the encoder."""
    return HealthOut(status="ok")


@router.get("/readyz")
@rule(Action.OPEN)
def ready(session: OpenSession, engines: CurrentEngines) -> ReadyOut:
    """The database answers and the corpus is loaded; 503 otherwise."""
    engine = engines.current(session)
    loaded = engine.corpora.ready(session)
    if loaded is None:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The encoder and the corpus are being loaded: try again shortly.",
            headers={"Retry-After": "2"},
        )
    change = change_of(session)
    replica = engines.database.replica
    return ReadyOut(
        status="ready",
        encoder=engine.encoder.id,
        pending_embeddings=loaded.corpus.pending,
        read_replica="none" if replica is None else replica.state or "unknown",
        encoder_change=None if change is None else EncoderChangeOut.model_validate(change),
    )
