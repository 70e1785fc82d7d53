"""Work that several processes and machines share, by procrastinate's queue in PostgreSQL.

A job names a range of ids of capabilities; whoever takes it embeds what is pending there. It may
be run again at any time: what is stored is skipped, what another process is at is waited for.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.jobs import DeleteJobCondition, Job
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.contexts import APPLICATION_ROLE, SYSTEM
from app.db import Database
from app.errors import conflict
from app.jobs.checkpoints import reached
from app.jobs.embedding import embed_pending, pending_texts
from app.services.batches import batched
from app.services.embeddings import ROWS_AT_ONCE, pending_lengths
from matching.encoders import Encoder
from models import Capability

logger = logging.getLogger(__name__)

SCHEMA: Final = "enmusubi_queue"
"""Of procrastinate's tables (migration 0012)."""
SHARE: Final = 2048
"""Capabilities in one job: minutes of work at most, so that the rest is spread evenly."""
LOCK: Final = 0x656E6D_71756575
"""Of the advisory lock that lets one transaction give out work at a time."""
HEARTBEAT_SECONDS: Final = 10.0
STALLED_SECONDS: Final = 30.0
"""A worker that is silent for so long is taken for dead, and its job for anybody's."""
EMBED: Final = "embed"
RETRY_STALLED: Final = "retry_stalled"

ONE_PROCESS: Final = (
    "Workers share work through PostgreSQL. On SQLite one process does it all: run `enmusubi "
    "embed`, or leave it to the running service."
)


@dataclass(frozen=True, slots=True)
class Shared:
    """What was given out."""

    texts: int
    jobs: int
    waiting: int
    """Jobs that were given out before and are not done."""


def require_server(database: Database) -> None:
    """Problem 409 where there is no PostgreSQL to share work through."""
    if database.engine.dialect.name != "postgresql":
        raise conflict(ONE_PROCESS)


def queue_of(encoder: Encoder) -> str:
    """The queue of those who read with that encoder."""
    return "embed:" + hashlib.sha256(encoder.id.encode()).hexdigest()[:16]


def share(database: Database, encoder: Encoder) -> Shared:
    """Give the pending texts out to workers, in one transaction; what is given out already stays.

    Problem 409 on SQLite.
    """
    require_server(database)
    with database.writing(SYSTEM) as session:
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        known = _open_jobs(session, encoder)
        jobs, texts = [], 0
        for first, last in _ranges(session):
            number = len(pending_lengths(session, encoder, between=(first, last))[0])
            if number and _lock(encoder, first) not in known:
                jobs.append(_job(encoder, first, last))
                texts += number
        _defer(session, jobs)
        reached("queue.sharing")
    reached("queue.shared")
    return Shared(texts, len(jobs), len(known))


def _ranges(session: Session) -> Iterator[tuple[UUID, UUID]]:
    """Ranges of ids that hold `SHARE` capabilities each; new ones come at the end."""
    ids = session.scalars(
        select(Capability.id).order_by(Capability.id).execution_options(yield_per=ROWS_AT_ONCE)
    )
    for some in batched(ids, SHARE):
        yield some[0], some[-1]


def _lock(encoder: Encoder, first: UUID) -> str:
    return f"{queue_of(encoder)}:{first}"


def _job(encoder: Encoder, first: UUID, last: UUID) -> Job:
    return Job(
        id=None,
        queue=queue_of(encoder),
        # Procrastinate lets one of a queueing lock wait, and one of a lock run.
        queueing_lock=_lock(encoder, first),
        lock=_lock(encoder, first),
        task_name=EMBED,
        task_kwargs={"first": str(first), "last": str(last)},
    )


def _open_jobs(session: Session, encoder: Encoder) -> set[str]:
    statement = text(
        f"SELECT lock FROM {SCHEMA}.procrastinate_jobs"  # noqa: S608 - a constant
        " WHERE queue_name = :queue AND status IN ('todo', 'doing')"
    )
    return set(session.scalars(statement, {"queue": queue_of(encoder)}))


def _defer(session: Session, jobs: list[Job]) -> None:
    """In the session's own transaction: what is given out goes with what makes it necessary."""
    if not jobs:
        return
    connection = session.connection()
    before = connection.scalar(select(func.current_setting("search_path")))
    _search(session, SCHEMA)
    app = App(connector=PsycopgConnector())
    app.job_manager.batch_defer_jobs(jobs, connection=connection.connection.driver_connection)
    _search(session, str(before))


def _search(session: Session, path: str) -> None:
    session.execute(select(func.set_config("search_path", path, True)))


def work(
    database: Database,
    encoder: Encoder,
    *,
    until_done: bool = False,
    told: Callable[[str], None] = logger.info,
    stalled_seconds: float = STALLED_SECONDS,
) -> None:
    """Take jobs until the process is stopped, or with `until_done` until there are none.

    A job that is being done when the process is asked to stop is finished first; that of a worker
    that was killed is taken over. Problem 409 on SQLite.
    """
    require_server(database)
    while True:
        asyncio.run(_round(database, encoder, told, stalled_seconds, wait=not until_done))
        if not until_done:
            return
        with database.reading(SYSTEM) as session:
            if not _open_jobs(session, encoder):
                return
        # Others are at the rest; if one of them was killed, its job is free before long.
        time.sleep(stalled_seconds / 10)


async def _round(
    database: Database,
    encoder: Encoder,
    told: Callable[[str], None],
    stalled_seconds: float,
    *,
    wait: bool,
) -> None:
    app = _app(database, encoder, told, stalled_seconds)
    async with app.open_async():
        await _free_stalled(app, queue_of(encoder), stalled_seconds)
        await app.run_worker_async(
            queues=[queue_of(encoder)],
            wait=wait,
            concurrency=1,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            update_heartbeat_interval=min(HEARTBEAT_SECONDS, stalled_seconds / 3),
            stalled_worker_timeout=stalled_seconds,
        )


async def _free_stalled(app: App, queue: str, stalled_seconds: float) -> None:
    """Let others take the jobs of workers that were killed."""
    manager = app.job_manager
    stalled = await manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=stalled_seconds)
    for job in stalled:
        await manager.retry_job(job)


def _app(
    database: Database, encoder: Encoder, told: Callable[[str], None], stalled_seconds: float
) -> App:
    url = database.engine.url.set(drivername="postgresql")
    options = f"-c search_path={SCHEMA} -c role={APPLICATION_ROLE}"
    connector = PsycopgConnector(
        conninfo=url.render_as_string(hide_password=False), kwargs={"options": options}
    )
    app = App(connector=connector)
    queue = queue_of(encoder)

    @app.task(name=EMBED, queue=queue, retry=RetryStrategy(max_attempts=5, exponential_wait=2))
    def embed(first: str, last: str) -> None:
        began = time.monotonic()
        texts = pending_texts(database, encoder, between=(UUID(first), UUID(last)))
        reached("queue.taken")
        embed_pending(database, encoder, texts)
        reached("queue.done")
        seconds = time.monotonic() - began
        told(f"Embedded {len(texts)} texts in {seconds:.1f} s ({len(texts) / seconds:,.0f}/s).")

    @app.periodic(cron="* * * * * */15")
    @app.task(name=RETRY_STALLED, queue=queue, queueing_lock=f"{queue}:stalled", pass_context=True)
    async def retry_stalled(context: JobContext, timestamp: int) -> None:
        del timestamp
        await _free_stalled(context.app, queue, stalled_seconds)

    del embed, retry_stalled
    return app
