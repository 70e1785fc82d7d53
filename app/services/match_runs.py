"""Match lists that a coordinator keeps, as they were."""

from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.access import Action, Actor
from app.errors import not_found
from app.services.matches import MatchList
from app.services.paging import PageOf, page
from app.visibility import needs_for
from matching.filters import Filters
from matching.ranker import RankedPartner
from models import Match, MatchRun, Need


def keep_run(
    session: Session, need: Need, found: MatchList, *, filters: Filters, top: int
) -> MatchRun:
    """Store a match list with its scores, signals and evidence."""
    run = MatchRun(
        need_id=need.id,
        encoder_id=found.encoder_id,
        corpus_revision=found.revision,
        asked={"top": top, **TypeAdapter(Filters).dump_python(filters, mode="json")},
        blocked=found.blocked,
        weights=found.weights,
        strength=found.strength,
        strong=found.strong,
        matches=[
            Match(
                partner_id=match.partner.id,
                rank=match.rank,
                score=match.ranked.score,
                probability=match.probability,
                signals=kept_signals(match.ranked),
                evidence=[
                    {
                        "capability_id": passage.evidence.id,
                        "fit": passage.fit,
                        "best_sentence": passage.best.text,
                    }
                    for passage in match.evidence
                ],
            )
            for match in found.matches
        ],
    )
    session.add(run)
    session.flush()
    return run


def kept_signals(ranked: RankedPartner) -> list[dict[str, Any]]:
    """The lines of a score as they are stored."""
    return [
        {
            "name": signal.name,
            "value": signal.value,
            "contribution": signal.contribution,
            "detail": {"en": signal.detail.en, "ja": signal.detail.ja},
        }
        for signal in ranked.signals
    ]


def get_run(session: Session, run_id: UUID, *, actor: Actor) -> MatchRun:
    """A kept list of a need that the actor may see, else Problem 404."""
    statement = (
        select(MatchRun)
        .join(Need, Need.id == MatchRun.need_id)
        .where(MatchRun.id == run_id, needs_for(actor, Action.KEEP_MATCHES))
        .options(selectinload(MatchRun.matches))
    )
    run = session.scalar(statement)
    if run is None:
        raise not_found("match run")
    return run


def list_runs(session: Session, need: Need, *, cursor: str | None, limit: int) -> PageOf[MatchRun]:
    """A page of the lists kept for a need."""
    statement = (
        select(MatchRun).where(MatchRun.need_id == need.id).options(selectinload(MatchRun.matches))
    )
    return page(session, statement, MatchRun, cursor=cursor, limit=limit)
