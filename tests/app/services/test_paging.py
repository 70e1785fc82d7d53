from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db import Database
from app.errors import Problem
from app.services.paging import decode_cursor, encode_cursor, page
from models import Cluster, Partner, new_id
from tests.factories import make_cluster, make_partner


@given(st.uuids())
def test_cursors_come_back(row_id: UUID) -> None:
    cursor = encode_cursor(row_id)
    assert decode_cursor(cursor) == row_id
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&? ")


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_a_problem(text: str) -> None:
    found: UUID | Problem
    try:
        found = decode_cursor(text)
    except Problem as problem:
        found = problem
    if isinstance(found, Problem):
        assert (found.status, found.errors[0].field) == (422, "cursor")


@pytest.mark.parametrize("cursor", ["", "é", "A", "A" * 21, "A" * 23, "!" * 22, str(UUID(int=0))])
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(Problem):
        decode_cursor(cursor)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_every_row_once(database: Database, limit: int) -> None:
    with database.writing() as session:
        made = [make_partner(session).id for _ in range(5)]
    seen, cursor, asked = [], None, 0
    with database.reading() as session:
        while asked == 0 or cursor is not None:
            assert asked < 10
            found = page(session, select(Partner), Partner, cursor=cursor, limit=limit)
            assert 0 < len(found.items) <= limit
            seen += [row.id for row in found.items]
            cursor, asked = found.next_cursor, asked + 1
    assert seen == made
    assert asked == -(-5 // limit)


def test_no_rows(database: Database) -> None:
    with database.reading() as session:
        found = page(session, select(Cluster), Cluster, cursor=None, limit=5)
    assert (list(found.items), found.next_cursor) == ([], None)


def test_a_condition_is_kept(database: Database) -> None:
    with database.writing() as session:
        for slug in ("a", "b", "c", "d"):
            make_cluster(session, slug=slug)
        wanted = select(Cluster).where(Cluster.slug.in_(["b", "d"]))
        first = page(session, wanted, Cluster, cursor=None, limit=1)
        second = page(session, wanted, Cluster, cursor=first.next_cursor, limit=1)
    assert [row.slug for row in (*first.items, *second.items)] == ["b", "d"]
    assert second.next_cursor is None


def test_ids_sort_by_time() -> None:
    made = [new_id() for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
