"""Whatever changes what is matched: a corpus that follows equals one that is made anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, text, update

from app.changes import NOTED
from app.db import Database
from app.jobs.erasing import erase
from app.jobs.importing import store
from app.services import corpus_reading as module
from app.services.changes import changed_since, note_changes, state_of
from app.services.corpus import CorpusCache
from app.services.embeddings import store_vectors
from app.services.erasure_ledger import Ledger
from app.settings import Settings
from data import importers
from data.samples import REGION
from matching.corpus import Corpus
from matching.encoders.hashing import HashingEncoder
from models import Capability, Organisation, Partner
from tests.app.asking import (
    Body,
    capability,
    cluster,
    create,
    organisation,
    partner,
    patch,
)
from tests.app.asking import (
    delete as remove,
)
from tests.factories import make_capability, make_organisation, make_partner


@pytest.fixture(autouse=True)
def always_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many partners have changed."""
    monkeypatch.setattr(module, "MOST", float("inf"))


def large(inline: int = 1000) -> CorpusCache:
    """One that changes in parts, however small the corpus."""
    return CorpusCache(HashingEncoder(), inline=inline, large=1)


def held(corpus: Corpus) -> tuple[object, object]:
    """What a corpus says of its partners and of each text, wherever they lie in it."""
    rows = np.flatnonzero(corpus.alive)
    texts = sorted(
        (
            corpus.evidence[int(row)].id,
            corpus.evidence[int(row)],
            corpus.vectors.at(np.array([row])).tobytes(),
        )
        for row in rows
    )
    return sorted(corpus.partners, key=lambda one: one.id), texts


def loaded(corpora: CorpusCache, database: Database) -> module.Loaded:
    with database.reading() as session:
        return corpora.current(session)


class Follows:
    """Compares one that has followed every step with one that is made anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._follower = large()
        loaded(self._follower, database)

    def check(self, *, in_parts: bool = True) -> None:
        followed = loaded(self._follower, self._database)
        anew = loaded(large(), self._database)
        assert held(followed.corpus) == held(anew.corpus)
        assert followed.revision == anew.revision
        assert (followed.base < followed.revision) is in_parts


def test_every_call_that_changes_what_is_matched(staff: TestClient, database: Database) -> None:
    theme = create(staff, "/v1/clusters", cluster())["slug"]
    home = create(staff, "/v1/organisations", organisation())["id"]
    first = create(staff, "/v1/partners", partner(organisation_id=home, clusters=[theme]))["id"]
    own = f"/v1/partners/{first}"
    kept = create(staff, f"{own}/capabilities", capability())["id"]
    follows = Follows(database)

    def make_another() -> Body:
        other = create(staff, "/v1/partners", partner(name_en="Another one"))["id"]
        create(staff, f"/v1/partners/{other}/capabilities", capability(title_en="Welding steel"))
        return {"duplicate_id": other, "keep_differing": True}

    steps: list[Callable[[], object]] = [
        make_another,
        lambda: create(staff, "/v1/clusters", cluster(slug="it-resort")),
        lambda: patch(staff, own, {"clusters": ["it-resort"]}),
        lambda: patch(staff, own, {"unavailable": [{"start": "2026-12-01", "end": "2026-12-09"}]}),
        lambda: patch(staff, own, {"unavailable": []}),
        lambda: patch(staff, f"/v1/organisations/{home}", {"city": "延岡市"}),
        lambda: patch(staff, f"/v1/capabilities/{kept}", {"title_en": "Sorting shrimps"}),
        lambda: create(staff, f"{own}/capabilities", capability(title_en="Drying figs")),
        lambda: staff.post(f"{own}/merge", json=make_another()).raise_for_status(),
        lambda: remove(staff, f"/v1/capabilities/{kept}"),
        lambda: remove(staff, own),
    ]
    for step in steps:
        step()
        follows.check()


def test_an_import_and_a_second_one(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    follows = Follows(database)
    region = importers.read(REGION)
    read = replace(region, partners=region.partners[:10], needs=[])
    for _ in range(2):
        store(database, read, set_name="region", today=date(2026, 11, 1))
        follows.check()


def test_an_erasure_forbids_what_was_saved_before(database: Database, settings: Settings) -> None:
    with database.writing() as session:
        gone, stays = make_partner(session, name_en="Erin Gone"), make_partner(session)
        make_capability(session, gone)
        make_capability(session, stays, title_en="Drying figs")
    follows = Follows(database)
    erase(database, Ledger(settings.ledger), str(gone.id), reason="request")
    follows.check()
    with database.reading() as session:
        state = state_of(session)
        assert state.erased == state.revision
        assert gone.id in changed_since(session, state.revision - 1)


def test_a_piece_that_moves_changes_both(database: Database) -> None:
    with database.writing() as session:
        one, other = make_partner(session), make_partner(session)
        piece = make_capability(session, one)
        make_capability(session, other, title_en="Drying figs")
    follows = Follows(database)
    with database.writing() as session:
        row = session.get_one(Capability, piece.id)
        session.expire(row)  # that it has moved must be found out all the same
        row.partner_id = other.id
    follows.check()
    with database.reading() as session:
        before = state_of(session).revision - 1
        assert set(changed_since(session, before)) == {one.id, other.id}


def test_a_statement_in_bulk_counts_as_a_change_of_everybody(database: Database) -> None:
    with database.writing() as session:
        home = make_organisation(session)
        for title in ("Drying figs", "Welding steel"):
            somebody = make_partner(session, organisation_id=home.id)
            make_capability(session, somebody, title_en=title)
    follows = Follows(database)
    for statement in (
        update(Organisation).values(city="都城市"),
        update(Partner.__table__).values(engagement_types=["testing"]),  # type: ignore[arg-type]
        delete(Capability).where(Capability.title_en == "Drying figs"),
    ):
        with database.writing() as session:
            session.execute(statement)
        follows.check(in_parts=False)
    with database.writing() as session:
        of_one = update(Partner).where(Partner.id == somebody.id).values(engagement_types=[])
        session.execute(of_one.execution_options(**{NOTED: True}))
        note_changes(session, [somebody.id])
    follows.check()


def test_a_revision_that_an_earlier_version_raised_is_in_no_log(database: Database) -> None:
    with database.writing() as session:
        somebody = make_partner(session)
        make_capability(session, somebody)
    follows = Follows(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE partners SET kind = 'laboratory'"))
        connection.execute(text("UPDATE corpus_revision SET value = value + 1"))
    follows.check(in_parts=False)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE partners SET kind = 'researcher'"))
        connection.execute(text("UPDATE corpus_revision SET value = value + 1"))
    with database.writing() as session:
        make_partner(session)
    follows.check(in_parts=False)  # also if one of this version came after it
    with database.writing() as session:
        make_partner(session)
    follows.check()


def test_what_is_rolled_back_reaches_nobody(database: Database) -> None:
    with database.writing() as session:
        somebody = make_partner(session)
        make_capability(session, somebody)
    corpora = large()
    before = loaded(corpora, database)

    class Stop(Exception):
        pass

    @contextmanager
    def stopped() -> Iterator[None]:
        with pytest.raises(Stop):
            yield

    with stopped(), database.writing() as session:
        make_capability(session, session.get_one(Partner, somebody.id), title_en="Drying figs")
        assert len(corpora.current(session).corpus.evidence) == 2  # its own, for itself
        raise Stop
    assert loaded(corpora, database) is before
    with database.reading() as session:
        assert changed_since(session, before.revision) == []


def test_a_revision_is_raised_once_for_each_commit(database: Database) -> None:
    with database.writing() as session:
        for _ in range(3):
            make_partner(session)
        with session.begin_nested():
            make_partner(session)
    with database.reading() as session:
        assert state_of(session).revision == 1
        assert len(changed_since(session, 0)) == 4


def test_a_new_name_of_an_organisation_touches_no_partner(database: Database) -> None:
    with database.writing() as session:
        home = make_organisation(session)
        make_capability(session, make_partner(session, organisation_id=home.id))
    corpora = large()
    before = loaded(corpora, database)
    with database.writing() as session:
        session.get_one(Organisation, home.id).name_en = "Another name"
    after = loaded(corpora, database)
    assert after.revision == before.revision + 1
    assert after.corpus is before.corpus


def test_vectors_that_arrive_later_are_taken_in(database: Database) -> None:
    encoder = HashingEncoder()
    with database.writing() as session:
        somebody = make_partner(session)
        pieces = [
            make_capability(session, somebody, title_en=title)
            for title in ("Drying figs", "Welding steel", "Sorting shrimps")
        ]
    corpora = large(inline=0)
    assert loaded(corpora, database).corpus.pending == 3
    with database.writing() as session:
        some = {p.content_hash: encoder.encode([str(p.title_en)])[0] for p in pieces[:2]}
        store_vectors(session, some, encoder, "passage")
    with database.reading() as session:
        corpora.renew(session)
        found = corpora.current(session).corpus
    assert found.pending == 1
    assert found.has_vector[found.alive].sum() == 2


def test_an_older_session_brings_nothing_back(database: Database) -> None:
    with database.writing() as session:
        somebody = make_partner(session)
        piece = make_capability(session, somebody)
    corpora = large(inline=0)
    with database.reading() as old:
        corpora.current(old)
        with database.writing() as session:
            session.get_one(Capability, piece.id).title_en = "Drying figs"
        latest = loaded(corpora, database)
        corpora.renew(old)  # its text still waits for a vector
        assert corpora.current(old) is latest
