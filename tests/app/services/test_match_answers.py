"""Answers of match lists are given again only to the same question, and computed once."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.access import View
from app.db import Database
from app.schemas.explanation import Explain
from app.services import matches
from app.services.corpus import Engine
from app.services.keys import create_key
from app.services.match_answers import AskedList, MatchAnswers
from matching.corpus import Corpus, Query
from matching.filters import Filters
from models import AuditEntry, Confidentiality, Need, NeedStatus, Organisation, Partner, Role
from tests.app.asking import get, problem
from tests.conftest import with_key
from tests.factories import (
    make_fitting_need,
    make_organisation,
)
from tests.matching.factories import corpus_of

SOON = 30.0
ASKED = AskedList(
    need_id=UUID(int=1),
    query=Query("surimi gel", date(2026, 4, 1)),
    view=View.FULL,
    filters=Filters(available_on=date(2026, 4, 1)),
    top=10,
    explain=Explain.BRIEF,
    day=date(2026, 4, 1),
)
OTHERS: dict[str, AskedList] = {
    "need": replace(ASKED, need_id=UUID(int=2)),
    "text": replace(ASKED, query=replace(ASKED.query, text="surimi gels")),
    "posted": replace(ASKED, query=replace(ASKED.query, posted_on=date(2026, 4, 2))),
    "clusters": replace(ASKED, query=replace(ASKED.query, clusters=frozenset({"food"}))),
    "place": replace(ASKED, query=replace(ASKED.query, prefecture="宮崎県")),
    "excluded": replace(ASKED, query=replace(ASKED.query, excluded_organisations=frozenset("o"))),
    "view": replace(ASKED, view=View.COARSE),
    "filters": replace(ASKED, filters=Filters()),
    "kinds": replace(ASKED, filters=replace(ASKED.filters, partner_kinds=frozenset({"company"}))),
    "top": replace(ASKED, top=11),
    "explain": replace(ASKED, explain=Explain.FULL),
    "day": replace(ASKED, day=date(2026, 4, 2)),
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of({"a": ["surimi gel"]})


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_whatever_an_answer_hangs_on_makes_another_question(
    corpus: Corpus, other: AskedList
) -> None:
    answers = MatchAnswers()
    assert answers.get(corpus, 1, ASKED, lambda: b"one") == b"one"
    assert answers.find(corpus, 1, replace(ASKED)) == b"one"
    assert answers.find(corpus, 1, other) is None
    assert answers.get(corpus, 1, other, lambda: b"other") == b"other"


def test_another_corpus_empties_it(corpus: Corpus) -> None:
    answers = MatchAnswers()
    answers.get(corpus, 1, ASKED, lambda: b"one")
    assert answers.held_bytes > 0
    assert answers.find(corpus_of({"a": ["surimi gel"]}), 1, ASKED) is None
    assert answers.held_bytes == 0
    assert answers.find(corpus, 1, ASKED) is None


def test_another_revision_of_the_same_corpus_empties_it(corpus: Corpus) -> None:
    answers = MatchAnswers()
    answers.get(corpus, 1, ASKED, lambda: b"one")
    assert answers.find(corpus, 2, ASKED) is None
    assert answers.held_bytes == 0


def test_it_keeps_the_latest_within_its_bounds(corpus: Corpus) -> None:
    answers = MatchAnswers(most_bytes=100_000)
    tops = [replace(ASKED, top=number) for number in range(1, 41)]
    for asked in tops:
        answers.get(corpus, 1, asked, lambda: bytes(10_000))
        answers.find(corpus, 1, tops[0])  # used most recently, whatever comes
        assert answers.held_bytes <= 100_000
    kept = [asked.top for asked in tops if answers.find(corpus, 1, asked)]
    assert kept == [1, *range(41 - len(kept) + 1, 41)]
    assert answers.get(corpus, 1, ASKED, lambda: bytes(200_000)) == bytes(200_000)
    assert answers.find(corpus, 1, replace(ASKED, top=10)) is None  # too large to be kept


def test_what_many_ask_at_once_is_computed_once(corpus: Corpus) -> None:
    answers, number = MatchAnswers(), 16
    go_on, computed = threading.Event(), []

    def compute() -> bytes:
        computed.append(1)
        assert go_on.wait(SOON)
        return b"list"

    with ThreadPoolExecutor(number) as pool:
        asking = [pool.submit(answers.get, corpus, 1, ASKED, compute) for _ in range(number)]
        while not computed:
            threading.Event().wait(0.001)
        go_on.set()
        assert {each.result(SOON) for each in asking} == {b"list"}
    assert len(computed) == 1


def test_a_failure_is_of_one_alone(corpus: Corpus) -> None:
    answers = MatchAnswers()
    begun, go_on = threading.Event(), threading.Event()

    def fail() -> bytes:
        begun.set()
        assert go_on.wait(SOON)
        raise RuntimeError

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(answers.get, corpus, 1, ASKED, fail)
        assert begun.wait(SOON)
        other = pool.submit(answers.get, corpus, 1, ASKED, lambda: b"own")
        go_on.set()
        assert isinstance(failing.exception(SOON), RuntimeError)
        assert other.result(SOON) == b"own"
    assert answers.get(corpus, 1, ASKED, lambda: b"again") in {b"own", b"again"}


def test_who_began_before_a_change_leaves_nothing_behind(corpus: Corpus) -> None:
    answers, newer = MatchAnswers(), corpus_of({"a": ["robot"]})

    def compute() -> bytes:
        assert answers.find(newer, 1, ASKED) is None  # another request, meanwhile
        return b"old"

    assert answers.get(corpus, 1, ASKED, compute) == b"old"
    assert answers.find(newer, 1, ASKED) is None


@pytest.fixture
def need_id(database: Database, company_id: str) -> str:
    """Of the company's own need, which some partners fit."""
    with database.writing() as session:
        return str(make_fitting_need(session, UUID(company_id)).id)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each list that is computed."""
    found: list[int] = []
    match_need = matches.match_need

    def counted(*values: Any, **named: Any) -> Any:
        found.append(1)
        return match_need(*values, **named)

    monkeypatch.setattr(matches, "match_need", counted)
    return found


def test_a_change_is_seen_by_the_next_request(
    staff: TestClient, database: Database, need_id: str, computed: list[int]
) -> None:
    path = f"/v1/needs/{need_id}/matches"
    first = get(staff, path)
    assert get(staff, path) == first
    assert len(computed) == 1
    with database.writing() as session:
        session.scalars(select(Partner)).first().name_en = "Renamed"  # type: ignore[union-attr]
    assert "Renamed" in staff.get(path).text
    with database.writing() as session:
        session.get_one(Need, UUID(need_id)).title_en = "Robots"
    assert get(staff, path)["items"] != first["items"]
    with database.writing() as session:
        session.get_one(Need, UUID(need_id)).status = NeedStatus.CLOSED
    problem(staff.get(path), 409)


def test_a_name_that_is_shown_and_not_matched_is_never_old(
    staff: TestClient, database: Database, need_id: str
) -> None:
    with database.writing() as session:
        home = make_organisation(session, name_en="Former Institute")
        for partner in session.scalars(select(Partner)):
            partner.organisation = home
    path = f"/v1/needs/{need_id}/matches"
    assert "Former Institute" in staff.get(path).text
    with database.writing() as session:
        session.get_one(Organisation, home.id).name_en = "Present Institute"
    renamed = staff.get(path).text
    assert "Present Institute" in renamed
    assert "Former Institute" not in renamed


def test_staff_and_company_never_share_an_answer(
    staff: TestClient, company: TestClient, anonymous: TestClient, database: Database, need_id: str
) -> None:
    path = f"/v1/needs/{need_id}/matches"
    full = staff.get(path).text
    coarse = company.get(path).text
    assert "Partner 1" in full
    assert "Partner" not in coarse
    assert company.get(path).text == coarse
    assert staff.get(path).text == full
    with database.writing() as session:
        other = make_organisation(session, name_en="Another")
        _, secret = create_key(session, name="x", role=Role.COMPANY, organisation_id=other.id)
    problem(with_key(anonymous, secret).get(path), 404)


def test_a_need_for_named_staff_is_never_remembered(
    company: TestClient, database: Database, engine: Engine, need_id: str, computed: list[int]
) -> None:
    with database.writing() as session:
        session.get_one(Need, UUID(need_id)).confidentiality = Confidentiality.NAMED_STAFF
    path = f"/v1/needs/{need_id}/matches"
    assert get(company, path) == get(company, path)
    assert len(computed) == 2
    assert engine.answers.held_bytes == 0


def test_each_reading_of_a_remembered_list_is_in_the_log(
    staff: TestClient, database: Database, need_id: str
) -> None:
    for number in range(1, 4):
        staff.get(f"/v1/needs/{need_id}/matches")
        with database.reading() as session:
            entries = select(func.count()).where(AuditEntry.object_id == UUID(need_id))
            assert session.scalar(entries.where(AuditEntry.event == "read")) == number


@pytest.mark.slow
def test_memory_stays_flat_over_thousands_of_requests(staff: TestClient, need_id: str) -> None:
    def ask(number: int) -> None:
        for top in range(number):
            staff.get(f"/v1/needs/{need_id}/matches", params={"top": top % 5 + 1})

    ask(300)
    tracemalloc.start()
    try:
        ask(150)
        before, _ = tracemalloc.get_traced_memory()
        ask(1000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 750_000  # a kilobyte kept of each request would be 1 MB
