"""Runs of the nightly job, for the office."""

from uuid import UUID

from fastapi import APIRouter

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession
from app.etags import ReadTags
from app.schemas.common import Page
from app.schemas.run import MailOut, RunOut, RunWithMailsOut
from app.services import outbox, runs
from models import MailState

router = APIRouter(prefix="/runs", tags=["runs"], route_class=ApiRoute)


@router.get("")
@rule(Action.READ_RUNS)
def list_runs(session: ReadSession, actor: CurrentActor, page: CurrentPage) -> Page[RunOut]:
    """The nightly runs, with what they counted and how long their steps took."""
    found = runs.list_runs(session, cursor=page.cursor, limit=page.limit)
    return Page[RunOut].model_validate(found, from_attributes=True)


@router.get("/{run_id}")
@rule(Action.READ_RUNS)
def read_run(
    run_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> RunWithMailsOut:
    """One run, with the number of its mails in each state."""
    run = RunOut.model_validate(runs.get_run(session, run_id))
    mails = outbox.tally(session, run_id)
    return tags.show(RunWithMailsOut(**run.model_dump(), mails=mails))


@router.get("/{run_id}/mails")
@rule(Action.READ_RUNS)
def list_mails(
    run_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    state: MailState | None = None,
) -> Page[MailOut]:
    """The state of each mail of a run."""
    run = runs.get_run(session, run_id)
    found = runs.list_mails(session, run, state=state, cursor=page.cursor, limit=page.limit)
    return Page[MailOut].model_validate(found, from_attributes=True)
