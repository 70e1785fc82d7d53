"""Capabilities."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, ReadSession, WriteSession
from app.etags import ChangeTags, ReadTags
from app.schemas.capability import (
    BulkIn,
    BulkOut,
    CapabilityIn,
    CapabilityOut,
    CapabilityPatch,
)
from app.schemas.common import merged
from app.services import capabilities

router = APIRouter(prefix="/capabilities", tags=["capabilities"], route_class=ApiRoute)


@router.post("/bulk", status_code=HTTPStatus.CREATED)
@rule(Action.WRITE_IN_BULK)
def write_capabilities(body: BulkIn, session: WriteSession, actor: CurrentActor) -> BulkOut:
    """Store up to 1,000 pieces of evidence, all or none."""
    written, replaced = capabilities.write_capabilities(session, body.items)
    return BulkOut(
        ids=[capability.id for capability in written],
        created=len(written) - replaced,
        replaced=replaced,
    )


@router.get("/{capability_id}")
@rule(Action.READ_PARTNER)
def read_capability(
    capability_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> CapabilityOut:
    """One piece of evidence."""
    found = capabilities.get_capability(session, capability_id, actor=actor)
    return tags.show(CapabilityOut.model_validate(found))


@router.patch("/{capability_id}")
@rule(Action.WRITE_PARTNER)
def update_capability(
    capability_id: UUID,
    body: CapabilityPatch,
    session: WriteSession,
    actor: CurrentActor,
    tags: ChangeTags,
) -> CapabilityOut:
    """Change some fields; a changed text is embedded anew before the next match list."""
    found = capabilities.get_capability(
        session, capability_id, actor=actor, action=Action.WRITE_PARTNER, lock=True
    )
    current = CapabilityOut.model_validate(found)
    tags.require(current)
    values = merged(CapabilityIn, current, body)
    written = capabilities.write_capability(session, found, values)
    return tags.show(CapabilityOut.model_validate(written))


@router.delete("/{capability_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.WRITE_PARTNER)
def delete_capability(
    capability_id: UUID, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> None:
    """Remove a piece of evidence; it is gone from the next match list."""
    found = capabilities.get_capability(
        session, capability_id, actor=actor, action=Action.WRITE_PARTNER, lock=True
    )
    tags.require(CapabilityOut.model_validate(found))
    capabilities.delete_capability(session, found)
