"""Records that may be of one person: offered in pairs, for somebody to merge or to dismiss.

Pairs are looked for among names that share a key, never among all: the work grows with the number
of partners, not with its square.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, islice, pairwise
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, lazyload, selectinload

from app.errors import invalid, not_found
from app.services.batches import batched
from app.services.embeddings import PARAMETERS
from matching.names import name_keys
from matching.names.likeness import Likeness, Person, Reason, likeness
from matching.names.words import words
from models import Capability, DistinctPartners, NameKeyKind, Partner, partner_name_keys

MOST_OF_ONE_NAME: Final = 30
"""Partners of one name up to which each is compared with each; beyond, each with the next at the
same organisation, so that a name that everybody has does not bring back the square."""

BLOCKS_AT_ONCE: Final = 100
ROWS_AT_ONCE: Final = 2000

IDENTITIES: Final = ("orcid", "researchmap_id")
"""Of which a person has one each."""
_DOI: Final = re.compile(r"10\.\d{4,9}/\S+")

Pair = tuple[UUID, UUID]
"""The older record first, since ids are in the order of time."""


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Two partners who may be one, and why."""

    partners: tuple[Partner, Partner]
    strength: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PossibleDuplicates:
    """The strongest pairs, and how many there are in all."""

    items: tuple[PossibleDuplicate, ...]
    total: int


def possible_duplicates(session: Session, *, limit: int) -> PossibleDuplicates:
    """The undecided pairs, strongest first."""
    found = sorted(_judged(session), key=lambda pair: (-pair[1].strength, pair[0]))
    shown = found[:limit]
    partners = _partners(session, {partner for pair, _ in shown for partner in pair})
    items = tuple(
        PossibleDuplicate((partners[one], partners[other]), alike.strength, alike.reasons)
        for (one, other), alike in shown
    )
    return PossibleDuplicates(items, len(found))


def count_duplicates_of(session: Session, partner_ids: Collection[UUID]) -> int:
    """How many undecided pairs hold at least one of these partners.

    Looked for in pieces, so that neither all names nor all evidence are in memory at once.
    """
    wanted = set(partner_ids)
    if not wanted:
        return 0
    touched = (block for block in _blocks(session) if not wanted.isdisjoint(block))
    dismissed = _dismissed(session)
    done: set[Pair] = set()
    """A pair may share more than one name."""
    found = 0
    for blocks in batched(touched, BLOCKS_AT_ONCE):
        people = _people(session, {partner for block in blocks for partner in block})
        pairs = {p for p in _pairs(blocks, people) if not wanted.isdisjoint(p)}
        pairs -= dismissed | done
        done |= pairs
        found += sum(likeness(people[one], people[other]) is not None for one, other in pairs)
    return found


def dismiss_duplicates(session: Session, one: UUID, other: UUID) -> None:
    """Remember that these are two people: the pair is not offered again.

    Problem 404 if one does not exist; doing it twice changes nothing.
    """
    if one == other:
        raise invalid("partner_ids", "names the same partner twice")
    if len(_partners(session, {one, other})) < 2:
        raise not_found("partner")
    first, second = sorted((one, other))
    if session.get(DistinctPartners, (first, second)) is None:
        session.add(DistinctPartners(first_id=first, second_id=second))
        session.flush()


def _judged(session: Session) -> Iterator[tuple[Pair, Likeness]]:
    blocks = list(_blocks(session))
    people = _people(session, {partner for block in blocks for partner in block})
    for pair in sorted(_pairs(blocks, people) - _dismissed(session)):
        alike = likeness(people[pair[0]], people[pair[1]])
        if alike is not None:
            yield pair, alike


def _dismissed(session: Session) -> set[Pair]:
    rows = session.execute(select(DistinctPartners.first_id, DistinctPartners.second_id))
    return {(row.first_id, row.second_id) for row in rows}


def _blocks(session: Session) -> Iterator[list[UUID]]:
    """Partners who share a whole name, for each such name."""
    keys = partner_name_keys.c
    shared = (
        select(keys.key)
        .where(keys.kind != NameKeyKind.PART)
        .group_by(keys.key)
        .having(func.count() > 1)
    )
    rows = session.execute(
        select(keys.key, keys.partner_id)
        .where(keys.kind != NameKeyKind.PART, keys.key.in_(shared))
        .order_by(keys.key, keys.partner_id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for _, block in groupby(rows, lambda row: row.key):
        yield [row.partner_id for row in block]


def _pairs(blocks: Sequence[Sequence[UUID]], people: Mapping[UUID, Person]) -> set[Pair]:
    found: set[Pair] = set()
    for block in blocks:
        if len(block) <= MOST_OF_ONE_NAME:
            found |= set(combinations(block, 2))
            continue
        near = sorted(block, key=lambda partner: (people[partner].organisation or "", partner))
        found |= {(min(pair), max(pair)) for pair in pairwise(near)}
    return found


def _people(session: Session, partner_ids: Collection[UUID]) -> dict[UUID, Person]:
    remaining = iter(sorted(partner_ids))
    found: dict[UUID, Person] = {}
    while some := list(islice(remaining, PARAMETERS)):
        works = _works(session, some)
        statement = (
            select(Partner).where(Partner.id.in_(some)).options(lazyload(Partner.organisation))
        )
        found |= {row.id: _person(row, *works[row.id]) for row in session.scalars(statement)}
    return found


def _person(row: Partner, works: set[str], texts: set[str]) -> Person:
    keys = name_keys(row.name_ja, row.name_kana, row.name_en)
    names = [words(name) for name in (row.name_ja, row.name_kana, row.name_en) if name]
    return Person(
        written=keys.written,
        sounds=keys.sounds,
        stated=name_keys(None, row.name_kana, None).sounds,
        only_initials=all(any(word.initial for word in name) for name in names),
        organisation=str(row.organisation_id) if row.organisation_id else None,
        identities={f: value for f in IDENTITIES if (value := getattr(row, f)) is not None},
        works=frozenset(works),
        texts=frozenset(texts),
    )


def _works(session: Session, partner_ids: Sequence[UUID]) -> dict[UUID, tuple[set[str], set[str]]]:
    """Of each partner the ids of the evidence, and its titles or else its texts."""
    found: dict[UUID, tuple[set[str], set[str]]] = {i: (set(), set()) for i in partner_ids}
    columns = (
        Capability.partner_id,
        Capability.source,
        Capability.external_id,
        Capability.content_hash,
        Capability.title_ja,
        Capability.title_en,
    )
    for row in session.execute(select(*columns).where(Capability.partner_id.in_(partner_ids))):
        works, texts = found[row.partner_id]
        if row.external_id:
            # A DOI is one work wherever it comes from; "12" is that only within one source.
            known = _DOI.search(row.external_id)
            works.add(known[0].lower() if known else f"{row.source}: {row.external_id}")
        title = row.title_ja or row.title_en
        texts.add(title.casefold() if title else row.content_hash)
    return found


def _partners(session: Session, ids: Collection[UUID]) -> dict[UUID, Partner]:
    statement = select(Partner).where(Partner.id.in_(ids))
    statement = statement.options(selectinload(Partner.clusters), selectinload(Partner.unavailable))
    return {partner.id: partner for partner in session.scalars(statement)}
