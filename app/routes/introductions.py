"""Introductions: suggested by staff, consented to by both sides, followed to their outcome.

Each step is sent with the revision on which it is decided: `If-Match: "REVISION"`.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Header, Response
from sqlalchemy.orm import Session

from app.access import Action, Actor, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession, Today, WriteSession
from app.desks import CurrentLedger, Ledger
from app.errors import Problem, ProblemDetails, not_found
from app.schemas.common import Page
from app.schemas.introduction import (
    AgreeIn,
    CloseIn,
    ConsentIn,
    DeclineIn,
    IntroductionIn,
    IntroductionOut,
    IntroductionPage,
    IntroductionReleaseIn,
    NoteIn,
    NoteOut,
)
from app.services import audit, introduction_notes, introduction_suggestions, introductions, needs
from app.services.disclosures import record_disclosure
from app.services.introduction_views import Shown, show, show_notes
from models import Introduction, IntroductionState, ObjectKind

router = APIRouter(tags=["introductions"], route_class=ApiRoute)

IfMatch = Annotated[
    str | None,
    Header(description='The revision on which the step is decided, such as `"3"`.'),
]
NEEDS_REVISION: Final[dict[int | str, dict[str, Any]]] = {
    428: {"model": ProblemDetails, "description": "The header If-Match is missing"}
}
_ETAG = re.compile(r'"(\d{1,9})"')


def _revision(if_match: str | None) -> int | None:
    """The revision in the header; None where it is none of ours, which is never the present one.

    Problem 428 if there is none, or one that would fit every revision.
    """
    if if_match is None or if_match.strip() == "*":
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "Say which revision of the introduction you have read: send its ETag as If-Match.",
        )
    found = _ETAG.fullmatch(if_match.strip())
    return None if found is None else int(found.group(1))


def _disclosed(session: Session, actor: Actor, ledger: Ledger | None) -> Callable[[UUID], None]:
    """Notes what a partner is shown: by the ledger, or in the transaction of a step."""
    if ledger is not None:
        return lambda version: ledger.record([version])
    return lambda version: record_disclosure(session, version, actor=actor)


def _answer(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    response: Response,
    ledger: Ledger | None = None,
) -> Shown:
    """What the actor sees of it, with its ETag; Problem 404 if that is nothing by now."""
    shown = show(session, introduction, actor=actor, disclosed=_disclosed(session, actor, ledger))
    if shown is None:
        raise not_found("introduction")
    audit.shown(session, ObjectKind.INTRODUCTION, [introduction.id])
    response.headers["ETag"] = f'"{shown.revision}"'
    return shown


@router.post("/needs/{need_id}/introductions", status_code=HTTPStatus.CREATED)
@rule(Action.SUGGEST)
def suggest_introduction(
    need_id: UUID,
    body: IntroductionIn,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
) -> IntroductionOut:
    """Suggest a partner for a need; neither side knows of it until it is released."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.SUGGEST)
    made = introduction_suggestions.suggest(session, need, body, actor=actor, today=today)
    return _answer(session, made, actor=actor, response=response)


@router.get("/introductions")
@rule(Action.READ_INTRODUCTION)
def list_introductions(
    session: ReadSession,
    actor: CurrentActor,
    ledger: CurrentLedger,
    page: CurrentPage,
    state: IntroductionState | None = None,
    need_id: UUID | None = None,
    partner_id: UUID | None = None,
) -> IntroductionPage:
    """Introductions: staff sees all that it may broker, a side its own from when it is told."""
    found = introductions.list_introductions(
        session,
        actor=actor,
        cursor=page.cursor,
        limit=page.limit,
        state=state,
        need_id=need_id,
        partner_id=partner_id,
    )
    shown = [
        show(session, each, actor=actor, disclosed=_disclosed(session, actor, ledger))
        for each in found.items
    ]
    seen = (one.id for one, each in zip(found.items, shown, strict=True) if each is not None)
    audit.shown(session, ObjectKind.INTRODUCTION, seen)
    return IntroductionPage(
        items=[each for each in shown if each is not None], next_cursor=found.next_cursor
    )


@router.get("/introductions/{introduction_id}")
@rule(Action.READ_INTRODUCTION)
def read_introduction(
    introduction_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    ledger: CurrentLedger,
    response: Response,
) -> IntroductionOut:
    """One introduction as its side may see it now; names and contacts once introduced."""
    found = introductions.get_introduction(session, introduction_id, actor=actor)
    return _answer(session, found, actor=actor, response=response, ledger=ledger)


@router.post("/introductions/{introduction_id}/release", responses=NEEDS_REVISION)
@rule(Action.MOVE)
def release_introduction(
    introduction_id: UUID,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    body: Annotated[IntroductionReleaseIn, Body(default_factory=IntroductionReleaseIn)],
    if_match: IfMatch = None,
) -> IntroductionOut:
    """Tell the company that there is a candidate, and choose the brief for the partner."""
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.MOVE
    )
    moved = introductions.release(
        session,
        found,
        actor=actor,
        revision=revision,
        version_id=body.version_id,
        today=today,
    )
    return _answer(session, moved, actor=actor, response=response)


@router.post(
    "/introductions/{introduction_id}/consent",
    responses=NEEDS_REVISION | {204: {"description": "It cannot go on and has ended"}},
)
@rule(Action.CONSENT)
def consent_to_introduction(
    introduction_id: UUID,
    body: ConsentIn,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    if_match: IfMatch = None,
) -> IntroductionOut | None:
    """Consent for your side, the company first; your contact is shown when staff introduces.

    204 without a body: the introduction cannot go on and has ended.
    """
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.CONSENT
    )
    moved = introductions.consent(
        session, found, actor=actor, revision=revision, contact=body.contact, today=today
    )
    if moved.state is IntroductionState.DECLINED:
        response.status_code = HTTPStatus.NO_CONTENT
        return None
    return _answer(session, moved, actor=actor, response=response)


@router.post("/introductions/{introduction_id}/introduce", responses=NEEDS_REVISION)
@rule(Action.MOVE)
def introduce(
    introduction_id: UUID,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    if_match: IfMatch = None,
) -> IntroductionOut:
    """Exchange names and contacts: each side sees the other's from now on."""
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.MOVE
    )
    moved = introductions.introduce(session, found, actor=actor, revision=revision, today=today)
    return _answer(session, moved, actor=actor, response=response)


@router.post("/introductions/{introduction_id}/meet", responses=NEEDS_REVISION)
@rule(Action.MOVE)
def note_meeting(
    introduction_id: UUID,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    if_match: IfMatch = None,
) -> IntroductionOut:
    """Note that the two have met."""
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.MOVE
    )
    moved = introductions.meet(session, found, actor=actor, revision=revision, today=today)
    return _answer(session, moved, actor=actor, response=response)


@router.post("/introductions/{introduction_id}/agree", responses=NEEDS_REVISION)
@rule(Action.MOVE)
def note_agreement(
    introduction_id: UUID,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    body: Annotated[AgreeIn, Body(default_factory=AgreeIn)],
    if_match: IfMatch = None,
) -> IntroductionOut:
    """Note that the two have agreed, and whether the need is met by it."""
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.MOVE
    )
    moved = introductions.agree(
        session,
        found,
        actor=actor,
        revision=revision,
        need_matched=body.need_matched,
        today=today,
    )
    return _answer(session, moved, actor=actor, response=response)


@router.post("/introductions/{introduction_id}/close", responses=NEEDS_REVISION)
@rule(Action.MOVE)
def close_introduction(
    introduction_id: UUID,
    body: CloseIn,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    response: Response,
    if_match: IfMatch = None,
) -> IntroductionOut:
    """End an introduction with what became of it."""
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.MOVE
    )
    moved = introductions.close(
        session, found, actor=actor, revision=revision, outcome=body.outcome, today=today
    )
    return _answer(session, moved, actor=actor, response=response)


@router.post(
    "/introductions/{introduction_id}/decline",
    status_code=HTTPStatus.NO_CONTENT,
    responses=NEEDS_REVISION,
)
@rule(Action.DECLINE)
def decline_introduction(
    introduction_id: UUID,
    body: DeclineIn,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    if_match: IfMatch = None,
) -> None:
    """End an introduction, at any point; `consent_withdrawn` takes a consent back, also later.

    The contacts are erased, and neither side sees it any more.
    """
    revision = _revision(if_match)
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.DECLINE
    )
    introductions.decline(
        session,
        found,
        actor=actor,
        revision=revision,
        reason=body.reason,
        on_behalf_of=body.on_behalf_of,
        today=today,
    )


@router.post("/introductions/{introduction_id}/notes", status_code=HTTPStatus.CREATED)
@rule(Action.NOTE)
def write_note(
    introduction_id: UUID, body: NoteIn, session: WriteSession, actor: CurrentActor
) -> NoteOut:
    """Write a note on an introduction, for staff alone."""
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.NOTE
    )
    note = introduction_notes.add_note(session, found, actor=actor, text=body.text)
    return show_notes(session, [note])[0]


@router.get("/introductions/{introduction_id}/notes")
@rule(Action.NOTE)
def list_notes(
    introduction_id: UUID, session: ReadSession, actor: CurrentActor, page: CurrentPage
) -> Page[NoteOut]:
    """The notes on an introduction."""
    found = introductions.get_introduction(
        session, introduction_id, actor=actor, action=Action.NOTE
    )
    notes = introduction_notes.list_notes(session, found, cursor=page.cursor, limit=page.limit)
    audit.shown(session, ObjectKind.INTRODUCTION_NOTE, (note.id for note in notes.items))
    return Page[NoteOut](items=show_notes(session, notes.items), next_cursor=notes.next_cursor)
