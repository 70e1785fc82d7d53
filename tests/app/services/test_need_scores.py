"""The memory of needs' lists: bounded, and never of another corpus, need or filter."""

from datetime import date

import numpy as np
import pytest
from sqlalchemy import insert

from app.access import Actor
from app.db import Database
from app.services.corpus import Engine
from app.services.matches import match_partner
from app.services.need_scores import NeedScoresCache
from matching.corpus import Corpus
from matching.filters import Filters
from matching.reverse import need_scores
from models import Confidentiality, Partner, Role, need_staff, new_id
from tests.factories import (
    make_account,
    make_capability,
    make_need,
    make_organisation,
    make_partner,
)
from tests.matching.factories import corpus_of, make_query, vector_of

NOBODY = Filters(clusters=frozenset({"food"}))


def scores(cache: NeedScoresCache, corpus: Corpus, text: str, filters: Filters) -> list[float]:
    """What the cache gives for a text, checked against what it should be."""
    query, vector = make_query(text), vector_of(text)
    found = cache.get(corpus, query, vector, filters=filters)
    fresh = need_scores(query, vector, corpus, filters=filters)
    np.testing.assert_array_equal(found.partners, fresh.partners)
    np.testing.assert_array_equal(found.scores, fresh.scores)
    return [float(score) for score in found.scores]


def test_corpus_need_and_filters_are_told_apart() -> None:
    cache = NeedScoresCache(10)
    one = corpus_of({"a": ["surimi gel"], "b": ["robot"]})
    other = corpus_of({"a": ["koji"], "b": ["robot arm"], "c": ["robot"]})

    assert len(scores(cache, one, "robot", Filters())) == 2
    assert len(scores(cache, one, "robot", NOBODY)) == 0
    assert len(scores(cache, other, "robot", Filters())) == 3
    assert scores(cache, one, "surimi", Filters()) != scores(cache, one, "robot", Filters())


def test_only_the_latest_are_kept_and_given_back_as_they_are() -> None:
    cache, corpus = NeedScoresCache(2), corpus_of({"a": ["surimi gel"]})

    def get(text: str) -> object:
        return cache.get(corpus, make_query(text), vector_of(text), filters=Filters())

    first, second = get("surimi"), get("gel")
    assert get("surimi") is first
    get("robot")  # the third: "gel" was used least recently

    assert get("surimi") is first
    assert get("gel") is not second


@pytest.mark.parametrize("warm", [False, True])
def test_needs_that_the_actor_does_not_see_leave_no_trace(
    database: Database, engine: Engine, warm: bool
) -> None:
    with database.writing() as session:
        mine, theirs = make_organisation(session), make_organisation(session)
        partner = make_partner(session)
        make_capability(session, partner)
        make_need(session, organisation_id=mine.id)
        secret = make_need(
            session,
            organisation_id=theirs.id,
            brief_en="Secret citrus juice",
            confidentiality=Confidentiality.NAMED_STAFF,
        )
        named = make_account(session).id
        session.execute(insert(need_staff).values(need_id=secret.id, account_id=named))
        own, partner_id = mine.id, partner.id

    def ask(actor: Actor) -> list[tuple[object, object]]:
        with database.reading() as session:
            found = match_partner(
                session,
                engine,
                session.get_one(Partner, partner_id),
                actor=actor,
                today=date(2026, 11, 1),
                top=10,
                explain=False,
            )
            assert found.blocked == {}
            return [
                (match.need and match.need.organisation_id, match.rank) for match in found.matches
            ]

    if warm:
        assert len(ask(Actor(named, Role.COORDINATOR))) == 2
    assert ask(Actor(new_id(), Role.COORDINATOR)) == [(own, 1)]
    assert ask(Actor(new_id(), Role.COMPANY, own)) == []
