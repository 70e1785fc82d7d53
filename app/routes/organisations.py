"""Organisations."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access import Rule, rule
from app.deps import CurrentActor, CurrentPage, ReadSession, WriteSession
from app.schemas.common import NAMED, ORDERED, ExternalId, Order, Page, Slug, merged
from app.schemas.organisation import OrganisationIn, OrganisationOut, OrganisationPatch
from app.services import organisations
from models import OrganisationKind

router = APIRouter(prefix="/organisations", tags=["organisations"])


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Rule.STAFF)
def create_organisation(
    body: OrganisationIn, session: WriteSession, actor: CurrentActor
) -> OrganisationOut:
    """Add an organisation."""
    return OrganisationOut.model_validate(organisations.create_organisation(session, body))


@router.get("")
@rule(Rule.ANY_KEY)
def list_organisations(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: OrganisationKind | None = None,
    cluster: Slug | None = None,
    external_id: ExternalId = None,
    name: Annotated[str | None, Query(max_length=300, description=NAMED)] = None,
    order: Annotated[Order, Query(description=ORDERED)] = "created",
) -> Page[OrganisationOut]:
    """Organisations; a company key sees its own only."""
    found = organisations.list_organisations(
        session,
        actor=actor,
        cursor=page.cursor,
        limit=page.limit,
        kind=kind,
        cluster=cluster,
        external_id=external_id,
        name=name,
        order=order,
    )
    return Page[OrganisationOut].model_validate(found, from_attributes=True)


@router.get("/{organisation_id}")
@rule(Rule.ANY_KEY)
def read_organisation(
    organisation_id: UUID, session: ReadSession, actor: CurrentActor
) -> OrganisationOut:
    """One organisation."""
    found = organisations.get_organisation(session, organisation_id, actor=actor)
    return OrganisationOut.model_validate(found)


@router.patch("/{organisation_id}")
@rule(Rule.STAFF)
def update_organisation(
    organisation_id: UUID, body: OrganisationPatch, session: WriteSession, actor: CurrentActor
) -> OrganisationOut:
    """Change some fields of an organisation."""
    found = organisations.get_organisation(session, organisation_id, actor=actor)
    values = merged(OrganisationIn, OrganisationOut.model_validate(found), body)
    return OrganisationOut.model_validate(organisations.write_organisation(session, found, values))


@router.delete("/{organisation_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Rule.STAFF)
def delete_organisation(organisation_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """Remove an organisation that nothing belongs to any more."""
    found = organisations.get_organisation(session, organisation_id, actor=actor)
    organisations.delete_organisation(session, found)
