"""Partners."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import conflict, not_found
from app.schemas.partner import PartnerIn
from app.services.clusters import clusters_by_slug
from app.services.organisations import require_organisation
from app.services.paging import PageOf, page
from models import Partner, PartnerKind, Unavailability

UNIQUE_FIELDS = ("external_id", "orcid", "researchmap_id")


def create_partner(session: Session, values: PartnerIn) -> Partner:
    """Store a new partner."""
    partner = Partner()
    session.add(partner)
    return write_partner(session, partner, values)


def write_partner(session: Session, partner: Partner, values: PartnerIn) -> Partner:
    """Give a partner these values.

    Problem 409 if another partner has its ORCID iD, researchmap or external id; 422 for an
    unknown organisation or cluster.
    """
    with session.no_autoflush:
        _require_unique(session, partner, values)
        if values.organisation_id is not None:
            require_organisation(session, values.organisation_id, field="organisation_id")
        clusters = clusters_by_slug(session, values.clusters)
    for field, value in values.model_dump(exclude={"clusters", "unavailable"}).items():
        setattr(partner, field, value)
    partner.clusters = clusters
    partner.unavailable = [Unavailability(**u.model_dump()) for u in values.unavailable]
    session.flush()
    return partner


def _require_unique(session: Session, partner: Partner, values: PartnerIn) -> None:
    for field in UNIQUE_FIELDS:
        value = getattr(values, field)
        if value is None:
            continue
        other = session.scalar(select(Partner.id).where(getattr(Partner, field) == value))
        if other not in (None, partner.id):
            raise conflict(f"Another partner has this {field}.")


def get_partner(session: Session, partner_id: UUID) -> Partner:
    """A partner, else Problem 404."""
    partner = session.get(Partner, partner_id)
    if partner is None:
        raise not_found("partner")
    return partner


def find_partner(session: Session, reference: str) -> Partner:
    """A partner by id or external id, else Problem 404; for people at a terminal."""
    try:
        return get_partner(session, UUID(reference))
    except ValueError:
        partner = session.scalar(select(Partner).where(Partner.external_id == reference))
        if partner is None:
            raise not_found("partner") from None
        return partner


def list_partners(
    session: Session,
    *,
    cursor: str | None,
    limit: int,
    kind: PartnerKind | None = None,
    cluster: str | None = None,
    external_id: str | None = None,
) -> PageOf[Partner]:
    """A page of partners."""
    statement = select(Partner)
    if kind is not None:
        statement = statement.where(Partner.kind == kind)
    if cluster is not None:
        statement = statement.where(Partner.clusters.any(slug=cluster))
    if external_id is not None:
        statement = statement.where(Partner.external_id == external_id)
    return page(session, statement, Partner, cursor=cursor, limit=limit)


def delete_partner(session: Session, partner: Partner) -> None:
    """Remove a partner with all its evidence and its places in kept match lists."""
    session.delete(partner)
    session.flush()
