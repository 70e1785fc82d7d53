"""Partners."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from app.access import Action, Actor
from app.errors import conflict, invalid, not_found
from app.schemas.common import Order
from app.schemas.partner import PartnerIn, PartnerPatch
from app.services.clusters import clusters_by_slug
from app.services.names import named, place_by_name, renew_name_keys
from app.services.organisations import require_organisation
from app.services.paging import PageOf, page
from app.services.suppressions import (
    Identifiers,
    PersonName,
    identifiers_of,
    names_of,
    require_admitted,
    some,
)
from app.visibility import partners_for
from matching.names import name_query
from models import Organisation, Partner, PartnerAlias, PartnerKind, Role, Unavailability

UNIQUE_FIELDS = ("external_id", "orcid", "researchmap_id")
MOST_NAMED: Final = 5
"""Partners of one name who are listed to choose from."""


def create_partner(session: Session, values: PartnerIn) -> Partner:
    """Store a new partner."""
    partner = Partner()
    session.add(partner)
    return write_partner(session, partner, values)


def write_partner(session: Session, partner: Partner, values: PartnerIn) -> Partner:
    """Give a partner these values.

    Problem 409 if another partner has its ORCID iD, researchmap or external id, or if they are
    those of a person who was erased; 422 for an unknown organisation or cluster.
    """
    with session.no_autoflush:
        _require_unique(session, partner, values)
        if values.organisation_id is not None:
            require_organisation(session, values.organisation_id, field="organisation_id")
        clusters = clusters_by_slug(session, values.clusters)
        _require_admitted(session, partner, values)
    for field, value in values.model_dump(exclude={"clusters", "unavailable"}).items():
        setattr(partner, field, value)
    partner.clusters = clusters
    partner.unavailable = [Unavailability(**u.model_dump()) for u in values.unavailable]
    place_by_name(partner)
    session.flush()
    renew_name_keys(session, [partner])
    return partner


def _require_admitted(session: Session, partner: Partner, values: PartnerIn) -> None:
    home = session.get(Organisation, values.organisation_id) if values.organisation_id else None
    wanted = Identifiers(
        orcid=some(values.orcid),
        researchmap=some(values.researchmap_id),
        external_id=some(values.external_id),
        names=(PersonName(values.name_ja, values.name_kana, values.name_en, names_of(home)),),
    )
    is_stored = inspect(partner).persistent
    require_admitted(session, wanted, before=identifiers_of(partner) if is_stored else None)


def _require_unique(session: Session, partner: Partner, values: PartnerIn) -> None:
    for field in UNIQUE_FIELDS:
        value = getattr(values, field)
        if value is None:
            continue
        other = session.scalar(select(Partner.id).where(getattr(Partner, field) == value))
        if other not in (None, partner.id):
            raise conflict(f"Another partner has this {field}.")
    if values.external_id is not None:
        statement = select(PartnerAlias.partner_id)
        other = session.scalar(statement.where(PartnerAlias.external_id == values.external_id))
        if other not in (None, partner.id):
            raise conflict("A record with this external_id was merged into another partner.")


OWN_FIELDS: Final = frozenset(
    {
        "name_ja",
        "name_en",
        "name_kana",
        "languages",
        "engagement_types",
        "clusters",
        "unavailable",
    }
)
"""What a partner may say of itself; the rest ties it to other records and is the office's."""


def require_own_fields(patch: PartnerPatch, *, actor: Actor) -> None:
    """Problem 422 if a partner changes what only the office may."""
    beyond = patch.model_fields_set - OWN_FIELDS
    if actor.role is Role.PARTNER and beyond:
        raise invalid(min(beyond), "is changed by the office: ask your coordinator")


def get_partner(
    session: Session,
    partner_id: UUID,
    *,
    actor: Actor,
    action: Action = Action.READ_PARTNER,
    lock: bool = False,
) -> Partner:
    """A partner with which the actor may do that, else Problem 404; `lock` it to change it."""
    statement = select(Partner).where(Partner.id == partner_id, partners_for(actor, action))
    if lock:  # what is compared and changed stays as it is until the commit
        statement = statement.with_for_update(of=Partner)
    partner = session.scalars(statement).unique().one_or_none()
    if partner is None:
        raise not_found("partner")
    return partner


def find_partner(session: Session, reference: str, *, actor: Actor) -> Partner:
    """A partner by id, external id or name, for people at a terminal.

    Problem 404 if there is none, 409 if several have the name.
    """
    try:
        return get_partner(session, UUID(reference), actor=actor)
    except ValueError:
        pass
    known = partners_by_external_id(session, [reference])
    if reference in known:
        return known[reference]
    if name_query(reference) is None:
        raise not_found("partner")
    statement = named(select(Partner), Partner, reference).order_by(Partner.name_sort, Partner.id)
    found = session.scalars(statement.limit(MOST_NAMED + 1)).unique().all()
    if not found:
        raise not_found("partner")
    if len(found) > 1:
        who = "; ".join(f"{p.name_ja or p.name_en} ({p.external_id or p.id})" for p in found)
        raise conflict(f"Several partners have this name, say which one by its id: {who}.")
    return found[0]


def partners_by_external_id(session: Session, ids: Iterable[str]) -> dict[str, Partner]:
    """The partners that have these ids in their files, or had them before they were merged."""
    wanted = set(ids)
    own = session.scalars(select(Partner).where(Partner.external_id.in_(wanted))).unique()
    found = {str(partner.external_id): partner for partner in own}
    former = (
        select(PartnerAlias.external_id, Partner)
        .join(Partner, Partner.id == PartnerAlias.partner_id)
        .where(PartnerAlias.external_id.in_(wanted - found.keys()))
    )
    return found | {str(row[0]): row[1] for row in session.execute(former)}


def list_partners(
    session: Session,
    *,
    actor: Actor,
    cursor: str | None,
    limit: int,
    kind: PartnerKind | None = None,
    cluster: str | None = None,
    external_id: str | None = None,
    name: str | None = None,
    order: Order = "created",
) -> PageOf[Partner]:
    """A page of partners; `name` as a person types it, `external_id` also of merged records."""
    statement = select(Partner).where(partners_for(actor, Action.READ_PARTNER))
    if kind is not None:
        statement = statement.where(Partner.kind == kind)
    if cluster is not None:
        statement = statement.where(Partner.clusters.any(slug=cluster))
    if external_id is not None:
        merged = select(PartnerAlias.partner_id).where(PartnerAlias.external_id == external_id)
        statement = statement.where(or_(Partner.external_id == external_id, Partner.id.in_(merged)))
    if name is not None:
        statement = named(statement, Partner, name)
    return page(session, statement, Partner, cursor=cursor, limit=limit, order=order)


def delete_partner(session: Session, partner: Partner) -> None:
    """Remove a partner with all its evidence and its places in kept match lists."""
    session.delete(partner)
    session.flush()
