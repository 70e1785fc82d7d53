"""Partners."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access import Rule, rule
from app.deps import CurrentActor, CurrentEngine, CurrentPage, ReadSession, Today, WriteSession
from app.presenting import need_match_list
from app.schemas.capability import CapabilityIn, CapabilityOut
from app.schemas.common import NAMED, ORDERED, ExternalId, Order, Page, Slug, merged
from app.schemas.match import NeedMatchListOut
from app.schemas.partner import PartnerIn, PartnerOut, PartnerPatch
from app.services import capabilities, matches, partners
from models import CapabilityKind, PartnerKind

router = APIRouter(prefix="/partners", tags=["partners"])


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Rule.STAFF)
def create_partner(body: PartnerIn, session: WriteSession, actor: CurrentActor) -> PartnerOut:
    """Add a partner."""
    return PartnerOut.model_validate(partners.create_partner(session, body))


@router.get("")
@rule(Rule.STAFF)
def list_partners(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: PartnerKind | None = None,
    cluster: Slug | None = None,
    external_id: ExternalId = None,
    name: Annotated[str | None, Query(max_length=300, description=NAMED)] = None,
    order: Annotated[Order, Query(description=ORDERED)] = "created",
) -> Page[PartnerOut]:
    """Partners."""
    found = partners.list_partners(
        session,
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
@rule(Rule.STAFF)
def read_partner(partner_id: UUID, session: ReadSession, actor: CurrentActor) -> PartnerOut:
    """One partner."""
    return PartnerOut.model_validate(partners.get_partner(session, partner_id))


@router.patch("/{partner_id}")
@rule(Rule.STAFF)
def update_partner(
    partner_id: UUID, body: PartnerPatch, session: WriteSession, actor: CurrentActor
) -> PartnerOut:
    """Change some fields of a partner."""
    found = partners.get_partner(session, partner_id)
    values = merged(PartnerIn, PartnerOut.model_validate(found), body)
    return PartnerOut.model_validate(partners.write_partner(session, found, values))


@router.delete("/{partner_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Rule.STAFF)
def delete_partner(partner_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """Remove a partner with all its evidence."""
    partners.delete_partner(session, partners.get_partner(session, partner_id))


@router.post("/{partner_id}/capabilities", status_code=HTTPStatus.CREATED)
@rule(Rule.STAFF)
def create_capability(
    partner_id: UUID, body: CapabilityIn, session: WriteSession, actor: CurrentActor
) -> CapabilityOut:
    """Add a piece of evidence; it counts in the very next match list."""
    partners.get_partner(session, partner_id)
    return CapabilityOut.model_validate(capabilities.create_capability(session, partner_id, body))


@router.get("/{partner_id}/capabilities")
@rule(Rule.STAFF)
def list_capabilities(
    partner_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    kind: CapabilityKind | None = None,
) -> Page[CapabilityOut]:
    """The evidence of a partner."""
    partners.get_partner(session, partner_id)
    found = capabilities.list_capabilities(
        session, cursor=page.cursor, limit=page.limit, partner_id=partner_id, kind=kind
    )
    return Page[CapabilityOut].model_validate(found, from_attributes=True)


@router.get("/{partner_id}/matches")
@rule(Rule.STAFF)
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
    partner = partners.get_partner(session, partner_id)
    found = matches.match_partner(
        session, engine, partner, actor=actor, today=today, top=top, explain=explain
    )
    return need_match_list(partner.id, found)
