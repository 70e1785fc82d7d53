"""Runs of the nightly job: beginning, moving on, ending, and reading them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import not_found
from app.services.paging import PageOf, page
from models import (
    HaltReason,
    Mail,
    MailState,
    Run,
    RunKind,
    RunState,
    RunStep,
    Withheld,
    utc_now,
)

OPEN_MAIL: Final = (MailState.QUEUED, MailState.SENDING)
"""Of which nothing has left."""
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
        result = session.execute(
            update(Mail)
            .where(Mail.run_id == each.id, Mail.state.in_(OPEN_MAIL))
            .values(
                state=MailState.WITHHELD,
                withheld=Withheld.OVERTAKEN,
                claim=None,
                settled_at=utc_now(),
            )
            .execution_options(synchronize_session=False)
        )
        stopped += int(getattr(result, "rowcount", 0))
        for sentence in alerts_about({MailState.UNKNOWN: settle_lost(session, each)}):
            alert(session, each, sentence)
            alert(session, run, f"The run of {each.run_date}: {sentence}")
        fail(session, each, "It was not finished before the next run: that one has closed it.")
    return stopped


def settle_lost(session: Session, run: Run) -> int:
    """Call those mails unknown that a dead runner left between the mark and the answer."""
    result = session.execute(
        update(Mail)
        .where(Mail.run_id == run.id, Mail.state == MailState.DATA)
        .values(state=MailState.UNKNOWN, claim=None, settled_at=utc_now())
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


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


def finish(session: Session, run: Run) -> None:
    """Close it at its end."""
    run.state, run.step, run.finished_at = RunState.FINISHED, RunStep.DONE, utc_now()
    session.flush()


def mails_by_state(session: Session, run_id: UUID) -> dict[str, int]:
    """How many mails of a run are in each state; states without any are left out."""
    rows = session.execute(
        select(Mail.state, func.count()).where(Mail.run_id == run_id).group_by(Mail.state)
    )
    return {state.value: number for state, number in rows}


def too_many(session: Session, run: Run, *, most: int) -> str | None:
    """A sentence if the run would send abnormally many mails, else None."""
    number = sum(mails_by_state(session, run.id).values())
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


def alerts_about(mails: Mapping[str, int], suffix: str = "") -> Sequence[str]:
    """What somebody should look at, by the states of the mails."""
    found = []
    if unknown := mails.get(MailState.UNKNOWN, 0):
        found.append(
            f"{unknown} mails are unknown: cut off before the server's answer, they may have "
            f"arrived or not. They are not sent again by themselves.{suffix}"
        )
    if failed := mails.get(MailState.FAILED, 0):
        found.append(f"{failed} mails failed: the server refused them.{suffix}")
    if left := sum(Counter(mails)[state] for state in OPEN_MAIL):
        found.append(f"{left} mails have not left yet: run `enmusubi nightly --resume`.{suffix}")
    return found
