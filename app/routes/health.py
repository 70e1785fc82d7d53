"""Is the process alive, and can it rank?"""

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter

from app.access import Action, rule
from app.deps import CurrentEngines
from app.schemas.health import HealthOut, ReadyOut
from app.services.engines import Engines
from app.services.readiness import not_yet, readiness

WAIT_SECONDS: Final = 2.0
"""Whoever asks whether we are ready is told no if the database says nothing for so long."""

router = APIRouter(tags=["operation"])


@router.get("/healthz")
@rule(Action.OPEN)
async def health() -> HealthOut:
    """The process answers; says nothing of the database or the encoder."""
    return HealthOut(status="ok")


@router.get("/readyz")
@rule(Action.OPEN)
async def ready(engines: CurrentEngines) -> ReadyOut:
    """The database answers within two seconds and the corpus is loaded; 503 otherwise."""
    try:
        return await asyncio.wait_for(asyncio.shield(_asked(engines)), WAIT_SECONDS)
    except TimeoutError:
        raise not_yet("The database does not answer: try again shortly.") from None


_questions: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[ReadyOut]]] = (
    WeakKeyDictionary()
)
"""The last one of each event loop, which is that of one service."""


def _asked(engines: Engines) -> asyncio.Task[ReadyOut]:
    """What is being found out; whoever asks meanwhile gets the same answer.

    While the database hangs, which connections bear for 25 seconds at most, this keeps one thread,
    however often somebody looks.
    """
    loop = asyncio.get_running_loop()
    question = _questions.get(loop)
    if question is None or question.done():
        # A thread beside those of requests, all of which may hang; left behind when we end.
        asking = run_sync(readiness, engines, abandon_on_cancel=True, limiter=CapacityLimiter(1))
        question = _questions[loop] = loop.create_task(asking)
        question.add_done_callback(_heard)
    return question


def _heard(question: asyncio.Task[ReadyOut]) -> None:
    if not question.cancelled():
        question.exception()  # it is nothing unheard-of if nobody waits for it any more
