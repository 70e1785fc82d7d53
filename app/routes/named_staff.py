"""Who alone sees a need of the level `named_staff`."""

from uuid import UUID

from fastapi import APIRouter

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, ReadSession, WriteSession
from app.etags import ChangeTags, ReadTags
from app.schemas.need import NamedStaffIn, NamedStaffOut
from app.services import needs

router = APIRouter(prefix="/needs/{need_id}/staff", tags=["needs"], route_class=ApiRoute)


@router.get("")
@rule(Action.NAME_STAFF)
def read_named_staff(
    need_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> NamedStaffOut:
    """The staff named for a need."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.NAME_STAFF)
    return tags.show(NamedStaffOut(accounts=needs.named_staff(session, need)))


@router.put("")
@rule(Action.NAME_STAFF)
def name_staff(
    need_id: UUID, body: NamedStaffIn, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> NamedStaffOut:
    """Name these accounts for a need, and nobody else.

    Staff named for it may, and so may an administrator, who does not see the need by that. The
    need must be of the level `named_staff`; giving it that level names who did it, if staff.
    """
    need = needs.get_need(session, need_id, actor=actor, action=Action.NAME_STAFF, lock=True)
    needs.require_named_level(need)
    tags.require(NamedStaffOut(accounts=needs.named_staff(session, need)))
    return tags.show(NamedStaffOut(accounts=needs.name_staff(session, need, body.accounts)))
