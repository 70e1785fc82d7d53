"""The engine for each request: that of the encoder which serves the database at that moment.

An `Engine` holds everything for one encoder: the encoder with its cache of sentences, the corpus
with its vectors, the need scores, the model with its calibration. A request takes one engine and
keeps it to its end, so that a switch in the middle of it mixes nothing.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.services.corpus import Engine
from app.services.encoders import (
    MakeEncoder,
    Offered,
    adopt,
    ask_for,
    recipe_of,
    serving_at,
    wanted,
)
from app.services.snapshots import Snapshots
from app.services.vector_search_pg import Choice
from matching.encoders import Encoder, EncoderError, NoEncoder
from matching.model import Model
from models import StoredEncoder

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 30.0
"""How long an encoder that could not be made is not tried again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each engine: see `Engine.make`."""

    inline: int
    sentence_cache: int
    snapshots: Snapshots | None = None
    vectors: Choice = "memory"


@dataclass(frozen=True, slots=True)
class Held:
    """The engine that requests are given, for which encoder, and since which revision."""

    encoder_id: str
    revision: int
    engine: Engine

    def answers(self, revision: int, present: StoredEncoder | None) -> bool:
        """True if it is the engine of that encoder, or that of a later one.

        A request that began before a switch may be given the encoder after it, never the other
        way round, as with the corpus.
        """
        if not self.engine.reads:
            return False  # only until the encoder can be made, or another serves
        known = present is None or present.encoder_id == self.encoder_id
        return known or revision < self.revision


class Engines:
    """Gives each request its engine, and follows the database when another encoder serves."""

    def __init__(
        self,
        database: Database,
        own: Offered,
        *,
        make: MakeEncoder,
        model_of: Callable[[str], Model],
        limits: Limits,
    ) -> None:
        """`own` is the encoder that this process was asked to use; `make` makes any other."""
        self.database = database
        self.own = own
        self.on_missing: Callable[[], None] = lambda: None
        """Called when there is something to embed or to load in the background."""
        self._make = make
        self._model_of = model_of
        self._limits = limits
        self._lock = threading.Lock()
        self._held: Held | None = None
        self._prepared: Engine | None = None
        self._failed: dict[str, float] = {}

    @property
    def vectors(self) -> Choice:
        """Where vectors are to be searched."""
        return self._limits.vectors

    def open(self) -> None:
        """Find out which encoder serves, and ask for a change to our own if it is another."""
        with self.database.writing(SYSTEM) as session:
            adopt(session, self.own, make=self._make)
            present = None if ask_for(session, self.own) else serving_at(session)[1]
        if present is not None:
            logger.warning(
                "Lists come from the encoder %s until all texts are embedded with %s: see /readyz "
                "or `enmusubi encoder status` for how far that is.",
                present.encoder_id,
                self.own.encoder.id,
            )

    def adopt(self) -> None:
        """Find out which encoder serves, and change nothing about it."""
        with self.database.reading(SYSTEM) as session:
            known = serving_at(session)[1] is not None
        if not known:
            with self.database.writing(SYSTEM) as session:
                adopt(session, self.own, make=self._make)

    @property
    def held(self) -> Engine | None:
        """The engine that requests were given last."""
        held = self._held
        return None if held is None else held.engine

    def current(self, session: Session) -> Engine:
        """The engine of the encoder that serves in this session, or of a later one.

        Problem 503 if that encoder cannot be made here. While a change to another is on its way
        there is an engine that ranks by words alone instead.
        """
        revision, present = serving_at(session)
        held = self._held  # read once: another thread may replace it at any time
        if held is not None and held.answers(revision, present):
            return held.engine
        with self._lock:
            held = self._held
            if held is not None and held.answers(revision, present):
                return held.engine
            return self._follow(session, revision, present)

    def change(self, session: Session) -> Encoder | None:
        """Our own encoder if the database is to be changed to it, else None."""
        row = wanted(session)
        own = self.own.encoder
        return own if row is not None and row.encoder_id == own.id else None

    def prepare(self) -> None:
        """Load the corpus for our own encoder, so that the switch to it makes nobody wait."""
        engine = self._prepared or self._engine(self.own.encoder, like=self._held)
        with self.database.reading(SYSTEM) as session:
            engine.corpora.renew(session)
        self.offer(engine)

    def offer(self, engine: Engine) -> None:
        """Use this engine for our own encoder when it serves."""
        with self._lock:
            self._prepared = engine

    def _wake(self) -> None:
        self.on_missing()

    def _follow(self, session: Session, revision: int, present: StoredEncoder | None) -> Engine:
        """Give requests the engine of that encoder from now on."""
        own = self.own.encoder
        encoder_id = own.id if present is None else present.encoder_id
        if present is None or encoder_id == own.id:
            engine = self._prepared or self._engine(own, like=self._held)
            self._prepared = None
        else:
            engine = self._other(session, present)
        if self._held is None or self._held.engine is not engine:
            self._held = Held(encoder_id, revision, engine)
            if engine.reads:
                engine.corpora.on_missing = self._wake
            self._wake()  # to load its corpus, before a request must wait for that
        return engine

    def _other(self, session: Session, present: StoredEncoder) -> Engine:
        """An engine of another encoder than our own, by words alone if that must do."""
        failed_at = self._failed.get(present.encoder_id, float("-inf"))
        if time.monotonic() - failed_at >= RETRY_SECONDS:
            try:
                return self._engine(self._made(present), like=self._held)
            except EncoderError as error:
                logger.warning("The encoder %s cannot be made: %s", present.encoder_id, error)
                self._failed[present.encoder_id] = time.monotonic()
        if wanted(session) is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"This database is embedded with the encoder {present.encoder_id}, which this "
                "process cannot make (its log says why). Start it with the ENMUSUBI_ENCODER that "
                "`enmusubi encoder status` names, or run `enmusubi embed` to change the database "
                "over to the one that this process was set to.",
                headers={"Retry-After": "30"},
            )
        if self._held is not None and not self._held.engine.reads:
            return self._held.engine
        logger.warning("Until the change of the encoder is done, lists are ranked by words alone.")
        return self._engine(NoEncoder(), like=self._held)

    def _made(self, present: StoredEncoder) -> Encoder:
        recipe = recipe_of(present)
        if recipe is None:
            raise EncoderError("nobody knows the name by which it was made.")
        encoder = self._make(recipe)
        if encoder.id != present.encoder_id:
            raise EncoderError(f"{recipe.name} now stands for {encoder.id}.")
        return encoder

    def _engine(self, encoder: Encoder, *, like: Held | None) -> Engine:
        return Engine.make(
            self.database,
            encoder,
            # Whoever reads nothing needs no background.
            inline=sys.maxsize if isinstance(encoder, NoEncoder) else self._limits.inline,
            sentence_cache=self._limits.sentence_cache,
            model=self._model_of(encoder.id),
            like=None if like is None else like.engine,
            snapshots=self._limits.snapshots,
            vectors=self._limits.vectors,
        )
