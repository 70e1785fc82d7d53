"""Partners who may be one person: offered, merged or dismissed by staff, never by the program."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, ReadSession, WriteSession
from app.etags import ChangeTags
from app.schemas.duplicate import DismissIn, MergeIn, PossibleDuplicatesOut
from app.schemas.partner import PartnerOut
from app.services import duplicates, merging, partners

router = APIRouter(prefix="/partners", tags=["partners"], route_class=ApiRoute)


@router.get("/duplicates")
@rule(Action.RESOLVE_DUPLICATES)
def list_duplicates(
    session: ReadSession,
    actor: CurrentActor,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PossibleDuplicatesOut:
    """Pairs of partners who may be one person, with the reasons, strongest first.

    Names that are the same in kanji (variants aside) or sound the same; names that only sound the
    same must share an organisation or a work besides. Two ORCID iDs are two people.
    """
    found = duplicates.possible_duplicates(session, limit=limit)
    return PossibleDuplicatesOut.model_validate(found)


@router.post("/duplicates/dismiss", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.RESOLVE_DUPLICATES)
def dismiss_duplicates(body: DismissIn, session: WriteSession, actor: CurrentActor) -> None:
    """Say that two partners are two people: the pair is not offered again."""
    duplicates.dismiss_duplicates(session, *body.partner_ids)


@router.post("/{partner_id}/merge")
@rule(Action.RESOLVE_DUPLICATES)
def merge_partners(
    partner_id: UUID, body: MergeIn, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> PartnerOut:
    """Merge another record of the same person into this one, which is kept.

    Evidence (identical pieces once), clusters, unavailability, ids and places in kept lists go
    over, the other record is removed, and later imports under its id go to this one. Answers 409
    and names the fields where the two stand against each other.
    """
    kept = partners.get_partner(session, partner_id, actor=actor, lock=True)
    tags.require(PartnerOut.model_validate(kept))
    duplicate = partners.get_partner(session, body.duplicate_id, actor=actor)
    merged = merging.merge_partners(session, kept, duplicate, keep_differing=body.keep_differing)
    return tags.show(PartnerOut.model_validate(merged))
