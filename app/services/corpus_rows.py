"""From rows to what a corpus is made from: partners, evidence, words, vectors.

Only the columns that are matched are read, in the order of the ids and a few hundred rows at a
time, so that a million capabilities need no more memory than their texts and vectors do.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.services.embeddings import PARAMETERS
from matching.corpus import Evidence, Partner, Period
from matching.text import bilingual_text
from models import Capability, Cluster, Organisation, Unavailability, partner_clusters
from models import Partner as PartnerRow

AT_ONCE: Final = 1000
"""Rows that are fetched at a time."""


@dataclass(slots=True)
class Rows:
    """Partners, and their evidence with the keys of its vectors."""

    partners: list[Partner] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    """The content hash of each piece of evidence."""


def partner_value(row: PartnerRow) -> Partner:
    """A partner as the engine sees it."""
    organisation = row.organisation
    return Partner(
        id=str(row.id),
        kind=row.kind,
        organisation=None if organisation is None else str(organisation.id),
        clusters=frozenset(cluster.slug for cluster in row.clusters),
        prefecture=None if organisation is None else organisation.prefecture,
        city=None if organisation is None else organisation.city,
        engagement_types=frozenset(row.engagement_types),
        unavailable=tuple(Period(u.start, u.end) for u in row.unavailable),
    )


def read_all(session: Session) -> Rows:
    """All partners, and all evidence partner by partner, each in the order of their ids."""
    found = Rows()
    _read(session, found, None)
    return found


def read_some(session: Session, partner_ids: Sequence[UUID]) -> Rows:
    """Those of these partners that there are, with all their evidence."""
    found = Rows()
    for start in range(0, len(partner_ids), PARAMETERS):
        _read(session, found, partner_ids[start : start + PARAMETERS])
    return found


def _read(session: Session, found: Rows, ids: Sequence[UUID] | None) -> None:
    def of(column: Any) -> list[ColumnElement[bool]]:
        return [] if ids is None else [column.in_(ids)]

    links = partner_clusters.c
    clusters: dict[UUID, list[str]] = defaultdict(list)
    member = select(links.partner_id, Cluster.slug).join(Cluster, Cluster.id == links.cluster_id)
    for owner, slug in _stream(session, member.where(*of(links.partner_id))):
        clusters[owner].append(slug)
    away: dict[UUID, list[tuple[date, date | None]]] = defaultdict(list)
    absent = select(Unavailability.partner_id, Unavailability.start, Unavailability.end)
    in_order = absent.where(*of(Unavailability.partner_id)).order_by(Unavailability.start)
    for owner, start, end in _stream(session, in_order):
        away[owner].append((start, end))
    for row in _stream(session, _PARTNERS.where(*of(PartnerRow.id))):
        found.partners.append(_partner(row, clusters.get(row.id, ()), away.get(row.id, ())))
    for row in _stream(session, _CAPABILITIES.where(*of(Capability.partner_id))):
        found.evidence.append(_evidence(row))
        found.hashes.append(row.content_hash)


_PARTNERS: Final = (
    select(
        PartnerRow.id,
        PartnerRow.kind,
        PartnerRow.organisation_id,
        PartnerRow.engagement_types,
        Organisation.prefecture,
        Organisation.city,
    )
    .outerjoin(Organisation, Organisation.id == PartnerRow.organisation_id)
    .order_by(PartnerRow.id)
)
_CAPABILITIES: Final = select(
    Capability.id,
    Capability.partner_id,
    Capability.kind,
    Capability.title_ja,
    Capability.text_ja,
    Capability.title_en,
    Capability.text_en,
    Capability.external_id,
    Capability.year,
    Capability.content_hash,
).order_by(Capability.partner_id, Capability.id)


def _stream(session: Session, statement: Any) -> Iterator[Any]:
    """Rows as they come; on PostgreSQL from a cursor of the server."""
    with session.execute(statement.execution_options(yield_per=AT_ONCE)) as result:
        yield from result


def _partner(
    row: Any, clusters: Iterable[str], away: Iterable[tuple[date, date | None]]
) -> Partner:
    return Partner(
        id=str(row.id),
        kind=row.kind,
        organisation=None if row.organisation_id is None else str(row.organisation_id),
        clusters=frozenset(clusters),
        prefecture=row.prefecture,
        city=row.city,
        engagement_types=frozenset(row.engagement_types),
        unavailable=tuple(Period(start, end) for start, end in away),
    )


def _evidence(row: Any) -> Evidence:
    return Evidence(
        id=str(row.id),
        partner=str(row.partner_id),
        text=bilingual_text(row.title_ja, row.text_ja, row.title_en, row.text_en),
        kind=row.kind,
        external_id=row.external_id,
        year=row.year,
    )
