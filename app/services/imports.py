"""From records that an importer has read to rows. Running it twice changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.services.names import imported_reading, place_by_name, renew_name_keys
from app.services.need_versions import keep_full_versions
from data.records import (
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
    Record,
)
from models import (
    Cluster,
    Need,
    Organisation,
    OrganisationKind,
    Partner,
)


@dataclass
class Imported:
    """What was done, and what could not be done."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    """Records of persons who asked to be erased: left out, and no fault of the file."""
    left_out: set[str] = field(default_factory=set)
    """Ids of the partners among them, whose evidence is left out without another word."""
    new_partners: set[UUID] = field(default_factory=set)
    possible_duplicates: int = 0
    """Pairs with a new partner that await a decision; known at the end."""

    def count(self, session: Session, row: Any) -> None:
        """Count a row that is in the session as new, changed or as it was."""
        if row in session.new or row not in session:  # what is written in bulk is in none
            self.created += 1
        elif session.is_modified(row):
            self.changed += 1
        else:
            self.unchanged += 1


def import_clusters(session: Session, records: Sequence[ClusterRecord], done: Imported) -> None:
    """Store clusters by slug."""
    known = {cluster.slug: cluster for cluster in session.scalars(select(Cluster))}
    for record in records:
        cluster = known.get(record.id)
        if cluster is None:
            cluster = known[record.id] = Cluster(slug=record.id)
            session.add(cluster)
        assign(cluster, record.model_dump(exclude={"id"}))
        done.count(session, cluster)
    session.flush()


def import_organisations(
    session: Session, records: Sequence[OrganisationRecord], done: Imported
) -> None:
    """Store organisations by external id."""
    clusters = all_clusters(session)
    known = _known(session, records)
    for record in records:
        organisation = known.get(record.id)
        if organisation is None:
            organisation = known[record.id] = Organisation(external_id=record.id)
            session.add(organisation)
        reading = imported_reading(organisation, record.name_ja, record.name_kana)
        assign(organisation, record.model_dump(exclude={"id", "clusters"}) | {"name_kana": reading})
        assign_clusters(organisation, record, clusters, done)
        place_by_name(organisation)
        done.count(session, organisation)
    session.flush()
    renew_name_keys(session, list(known.values()))


def import_needs(
    session: Session,
    records: Sequence[NeedRecord],
    done: Imported,
    *,
    set_name: str,
    today: date,
) -> None:
    """Store needs by external id; one without an organisation belongs to a collective one."""
    clusters = all_clusters(session)
    organisations = organisations_by_external_id(session, (r.organisation for r in records))
    collective = (
        _collective(session, set_name) if any(r.organisation is None for r in records) else None
    )
    known = _known_needs(session, records)
    written: dict[Need, None] = {}
    for record in records:
        owner = collective
        if record.organisation is not None:
            owner = organisations.get(record.organisation)
        if owner is None:
            done.problems.append(
                f"need {record.id}: there is no organisation {record.organisation}; left out"
            )
            continue
        key = owner.id, record.id
        need = known.get(key)
        if need is None:
            need = known[key] = Need(external_id=record.id, posted_on=today)
            need.excluded_organisations = []
            session.add(need)
        _assign_need(need, record, owner)
        assign_clusters(need, record, clusters, done)
        done.count(session, need)
        written[need] = None
    session.flush()
    keep_full_versions(session, written, actor=None)


def _assign_need(need: Need, record: NeedRecord, owner: Organisation) -> None:
    left = {"id", "organisation", "clusters", "year", "exclude_evidence", "engagement_types"}
    assign(need, record.model_dump(exclude=left | {"new_partners"}))
    assign(need, {"engagement_types": [str(kind) for kind in record.engagement_types]})
    assign(need, {"organisation_id": owner.id, "excluded_evidence": list(record.exclude_evidence)})
    if record.year is not None:
        assign(need, {"posted_on": date(record.year, 1, 1)})


def assign(row: Any, values: dict[str, Any]) -> None:
    """Set what differs only, so that an unchanged row stays untouched."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def assign_clusters(
    row: Organisation | Partner | Need,
    record: OrganisationRecord | PartnerRecord | NeedRecord,
    clusters: dict[str, Cluster],
    done: Imported,
    *,
    unite: bool = False,
) -> None:
    """Give a row the clusters of its record, or with `unite` those besides its own."""
    for slug in record.clusters:
        if slug not in clusters:
            done.problems.append(
                f"{_noun(record)} {record.id}: there is no cluster {slug}; stored without it"
            )
    wanted = {slug for slug in record.clusters if slug in clusters}
    said = {cluster.slug for cluster in row.clusters}
    if unite:
        wanted |= said
    if said != wanted:
        row.clusters = [clusters[slug] for slug in sorted(wanted)]


def _noun(record: Record) -> str:
    return type(record).__name__.removesuffix("Record").lower()


def all_clusters(session: Session) -> dict[str, Cluster]:
    """By slug."""
    return {cluster.slug: cluster for cluster in session.scalars(select(Cluster))}


def organisations_by_external_id(
    session: Session, ids: Iterable[str | None]
) -> dict[str, Organisation]:
    """Those of these ids that are stored."""
    wanted = {i for i in ids if i is not None}
    found = session.scalars(select(Organisation).where(Organisation.external_id.in_(wanted)))
    return {str(organisation.external_id): organisation for organisation in found}


def _known(session: Session, records: Sequence[OrganisationRecord]) -> dict[str, Organisation]:
    wanted = {record.id for record in records}
    statement = select(Organisation).where(Organisation.external_id.in_(wanted))
    found = session.scalars(statement.options(selectinload(Organisation.clusters)))
    return {str(row.external_id): row for row in found}


def _known_needs(session: Session, records: Sequence[NeedRecord]) -> dict[tuple[UUID, str], Need]:
    """By organisation and external id, which is unique within an organisation only."""
    wanted = {record.id for record in records}
    statement = select(Need).where(Need.external_id.in_(wanted))
    found = session.scalars(statement.options(selectinload(Need.clusters)))
    return {(need.organisation_id, str(need.external_id)): need for need in found}


def _collective(session: Session, set_name: str) -> Organisation:
    external_id = f"imported:{set_name}"
    statement = select(Organisation).where(Organisation.external_id == external_id)
    organisation = session.scalar(statement)
    if organisation is None:
        organisation = Organisation(
            external_id=external_id,
            kind=OrganisationKind.COMPANY,
            name_en=f"Companies of the import {set_name}",
        )
        place_by_name(organisation)
        session.add(organisation)
        session.flush()
        renew_name_keys(session, [organisation])
    return organisation
