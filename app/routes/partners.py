"""Partners."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentEngine, CurrentPage, ReadSession, Today, WriteSession
from app.etags import ChangeTags, NewTags, ReadTags
from app.presenting import need_match_list
from app.schemas.capability import CapabilityIn, CapabilityOut
from app.schemas.common import NAMED, ORDERED, Order, Page, Slug, merged
from app.schemas.match import NeedMatchListOut
from app.schemas.partner import PartnerIn, PartnerOut, PartnerPatch
from app.services import audit, capabilities, matches, partners
from models import CapabilityKind, ObjectKind, PartnerKind

router = APIRouter(prefix="/partners", tags=["partners"], route_class=ApiRoute)


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Action.CREATE_PARTNER)
def create_partner(
    body: PartnerIn, session: WriteSession, actor: CurrentActor, tags: NewTags
) -> PartnerOut:
    """Add a partner."""
    return tags.show(PartnerOut.model_validate(partners.create_partner(session, body)))


@router.get("")
@rule(Action.READ_PARTNER)
def list_partners(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: PartnerKind | None = None,
    cluster: Slug | None = None,
    external_id: str | None = None,
    name: Annotated[str | None, Query(max_length=300, description=NAMED)] = None,
    order: Annotated[Order, Query(description=ORDERED)] = "created",
) -> Page[PartnerOut]:
    """Partners; a partner sees itself alone."""
    found = partners.list_partners(
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
    return Page[PartnerOut].model_validate(found, from_attributes=True)


@router.get("/{partner_id}")
@rule(Action.READ_PARTNER)
def read_partner(
    partner_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> PartnerOut:
    """One partner."""
    found = partners.get_partner(session, partner_id, actor=actor)
    return tags.show(PartnerOut.model_validate(found))


@router.patch("/{partner_id}")
@rule(Action.WRITE_PARTNER)
def update_partner(
    partner_id: UUID,
    body: PartnerPatch,
    session: WriteSession,
    actor: CurrentActor,
    tags: ChangeTags,
) -> PartnerOut:
    """Change some fields of a partner; a partner itself, what it may say of itself."""
    partners.require_own_fields(body, actor=actor)
    found = partners.get_partner(
        session, partner_id, actor=actor, action=Action.WRITE_PARTNER, lock=True
    )
    current = PartnerOut.model_validate(found)
    tags.require(current)
    values = merged(PartnerIn, current, body)
    return tags.show(PartnerOut.model_validate(partners.write_partner(session, found, values)))


@router.delete("/{partner_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.DELETE_PARTNER)
def delete_partner(
    partner_id: UUID, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> None:
    """Remove a partner with all its evidence."""
    found = partners.get_partner(
        session, partner_id, actor=actor, action=Action.DELETE_PARTNER, lock=True
    )
    tags.require(PartnerOut.model_validate(found))
    partners.delete_partner(session, found)


@router.post("/{partner_id}/capabilities", status_code=HTTPStatus.CREATED)
@rule(Action.WRITE_PARTNER)
def create_capability(
    partner_id: UUID,
    body: CapabilityIn,
    session: WriteSession,
    actor: CurrentActor,
    tags: NewTags,
) -> CapabilityOut:
    """Add a piece of evidence; it counts in the very next match list."""
    partners.get_partner(session, partner_id, actor=actor, action=Action.WRITE_PARTNER)
    made = capabilities.create_capability(session, partner_id, body)
    return tags.show(CapabilityOut.model_validate(made))


@router.get("/{partner_id}/capabilities")
@rule(Action.READ_PARTNER)
def list_capabilities(
    partner_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: CapabilityKind | None = None,
) -> Page[CapabilityOut]:
    """The evidence of a partner."""
    partners.get_partner(session, partner_id, actor=actor)
    found = capabilities.list_capabilities(
        session, cursor=page.cursor, limit=page.limit, partner_id=partner_id, kind=kind
    )
    return Page[CapabilityOut].model_validate(found, from_attributes=True)


@router.get("/{partner_id}/matches")
@rule(Action.MATCH_PARTNER)
def match_partner(
    partner_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    today: Today,
    top: Annotated[int, Query(ge=1, le=200)] = 10,
    explain: bool = True,
) -> NeedMatchListOut:
    """The open needs for which this partner stands out most, with evidence.

    A need that fits everybody is no good suggestion for anybody, so what the other partners have
    is taken off the score before the needs are put into order.
    """
    partner = partners.get_partner(session, partner_id, actor=actor, action=Action.MATCH_PARTNER)
    found = matches.match_partner(
        session, engine, partner, actor=actor, today=today, top=top, explain=explain
    )
    body = need_match_list(partner.id, found)
    audit.shown(session, ObjectKind.NEED, (item.need.id for item in body.items))
    return body
