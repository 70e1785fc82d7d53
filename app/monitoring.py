"""What /metrics reads anew at each look: the corpus, the database's pool, the last nightly run."""

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app.contexts import SYSTEM
from app.errors import Problem
from app.services import outbox
from app.services.engines import Engines
from models import CorpusRevision, MailState, Run, RunState

logger = logging.getLogger(__name__)

SNAPSHOTS: Final = "snapshots"
"""Folder of the index's snapshots in the data folder."""
TOLD_STATES: Final = (MailState.UNKNOWN, MailState.FAILED)


class Monitor(Collector):
    """Of the service that runs in this process; shows nothing where none does."""

    def __init__(self) -> None:
        self._engines: Engines | None = None
        self._folder = Path()

    def watch(self, engines: Engines, folder: Path) -> None:
        """Show the state of these engines, whose data folder that is."""
        self._engines, self._folder = engines, folder

    def leave(self) -> None:
        """Show nothing any more."""
        self._engines = None

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: it depends on what can be read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures; where the database is away, only that it is."""
        engines = self._engines
        if engines is None:
            return
        yield from _pool(engines)
        yield from _snapshots(self._folder)
        up = True
        try:
            with engines.database.reading(SYSTEM) as session:
                found = [*_corpus(engines, session), *_nightly(session)]
        except (SQLAlchemyError, Problem) as error:
            logger.warning("metrics are incomplete: %s", type(error).__name__)
            up, found = False, []
        yield _gauge("database_up", "1 if the database answers.", up)
        yield from found


MONITOR: Final = Monitor()
REGISTRY.register(MONITOR)


def metrics() -> Response:
    """Figures for Prometheus.

    Of several processes what they have counted is added up, also by those that have ended; what is
    read anew, such as the database, the pool and the last night, is what the one that answers
    finds.
    """
    registry = REGISTRY
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is not None:
        _forget_the_dead(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(MONITOR)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _forget_the_dead(folder: Path) -> None:
    """Leave out how things stand in processes that are no more; nobody says when one is killed."""
    for file in folder.glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            pass  # its number has gone to somebody else's process


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"enmusubi_{name}", text, value=float(value))


def _pool(engines: Engines) -> Iterator[Metric]:
    pool = engines.database.engine.pool
    if isinstance(pool, QueuePool):
        used, size = pool.checkedout(), pool.size()
        yield _gauge("database_pool_used", "Connections that requests hold.", used)
        yield _gauge("database_pool_size", "Connections that the pool keeps at most.", size)


def _snapshots(folder: Path) -> Iterator[Metric]:
    """Only where there are any: the newest folder by the time it was finished."""
    try:
        newest = max(found.stat().st_mtime for found in (folder / SNAPSHOTS).glob("*/*"))
    except (OSError, ValueError):
        return
    yield _gauge(
        "snapshot_timestamp_seconds", "When the newest snapshot of the index was written.", newest
    )


def _corpus(engines: Engines, session: Session) -> Iterator[Metric]:
    present = session.scalar(select(CorpusRevision.value)) or 0
    yield _gauge("database_revision", "Revision of the corpus in the database.", present)
    loaded = engines.current(session).corpora.ready(session)
    if loaded is None:
        return
    corpus = loaded.corpus
    yield _gauge("corpus_revision", "Revision of the corpus in memory.", loaded.revision)
    yield _gauge("corpus_pieces", "Pieces of evidence in memory.", len(corpus.evidence))
    yield _gauge("corpus_pending_vectors", "Texts that are matched by words alone.", corpus.pending)


def _nightly(session: Session) -> Iterator[Metric]:
    """What a night that went wrong leaves behind."""
    last = session.scalars(select(Run).order_by(Run.run_date.desc()).limit(1)).first()
    if last is None:
        return
    done = select(func.max(Run.finished_at)).where(Run.state == RunState.FINISHED)
    finished: datetime | None = session.scalar(done)
    if finished is not None:
        yield _gauge(
            "nightly_last_success_timestamp_seconds",
            "When a nightly run last came to its end.",
            (finished if finished.tzinfo else finished.replace(tzinfo=UTC)).timestamp(),
        )
    halted = last.state is RunState.HALTED
    yield _gauge("nightly_halted", "1 if the last run was halted.", halted)
    mails = GaugeMetricFamily(
        "enmusubi_nightly_mails", "Mails of the last run by how they ended.", labels=["state"]
    )
    tally = outbox.tally(session, last.id)
    for state in TOLD_STATES:
        mails.add_metric([state.value], tally.get(state, 0))
    yield mails
