"""Evidence from records to rows: new rows in bulk, stored ones compared by their values.

Only what differs from its record is loaded as an object. Partners that records were merged into
have rules of their own and are rare: their evidence goes by the ORM.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.services.batches import batched
from app.services.bulk_rows import Row, insert_new, note_written
from app.services.capabilities import passage_of
from app.services.embeddings import PARAMETERS
from app.services.imports import Imported, assign
from app.services.merging import former_id
from app.services.suppressions import Identifiers, some, suppressed_by
from data.records import CapabilityRecord
from matching.text import content_hash, hash_of_normalised
from models import Capability, Partner, PartnerAlias, new_id, utc_now

ERASED: Final = "suppressed: this person asked to be erased; left out"
SOURCE: Final = "import"
"""Source of capabilities whose file names none."""
_FIELDS: Final = (
    *("kind", "title_ja", "title_en", "text_ja", "text_en", "year", "licence_status"),
    "content_hash",
)
"""What a record decides."""
Pair = tuple[str, CapabilityRecord]
Key = tuple[UUID, str, str | None]
"""Partner, source and the id in it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The partner that evidence is of."""

    id: UUID
    is_merged: bool
    """Records were merged into it."""
    is_former: bool
    """The id in the file is of one of those."""
    is_new: bool = False
    """It was written just now and has no evidence yet."""


def import_loose_capabilities(session: Session, pairs: Sequence[Pair], done: Imported) -> None:
    """Store evidence for partners that are in the database already."""
    wanted = {owner for owner, _ in pairs} - done.left_out
    owners = _owners(session, wanted)
    unknown = sorted(wanted - owners.keys())
    erased = suppressed_by(session, [Identifiers(external_id=some(owner)) for owner in unknown])
    suppressed = {owner for owner, found in zip(unknown, erased, strict=True) if found}
    for owner, record in pairs:
        if owner in suppressed:
            done.suppressed.append(f"capability {record.id}: {ERASED}")
        elif owner not in owners and owner not in done.left_out:
            done.problems.append(f"capability {record.id}: there is no partner {owner}; left out")
    import_capabilities(session, owners, [(p, r) for p, r in pairs if p in owners], done)


def import_capabilities(
    session: Session, owners: Mapping[str, Owner], pairs: Sequence[Pair], done: Imported
) -> None:
    """Store evidence of these partners."""
    plain = [pair for pair in pairs if not _is_special(owners[pair[0]])]
    special = [pair for pair in pairs if _is_special(owners[pair[0]])]
    _import_plain(session, owners, plain, done)
    _import_merged(session, owners, special, done)


def _is_special(owner: Owner) -> bool:
    return owner.is_merged or owner.is_former


def _owners(session: Session, ids: Collection[str]) -> dict[str, Owner]:
    """The stored partners by these ids, also by ids of records merged into them."""
    found: dict[str, Owner] = {}
    for some_ids in batched(sorted(ids), PARAMETERS):
        own = select(Partner.external_id, Partner.id).where(Partner.external_id.in_(some_ids))
        for key, partner in session.execute(own):
            found[str(key)] = Owner(partner, is_merged=False, is_former=False)
    rest = sorted(ids - found.keys())
    for some_ids in batched(rest, PARAMETERS):
        former = select(PartnerAlias.external_id, PartnerAlias.partner_id)
        for key, partner in session.execute(former.where(PartnerAlias.external_id.in_(some_ids))):
            found[str(key)] = Owner(partner, is_merged=True, is_former=True)
    merged = _merged(session, {owner.id for owner in found.values()})
    return {
        key: Owner(owner.id, owner.id in merged, owner.is_former) for key, owner in found.items()
    }


def _merged(session: Session, partner_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these partners that records were merged into."""
    found: set[UUID] = set()
    for some_ids in batched(sorted(partner_ids), PARAMETERS):
        statement = select(PartnerAlias.partner_id).where(PartnerAlias.partner_id.in_(some_ids))
        found |= set(session.scalars(statement))
    return found


def _import_plain(
    session: Session, owners: Mapping[str, Owner], pairs: Sequence[Pair], done: Imported
) -> None:
    known = _stored(session, owners, pairs)
    fresh: dict[Key, Row] = {}
    changed: dict[UUID, Row] = {}
    now = utc_now()
    for owner, record in pairs:
        values = _values(record)
        key: Key = (owners[owner].id, record.source or SOURCE, record.id)
        stored = known.get(key)
        if stored is None:
            if key not in fresh:
                fresh[key] = {"id": new_id(), "created_at": now, "updated_at": now}
                fresh[key] |= {"partner_id": key[0], "source": key[1], "external_id": key[2]}
            fresh[key] |= values
            done.created += 1
        elif stored[1:] == tuple(values[field] for field in _FIELDS):
            done.unchanged += 1
        else:
            changed[stored[0]] = values
            done.changed += 1
    for some_ids in batched(changed, PARAMETERS):
        for row in session.scalars(select(Capability).where(Capability.id.in_(some_ids))):
            assign(row, changed[row.id])
    session.flush()
    insert_new(session, Capability, list(fresh.values()))
    note_written(session, {key[0] for key in fresh})


def _values(record: CapabilityRecord) -> Row:
    values = {field: getattr(record, field) for field in _FIELDS[:-1]}
    return values | {"content_hash": hash_of_normalised(record.passage)}


def _stored(
    session: Session, owners: Mapping[str, Owner], pairs: Sequence[Pair]
) -> dict[Key, tuple[Any, ...]]:
    """The id and the fields of what is stored under the keys of these records."""
    wanted = {(owners[o].id, record.id) for o, record in pairs if not owners[o].is_new}
    columns = [getattr(Capability, field) for field in _FIELDS]
    keys = Capability.partner_id, Capability.source, Capability.external_id
    found: dict[Key, tuple[Any, ...]] = {}
    for some_pairs in batched(sorted(wanted), PARAMETERS):
        statement = select(*keys, Capability.id, *columns).where(
            Capability.partner_id.in_({partner for partner, _ in some_pairs}),
            Capability.external_id.in_({external for _, external in some_pairs}),
        )
        for row in session.execute(statement):
            found[row[0], row[1], row[2]] = tuple(row[3:])
    return found


def _import_merged(
    session: Session, owners: Mapping[str, Owner], pairs: Sequence[Pair], done: Imported
) -> None:
    stored = list(_of(session, {owners[owner].id for owner, _ in pairs}))
    known: dict[Key, Capability] = {(c.partner_id, c.source, c.external_id): c for c in stored}
    texts = {(c.partner_id, c.kind, c.content_hash): c for c in stored}
    for name, record in pairs:
        owner = owners[name]
        key: Key = (owner.id, record.source or SOURCE, record.id)
        capability = known.get((*key[:2], former_id(name, record.id))) if owner.is_former else None
        capability = capability or known.get(key)
        if capability is None and owner.is_merged:
            same = texts.get((owner.id, record.kind, content_hash(record.passage)))
            if same is not None:  # it came under another id and was kept once
                done.count(session, same)
                continue
        if capability is None:
            capability = known[key] = Capability(
                partner_id=key[0], source=key[1], external_id=record.id
            )
            session.add(capability)
        assign(capability, record.model_dump(exclude={"id", "source", "variants"}))
        assign(capability, {"content_hash": content_hash(passage_of(capability))})
        done.count(session, capability)
    session.flush()


def _of(session: Session, partner_ids: Iterable[UUID]) -> Iterator[Capability]:
    for some_ids in batched(sorted(partner_ids), PARAMETERS):
        yield from session.scalars(select(Capability).where(Capability.partner_id.in_(some_ids)))
