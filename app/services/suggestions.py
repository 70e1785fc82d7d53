"""Suggestions: the pairs that a nightly run chose, as they are stored."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.services.corpus import Engine
from app.services.embeddings import PARAMETERS
from app.services.match_runs import kept_signals
from matching.corpus import Corpus, Query
from matching.encoders import Vectors
from matching.explain import Passage, passages
from matching.filters import Filters
from matching.ranker import rank
from models import Need, NeedStatus, Partner, Run, Suggestion

EVIDENCE: Final = 2
"""Passages kept of a suggestion: a mail has two lines for them."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a pair was suggested, as it is stored: see `Suggestion`."""

    score: float
    """What the signals add up to."""
    signals: list[dict[str, Any]]
    evidence: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A pair to be suggested; fields as those of `Suggestion`."""

    need_id: UUID
    partner_id: UUID
    score: float
    probability: float | None
    strong: bool | None
    signals: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    need_fingerprint: str
    partner_fingerprint: str


def grounds_of(
    engine: Engine,
    corpus: Corpus,
    query: Query,
    vector: Vectors,
    partners: Collection[str],
    *,
    filters: Filters,
    top: int,
) -> dict[str, Grounds]:
    """Signals and evidence by partner, as the need's own list has them in its first `top` places.

    Whoever is not found there is looked at alone: the last bits of a score differ between one
    list and a table of many, and with them the places of partners who are as good as level.
    """
    found = _grounds(engine, corpus, query, vector, partners, filters=filters, top=top)
    left = set(partners) - found.keys()
    if left:
        alone = corpus.only(left)
        found |= _grounds(engine, alone, query, vector, left, filters=filters, top=None)
    return found


def _grounds(
    engine: Engine,
    corpus: Corpus,
    query: Query,
    vector: Vectors,
    partners: Collection[str],
    *,
    filters: Filters,
    top: int | None,
) -> dict[str, Grounds]:
    readable = vector if vector.any() else None
    ranking = rank(query, vector, corpus, filters=filters, top=top, signals=engine.model.signals)
    matches = [match for match in ranking.matches if match.partner.id in partners]
    found = passages(
        ranking, matches, encode=engine.encoder.encode, vector=readable, count=EVIDENCE
    )
    return {
        match.partner.id: Grounds(match.score, kept_signals(match), [_kept(p) for p in shown])
        for match, shown in zip(matches, found, strict=True)
    }


def _kept(passage: Passage) -> dict[str, Any]:
    """No text: whoever reads it looks into the capability, as it then is."""
    return {
        "capability_id": passage.evidence.id,
        "fit": passage.fit,
        "start": passage.best.start,
        "end": passage.best.end,
    }


def add_suggestions(session: Session, run: Run, chosen: Sequence[Chosen]) -> int:
    """Store the pairs of which need and partner still stand; returns how many do not.

    While the run was being planned, a need may have been closed and a partner erased.
    """
    needs = set(_open_needs(session, {pair.need_id for pair in chosen}))
    partners = set(_partners(session, {pair.partner_id for pair in chosen}))
    standing = [p for p in chosen if p.need_id in needs and p.partner_id in partners]
    session.add_all(
        Suggestion(run_id=run.id, suggested_on=run.run_date, **asdict(pair)) for pair in standing
    )
    session.flush()
    return len(chosen) - len(standing)


def _open_needs(session: Session, ids: Collection[UUID]) -> Iterator[UUID]:
    # Locked, so that what a suggestion hangs on is not deleted between this and the commit.
    for some in _batches(ids):
        statement = select(Need.id).where(Need.id.in_(some), Need.status == NeedStatus.OPEN)
        yield from session.scalars(statement.with_for_update(read=True, key_share=True))


def _partners(session: Session, ids: Collection[UUID]) -> Iterator[UUID]:
    for some in _batches(ids):
        statement = select(Partner.id).where(Partner.id.in_(some))
        yield from session.scalars(statement.with_for_update(read=True, key_share=True))


def _batches(ids: Collection[UUID]) -> Iterator[list[UUID]]:
    remaining = iter(sorted(ids))  # in one order for all, so that two lockers don't lock each other
    while some := list(islice(remaining, PARAMETERS)):
        yield some
