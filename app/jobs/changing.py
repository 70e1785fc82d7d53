"""The change from one encoder to another: embed everything anew, then switch in one step."""

import logging
import time
from collections.abc import Callable
from typing import Final

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.embedding import embed_pending, embed_texts, pending_texts
from app.services.embeddings import measure, pending_queries
from app.services.encoders import change_of, note_progress, serving, switch
from matching.encoders import Encoder, Progress

logger = logging.getLogger(__name__)

NOTE_SECONDS: Final = 2.0
"""Between two notes of the progress in the database."""
LOG_SECONDS: Final = 10.0


class Reporter:
    """Notes in the database and in the log how far a change is."""

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self._database = database
        self._encoder = encoder
        self._began: tuple[float, int] | None = None
        self._noted = self._logged = float("-inf")

    def report(self) -> bool:
        """As `note`, but mostly idle: to be called after each chunk."""
        return time.monotonic() - self._noted < NOTE_SECONDS or self.note()

    def note(self) -> bool:
        """Note how far it is; False if this encoder is not wanted any more."""
        now = self._noted = time.monotonic()
        with self._database.reading(SYSTEM) as session:
            found = measure(session, self._encoder)
        began, before = self._began = self._began or (now, found.embedded)
        pace = (found.embedded - before) / (now - began) if found.embedded > before else None
        with self._database.writing(SYSTEM) as session:
            wanted_still = note_progress(
                session,
                self._encoder,
                embedded=found.embedded,
                total=found.total,
                texts_per_second=pace,
            )
        if wanted_still and now - self._logged >= LOG_SECONDS:
            self._logged = now
            self._log()
        return wanted_still

    def _log(self) -> None:
        with self._database.reading(SYSTEM) as session:
            change = change_of(session)
        if change is None:
            return
        left, pace = change.seconds_left, change.texts_per_second
        logger.info(
            "Changing the encoder to %s: %s of %s texts embedded%s.",
            change.encoder,
            change.embedded,
            change.total,
            "" if left is None else f", {pace:.0f} a second, {left:.0f} s left",
        )


def change_over(
    database: Database,
    encoder: Encoder,
    *,
    go_on: Callable[[], bool] = lambda: True,
    prepare: Callable[[], None] = lambda: None,
    progress: Progress | None = None,
) -> bool:
    """Embed all that the wanted encoder has not read yet, then let it serve; True if it does.

    Each chunk is committed on its own, so that an interrupted change goes on where it stopped.
    False if `go_on` said so or the encoder is not wanted any more. `prepare` is called before the
    switch.
    """
    reporter = Reporter(database, encoder)
    while go_on() and reporter.note():
        texts = pending_texts(database, encoder)
        embed_pending(
            database,
            encoder,
            texts,
            progress=progress,
            after_chunk=lambda: reporter.report() and go_on(),
        )
        with database.reading(SYSTEM) as session:
            queries = pending_queries(session, encoder)
        if not go_on():
            break
        embed_texts(database, encoder, queries, role="query")
        prepare()
        with database.writing(SYSTEM) as session:
            if switch(session, encoder):
                logger.info("The encoder %s serves now.", encoder.id)
                return True
    with database.reading(SYSTEM) as session:
        row = serving(session)
    return row is not None and row.encoder_id == encoder.id
