"""From records that an importer has read to rows. Running it twice changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.services.capabilities import passage_of
from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
    Record,
)
from matching.text import content_hash
from models import (
    Capability,
    Cluster,
    Need,
    Organisation,
    OrganisationKind,
    Partner,
    Unavailability,
)

SOURCE: Final = "import"
"""Source of capabilities whose file names none."""
IDENTITIES: Final = ("orcid", "researchmap_id")


@dataclass
class Imported:
    """What was done, and what could not be done."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, session: Session, row: Any) -> None:
        """Count a row that is in the session as new, changed or as it was."""
        if row in session.new:
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
        _assign(cluster, record.model_dump(exclude={"id"}))
        done.count(session, cluster)
    session.flush()


def import_organisations(
    session: Session, records: Sequence[OrganisationRecord], done: Imported
) -> None:
    """Store organisations by external id."""
    clusters = _clusters(session)
    known = _known(session, Organisation, records)
    for record in records:
        organisation = known.get(record.id)
        if organisation is None:
            organisation = known[record.id] = Organisation(external_id=record.id)
            session.add(organisation)
        _assign(organisation, record.model_dump(exclude={"id", "clusters"}))
        _assign_clusters(organisation, record, clusters, done)
        done.count(session, organisation)
    session.flush()


def import_partners(session: Session, records: Sequence[PartnerRecord], done: Imported) -> None:
    """Store partners by external id, with their evidence."""
    clusters = _clusters(session)
    organisations = _organisations(session, (record.affiliation for record in records))
    known = _known(session, Partner, records)
    taken = _taken_identities(session, records)
    for record in records:
        partner = known.get(record.id)
        if partner is None:
            partner = known[record.id] = Partner(external_id=record.id)
            session.add(partner)
        _assign_partner(partner, record, organisations, clusters, done)
        _assign_identities(partner, record, taken, done)
        done.count(session, partner)
    session.flush()
    pairs = [(known[record.id], piece) for record in records for piece in record.evidence]
    _import_capabilities(session, pairs, done)


def import_loose_capabilities(
    session: Session, pairs: Sequence[tuple[str, CapabilityRecord]], done: Imported
) -> None:
    """Store evidence for partners that are in the database already."""
    wanted = {partner for partner, _ in pairs}
    found = session.scalars(select(Partner).where(Partner.external_id.in_(wanted)))
    known = {partner.external_id: partner for partner in found}
    for owner, record in pairs:
        if owner not in known:
            done.problems.append(f"capability {record.id}: there is no partner {owner}; left out")
    _import_capabilities(session, [(known[p], r) for p, r in pairs if p in known], done)


def import_needs(
    session: Session,
    records: Sequence[NeedRecord],
    done: Imported,
    *,
    set_name: str,
    today: date,
) -> None:
    """Store needs by external id; one without an organisation belongs to a collective one."""
    clusters = _clusters(session)
    organisations = _organisations(session, (record.organisation for record in records))
    collective = (
        _collective(session, set_name) if any(r.organisation is None for r in records) else None
    )
    known = _known_needs(session, records)
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
        _assign_clusters(need, record, clusters, done)
        done.count(session, need)
    session.flush()


def _assign_partner(
    partner: Partner,
    record: PartnerRecord,
    organisations: dict[str, Organisation],
    clusters: dict[str, Cluster],
    done: Imported,
) -> None:
    plain = {"name_ja", "name_en", "kind", "languages"}
    _assign(partner, record.model_dump(include=plain))
    _assign(partner, {"engagement_types": [str(kind) for kind in record.engagement_types]})
    if record.affiliation is not None:
        organisation = organisations.get(record.affiliation)
        if organisation is None:
            done.problems.append(
                f"partner {record.id}: there is no organisation {record.affiliation}; "
                "stored without affiliation"
            )
        elif partner.organisation_id != organisation.id:
            partner.organisation_id = organisation.id
    _assign_clusters(partner, record, clusters, done)
    said = [(u.start, u.end, u.reason) for u in partner.unavailable]
    wanted = [(u.start, u.end, u.reason) for u in record.unavailable]
    if sorted(said, key=str) != sorted(wanted, key=str):
        partner.unavailable = [Unavailability(**u.model_dump()) for u in record.unavailable]


def _taken_identities(
    session: Session, records: Sequence[PartnerRecord]
) -> dict[tuple[str, str], str]:
    """Whose each ORCID iD and researchmap id is, by external id, of those in the records."""
    taken: dict[tuple[str, str], str] = {}
    for field_name in IDENTITIES:
        column = getattr(Partner, field_name)
        wanted = {getattr(record, field_name) for record in records} - {None}
        rows = session.execute(select(column, Partner.external_id).where(column.in_(wanted)))
        taken |= {(field_name, value): str(owner) for value, owner in rows.all()}
    return taken


def _assign_identities(
    partner: Partner,
    record: PartnerRecord,
    taken: dict[tuple[str, str], str],
    done: Imported,
) -> None:
    for field_name in IDENTITIES:
        value = getattr(record, field_name)
        owner = record.id if value is None else taken.setdefault((field_name, value), record.id)
        if owner == record.id:
            _assign(partner, {field_name: value})
        else:
            done.problems.append(
                f"partner {record.id}: {field_name} {value} belongs to {owner}; "
                "stored without it. Are they one person?"
            )


def _assign_need(need: Need, record: NeedRecord, owner: Organisation) -> None:
    left = {"id", "organisation", "clusters", "year", "exclude_evidence", "engagement_types"}
    _assign(need, record.model_dump(exclude=left | {"new_partners"}))
    _assign(need, {"engagement_types": [str(kind) for kind in record.engagement_types]})
    _assign(need, {"organisation_id": owner.id, "excluded_evidence": list(record.exclude_evidence)})
    if record.year is not None:
        _assign(need, {"posted_on": date(record.year, 1, 1)})


def _import_capabilities(
    session: Session, pairs: Sequence[tuple[Partner, CapabilityRecord]], done: Imported
) -> None:
    owners = {partner.id for partner, _ in pairs}
    stored = session.scalars(select(Capability).where(Capability.partner_id.in_(owners)))
    known = {(c.partner_id, c.source, c.external_id): c for c in stored}
    for partner, record in pairs:
        key = (partner.id, record.source or SOURCE, record.id)
        capability = known.get(key)
        if capability is None:
            capability = known[key] = Capability(
                partner_id=partner.id, source=key[1], external_id=record.id
            )
            session.add(capability)
        _assign(capability, record.model_dump(exclude={"id", "source", "variants"}))
        _assign(capability, {"content_hash": content_hash(passage_of(capability))})
        done.count(session, capability)
    session.flush()


def _assign(row: Any, values: dict[str, Any]) -> None:
    """Set what differs only, so that an unchanged row stays untouched."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _assign_clusters(
    row: Organisation | Partner | Need,
    record: OrganisationRecord | PartnerRecord | NeedRecord,
    clusters: dict[str, Cluster],
    done: Imported,
) -> None:
    for slug in record.clusters:
        if slug not in clusters:
            done.problems.append(
                f"{_noun(record)} {record.id}: there is no cluster {slug}; stored without it"
            )
    wanted = sorted({slug for slug in record.clusters if slug in clusters})
    if [cluster.slug for cluster in row.clusters] != wanted:
        row.clusters = [clusters[slug] for slug in wanted]


def _noun(record: Record) -> str:
    return type(record).__name__.removesuffix("Record").lower()


def _clusters(session: Session) -> dict[str, Cluster]:
    return {cluster.slug: cluster for cluster in session.scalars(select(Cluster))}


def _organisations(session: Session, ids: Iterable[str | None]) -> dict[str, Organisation]:
    wanted = {i for i in ids if i is not None}
    found = session.scalars(select(Organisation).where(Organisation.external_id.in_(wanted)))
    return {str(organisation.external_id): organisation for organisation in found}


def _known(session: Session, table: Any, records: Sequence[Any]) -> dict[str, Any]:
    wanted = {record.id for record in records}
    statement = select(table).where(table.external_id.in_(wanted))
    statement = statement.options(selectinload(table.clusters))
    if table is Partner:
        statement = statement.options(selectinload(Partner.unavailable))
    return {row.external_id: row for row in session.scalars(statement)}


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
        session.add(organisation)
        session.flush()
    return organisation
