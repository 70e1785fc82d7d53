"""Suggestions are stored with the grounds that the need's own list gives."""

from datetime import date
from uuid import UUID

import pytest

from app.contexts import SYSTEM
from app.db import Database
from app.schemas.explanation import Explain
from app.services.capabilities import passage_of
from app.services.corpus import Engine
from app.services.match_runs import keep_run
from app.services.matches import match_need
from app.services.needs import query_of
from app.services.suggestions import Chosen, Grounds, add_suggestions, grounds_of
from matching.filters import Filters
from models import Capability, Need, NeedStatus, Partner, Run, RunKind, Suggestion, new_id
from tests.factories import make_capability, make_need, make_partner

FILTERS = Filters(available_on=date(2026, 11, 26))
TEXT = (
    "We tell how pectin is made. The browning of citrus juice is slowed by ascorbic acid. "
    "The weather in Miyazaki is warm."
)


@pytest.fixture
def need_id(database: Database) -> UUID:
    """A need of which three of four partners know something."""
    with database.writing() as session:
        for number in range(3):
            partner = make_partner(session)
            make_capability(session, partner, title_en=f"Citrus juice {number}", text_en=TEXT)
            make_capability(session, partner, title_en=f"Browning of juice, part {number}")
            make_capability(session, partner, title_en=f"Bitter citrus in year {number}")
        make_partner(session)
        return make_need(session).id


def grounds(
    database: Database, engine: Engine, need_id: UUID, *, top: int = 10
) -> dict[str, Grounds]:
    """Of all partners, asked for by a list of that length."""
    with database.reading() as session:
        corpus = engine.corpora.current(session).corpus
        query = query_of(session.get_one(Need, need_id))
    vector = engine.encoder.encode([query.text], role="query")[0]
    everybody = [partner.id for partner in corpus.partners]
    return grounds_of(engine, corpus, query, vector, everybody, filters=FILTERS, top=top)


def test_they_are_those_of_the_list_that_is_kept(
    database: Database, engine: Engine, need_id: UUID
) -> None:
    found = grounds(database, engine, need_id)
    with database.writing() as session:
        need = session.get_one(Need, need_id)
        shown = match_need(session, engine, need, filters=FILTERS, top=10, explain=Explain.BRIEF)
        kept = keep_run(session, need, shown, filters=FILTERS, top=10)
        assert len(found) == len(kept.matches) == 3
        for match in kept.matches:
            ours = found[str(match.partner_id)]
            assert ours.score == match.score
            assert ours.signals == match.signals
            assert sum(line["contribution"] for line in ours.signals) == pytest.approx(ours.score)
            ids = [piece["capability_id"] for piece in ours.evidence]
            assert ids == [piece["capability_id"] for piece in match.evidence][:2]


def test_whoever_the_list_lacks_is_looked_at_alone(
    database: Database, engine: Engine, need_id: UUID
) -> None:
    whole, short = (grounds(database, engine, need_id, top=top) for top in (10, 1))
    assert whole.keys() == short.keys()
    for partner, ours in whole.items():
        assert short[partner].score == pytest.approx(ours.score, abs=1e-9)
        assert [line["name"] for line in short[partner].signals] == [
            line["name"] for line in ours.signals
        ]
        for one, other in zip(short[partner].evidence, ours.evidence, strict=True):
            assert one == other | {"fit": pytest.approx(other["fit"])}


def test_the_evidence_points_to_the_best_sentence(
    database: Database, engine: Engine, need_id: UUID
) -> None:
    found = grounds(database, engine, need_id)
    sentences = set()
    with database.reading() as session:
        for ours in found.values():
            assert len(ours.evidence) == 2
            for piece in ours.evidence:
                assert not any("citrus" in str(value).lower() for value in piece.values())
                text = passage_of(session.get_one(Capability, UUID(piece["capability_id"])))
                sentences.add(text[piece["start"] : piece["end"]])
    assert "The browning of citrus juice is slowed by ascorbic acid." in sentences


def chosen(need_id: UUID, partner_id: UUID) -> Chosen:
    """A pair with numbers that tell nothing."""
    return Chosen(
        need_id=need_id,
        partner_id=partner_id,
        score=0.5,
        probability=0.25,
        strong=True,
        signals=[{"name": "topic"}],
        evidence=[{"capability_id": "x", "start": 0, "end": 3}],
        need_fingerprint="a" * 64,
        partner_fingerprint="b" * 64,
    )


def test_what_went_meanwhile_is_left_out(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        stays, erased = make_partner(session), make_partner(session)
        need, closed = make_need(session), make_need(session, status=NeedStatus.CLOSED)
        run = Run(kind=RunKind.SUGGESTIONS, run_date=date(2026, 11, 26))
        session.add(run)
        session.flush()
        ids = need.id, stays.id
        gone = [
            chosen(closed.id, stays.id),
            chosen(need.id, erased.id),
            chosen(new_id(), stays.id),
        ]
        session.delete(erased)
        session.flush()

        assert add_suggestions(session, run, [chosen(*ids), *gone]) == len(gone)

    with database.reading(SYSTEM) as session:
        (row,) = session.query(Suggestion).all()
        assert (row.need_id, row.partner_id) == ids
        assert row.suggested_on == date(2026, 11, 26)
        assert (row.score, row.probability, row.strong) == (0.5, 0.25, True)
        assert row.signals == [{"name": "topic"}]
        assert (row.need_fingerprint, row.partner_fingerprint) == ("a" * 64, "b" * 64)
        assert session.get(Partner, gone[1].partner_id) is None
