"""Which encoder serves a database, which one is wanted in its place, and the switch between them.

The database says which: every process follows its one row, so that vectors of two encoders never
meet, whatever each process was started with.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.changes import note_changes
from app.services.embeddings import count_passages, forget_all_but, measure
from matching.encoders import CHOICES, Encoder, EncoderError
from models import CorpusRevision, EncoderUse, StoredEncoder, utc_now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """By which an encoder is made."""

    name: str
    query_prompt: str = ""
    passage_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """The encoder that this process was asked to use, with its recipe."""

    recipe: Recipe
    encoder: Encoder


MakeEncoder = Callable[[Recipe], Encoder]
"""Raises EncoderError if it cannot be made here."""


def serving(session: Session) -> StoredEncoder | None:
    """The encoder that serves; None before the first use of the database."""
    return session.get(StoredEncoder, EncoderUse.SERVING)


def wanted(session: Session) -> StoredEncoder | None:
    """The encoder that the database is being changed to, if it is."""
    return session.get(StoredEncoder, EncoderUse.WANTED)


def serving_at(session: Session) -> tuple[int, StoredEncoder | None]:
    """The corpus revision and the encoder that serves, both of one moment."""
    statement = (
        select(CorpusRevision.value, StoredEncoder)
        .select_from(CorpusRevision)
        .outerjoin(StoredEncoder, StoredEncoder.use == EncoderUse.SERVING)
    )
    revision, row = session.execute(statement).one()
    return revision, row


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the database stands: what a list hangs on beside its need."""

    revision: int
    access: int
    encoder_id: str | None
    """Of the encoder that serves."""


def moment_of(session: Session) -> Moment:
    """Where it stands as the session sees it."""
    serves = (
        select(StoredEncoder.encoder_id)
        .where(StoredEncoder.use == EncoderUse.SERVING)
        .scalar_subquery()
    )
    statement = select(CorpusRevision.value, CorpusRevision.access, serves)
    return Moment(*session.execute(statement).one())


def _alone(session: Session) -> None:
    """Wait until no other transaction changes the corpus or its encoder, and keep them out.

    SQLite has one writer at a time anyway; on PostgreSQL whoever changes a text holds this row.
    """
    session.execute(select(CorpusRevision.value).with_for_update())


def adopt(session: Session, own: Offered, *, make: MakeEncoder) -> None:
    """Write down which encoder serves, if nobody has: the one whose vectors are there, else `own`.

    Where there are vectors of several, it is `own` if it has them all, else the one with the most.
    """
    _alone(session)
    if serving(session) is not None:
        return
    counts = count_passages(session)
    chosen = own.encoder.id
    if counts and not (chosen in counts and measure(session, own.encoder).is_complete):
        chosen = max(counts, key=lambda key: (counts[key], key == chosen))
    recipe = own.recipe if chosen == own.encoder.id else _recognise(chosen, make)
    session.add(_row(EncoderUse.SERVING, chosen, recipe))
    session.flush()


def _recognise(encoder_id: str, make: MakeEncoder) -> Recipe | None:
    """The recipe of an encoder of which only the id is known; None if none of ours has it."""
    for name in CHOICES:
        if ":" in name:  # stands for any number of encoders
            continue
        try:
            if make(Recipe(name)).id == encoder_id:
                return Recipe(name)
        except EncoderError as error:
            logger.info("%s cannot be made here: %s", name, error)
    return None


def ask_for(session: Session, own: Offered) -> bool:
    """Ask for a change to `own`, or go on with the one that is on its way; True if it now serves.

    Another change that was not finished is replaced; its vectors are kept until the next switch.
    Nothing to embed makes the switch at once. An encoder must have been adopted.
    """
    _alone(session)
    present = serving(session)
    if present is not None and present.encoder_id == own.encoder.id:
        _write(present, own.recipe)  # a folder may have moved
        return True
    row = wanted(session)
    if row is not None and row.encoder_id == own.encoder.id:
        _write(row, own.recipe)
    else:
        session.execute(delete(StoredEncoder).where(StoredEncoder.use == EncoderUse.WANTED))
        session.add(_row(EncoderUse.WANTED, own.encoder.id, own.recipe))
    session.flush()
    return switch(session, own.encoder)


def switch(session: Session, encoder: Encoder) -> bool:
    """Let the wanted encoder serve, all at once; True if it serves now.

    False if texts are left to embed or another encoder is wanted by now. Only a writing session
    may do this: no text can come in between. The corpus revision is raised, so that every process
    follows with its next request, and the vectors of all other encoders are forgotten.
    """
    _alone(session)
    row = wanted(session)
    if row is None or row.encoder_id != encoder.id:
        present = serving(session)
        return present is not None and present.encoder_id == encoder.id
    if not measure(session, encoder).is_complete:
        return False
    fresh = StoredEncoder(
        use=EncoderUse.SERVING,
        encoder_id=row.encoder_id,
        name=row.name,
        query_prompt=row.query_prompt,
        passage_prompt=row.passage_prompt,
    )
    session.execute(delete(StoredEncoder))
    session.add(fresh)
    session.flush()
    note_changes(session, ())
    forget_all_but(session, [encoder.id])
    return True


def forget_change(session: Session) -> int:
    """Give up an unfinished change; returns how many vectors of encoders not serving went."""
    session.execute(delete(StoredEncoder).where(StoredEncoder.use == EncoderUse.WANTED))
    present = serving(session)
    return 0 if present is None else forget_all_but(session, [present.encoder_id])


def note_progress(
    session: Session,
    encoder: Encoder,
    *,
    embedded: int,
    total: int,
    texts_per_second: float | None,
) -> bool:
    """Write down how far the change to this encoder is; False if it is not wanted any more."""
    row = wanted(session)
    if row is None or row.encoder_id != encoder.id:
        return False
    row.embedded, row.total, row.texts_per_second = embedded, total, texts_per_second
    row.worked_at = utc_now()
    return True


@dataclass(frozen=True, slots=True)
class Change:
    """How far the change to another encoder is, as its worker wrote it down last."""

    encoder: str
    since: datetime
    embedded: int | None
    total: int | None
    texts_per_second: float | None
    worked_at: datetime | None

    @property
    def seconds_left(self) -> float | None:
        """Until all texts are embedded, at the pace so far; None if that is not known."""
        if self.embedded is None or self.total is None or not self.texts_per_second:
            return None
        return (self.total - self.embedded) / self.texts_per_second


def change_of(session: Session) -> Change | None:
    """The change that is on its way, if there is one."""
    row = wanted(session)
    if row is None:
        return None
    pace = row.texts_per_second
    return Change(row.encoder_id, row.since, row.embedded, row.total, pace, row.worked_at)


def recipe_of(row: StoredEncoder) -> Recipe | None:
    """By which its encoder is made again; None if nobody knows."""
    if row.name is None:
        return None
    return Recipe(row.name, row.query_prompt, row.passage_prompt)


def _row(use: EncoderUse, encoder_id: str, recipe: Recipe | None) -> StoredEncoder:
    row = StoredEncoder(use=use, encoder_id=encoder_id, name=None)
    row.query_prompt = row.passage_prompt = ""
    if recipe is not None:
        _write(row, recipe)
    return row


def _write(row: StoredEncoder, recipe: Recipe) -> None:
    row.name = recipe.name
    row.query_prompt, row.passage_prompt = recipe.query_prompt, recipe.passage_prompt
