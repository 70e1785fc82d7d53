"""The nightly run: embed → score → plan → compose → deliver, each step committed by itself.

Whoever kills it at any point and starts it again with `resume` gets what an undisturbed run gives:
a step that was cut off is taken again (the rows of plan and mails are each written in one
transaction with the step that follows), and what the outbox calls unknown is reported.
"""

import logging
import time
from collections.abc import Callable
from datetime import date
from datetime import time as time_of_day
from email.message import EmailMessage
from typing import Final
from uuid import UUID

from limits import parse
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.errors import conflict, invalid
from app.jobs.checkpoints import reached
from app.jobs.composing import compose_run
from app.jobs.delivering import deliver
from app.jobs.embedding import embed_pending, embed_texts, pending_texts
from app.jobs.pacing import Retries
from app.jobs.planning import Planned, score_and_plan, store
from app.jobs.run_lock import run_lock
from app.jobs.run_tools import Ending, Order, Outcome, Tools
from app.services import outbox, runs
from app.services.corpus import Engine
from app.services.embeddings import pending_queries
from app.services.mail_composing import compose_mail
from app.services.mail_halts import is_halted
from app.tracing import span
from models import HaltReason, Mail, Run, RunState, RunStep, Withheld

logger = logging.getLogger(__name__)

DAY_IS_OVER: Final = "Its day is over: --resume --late goes on with it all the same."
SWITCHED_OFF: Final = "All mail is stopped: `enmusubi mail go` allows it again, then --resume."


def run_nightly(tools: Tools, order: Order) -> Outcome:
    """Do tonight's work, or say why not.

    Problem 422 for a day to come, 409 if there is a run for a later day and no day is given.
    """
    with run_lock(tools.database, tools.folder) as held:
        if not held:
            return Outcome(Ending.BUSY)
        reached("run.locked")
        opened = _open(tools, order)
        if isinstance(opened, Outcome):
            return opened
        reached("run.opened")
        return _Work(tools, order, opened).all()


def _open(tools: Tools, order: Order) -> UUID | Outcome:
    """The run to work on; an outcome if there is nothing to do, or it may not be done."""
    now = tools.clock()
    day = order.day or now.date()
    if day > now.date():
        raise invalid("--date", f"{day} is still to come: today is {now.date()}")
    with tools.database.writing(SYSTEM) as session:
        run = runs.find_run(session, day)
        if run is None:
            latest = runs.last_day(session)
            if order.day is None and latest is not None and latest > day:
                raise conflict(
                    f"Today is {day}, and there is a run for {latest} already. If the clock is "
                    f"right now, run with --date {day}."
                )
            run = runs.begin_run(session, day)
            if run is None:
                return Outcome(Ending.BUSY)
            runs.overtake(session, run)
            latest_start = time_of_day.fromisoformat(tools.settings.nightly_latest_start)
            late = now.date() != day or now.time() > latest_start
            if late and not order.late:
                sentence = (
                    f"It was not started by {tools.settings.nightly_latest_start} of its day, so "
                    "no mail was sent: --resume --late runs it all the same."
                )
                runs.halt(session, run, HaltReason.TOO_LATE, sentence)
                return _outcome(session, run, Ending.HALTED)
            return run.id
        return _again(session, run, order, today=now.date()) or run.id


def _again(session: Session, run: Run, order: Order, *, today: date) -> Outcome | None:
    """What a further start of a run that exists comes to; None: go on with it."""
    if run.state is RunState.FINISHED:
        return _outcome(session, run, Ending.BEFORE)
    if run.state is RunState.FAILED:
        return _outcome(session, run, Ending.CLOSED)
    if not order.resume:
        halted = run.state is RunState.HALTED
        return _outcome(session, run, Ending.HALTED if halted else Ending.CUT_OFF)
    if run.run_date != today and not order.late:
        runs.halt(session, run, HaltReason.TOO_LATE, DAY_IS_OVER)
    late = run.halt is HaltReason.TOO_LATE and not order.late
    if late or (run.halt is HaltReason.VOLUME and not order.any_volume):
        return _outcome(session, run, Ending.HALTED)
    runs.go_on(session, run)
    return None


def _outcome(session: Session, run: Run, ending: Ending) -> Outcome:
    return Outcome(ending, run.id, tuple(run.alerts), outbox.tally(session, run.id))


class _Halt(Exception):
    """Raised within a step to stop the run on purpose."""

    def __init__(self, reason: HaltReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class _Work:
    """One runner's work on one run."""

    def __init__(self, tools: Tools, order: Order, run_id: UUID) -> None:
        self._tools = tools
        self._order = order
        self._run_id = run_id
        self._planned: Planned | None = None
        self._delivered = False
        self._steps: dict[RunStep, Callable[[], None]] = {
            RunStep.EMBED: self._embed,
            RunStep.SCORE: self._score,
            RunStep.PLAN: self._plan,
            RunStep.COMPOSE: self._compose,
            RunStep.DELIVER: self._deliver,
        }

    def all(self) -> Outcome:
        """Take the steps that are left."""
        try:
            for step in iter(self._next, None):
                self._require_allowed()
                logger.info("run %s: step %s", self._run_id, step.value)
                reached("run.step")
                begun = time.monotonic()
                with span(f"nightly.{step.value}"):
                    self._steps[step]()
                with self._tools.database.writing(SYSTEM) as session:
                    seconds = time.monotonic() - begun
                    runs.note(session, self._run(session), step=step, seconds=seconds)
        except _Halt as halt:
            logger.warning("run %s: %s", self._run_id, halt.sentence)
            with self._tools.database.writing(SYSTEM) as session:
                run = self._run(session)
                runs.halt(session, run, halt.reason, halt.sentence)
                return _outcome(session, run, Ending.HALTED)
        return self._end()

    def _next(self) -> RunStep | None:
        """The step to take; None after the last."""
        if self._delivered:
            return None
        with self._tools.database.reading(SYSTEM) as session:
            step = self._run(session).step
        return None if step is RunStep.DONE else step

    def _run(self, session: Session) -> Run:
        return runs.get_run(session, self._run_id)

    def _allowed(self) -> HaltReason | None:
        with self._tools.database.reading(SYSTEM) as session:
            return HaltReason.SWITCHED_OFF if is_halted(session) else None

    def _require_allowed(self) -> None:
        reason = self._allowed()
        if reason is not None:
            raise _Halt(reason, SWITCHED_OFF)

    def _alert(self, sentence: str) -> None:
        with self._tools.database.writing(SYSTEM) as session:
            runs.alert(session, self._run(session), sentence)

    def _enter(self, step: RunStep, **counts: int) -> None:
        with self._tools.database.writing(SYSTEM) as session:
            run = self._run(session)
            runs.note(session, run, counts=counts)
            runs.enter_step(session, run, step)
            reached("run.entering")
        reached("run.entered")

    def _engine(self) -> Engine:
        with self._tools.database.reading(SYSTEM) as session:
            return self._tools.engine(session)

    def _embed(self) -> None:
        """Embed what the service has not embedded yet, evidence and open needs."""
        engine, database = self._engine(), self._tools.database
        texts = pending_texts(database, engine.encoder)
        with database.reading(SYSTEM) as session:
            queries = pending_queries(session, engine.encoder)
        total = len(texts) + len(queries)
        more = self._tools.steps.begin(RunStep.EMBED.value, total)
        embed_pending(database, engine.encoder, texts, progress=more)
        embed_texts(database, engine.encoder, queries, role="query", progress=more)
        self._enter(RunStep.SCORE, embedded=total)

    def _score(self) -> None:
        self._planned = self._made_plan()
        self._enter(RunStep.PLAN)

    def _plan(self) -> None:
        """Keep the plan; if the scores went down with the runner that made them, make it anew."""
        planned = self._planned or self._made_plan()
        with self._tools.database.writing(SYSTEM) as session:
            store(session, self._run(session), planned)
            reached("run.plan.storing")
        reached("run.plan.stored")

    def _made_plan(self) -> Planned:
        with self._tools.database.reading(SYSTEM) as session:
            day = self._run(session).run_date
        return score_and_plan(
            self._tools.database,
            self._engine(),
            run_date=day,
            settings=self._tools.settings,
            steps=self._tools.steps,
        )

    def _compose(self) -> None:
        tools = self._tools
        with tools.database.writing(SYSTEM) as session:
            run = self._run(session)
            number = compose_run(session, run, settings=tools.settings, now=tools.clock())
            runs.note(session, run, counts={"mails": number})
            runs.enter_step(session, run, RunStep.DELIVER)
            reached("run.compose.storing")
        reached("run.compose.stored")

    def _deliver(self) -> None:
        tools = self._tools
        with tools.database.writing(SYSTEM) as session:
            run = self._run(session)
            if not self._order.any_volume:
                most = tools.settings.nightly_most_mails
                too_many = runs.too_many(session, run, most=most)
                if too_many is not None:
                    way_out = " --resume --any-volume sends them."
                    raise _Halt(HaltReason.VOLUME, too_many + way_out)
            mails = outbox.tally(session, run.id)
        left = sum(mails.get(state, 0) for state in outbox.UNSETTLED)
        done = deliver(
            tools.database,
            self._run_id,
            compose=self._message,
            transport=tools.transport(),
            sender=tools.settings.mail_from,
            rate=parse(tools.settings.mail_rate),
            retries=Retries(attempts=tools.settings.mail_attempts, patience=tools.patience),
            may_go_on=self._allowed,
            progress=tools.steps.begin(RunStep.DELIVER.value, left),
        )
        if done.fault is not None:
            self._alert(done.fault)
        if done.halt is not None:
            raise _Halt(done.halt, SWITCHED_OFF)
        self._delivered = True

    def _message(self, session: Session, mail: Mail) -> EmailMessage | Withheld:
        tools = self._tools
        made = compose_mail(session, mail, settings=tools.settings, now=tools.clock())
        return made if isinstance(made, Withheld) else made.message

    def _end(self) -> Outcome:
        with self._tools.database.writing(SYSTEM) as session:
            run = self._run(session)
            mails = outbox.tally(session, run.id)
            sentences = runs.alerts_of(session, run)
            waiting = any(mails.get(state) for state in outbox.UNSETTLED)
            if waiting:
                for sentence in sentences:
                    runs.alert(session, run, sentence)
            else:
                runs.finish(session, run, alerts=sentences)
            reached("run.finishing")
            outcome = _outcome(session, run, Ending.CUT_OFF if waiting else Ending.FINISHED)
        reached("run.finished")
        return outcome
