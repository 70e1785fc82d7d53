"""Heads that are exported, kept elsewhere and read again."""

import json
from dataclasses import replace

import pytest

from app.audit_chain import audit_key
from app.db import Database
from app.errors import Problem
from app.services.audit_heads import Head, export_head, read_head
from app.settings import get_settings
from tests.factories import make_cluster


@pytest.fixture
def head(database: Database) -> Head:
    with database.writing() as session:
        make_cluster(session)
    with database.reading() as session:
        return export_head(session)


def test_a_head_is_read_as_it_was_exported(head: Head) -> None:
    again = read_head(head.as_json())
    assert again == head
    assert again.is_genuine
    assert (head.seq, head.count) == (1, 1)


def test_each_part_is_sealed(head: Head) -> None:
    for change in ({"seq": 2}, {"count": 2}, {"mac": "0" * 64}, {"at": "2026-01-01T00:00:00Z"}):
        assert not replace(head, **change).is_genuine


def test_another_installation_cannot_seal_it(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    key = audit_key()
    monkeypatch.setenv("ENMUSUBI_SECRET_KEY", "another secret of 32 characters and more")
    get_settings.cache_clear()
    assert audit_key() != key
    assert not head.is_genuine


@pytest.mark.parametrize(
    "change",
    [
        {"seq": "1"},
        {"seq": True},
        {"format": "other"},
        {"at": "yesterday"},
        {"at": "2026-11-26T10:00:00"},
        {"mac": None},
        {"more": 1},
    ],
)
def test_what_is_no_head_is_refused(head: Head, change: dict[str, object]) -> None:
    with pytest.raises(Problem, match="enmusubi audit head"):
        read_head(json.dumps(json.loads(head.as_json()) | change))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000])
def test_what_is_no_json_of_a_head_is_refused(settings: object, text: str) -> None:
    with pytest.raises(Problem, match="enmusubi audit head"):
        read_head(text)
