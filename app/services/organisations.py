"""Organisations."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.access import Action, Actor
from app.errors import conflict, invalid, not_found
from app.schemas.common import Order
from app.schemas.organisation import OrganisationIn
from app.services.clusters import clusters_by_slug
from app.services.names import named, place_by_name, renew_name_keys
from app.services.paging import PageOf, page
from app.visibility import organisations_for
from models import Account, Need, Organisation, OrganisationKind, Partner


def create_organisation(session: Session, values: OrganisationIn) -> Organisation:
    """Store a new organisation."""
    organisation = Organisation()
    session.add(organisation)
    return write_organisation(session, organisation, values)


def write_organisation(
    session: Session, organisation: Organisation, values: OrganisationIn
) -> Organisation:
    """Give an organisation these values; Problem 409 if another has its external id."""
    with session.no_autoflush:
        _require_unique(session, organisation, values)
        clusters = clusters_by_slug(session, values.clusters)
    for field, value in values.model_dump(exclude={"clusters"}).items():
        setattr(organisation, field, value)
    organisation.clusters = clusters
    place_by_name(organisation)
    session.flush()
    renew_name_keys(session, [organisation])
    return organisation


def _require_unique(session: Session, organisation: Organisation, values: OrganisationIn) -> None:
    if values.external_id is None:
        return
    other = session.scalar(
        select(Organisation.id).where(Organisation.external_id == values.external_id)
    )
    if other not in (None, organisation.id):
        raise conflict("Another organisation has this external_id.")


def get_organisation(
    session: Session,
    organisation_id: UUID,
    *,
    actor: Actor,
    action: Action = Action.READ_ORGANISATION,
    lock: bool = False,
) -> Organisation:
    """An organisation with which the actor may do that, else Problem 404; `lock` to change it."""
    statement = select(Organisation).where(
        Organisation.id == organisation_id, organisations_for(actor, action)
    )
    if lock:  # what is compared and changed stays as it is until the commit
        statement = statement.with_for_update(of=Organisation)
    organisation = session.scalar(statement)
    if organisation is None:
        raise not_found("organisation")
    return organisation


def require_organisation(session: Session, organisation_id: UUID, *, field: str) -> None:
    """Problem 422 on `field` unless the organisation exists."""
    if session.get(Organisation, organisation_id) is None:
        raise invalid(field, "there is no organisation with this id")


def list_organisations(
    session: Session,
    *,
    actor: Actor,
    cursor: str | None,
    limit: int,
    kind: OrganisationKind | None = None,
    cluster: str | None = None,
    external_id: str | None = None,
    name: str | None = None,
    order: Order = "created",
) -> PageOf[Organisation]:
    """A page of the organisations that the actor may see."""
    statement = select(Organisation).where(organisations_for(actor, Action.READ_ORGANISATION))
    if kind is not None:
        statement = statement.where(Organisation.kind == kind)
    if cluster is not None:
        statement = statement.where(Organisation.clusters.any(slug=cluster))
    if external_id is not None:
        statement = statement.where(Organisation.external_id == external_id)
    if name is not None:
        statement = named(statement, Organisation, name)
    return page(session, statement, Organisation, cursor=cursor, limit=limit, order=order)


def delete_organisation(session: Session, organisation: Organisation) -> None:
    """Remove an organisation; Problem 409 while needs, partners or keys belong to it."""
    for table, noun in ((Need, "needs"), (Partner, "partners"), (Account, "accounts")):
        if session.scalar(select(exists().where(table.organisation_id == organisation.id))):
            raise conflict(f"The organisation still has {noun}: move or remove them first.")
    session.delete(organisation)
    session.flush()
