"""Runs of the nightly job: beginning, moving on, ending, and reading them."""

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import not_found
from app.services import outbox
from app.services.paging import PageOf, page
from models import (
    HaltReason,
    Mail,
    MailState,
    Run,
    RunKind,
    RunState,
    RunStep,
    utc_now,
)

USUAL_RUNS: Final = 7
"""So many runs tell what is usual."""
ABNORMAL: Final = 3.0
"""Times the usual number of mails that are too many."""
SMALL: Final = 30
"""So many mails are never too many."""


def find_run(session: Session, day: date, kind: RunKind = RunKind.SUGGESTIONS) -> Run | None:
    """The run of that day, if there is one."""
    return session.scalar(select(Run).where(Run.kind == kind, Run.run_date == day))


def begin_run(session: Session, day: date, kind: RunKind = RunKind.SUGGESTIONS) -> Run | None:
    """A new run; None if somebody else has begun it at the same moment.

    The database takes one of a kind and date, so that of many who try exactly one succeeds.
    """
    run = Run(kind=kind, run_date=day, counts={}, seconds={}, report={}, alerts=[])
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        return None
    return run


def last_day(session: Session, kind: RunKind = RunKind.SUGGESTIONS) -> date | None:
    """The latest day that has a run."""
    return session.scalar(select(func.max(Run.run_date)).where(Run.kind == kind))


def overtake(session: Session, run: Run) -> int:
    """Close earlier runs that were not finished; returns how many mails of them will not leave.

    What they were to say is in the digests of this run, since it was in no mail that left. Mails
    of theirs that turn out to be unknown are told of in both runs: nobody looks at a closed one.
    """
    earlier = session.scalars(
        select(Run).where(
            Run.kind == run.kind,
            Run.run_date < run.run_date,
            Run.state.in_((RunState.RUNNING, RunState.HALTED)),
        )
    ).all()
    stopped = 0
    for each in earlier:
        stopped += outbox.abandon(session, each.id, now=utc_now())
        for sentence in _about_unknown(session, each):
            alert(session, each, sentence)
        fail(session, each, "It was not finished before the next run: that one has closed it.")
    for sentence in _about_closed(session, run):
        alert(session, run, sentence)
    return stopped


def enter_step(session: Session, run: Run, step: RunStep) -> None:
    """The step that is next."""
    run.step = step
    session.flush()


def note(
    session: Session,
    run: Run,
    *,
    counts: Mapping[str, int] | None = None,
    step: RunStep | None = None,
    seconds: float = 0.0,
) -> None:
    """Add to what the run's row tells of it; the time of a step that is taken twice adds up."""
    if counts:
        run.counts = {**run.counts, **counts}
    if step is not None:
        before = float(run.seconds.get(step.value, 0.0))
        run.seconds = {**run.seconds, step.value: round(before + seconds, 3)}
    session.flush()


def alert(session: Session, run: Run, sentence: str) -> None:
    """Add a sentence for whoever watches over the run, once."""
    if sentence not in run.alerts:
        run.alerts = [*run.alerts, sentence]
        session.flush()


def halt(session: Session, run: Run, reason: HaltReason, sentence: str) -> None:
    """Stop it on purpose; it can be resumed."""
    run.state, run.halt = RunState.HALTED, reason
    alert(session, run, sentence)
    session.flush()


def go_on(session: Session, run: Run) -> None:
    """Resume what was halted or cut off."""
    run.state, run.halt = RunState.RUNNING, None
    session.flush()


def fail(session: Session, run: Run, sentence: str) -> None:
    """Close it for good without its end."""
    run.state, run.halt, run.finished_at = RunState.FAILED, None, utc_now()
    alert(session, run, sentence)
    session.flush()


def finish(session: Session, run: Run, *, alerts: Sequence[str] = ()) -> None:
    """Close it at its end; of its alerts stays what is so then."""
    run.alerts = list(alerts)
    run.state, run.step, run.finished_at = RunState.FINISHED, RunStep.DONE, utc_now()
    session.flush()


def too_many(session: Session, run: Run, *, most: int) -> str | None:
    """A sentence if the run would send abnormally many mails, else None."""
    number = sum(outbox.tally(session, run.id).values())
    if number > most:
        return f"It would send {number} mails, more than the {most} of ENMUSUBI_NIGHTLY_MOST_MAILS."
    usual = _usual(session, run)
    if usual is not None and number > SMALL and number > ABNORMAL * usual:
        return f"It would send {number} mails, where {usual:.0f} are usual."
    return None


def _usual(session: Session, run: Run) -> float | None:
    """Median number of mails of the last finished runs that had any."""
    numbers = session.execute(
        select(func.count())
        .select_from(Mail)
        .join(Run, Run.id == Mail.run_id)
        .where(Run.kind == run.kind, Run.id != run.id, Run.state == RunState.FINISHED)
        .group_by(Run.id, Run.run_date)
        .order_by(Run.run_date.desc())
        .limit(USUAL_RUNS)
    ).scalars()
    found = list(numbers)
    return median(found) if found else None


def get_run(session: Session, run_id: UUID) -> Run:
    """A run; Problem 404 if there is none."""
    run = session.get(Run, run_id)
    if run is None:
        raise not_found("run")
    return run


def list_runs(session: Session, *, cursor: str | None, limit: int) -> PageOf[Run]:
    """A page of the runs."""
    return page(session, select(Run), Run, cursor=cursor, limit=limit)


def list_mails(
    session: Session, run: Run, *, state: MailState | None, cursor: str | None, limit: int
) -> PageOf[Mail]:
    """A page of a run's mails."""
    statement = select(Mail).where(Mail.run_id == run.id)
    if state is not None:
        statement = statement.where(Mail.state == state)
    return page(session, statement, Mail, cursor=cursor, limit=limit)


def alerts_of(session: Session, run: Run) -> Sequence[str]:
    """What somebody should look at, of the run and of those that it has closed."""
    own = alerts_about(outbox.tally(session, run.id))
    return [*own, *_about_closed(session, run)]


def _about_closed(session: Session, run: Run) -> list[str]:
    """What is unknown of the runs that this one closed when it began."""
    closed = session.scalars(
        select(Run)
        .where(
            Run.kind == run.kind,
            Run.run_date < run.run_date,
            Run.state == RunState.FAILED,
            Run.finished_at >= run.started_at,
        )
        .order_by(Run.run_date)
    ).all()
    return [
        f"The run of {each.run_date}: {sentence}"
        for each in closed
        for sentence in _about_unknown(session, each)
    ]


def _about_unknown(session: Session, run: Run) -> Sequence[str]:
    unknown = outbox.tally(session, run.id).get(MailState.UNKNOWN, 0)
    return alerts_about({MailState.UNKNOWN: unknown})


def alerts_about(mails: Mapping[MailState, int]) -> Sequence[str]:
    """What somebody should look at, by the states of the mails."""
    found = []
    if unknown := mails.get(MailState.UNKNOWN, 0):
        found.append(
            f"{unknown} mails are unknown: cut off before the server's answer, they may have "
            "arrived or not. They are not sent again by themselves."
        )
    if failed := mails.get(MailState.FAILED, 0):
        found.append(
            f"{failed} mails failed: the server refused them, or they could not be made: see the "
            "log."
        )
    if left := sum(mails.get(state, 0) for state in outbox.UNSETTLED):
        found.append(f"{left} mails are not settled yet: run `enmusubi nightly --resume`.")
    return found
