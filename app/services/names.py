"""Names as they are found and sorted: keys are renewed with the names and searched by prefix."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, delete, insert, or_, select
from sqlalchemy.orm import Session

from app.errors import invalid
from matching.names import NameKeys, fold_kanji, name_keys, name_query, sort_key
from models import (
    Organisation,
    Partner,
    PartnerAlias,
    PartnerKind,
    organisation_name_keys,
    partner_name_keys,
)

Named = Organisation | Partner
AnyNamed = TypeVar("AnyNamed", bound=Named)
KeysByOwner = Mapping[UUID, Mapping[str, str]]
"""Of each row its keys, and what kind of key each is."""

NAME_FIELDS: Final = ("name_ja", "name_kana", "name_en")
_LAST: Final = "\U0010ffff"
"""After every other character."""


def place_by_name(row: Named) -> None:
    """Set a row's place in lists by name; before it is flushed, with its names."""
    personal = isinstance(row, Partner) and row.kind is PartnerKind.RESEARCHER
    place = sort_key(row.name_ja, row.name_kana, row.name_en, personal=personal)
    if row.name_sort != place:
        row.name_sort = place


def imported_reading(row: Named, name_ja: str | None, name_kana: str | None) -> str | None:
    """The reading after an import: few files have one, so what people have typed in stays.

    But not with a new name; another form of the same kanji is none.
    """
    if name_kana is None and fold_kanji(name_ja or "") == fold_kanji(row.name_ja or ""):
        return row.name_kana
    return name_kana


def renew_name_keys(session: Session, rows: Sequence[Named]) -> None:
    """Store the keys of rows of one table that are flushed; those that are right stay."""
    if not rows:
        return
    table, owner = _keys_of(type(rows[0]))
    wanted = _wanted_keys(session, rows)
    stored: dict[UUID, dict[str, str]] = {row.id: {} for row in rows}
    for row_id, key, kind in session.execute(select(table).where(owner.in_(stored))):
        stored[row_id][key] = kind
    changed = [row_id for row_id in stored if stored[row_id] != wanted[row_id]]
    if not changed:
        return
    session.execute(delete(table).where(owner.in_(changed)))
    fresh = [
        {owner.name: row_id, "key": key, "kind": kind}
        for row_id in changed
        for key, kind in wanted[row_id].items()
    ]
    if fresh:
        session.execute(insert(table), fresh)


def new_name_keys(row: Named) -> list[dict[str, Any]]:
    """The rows of the keys of a row that was not there before."""
    _, owner = _keys_of(type(row))
    return [
        {owner.name: row.id, "key": key, "kind": kind} for key, kind in _keys_of_names(row).items()
    ]


def named(statement: Select[AnyNamed], table: type[Named], name: str) -> Select[AnyNamed]:
    """Only rows that a person who types `name` may mean; Problem 422 if it holds no letter."""
    query = name_query(name)
    if query is None:
        raise invalid("name", "holds no letter or kana to look for")
    keys, owner = _keys_of(table)
    found = and_(*(table.id.in_(select(owner).where(_begins(keys, p))) for p in query.words))
    if query.joined:
        found = or_(found, table.id.in_(select(owner).where(_begins(keys, query.joined))))
    return statement.where(found)


def _begins(keys: Table, prefixes: Iterable[str]) -> ColumnElement[bool]:
    # Not LIKE: this reads the index on every database, and no sign has a meaning of its own.
    column = keys.c.key
    return or_(*(and_(column >= p, column < p + _LAST) for p in sorted(prefixes)))


def _keys_of(table: type[Named]) -> tuple[Table, Any]:
    """The table of keys, and its column of the rows that they belong to."""
    if issubclass(table, Partner):
        return partner_name_keys, partner_name_keys.c.partner_id
    return organisation_name_keys, organisation_name_keys.c.organisation_id


def _wanted_keys(session: Session, rows: Sequence[Named]) -> KeysByOwner:
    """The keys of each row; a partner is found by the names of records merged into it, too."""
    found = {row.id: _keys_of_names(row) for row in rows}
    if isinstance(rows[0], Partner):
        aliases = select(PartnerAlias).where(PartnerAlias.partner_id.in_(found))
        for alias in session.scalars(aliases):
            # Of a former name all keys are parts: a pair is judged by the names that stand.
            former = dict.fromkeys(_keys_of_names(alias), "part")
            found[alias.partner_id] = former | found[alias.partner_id]
    return found


def _keys_of_names(row: Named | PartnerAlias) -> dict[str, str]:
    keys: NameKeys = name_keys(row.name_ja, row.name_kana, row.name_en)
    return dict(keys.kinds())
