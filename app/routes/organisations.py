"""Organisations."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession, WriteSession
from app.etags import ChangeTags, NewTags, ReadTags
from app.schemas.common import NAMED, ORDERED, Order, Page, Slug, merged
from app.schemas.organisation import OrganisationIn, OrganisationOut, OrganisationPatch
from app.services import organisations
from models import OrganisationKind

router = APIRouter(prefix="/organisations", tags=["organisations"], route_class=ApiRoute)


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Action.CREATE_ORGANISATION)
def create_organisation(
    body: OrganisationIn, session: WriteSession, actor: CurrentActor, tags: NewTags
) -> OrganisationOut:
    """Add an organisation."""
    made = organisations.create_organisation(session, body)
    return tags.show(OrganisationOut.model_validate(made))


@router.get("")
@rule(Action.READ_ORGANISATION)
def list_organisations(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: OrganisationKind | None = None,
    cluster: Slug | None = None,
    external_id: str | None = None,
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
@rule(Action.READ_ORGANISATION)
def read_organisation(
    organisation_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> OrganisationOut:
    """One organisation."""
    found = organisations.get_organisation(session, organisation_id, actor=actor)
    return tags.show(OrganisationOut.model_validate(found))


@router.patch("/{organisation_id}")
@rule(Action.WRITE_ORGANISATION)
def update_organisation(
    organisation_id: UUID,
    body: OrganisationPatch,
    session: WriteSession,
    actor: CurrentActor,
    tags: ChangeTags,
) -> OrganisationOut:
    """Change some fields of an organisation."""
    found = organisations.get_organisation(
        session, organisation_id, actor=actor, action=Action.WRITE_ORGANISATION, lock=True
    )
    current = OrganisationOut.model_validate(found)
    tags.require(current)
    values = merged(OrganisationIn, current, body)
    written = organisations.write_organisation(session, found, values)
    return tags.show(OrganisationOut.model_validate(written))


@router.delete("/{organisation_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.DELETE_ORGANISATION)
def delete_organisation(
    organisation_id: UUID, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> None:
    """Remove an organisation that nothing belongs to any more."""
    found = organisations.get_organisation(
        session, organisation_id, actor=actor, action=Action.DELETE_ORGANISATION, lock=True
    )
    tags.require(OrganisationOut.model_validate(found))
    organisations.delete_organisation(session, found)
