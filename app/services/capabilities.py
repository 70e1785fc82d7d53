"""Capabilities: the evidence of partners."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.access import Action, Actor
from app.errors import conflict, invalid, not_found
from app.schemas.capability import BulkCapabilityIn, CapabilityIn
from app.services.paging import PageOf, page
from app.visibility import partners_for
from matching.text import bilingual_text, content_hash
from models import Capability, CapabilityKind, Partner


def passage_of(capability: Capability | CapabilityIn) -> str:
    """The text of a capability that is embedded and indexed."""
    return bilingual_text(
        capability.title_ja, capability.text_ja, capability.title_en, capability.text_en
    )


def create_capability(session: Session, partner_id: UUID, values: CapabilityIn) -> Capability:
    """Store a new capability; Problem 409 if the partner has one of that source and id."""
    capability = Capability(partner_id=partner_id)
    session.add(capability)
    return write_capability(session, capability, values)


def write_capability(session: Session, capability: Capability, values: CapabilityIn) -> Capability:
    """Give a capability these values; a changed text is embedded anew before the next list."""
    if values.external_id is not None:
        with session.no_autoflush:
            other = session.scalar(
                select(Capability.id).where(
                    Capability.partner_id == capability.partner_id,
                    Capability.source == values.source,
                    Capability.external_id == values.external_id,
                )
            )
        if other not in (None, capability.id):
            raise conflict("The partner has a capability with this source and external_id already.")
    _assign(capability, values)
    session.flush()
    return capability


def _assign(capability: Capability, values: CapabilityIn) -> None:
    for field, value in values.model_dump(exclude={"partner_id"}).items():
        setattr(capability, field, value)
    capability.content_hash = content_hash(passage_of(values))


def write_capabilities(
    session: Session, items: Sequence[BulkCapabilityIn]
) -> tuple[list[Capability], int]:
    """Store many at once; returns them in order, and how many replaced a stored one.

    Problem 422 for an unknown partner, naming its place in the list.
    """
    wanted = {item.partner_id for item in items}
    known = set(session.scalars(select(Partner.id).where(Partner.id.in_(wanted))))
    for position, item in enumerate(items):
        if item.partner_id not in known:
            raise invalid(f"items.{position}.partner_id", "there is no partner with this id")
    keys = {_key(item) for item in items if item.external_id is not None}
    columns = tuple_(Capability.partner_id, Capability.source, Capability.external_id)
    stored = session.scalars(select(Capability).where(columns.in_(keys))).all() if keys else []
    by_key = {(c.partner_id, c.source, c.external_id): c for c in stored}
    written, replaced = [], 0
    for item in items:
        capability = by_key.get(_key(item)) if item.external_id is not None else None
        if capability is None:
            capability = Capability(partner_id=item.partner_id)
            session.add(capability)
            if item.external_id is not None:
                by_key[_key(item)] = capability
        else:
            replaced += 1
        _assign(capability, item)
        written.append(capability)
    session.flush()
    return written, replaced


def _key(item: BulkCapabilityIn) -> tuple[UUID, str, str | None]:
    return item.partner_id, item.source, item.external_id


def get_capability(
    session: Session,
    capability_id: UUID,
    *,
    actor: Actor,
    action: Action = Action.READ_PARTNER,
    lock: bool = False,
) -> Capability:
    """A capability of a partner with whom the actor may do that, else Problem 404.

    `lock` it to change it.
    """
    statement = (
        select(Capability)
        .join(Partner, Partner.id == Capability.partner_id)
        .where(Capability.id == capability_id, partners_for(actor, action))
    )
    if lock:  # what is compared and changed stays as it is until the commit
        statement = statement.with_for_update(of=Capability)
    capability = session.scalar(statement)
    if capability is None:
        raise not_found("capability")
    return capability


def list_capabilities(
    session: Session,
    *,
    cursor: str | None,
    limit: int,
    partner_id: UUID | None = None,
    kind: CapabilityKind | None = None,
) -> PageOf[Capability]:
    """A page of capabilities."""
    statement = select(Capability)
    if partner_id is not None:
        statement = statement.where(Capability.partner_id == partner_id)
    if kind is not None:
        statement = statement.where(Capability.kind == kind)
    return page(session, statement, Capability, cursor=cursor, limit=limit)


def delete_capability(session: Session, capability: Capability) -> None:
    """Remove a capability; the next match list is made without it."""
    session.delete(capability)
    session.flush()
