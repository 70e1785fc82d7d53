"""Versions of a need's brief, and the ledger of who was shown which."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter

from app.access import Action, View, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentAnonymiser, CurrentPage, ReadSession, WriteSession
from app.presenting_briefs import (
    company_brief,
    company_disclosure,
    drafted_brief,
    staff_brief,
    staff_disclosure,
)
from app.schemas.brief import (
    BriefDraftOut,
    BriefIn,
    BriefOut,
    BriefPatch,
    DisclosureOut,
    ReleaseIn,
    StaffBriefOut,
    StaffDisclosureOut,
    TeaserIn,
)
from app.schemas.common import Page, merged
from app.services import audit, briefs, needs
from models import ObjectKind

# Of requests without a body.
_TEASER: Final = TeaserIn()
_NOTHING_ACCEPTED: Final = ReleaseIn()

router = APIRouter(prefix="/needs/{need_id}", tags=["briefs"], route_class=ApiRoute)


@router.post("/teaser", status_code=HTTPStatus.CREATED)
@rule(Action.WRITE_BRIEFS)
def draft_teaser(
    need_id: UUID,
    actor: CurrentActor,
    anonymiser: CurrentAnonymiser,
    session: WriteSession,
    body: TeaserIn = _TEASER,
) -> BriefDraftOut:
    """Draft an anonymised version of a need, for you to edit and release.

    Names, places, contacts, products and telling numbers are replaced by neutral words and listed;
    terms that are rare in the region are pointed out and left.
    """
    need = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_BRIEFS)
    audit.shown(session, ObjectKind.NEED, [need_id])
    made = briefs.draft_brief(
        session, need, actor=actor, audience=body.audience, anonymiser=anonymiser
    )
    return drafted_brief(made, anonymiser)


@router.get("/briefs")
@rule(Action.READ_BRIEFS)
def list_briefs(
    need_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    anonymiser: CurrentAnonymiser,
    page: CurrentPage,
) -> Page[StaffBriefOut] | Page[BriefOut]:
    """All versions of a need: full, teaser and public, drafts and withdrawn ones too."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.READ_BRIEFS)
    found = briefs.list_briefs(session, need, cursor=page.cursor, limit=page.limit)
    if not actor.is_staff:
        shown = [company_brief(version) for version in found.items]
        return Page[BriefOut](items=shown, next_cursor=found.next_cursor)
    audit.shown(session, ObjectKind.NEED, [need_id])
    newest = briefs.newest_full(session, need)
    return Page[StaffBriefOut](
        items=[staff_brief(version, newest, anonymiser) for version in found.items],
        next_cursor=found.next_cursor,
    )


@router.patch("/briefs/{brief_id}")
@rule(Action.WRITE_BRIEFS)
def edit_brief(
    need_id: UUID,
    brief_id: UUID,
    body: BriefPatch,
    actor: CurrentActor,
    anonymiser: CurrentAnonymiser,
    session: WriteSession,
) -> StaffBriefOut:
    """Change the texts of a draft; a released version stays as it was released."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_BRIEFS)
    audit.shown(session, ObjectKind.NEED, [need_id])
    version = briefs.get_brief(session, need, brief_id)
    texts = merged(BriefIn, company_brief(version), body).model_dump()
    version = briefs.edit_brief(session, need, version, texts)
    newest = briefs.newest_full(session, need)
    return staff_brief(version, newest, anonymiser)


@router.post("/briefs/{brief_id}/release")
@rule(Action.WRITE_BRIEFS)
def release_brief(
    need_id: UUID,
    brief_id: UUID,
    actor: CurrentActor,
    anonymiser: CurrentAnonymiser,
    session: WriteSession,
    body: ReleaseIn = _NOTHING_ACCEPTED,
) -> StaffBriefOut:
    """Show a version outside the office from now on, in the place of the one shown so far.

    Refused while it holds what looks like names, unless they are accepted.
    """
    need = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_BRIEFS)
    audit.shown(session, ObjectKind.NEED, [need_id])
    version = briefs.get_brief(session, need, brief_id)
    version = briefs.release_brief(
        session,
        need,
        version,
        actor=actor,
        anonymiser=anonymiser,
        accept_findings=body.accept_findings,
    )
    return staff_brief(version, briefs.newest_full(session, need), anonymiser)


@router.post("/briefs/{brief_id}/withdraw")
@rule(Action.WRITE_BRIEFS)
def withdraw_brief(
    need_id: UUID, brief_id: UUID, actor: CurrentActor, session: WriteSession
) -> StaffBriefOut:
    """Show a version to nobody outside from now on; who has seen it stays in the ledger."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_BRIEFS)
    audit.shown(session, ObjectKind.NEED, [need_id])
    version = briefs.withdraw_brief(session, need, briefs.get_brief(session, need, brief_id))
    # Without the engine: taking back works even when nothing else does.
    return staff_brief(version, briefs.newest_full(session, need), None)


@router.get("/disclosures")
@rule(Action.READ_LEDGER)
def list_disclosures(
    need_id: UUID, session: ReadSession, actor: CurrentActor, page: CurrentPage
) -> Page[StaffDisclosureOut] | Page[DisclosureOut]:
    """Who outside the office was shown which version of a need, and when.

    A company sees that and when, not who.
    """
    need = needs.get_need(session, need_id, actor=actor, action=Action.READ_LEDGER)
    view = needs.view_of(session, need, actor=actor, action=Action.READ_LEDGER)
    found = briefs.list_disclosures(session, need, cursor=page.cursor, limit=page.limit)
    if view is View.FULL:
        entries = [staff_disclosure(entry) for entry in found.items]
        return Page[StaffDisclosureOut](items=entries, next_cursor=found.next_cursor)
    coarse = [company_disclosure(entry) for entry in found.items]
    return Page[DisclosureOut](items=coarse, next_cursor=found.next_cursor)
