"""The nightly run from its start to its end, against a real mail server."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.jobs.nightly import run_nightly
from app.jobs.previewing import preview
from app.jobs.run_tools import Ending, Order
from app.jobs.steps import Steps
from app.services import mail_halts
from app.services.corpus import Engine
from app.settings import Settings
from models import (
    AuditEntry,
    Base,
    HaltReason,
    Mail,
    MailState,
    RunState,
    RunStep,
    Suggestion,
    Withheld,
)
from tests.app.emails.sink import DROP, Sink, running
from tests.app.jobs.night_region import NIGHT, ZONE, Night

TONIGHT = Order()
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as sink:
        yield sink


@pytest.fixture
def night(database: Database, engine: Engine, settings: Settings, sink: Sink) -> Night:
    return Night.of(database, engine, settings, sink)


def test_everybody_gets_one_mail(night: Night, sink: Sink) -> None:
    outcome = run_nightly(night.tools(), TONIGHT)
    assert (outcome.ending, dict(outcome.mails), outcome.alerts) == (
        Ending.FINISHED,
        {"sent": 12},
        (),
    )
    assert sorted(sink.recipients) == sorted(str(email) for email, _ in night.mails())
    assert len(set(sink.recipients)) == 12
    (run,) = night.runs()
    assert (run.state, run.step, run.run_date) == (
        RunState.FINISHED,
        RunStep.DONE,
        date(2026, 4, 1),
    )
    assert run.counts["suggestions"] == 12
    assert run.counts["mails"] == 12
    assert {"embed", "score", "plan", "compose", "deliver"} <= set(run.seconds)


def test_a_second_start_does_nothing(night: Night, sink: Sink) -> None:
    run_nightly(night.tools(), TONIGHT)
    for resume in (False, True):
        outcome = run_nightly(night.tools(), Order(resume=resume))
        assert outcome.ending is Ending.BEFORE
    assert len(sink.received) == 12


def test_the_next_night_repeats_no_pair(night: Night, sink: Sink) -> None:
    run_nightly(night.tools(), TONIGHT)
    night.now += timedelta(days=1)
    run_nightly(night.tools(), TONIGHT)
    with night.database.reading(SYSTEM) as session:
        pairs = session.execute(
            select(Suggestion.need_id, Suggestion.partner_id, func.count()).group_by(
                Suggestion.need_id, Suggestion.partner_id
            )
        ).all()
    assert {number for _, _, number in pairs} == {1}
    assert len(pairs) > 12


def test_ten_runners_make_one_plan(night: Night, sink: Sink) -> None:
    endings: list[Ending] = []
    start = threading.Barrier(10)

    def runner() -> None:
        database = type(night.database).at(str(night.settings.url))
        start.wait()
        endings.append(run_nightly(night.tools(database), TONIGHT).ending)
        database.engine.dispose()

    threads = [threading.Thread(target=runner) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(endings) == 10
    assert set(endings) <= {Ending.FINISHED, Ending.BUSY, Ending.BEFORE}
    assert endings.count(Ending.FINISHED) == 1
    assert len(night.runs()) == 1
    assert sorted(sink.message_ids.values()) == [1] * 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("now", "late"),
    [
        (datetime(2026, 4, 1, 5, 59, tzinfo=ZONE), False),
        (datetime(2026, 4, 1, 6, 0, tzinfo=ZONE), False),
        (datetime(2026, 4, 1, 6, 1, tzinfo=ZONE), True),
        (datetime(2026, 4, 1, 23, 59, tzinfo=ZONE), True),
    ],
)
def test_the_latest_start(night: Night, sink: Sink, now: datetime, late: bool) -> None:
    night.now = now
    outcome = run_nightly(night.tools(), TONIGHT)
    assert (outcome.ending is Ending.HALTED) is late
    assert (len(sink.received) == 0) is late
    if late:
        assert night.runs()[0].halt is HaltReason.TOO_LATE
        assert run_nightly(night.tools(), Order(resume=True)).ending is Ending.HALTED
        again = run_nightly(night.tools(), Order(resume=True, late=True))
        assert again.ending is Ending.FINISHED
        assert len(sink.received) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    "moments",
    [
        # Clocks go forward at 2:00: 2:30 is skipped. They go back at 3:00: 2:30 comes twice.
        (datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN), datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)),
        (
            datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
            datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
        ),
    ],
    ids=["forward", "back"],
)
def test_a_day_of_two_times_has_one_run(
    night: Night, sink: Sink, moments: tuple[datetime, ...]
) -> None:
    endings = []
    for moment in moments:
        night.now = moment
        endings.append(run_nightly(night.tools(), TONIGHT).ending)
    assert endings == [Ending.FINISHED, Ending.BEFORE]
    assert len(sink.received) == 12


@pytest.mark.slow
def test_a_clock_that_jumped_a_day(night: Night, sink: Sink) -> None:
    night.now = NIGHT + timedelta(days=1)
    run_nightly(night.tools(), TONIGHT)
    night.now = NIGHT
    with pytest.raises(Problem, match="clock is right"):
        run_nightly(night.tools(), TONIGHT)
    assert len(night.runs()) == 1
    assert sorted(sink.message_ids.values()) == [1] * 12
    # Said outright, the day has its run, and no pair comes again.
    assert run_nightly(night.tools(), Order(day=NIGHT.date())).ending is Ending.FINISHED
    night.now = NIGHT + timedelta(days=1)
    assert run_nightly(night.tools(), TONIGHT).ending is Ending.BEFORE


def test_a_day_to_come_is_refused(night: Night) -> None:
    with pytest.raises(Problem, match="still to come"):
        run_nightly(night.tools(), Order(day=NIGHT.date() + timedelta(days=1)))
    assert night.runs() == []


def test_the_kill_switch_holds_all(night: Night, sink: Sink) -> None:
    with night.database.writing(SYSTEM) as session:
        mail_halts.halt(session, None)
    outcome = run_nightly(night.tools(), TONIGHT)
    assert outcome.ending is Ending.HALTED
    assert night.runs()[0].halt is HaltReason.SWITCHED_OFF
    assert sink.received == []
    with night.database.writing(SYSTEM) as session:
        mail_halts.lift(session, None)
    assert run_nightly(night.tools(), TONIGHT).ending is Ending.HALTED, "not without being told"
    assert run_nightly(night.tools(), Order(resume=True)).ending is Ending.FINISHED
    assert sorted(sink.message_ids.values()) == [1] * 12


def test_the_kill_switch_amid_the_mails(night: Night, sink: Sink) -> None:
    def rule(stage: str, _to: str, _before: int) -> None:
        if stage == "text" and len(sink.received) == 4:
            with night.database.writing(SYSTEM) as session:
                mail_halts.halt(session, None)

    sink.rule = rule
    outcome = run_nightly(night.tools(), TONIGHT)
    assert outcome.ending is Ending.HALTED
    assert len(sink.received) == 5, "the one that was on its way"
    assert outcome.mails == {"sent": 5, "queued": 7}
    with night.database.writing(SYSTEM) as session:
        mail_halts.lift(session, None)
    sink.rule = lambda *_: None
    run_nightly(night.tools(), Order(resume=True))
    assert sorted(sink.message_ids.values()) == [1] * 12


def test_an_abnormal_volume_halts_before_the_first_mail(night: Night, sink: Sink) -> None:
    night.changes = {"nightly_most_mails": 11}
    outcome = run_nightly(night.tools(), TONIGHT)
    assert outcome.ending is Ending.HALTED
    assert night.runs()[0].halt is HaltReason.VOLUME
    assert sink.received == []
    assert run_nightly(night.tools(), Order(resume=True)).ending is Ending.HALTED
    again = run_nightly(night.tools(), Order(resume=True, any_volume=True))
    assert again.ending is Ending.FINISHED
    assert len(sink.received) == 12


def test_what_is_unknown_is_reported_and_not_sent_again(night: Night, sink: Sink) -> None:
    dropped: list[str] = []

    def rule(stage: str, to: str, _before: int) -> str | None:
        if stage == "text" and not dropped:
            dropped.append(to)
            return DROP
        return None

    sink.rule = rule
    outcome = run_nightly(night.tools(), TONIGHT)
    assert outcome.ending is Ending.FINISHED
    assert outcome.mails == {"sent": 11, "unknown": 1}
    assert "unknown" in " ".join(outcome.alerts)
    sink.rule = lambda *_: None
    again = run_nightly(night.tools(), Order(resume=True))
    assert (again.ending, again.mails) == (Ending.BEFORE, outcome.mails)
    assert dropped[0] not in sink.recipients


def test_an_unfinished_run_is_closed_by_the_next(night: Night, sink: Sink) -> None:
    night.changes = {"nightly_most_mails": 1}
    run_nightly(night.tools(), TONIGHT)
    night.changes = {}
    night.now += timedelta(days=1)
    outcome = run_nightly(night.tools(), TONIGHT)
    assert outcome.ending is Ending.FINISHED
    old, new = night.runs()
    assert (old.state, new.state) == (RunState.FAILED, RunState.FINISHED)
    withheld = {mail.withheld for _, mail in night.mails() if mail.run_id == old.id}
    assert withheld == {Withheld.OVERTAKEN}
    # What the first was to say is in the mails of the second.
    assert len(set(sink.recipients)) == 12
    late = Order(day=old.run_date, resume=True, late=True)
    assert run_nightly(night.tools(), late).ending is Ending.CLOSED


def test_cut_off_it_is_not_resumed_unasked(night: Night, sink: Sink) -> None:
    def fail(_title: str, _total: int) -> Callable[[int], None]:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run_nightly(replace(night.tools(), steps=Steps(fail)), TONIGHT)
    assert run_nightly(night.tools(), TONIGHT).ending is Ending.CUT_OFF
    assert sink.received == []
    assert run_nightly(night.tools(), Order(resume=True)).ending is Ending.FINISHED
    assert sorted(sink.message_ids.values()) == [1] * 12


def test_a_run_whose_day_is_over_is_not_resumed_unasked(night: Night, sink: Sink) -> None:
    night.changes = {"nightly_most_mails": 1}
    run_nightly(night.tools(), TONIGHT)
    night.changes = {}
    yesterday = night.now.date()
    night.now += timedelta(days=1)
    order = Order(day=yesterday, resume=True, any_volume=True)
    outcome = run_nightly(night.tools(), order)
    assert outcome.ending is Ending.HALTED
    assert "Its day is over" in " ".join(outcome.alerts)
    assert sink.received == []
    outcome = run_nightly(night.tools(), replace(order, late=True))
    assert outcome.ending is Ending.FINISHED
    assert len(sink.received) == 12


def test_a_dry_run_leaves_files_and_nothing_else(night: Night, sink: Sink, tmp_path: Path) -> None:
    def rows() -> dict[str, int]:
        with night.database.reading(SYSTEM) as session:
            return {
                name: session.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
                if name != AuditEntry.__tablename__
            }

    before = rows()
    written = preview(night.tools(), NIGHT.date(), tmp_path / "mails")
    assert (written.mails, written.suggestions) == (12, 12)
    assert rows() == before
    assert sink.received == []
    names = {path.suffix for path in (tmp_path / "mails").iterdir()}
    assert names == {".eml", ".html", ".txt"}
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 12
    assert "001.html" in written.index.read_text()
    # The night itself is as if there had been none.
    assert run_nightly(night.tools(), TONIGHT).mails == {"sent": 12}


def test_a_server_that_is_down_keeps_the_mails(night: Night, sink: Sink) -> None:
    sink.port, port = 1, sink.port  # nobody listens there
    outcome = run_nightly(replace(night.tools(), patience=timedelta(0)), TONIGHT)
    assert outcome.ending is Ending.CUT_OFF
    assert outcome.alerts
    assert night.states() == {MailState.QUEUED: 12}
    sink.port = port
    again = run_nightly(night.tools(), Order(resume=True))
    assert (again.ending, again.alerts) == (Ending.FINISHED, ())
    assert sorted(sink.message_ids.values()) == [1] * 12


def test_every_mail_has_its_entry_in_the_audit_log(night: Night) -> None:
    run_nightly(night.tools(), TONIGHT)
    with night.database.reading(SYSTEM) as session:
        entries = session.scalars(
            select(AuditEntry.object_id).where(AuditEntry.event == "mail")
        ).all()
        accounts = session.scalars(select(Mail.account_id)).all()
    assert sorted(map(str, entries)) == sorted(map(str, accounts))
