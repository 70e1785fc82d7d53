"""Earlier runs, suggestions and answers, as tests of the nightly plan begin with them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.services.fingerprints import need_fingerprint, partner_fingerprints
from models import (
    Answer,
    DeclineReason,
    Need,
    Partner,
    Side,
    Suggestion,
    SuggestionAnswer,
)
from tests.factories import make_run

TONIGHT = date(2026, 11, 26)


def before(days: int) -> date:
    """So many days before tonight."""
    return TONIGHT - timedelta(days=days)


def moment(day: date) -> datetime:
    """Noon of that day."""
    return datetime.combine(day, time(12), UTC)


def suggested(
    session: Session, need: Need, partner: Partner, on: date, **values: Any
) -> Suggestion:
    """A suggestion of that date, of the pair as it stands, with the score 0.5."""
    fields = {
        "run_id": make_run(session, on).id,
        "suggested_on": on,
        "need_id": need.id,
        "partner_id": partner.id,
        "score": 0.5,
        "signals": [],
        "evidence": [],
        "need_fingerprint": need_fingerprint(need),
        "partner_fingerprint": partner_fingerprints(session, [partner.id])[partner.id],
        **values,
    }
    suggestion = Suggestion(**fields)
    session.add(suggestion)
    session.flush()
    return suggestion


def answered(
    session: Session,
    suggestion: Suggestion,
    answer: Answer,
    on: date,
    *,
    reason: DeclineReason | None = None,
    side: Side = Side.STAFF,
) -> None:
    """An answer to a suggestion, at noon."""
    if answer is Answer.DECLINE:
        reason = reason or DeclineReason.NOT_MY_FIELD
    session.add(
        SuggestionAnswer(
            suggestion_id=suggestion.id,
            side=side,
            answer=answer,
            reason=reason,
            answered_at=moment(on),
        )
    )
    session.flush()
