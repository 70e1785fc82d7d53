"""The whole run is killed at its checkpoints: no mail comes twice, none is lost in silence."""

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, func, select

from app.contexts import SYSTEM
from app.db import Database
from app.emails.smtp import STEPS
from app.jobs import checkpoints
from app.jobs.nightly import run_nightly
from app.jobs.run_tools import Ending, Order
from app.services.corpus import Engine
from app.settings import Settings
from models import MailState, Run, RunState, Suggestion
from tests.app.emails.sink import Sink, running
from tests.app.jobs.killing import work_until
from tests.app.jobs.night_region import Night

pytestmark = pytest.mark.slow

RESUMED = Order(resume=True)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running(Sink(keep_content=False)) as sink:
        yield sink


class Killed:
    """A night that is begun anew for each kill."""

    def __init__(self, night: Night) -> None:
        self.night = night

    def anew(self) -> None:
        """As if there had been no night."""
        with self.night.database.writing(SYSTEM) as session:
            session.execute(delete(Run))
        self.night.sink.received.clear()

    def work(self, database: Database) -> None:
        """The whole run, as a timer starts it."""
        outcome = run_nightly(self.night.tools(database), RESUMED)
        assert outcome.ending in (Ending.FINISHED, Ending.BEFORE)

    def check(self, name: str | None) -> int:
        """All is as after a night that nobody killed; returns how many mails are unknown."""
        self.night.sink.quiet()
        (run,) = self.night.runs()
        assert run.state is RunState.FINISHED, name
        mails = self.night.mails()
        assert len(mails) == 12, name
        arrived = self.night.sink.message_ids
        for _, mail in mails:
            assert mail.state in (MailState.SENT, MailState.UNKNOWN), name
            most = arrived[mail.message_id]
            assert most == 1 if mail.state is MailState.SENT else most <= 1, name
        assert set(arrived) <= {mail.message_id for _, mail in mails}, name
        unknown = sum(mail.state is MailState.UNKNOWN for _, mail in mails)
        assert unknown <= (0 if name is None else 1), name
        assert bool(run.alerts) is bool(unknown), name
        with self.night.database.reading(SYSTEM) as session:
            suggestions = session.scalar(select(func.count()).select_from(Suggestion))
        assert suggestions == 12, "one plan"
        return unknown


def _met(database: Database, killed: Killed) -> list[str]:
    """The checkpoints of a night that nobody kills, in their order, when texts are embedded."""
    met: list[str] = []
    killed.anew()
    killed.work(database)
    killed.anew()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "watch", met.append)
        killed.work(database)
    return met


def _chosen(met: list[str]) -> list[int]:
    """Numbers of checkpoints, counted from 1: all of the run's own, and of the others the first.

    `test_delivering_killed` tries those of the delivery for each of its mails.
    """
    return [
        number
        for number, name in enumerate(met, 1)
        if name in checkpoints.RUN or name not in met[: number - 1]
    ]


def test_killed_in_every_step(
    database: Database, engine: Engine, settings: Settings, sink: Sink
) -> None:
    killed = Killed(Night.of(database, engine, settings, sink))
    met = _met(database, killed)
    assert killed.check(None) == 0
    where: Counter[str] = Counter()
    for number in _chosen(met):
        killed.anew()
        name = work_until(database, number, killed.work)
        assert name is not None
        where[name] += 1
        assert work_until(database, None, killed.work) is None, "a resumed run completes"
        killed.check(name)
    assert set(checkpoints.RUN) - set(where) <= {"run.finishing", "run.finished"}
    assert {*checkpoints.DELIVERY, *STEPS} <= set(where)
    assert sum(where.values()) >= 30
