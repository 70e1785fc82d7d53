"""What was suggested of a duplicate counts for the record that is kept."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from app.contexts import SYSTEM
from app.db import Database
from app.services.merging import merge_partners
from app.services.suggestion_history import Out, Tonight, read_history
from models import Answer, Partner, Suggestion, SuggestionAnswer
from tests.app.suggesting import TONIGHT, answered, before, suggested
from tests.factories import make_capability, make_need, make_partner


def _why_out(database: Database, need: UUID, partner: UUID, *, today: date = TONIGHT) -> Out | None:
    with database.reading(SYSTEM) as session:
        past = read_history(session, today=today, named_staff=False).of(need)[partner]
    return past.why_out(Tonight(0.5, "x", "y"), today=today, cool_down_days=30)


def _merge(database: Database, kept: UUID, gone: UUID) -> None:
    with database.writing(SYSTEM) as session:
        merge_partners(session, session.get_one(Partner, kept), session.get_one(Partner, gone))


@pytest.mark.parametrize("both", [False, True], ids=["one-suggested", "both-suggested"])
def test_what_was_declined_stays_declined(database: Database, both: bool) -> None:
    with database.writing(SYSTEM) as session:
        need, kept, gone = make_need(session), make_partner(session), make_partner(session)
        answered(session, suggested(session, need, gone, before(3)), Answer.DECLINE, before(2))
        if both:
            suggested(session, need, kept, before(3))
        ids = need.id, kept.id

    _merge(database, kept.id, gone.id)

    assert _why_out(database, *ids) is Out.DECLINED
    with database.reading(SYSTEM) as session:
        row = session.scalars(select(Suggestion)).one()
        assert row.partner_id == kept.id
        assert session.scalars(select(SuggestionAnswer)).one().suggestion_id == row.id


def test_evidence_that_both_have_is_that_of_the_kept_record(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        need, kept, gone = make_need(session), make_partner(session), make_partner(session)
        work, copy = make_capability(session, kept), make_capability(session, gone)
        other = make_capability(session, gone, title_en="Another work")
        evidence = [
            {"capability_id": str(piece.id), "start": 0, "end": 4} for piece in (copy, other)
        ]
        suggested(session, need, gone, before(3), evidence=evidence)

    _merge(database, kept.id, gone.id)

    with database.reading(SYSTEM) as session:
        row = session.scalars(select(Suggestion)).one()
    assert [piece["capability_id"] for piece in row.evidence] == [str(work.id), str(other.id)]
