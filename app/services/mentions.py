"""Where other texts name somebody: found for the operator, never changed unasked."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from app.privacy import mentions
from app.services.suppressions import PersonName
from matching.names import fold_kanji
from matching.text import normalise
from models import Base, Capability, IntroductionNote

LEAST: Final = 3
"""Characters of a Latin name without spaces from which on it is looked for; of another two."""
OTHERS: Final = (
    (Capability.__tablename__, ("title_ja", "title_en", "text_ja", "text_en")),
    (IntroductionNote.__tablename__, ("text",)),
)
"""Personal data of somebody else that may name the person as well."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that names somebody."""

    table: str
    id: str
    column: str


def find_mentions(
    session: Session, names: Collection[PersonName], others: Collection[str]
) -> Iterator[Mention]:
    """Texts in which one of the names (in either order, with or without space) or others stands.

    To be asked once the person's own rows are gone.
    """
    needles = {needle for name in names for needle in _needles(name)}
    needles |= {_folded(other) for other in others}
    needles = {n for n in needles if len(n) >= (LEAST if n.isascii() else 2)}
    if not needles:
        return
    columns: dict[str, list[str]] = {}
    for table, column in mentions():
        columns.setdefault(table, []).append(column)
    for table, found in (*columns.items(), *OTHERS):
        yield from _search(session, Base.metadata.tables[table], found, needles)


def _search(
    session: Session, table: Table, columns: Collection[str], needles: Collection[str]
) -> Iterator[Mention]:
    statement: Select[Any] = select(table.c.id, *(table.c[column] for column in columns))
    for row in session.execute(statement.execution_options(yield_per=500)).mappings():
        for column in columns:
            text = _folded(row[column] or "")
            if any(needle in text for needle in needles):
                yield Mention(table.name, str(row["id"]), column)


def _needles(name: PersonName) -> Iterator[str]:
    for spelling in (name.ja, name.kana, name.en):
        parts = normalise(spelling or "").split()
        yield _folded("".join(parts))
        yield _folded("".join(reversed(parts)))


def _folded(text: str) -> str:
    return fold_kanji("".join(normalise(text).casefold().split()))
