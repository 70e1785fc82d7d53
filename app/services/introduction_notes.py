"""Notes that staff writes on introductions, for staff alone."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.services.paging import PageOf, page
from models import Introduction, IntroductionNote


def add_note(
    session: Session, introduction: Introduction, *, actor: Actor, text: str
) -> IntroductionNote:
    """Write a note for staff."""
    note = IntroductionNote(introduction_id=introduction.id, account_id=actor.account_id, text=text)
    session.add(note)
    session.flush()
    return note


def list_notes(
    session: Session, introduction: Introduction, *, cursor: str | None, limit: int
) -> PageOf[IntroductionNote]:
    """A page of the notes on an introduction."""
    statement = select(IntroductionNote).where(IntroductionNote.introduction_id == introduction.id)
    return page(session, statement, IntroductionNote, cursor=cursor, limit=limit)
