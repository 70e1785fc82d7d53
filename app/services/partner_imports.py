"""Partners and their evidence from records to rows, also of partners merged from several records.

A partner that was merged takes from each of its records what that one adds, whichever file comes
first: single fields follow the record it kept, lists are united, nothing is blanked. Otherwise two
files would overwrite each other for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.orm import Session, selectinload

from app.services.bulk_rows import insert_new, insert_rows, note_written, row_of
from app.services.capability_imports import ERASED, Owner, import_capabilities
from app.services.duplicates import IDENTITIES
from app.services.imports import (
    Imported,
    all_clusters,
    assign,
    assign_clusters,
    organisations_by_external_id,
)
from app.services.names import (
    imported_reading,
    new_name_keys,
    place_by_name,
    renew_name_keys,
)
from app.services.partners import partners_by_external_id
from app.services.suppressions import (
    Identifiers,
    PersonName,
    identifiers_of,
    names_of,
    some,
    suppressed_by,
)
from data.records import PartnerRecord
from models import (
    Organisation,
    Partner,
    PartnerAlias,
    Unavailability,
    new_id,
    partner_clusters,
    partner_name_keys,
)

Holder = tuple[UUID, str]
"""A partner's id, and what to call it in a report."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The partner that a record is about."""

    row: Partner
    is_merged: bool
    """Records were merged into it."""
    is_former: bool
    """The record is one of those."""

    def owner(self, *, is_new: bool) -> Owner:
        """As the owner of evidence."""
        return Owner(self.row.id, self.is_merged, self.is_former, is_new=is_new)


def import_partners(session: Session, records: Sequence[PartnerRecord], done: Imported) -> None:
    """Store partners by external id, with their evidence."""
    clusters = all_clusters(session)
    organisations = organisations_by_external_id(session, (r.affiliation for r in records))
    taken = _taken_identities(session, records)
    targets = _targets(session, [record.id for record in records])
    records = _admitted(session, records, targets, organisations, done)
    fresh: dict[UUID, Partner] = {}
    for record in records:
        target = targets.get(record.id)
        if target is None:
            row = Partner(id=new_id(), external_id=record.id)
            target = targets[record.id] = _Target(row, is_merged=False, is_former=False)
            fresh[row.id] = row
            done.new_partners.add(row.id)
        _assign_partner(target, record, organisations, done)
        assign_clusters(target.row, record, clusters, done, unite=target.is_merged)
        _assign_identities(target, record, taken, done)
        place_by_name(target.row)
        done.count(session, target.row)
    session.flush()
    insert_partners(session, list(fresh.values()))
    stored = [targets[record.id].row for record in records]
    renew_name_keys(session, [row for row in stored if row.id not in fresh])
    owners = {key: t.owner(is_new=t.row.id in fresh) for key, t in targets.items()}
    pairs = [(record.id, piece) for record in records for piece in record.evidence]
    import_capabilities(session, owners, pairs, done)
    note_written(session, fresh.keys())


def insert_partners(session: Session, partners: Sequence[Partner]) -> None:
    """Write new partners that are in no session, with clusters, unavailability and name keys."""
    insert_new(session, Partner, [row_of(partner) for partner in partners])
    # What belongs to a new partner is told by the entry of that.
    insert_rows(
        session,
        cast("Table", Unavailability.__table__),
        [
            row_of(period) | {"partner_id": partner.id}
            for partner in partners
            for period in partner.unavailable
        ],
    )
    clusters = [
        {"partner_id": partner.id, "cluster_id": cluster.id}
        for partner in partners
        for cluster in partner.clusters
    ]
    insert_rows(session, partner_clusters, clusters)
    keys = [key for partner in partners for key in new_name_keys(partner)]
    insert_rows(session, partner_name_keys, keys)


def _admitted(
    session: Session,
    records: Sequence[PartnerRecord],
    targets: dict[str, _Target],
    organisations: dict[str, Organisation],
    done: Imported,
) -> list[PartnerRecord]:
    """Without the records of persons who were erased; these are reported.

    What a stored partner is known by already speaks against none of its records: it may be the
    namesake of an erased person.
    """
    stored = {key: identifiers_of(target.row) for key, target in targets.items()}
    asked = [_identifiers_in(record, organisations) for record in records]
    found = suppressed_by(session, [*asked, *stored.values()])
    held = dict(zip(stored, found[len(asked) :], strict=True))
    kept = []
    for record, bad in zip(records, found[: len(asked)], strict=True):
        if bad - held.get(record.id, frozenset()):
            done.suppressed.append(f"partner {record.id}: {ERASED}")
            done.left_out.add(record.id)
        else:
            kept.append(record)
    return kept


def _identifiers_in(record: PartnerRecord, organisations: dict[str, Organisation]) -> Identifiers:
    home = names_of(organisations.get(record.affiliation or ""))
    return Identifiers(
        orcid=some(record.orcid),
        researchmap=some(record.researchmap_id),
        external_id=some(record.id),
        names=(PersonName(record.name_ja, record.name_kana, record.name_en, home),),
    )


def _targets(session: Session, ids: Iterable[str]) -> dict[str, _Target]:
    """The stored partners by these ids, also by ids of records merged into them."""
    found = partners_by_external_id(session, ids)
    partner_ids = {partner.id for partner in found.values()}
    # All at once, rather than one query for each partner.
    loading = (selectinload(Partner.clusters), selectinload(Partner.unavailable))
    statement = select(Partner).where(Partner.id.in_(partner_ids)).options(*loading)
    session.scalars(statement).all()
    aliases = select(PartnerAlias.partner_id).where(PartnerAlias.partner_id.in_(partner_ids))
    merged = set(session.scalars(aliases))
    return {
        key: _Target(row, is_merged=row.id in merged, is_former=row.external_id != key)
        for key, row in found.items()
    }


def _assign_partner(
    target: _Target,
    record: PartnerRecord,
    organisations: dict[str, Organisation],
    done: Imported,
) -> None:
    row = target.row
    values = record.model_dump(include={"name_ja", "name_en", "kind", "languages"})
    values["engagement_types"] = [str(kind) for kind in record.engagement_types]
    values["name_kana"] = imported_reading(row, record.name_ja, record.name_kana)
    if record.affiliation is not None:
        organisation = organisations.get(record.affiliation)
        if organisation is not None:
            values["organisation_id"] = organisation.id
        else:
            done.problems.append(
                f"partner {record.id}: there is no organisation {record.affiliation}; "
                "stored without affiliation"
            )
    if target.is_merged:
        said = row.languages or []
        values["languages"] = list(dict.fromkeys([*said, *record.languages]))
        values = {name: value for name, value in values.items() if value}
    if target.is_former:
        values = {n: v for n, v in values.items() if n == "languages" or not getattr(row, n)}
    assign(row, values)
    _assign_unavailability(target, record)


def _assign_unavailability(target: _Target, record: PartnerRecord) -> None:
    said = {(u.start, u.end, u.reason) for u in target.row.unavailable}
    wanted = {(u.start, u.end, u.reason) for u in record.unavailable}
    if target.is_merged:
        wanted |= said
    if said != wanted:
        target.row.unavailable = [
            Unavailability(start=start, end=end, reason=reason)
            for start, end, reason in sorted(wanted, key=str)
        ]


def _taken_identities(
    session: Session, records: Sequence[PartnerRecord]
) -> dict[tuple[str, str], Holder]:
    """Whose each ORCID iD and researchmap id is, of those in the records."""
    taken: dict[tuple[str, str], Holder] = {}
    for field in IDENTITIES:
        column = getattr(Partner, field)
        wanted = {getattr(record, field) for record in records} - {None}
        columns = (column, Partner.id, Partner.external_id)
        for value, owner, name in session.execute(select(*columns).where(column.in_(wanted))):
            taken[field, value] = owner, str(name or owner)
    return taken


def _assign_identities(
    target: _Target,
    record: PartnerRecord,
    taken: dict[tuple[str, str], Holder],
    done: Imported,
) -> None:
    row = target.row
    for field in IDENTITIES:
        value, held = getattr(record, field), getattr(row, field)
        if value is None:
            if not target.is_merged:
                assign(row, {field: None})
            continue
        owner, name = taken.setdefault((field, value), (row.id, record.id))
        if owner != row.id:
            done.problems.append(
                f"partner {record.id}: {field} {value} belongs to {name}; "
                "stored without it. Are they one person?"
            )
        elif target.is_former and held not in (None, value):
            done.problems.append(
                f"partner {record.id}: {field} {value} is not the {held} of the partner that this "
                "record was merged into; stored without it. Are they two people?"
            )
        else:
            assign(row, {field: value})
