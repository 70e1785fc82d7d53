"""Nights in a row on a real database: who is suggested for what, and who is not."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.jobs.planning import Planned, score_and_plan, store
from app.jobs.steps import Steps
from app.mail_settings import MailSettings
from app.services.corpus import Engine
from matching.calibrate import Calibration, Curve
from matching.encoders import make_encoder
from matching.model import Model
from models import (
    Answer,
    Confidentiality,
    DeclineReason,
    Embedding,
    Introduction,
    IntroductionState,
    Need,
    Partner,
    Run,
    RunKind,
    RunStep,
    Side,
    Suggestion,
    Unavailability,
)
from tests.app.suggesting import TONIGHT, answered
from tests.conftest import Fresh
from tests.factories import (
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
)
from tests.servers import SystemDatabase

Pair = tuple[UUID, UUID]


class Nights:
    """A database, and runs on it one after the other."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.engine = engine
        self.settings = MailSettings(_env_file=None)

    def setting(self, **values: object) -> None:
        """Change some settings."""
        self.settings = self.settings.model_copy(update=values)

    def plan(self, on: date = TONIGHT) -> Planned:
        """What would be stored of that date."""
        return score_and_plan(self.database, self.engine, run_date=on, settings=self.settings)

    def run(self, on: date = TONIGHT) -> set[Pair]:
        """The pairs that the run of that date suggested."""
        planned = self.plan(on)
        with self.writing() as session:
            run = Run(kind=RunKind.SUGGESTIONS, run_date=on)
            session.add(run)
            session.flush()
            store(session, run, planned)
            key = run.id
        with self.database.reading(SYSTEM) as session:
            rows = session.scalars(select(Suggestion).where(Suggestion.run_id == key))
            return {(row.need_id, row.partner_id) for row in rows}

    def writing(self) -> Any:
        """A session that commits."""
        return self.database.writing(SYSTEM)

    def answer(self, pair: Pair, answer: Answer, on: date, **values: Any) -> None:
        """Answer to the pair's suggestion."""
        with self.writing() as session:
            row = session.scalars(
                select(Suggestion)
                .where(Suggestion.need_id == pair[0], Suggestion.partner_id == pair[1])
                .order_by(Suggestion.id.desc())
            ).first()
            assert row is not None
            answered(session, row, answer, on, **values)


@pytest.fixture
def nights(database: Database, engine: Engine) -> Nights:
    return Nights(database, engine)


def expert(session: Session, *titles: str, **values: Any) -> Partner:
    """A partner who knows about citrus juice, or about what is said."""
    partner = make_partner(session, **values)
    for title in titles or ("Browning of citrus juice",):
        make_capability(session, partner, title_en=title)
    return partner


def night(days: int) -> date:
    """So many days after the first."""
    return TONIGHT + timedelta(days=days)


@pytest.fixture
def pair(nights: Nights) -> Pair:
    """The only need and the only partner."""
    with nights.writing() as session:
        return make_need(session).id, expert(session).id


def test_a_pair_is_suggested_once(nights: Nights, pair: Pair) -> None:
    assert nights.run() == {pair}
    assert nights.run(night(1)) == set()
    assert nights.run(night(400)) == set()


def test_a_run_is_told_what_it_did(nights: Nights, pair: Pair) -> None:
    nights.run()
    nights.run(night(1))
    with nights.database.reading(SYSTEM) as session:
        first, second = session.scalars(select(Run).order_by(Run.run_date)).all()
        row = session.scalars(select(Suggestion)).one()
        assert row.probability is None
        assert row.strong is None
        assert row.signals
        assert row.evidence[0]["capability_id"]
    assert first.step is RunStep.COMPOSE
    assert first.encoder_id == nights.engine.encoder.id
    assert first.corpus_revision is not None
    assert {name: first.counts[name] for name in ("needs", "partners", "pairs")} == {
        "needs": 1,
        "partners": 1,
        "pairs": 1,
    }
    assert (first.counts["suggestions"], first.counts["uncalibrated"]) == (1, 1)
    assert first.report["figures"][-1]["pairs"] == 1
    assert second.counts["suggestions"] == 0
    assert second.report["out"] == {"suggested": 1}
    del pair


def test_nothing_is_planned_twice(nights: Nights, pair: Pair) -> None:
    nights.run()
    planned = nights.plan(night(400))
    with nights.writing() as session:
        run = session.scalars(select(Run)).one()
        with pytest.raises(Problem, match="has its plan already"):
            store(session, run, planned)
    del pair


def test_planning_writes_nothing(nights: Nights, pair: Pair) -> None:
    nights.plan()
    with nights.database.reading(SYSTEM) as session:
        for table in (Run, Suggestion, Embedding):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    del pair


def test_a_changed_need_is_suggested_again_after_the_cool_down(nights: Nights, pair: Pair) -> None:
    with nights.writing() as session:
        need = session.get_one(Need, pair[0])
        need.title_en, need.brief_en = "Juice", "We want a better machine."
    assert nights.run() == {pair}
    with nights.writing() as session:
        need = session.get_one(Need, pair[0])
        need.title_en, need.brief_en = "Browning of citrus juice", "Our citrus juice turns brown."
    assert nights.run(night(29)) == set()
    assert nights.run(night(30)) == {pair}
    assert nights.run(night(31)) == set()


def test_a_change_that_fits_no_better_does_not_bring_it_again(nights: Nights, pair: Pair) -> None:
    assert nights.run() == {pair}
    with nights.writing() as session:
        session.get_one(Need, pair[0]).brief_en = "We want a better machine for the juice."
    assert nights.run(night(400)) == set()


def test_later_brings_it_again_in_two_weeks(nights: Nights, pair: Pair) -> None:
    nights.run()
    nights.answer(pair, Answer.LATER, night(1))
    assert nights.run(night(14)) == set()
    assert nights.run(night(15)) == {pair}
    assert nights.run(night(40)) == set()


def test_a_declined_pair_does_not_come_again(nights: Nights, pair: Pair) -> None:
    nights.run()
    nights.answer(pair, Answer.DECLINE, night(1), side=Side.COMPANY)
    assert nights.run(night(2)) == set()
    assert nights.plan(night(200)).report["out"] == {"declined": 1}


def test_a_partner_without_time_is_left_alone_for_a_while(nights: Nights, pair: Pair) -> None:
    nights.run()
    nights.answer(pair, Answer.DECLINE, night(1), reason=DeclineReason.NO_TIME, side=Side.PARTNER)
    with nights.writing() as session:
        another = make_need(session, title_en="Citrus juice tastes bitter").id
    assert nights.run(night(2)) == set()
    assert nights.run(night(31)) == {(another, pair[1])}


@pytest.mark.parametrize("state", [IntroductionState.RELEASED, IntroductionState.CLOSED])
def test_an_introduction_rules_a_pair_out(
    nights: Nights, pair: Pair, state: IntroductionState
) -> None:
    with nights.writing() as session:
        need, partner = session.get_one(Need, pair[0]), session.get_one(Partner, pair[1])
        make_introduction(session, need, partner, state=state)
    assert nights.run() == set()
    with nights.writing() as session:
        session.delete(session.scalars(select(Introduction)).one())
    assert nights.run(night(1)) == {pair}


def test_each_answer_changes_the_next_night(nights: Nights) -> None:
    """A partner with six unanswered suggestions gets no more; each answer makes room for one."""
    with nights.writing() as session:
        partner = expert(session).id
        for number in range(9):
            make_need(session, title_en=f"Citrus juice, request {number}")
    found = [nights.run(night(days)) for days in range(4)]
    assert [len(pairs) for pairs in found] == [3, 3, 0, 0]
    first = sorted(found[0])
    nights.answer(first[0], Answer.DECLINE, night(3), side=Side.PARTNER)
    assert len(nights.run(night(4))) == 1
    nights.answer(first[1], Answer.LATER, night(4), side=Side.PARTNER)
    nights.answer(first[2], Answer.ACCEPT, night(4), side=Side.STAFF)
    more = nights.run(night(5))
    assert len(more) == 2
    assert not more & set(first)
    assert {other for pairs in (*found, more) for _, other in pairs} == {partner}


def test_an_unavailable_partner_is_not_suggested(nights: Nights, pair: Pair) -> None:
    with nights.writing() as session:
        partner = session.get_one(Partner, pair[1])
        partner.unavailable.append(Unavailability(start=TONIGHT, end=night(3), reason="abroad"))
    assert nights.run() == set()
    assert nights.plan(night(3)).report["blocked"] == {"unavailable": 1}
    assert nights.run(night(4)) == {pair}


def test_excluded_organisations_are_out_and_so_is_who_may_belong_to_them(nights: Nights) -> None:
    with nights.writing() as session:
        rival, university = make_organisation(session), make_organisation(session)
        need = make_need(session, excluded_organisations=[str(rival.id)])
        expert(session, organisation_id=rival.id)
        expert(session)  # of whom nobody knows where they belong
        expert(session, organisation_id=need.organisation_id)
        good = expert(session, organisation_id=university.id)
        expected = {(need.id, good.id)}
    planned = nights.plan()
    assert planned.report["blocked"] == {
        "excluded_organisation": 1,
        "organisation_unknown": 1,
        "own_organisation": 1,
    }
    assert nights.run() == expected


def test_a_star_gets_no_more_than_it_can_bear(nights: Nights) -> None:
    """Independent lists would all begin with the same partner."""
    with nights.writing() as session:
        star = expert(session, "Browning of citrus juice", "Bitter citrus juice after months").id
        others = [expert(session, f"Juice of fruit {n}").id for n in range(8)]
        for number in range(8):
            make_need(session, title_en=f"Keep citrus juice fresh, {number}")
    nights.setting(nightly_per_need=1)
    planned = nights.plan()
    alone, *_, ours = planned.report["figures"]
    assert alone["heaviest"] == 8
    load = Counter(chosen.partner_id for chosen in planned.chosen)
    assert load[star] == ours["heaviest"] == nights.settings.nightly_per_partner
    assert len(planned.chosen) == ours["served"] == 8
    assert set(load) - {star} <= set(others)


def test_a_company_does_not_flood_a_partner(nights: Nights) -> None:
    with nights.writing() as session:
        expert(session)
        company = make_organisation(session).id
        for number in range(6):
            make_need(session, organisation_id=company, title_en=f"Citrus juice {number}")
    sizes = [len(nights.run(night(days))) for days in range(5)]
    assert sizes == [1, 1, 1, 0, 0]
    assert nights.plan(night(5)).report["out"]["company_waits"] == 3
    assert len(nights.run(night(30))) == 1  # the first is a month old


def test_a_company_gets_a_digest_of_bounded_length(nights: Nights) -> None:
    with nights.writing() as session:
        company = make_organisation(session).id
        for number in range(6):
            make_need(session, organisation_id=company, title_en=f"Citrus juice {number}")
            expert(session, f"Citrus juice {number}")
    nights.setting(nightly_per_company=4)
    assert len(nights.run()) == 4


def test_the_worst_served_need_comes_first_if_the_operator_wants_it(nights: Nights) -> None:
    """Two needs and a partner with room for one: fairness cannot serve both, but with a second,
    weak partner it gives the first to whom the weak one does not fit at all."""
    with nights.writing() as session:
        only = expert(session, "Browning of citrus juice")
        weak = expert(session, "Citrus peel", engagement_types=["licence"])
        anything = make_need(session, title_en="Browning of citrus juice", brief_en=None)
        picky = make_need(
            session, title_en="Citrus juice", brief_en=None, engagement_types=["testing"]
        )
        ids = only.id, weak.id, anything.id, picky.id
    nights.setting(
        nightly_per_need=1, nightly_per_partner=1, nightly_exposure=0.0, nightly_fairness=1.0
    )
    planned = nights.plan()
    assert {(c.need_id, c.partner_id) for c in planned.chosen} == {
        (ids[3], ids[0]),
        (ids[2], ids[1]),
    }


def test_who_is_seldom_suggested_comes_first_among_nearly_equals(nights: Nights) -> None:
    with nights.writing() as session:
        known = expert(session, "Browning of citrus juice").id
        make_need(session, title_en="Citrus juice", brief_en=None)
    nights.setting(nightly_per_need=1)
    assert {partner for _, partner in nights.run()} == {known}
    with nights.writing() as session:
        new = expert(session, "Browning of a citrus juice").id
        make_need(session, title_en="Browning of citrus juice", brief_en=None)
    nights.setting(nightly_exposure=0.9)
    assert new in {chosen.partner_id for chosen in nights.plan(night(1)).chosen}


def test_what_is_gone_before_it_is_stored_is_left_out(nights: Nights, pair: Pair) -> None:
    planned = nights.plan()
    with nights.writing() as session:
        session.delete(session.get_one(Partner, pair[1]))
    with nights.writing() as session:
        run = Run(kind=RunKind.SUGGESTIONS, run_date=TONIGHT)
        session.add(run)
        session.flush()
        store(session, run, planned)
        assert (run.counts["suggestions"], run.counts["gone"]) == (0, 1)
        assert session.scalar(select(func.count()).select_from(Suggestion)) == 0


STRICT = Model(
    calibration=Calibration(
        place=Curve((40.0, 0.0, 0.0), -8.0),
        strength=Curve((0.0, 0.0, 0.0), 0.0),
        threshold=0.9,
        typical={},
    )
)
"""A probability of one half at the score 0.2, and no list strong."""


def test_improbable_pairs_are_not_suggested(nights: Nights) -> None:
    with nights.writing() as session:
        for number in range(45):
            expert(session, f"Citrus juice {number}" if number < 2 else f"Robots {number}")
        make_need(session, title_en="Citrus juice", brief_en=None)
    nights.engine = replace(nights.engine, model=STRICT)
    nights.setting(nightly_per_need=20, nightly_least_probability=0.1)
    planned = nights.plan()
    assert len(planned.chosen) == 2
    assert all(chosen.probability and chosen.probability >= 0.1 for chosen in planned.chosen)
    assert planned.report["out"] == {"improbable": 43}
    assert planned.counts["uncalibrated"] == 0
    assert planned.counts["weak"] == 1
    assert {chosen.strong for chosen in planned.chosen} == {False}
    nights.setting(nightly_least_probability=1.0)
    assert nights.plan().chosen == ()


@pytest.fixture
def region(nights: Nights) -> Nights:
    """Nine needs of six companies, and eight partners, some of whom fit many."""
    with nights.writing() as session:
        companies = [make_organisation(session).id for _ in range(6)]
        for number in range(9):
            title = ("Citrus juice turns brown", "Robots for surimi", "Koji and brewing")[
                number % 3
            ]
            make_need(
                session,
                organisation_id=companies[number % 6],
                title_en=f"{title}, {number}",
                brief_en=None,
            )
        for number in range(8):
            topic = ("Browning of citrus juice", "Surimi robots", "Brewing with koji")[number % 3]
            expert(session, topic, f"{topic} by method {number}")
    return nights


def hide_needs(nights: Nights, number: int) -> list[UUID]:
    """Needs for named staff, of the same companies, that would take the others' best partners."""
    with nights.writing() as session:
        companies = session.scalars(select(Need.organisation_id).distinct()).all()
        return [
            make_need(
                session,
                organisation_id=companies[each % len(companies)],
                title_en=f"Browning of citrus juice, Canary {each}",
                confidentiality=Confidentiality.NAMED_STAFF,
            ).id
            for each in range(number)
        ]


def test_hidden_needs_change_nothing_for_the_others(region: Nights) -> None:
    """Neither on their first night nor by what was suggested for them before."""
    alone = region.plan()
    hidden = hide_needs(region, 12)

    beside = region.plan()

    assert len(beside.hidden) > 12
    assert {chosen.need_id for chosen in beside.hidden} == set(hidden)
    assert len(alone.chosen) > 9
    assert replace(beside, hidden=()) == alone
    region.run()
    beside = region.plan(night(1))
    with region.writing() as session:
        for need in hidden:
            session.delete(session.get_one(Need, need))
    alone = region.plan(night(1))
    assert alone.chosen
    assert replace(beside, hidden=()) == alone


def test_of_hidden_needs_nothing_but_the_suggestions_is_stored(region: Nights) -> None:
    hidden = hide_needs(region, 12)
    region.run()
    with region.database.reading(SYSTEM) as session:
        run = session.scalars(select(Run)).one()
        ours = session.scalars(select(Suggestion).where(Suggestion.need_id.in_(hidden))).all()
        everything = session.scalar(select(func.count()).select_from(Suggestion))
        assert session.scalar(select(func.count()).select_from(Embedding)) == 0
    assert ours
    assert run.counts["suggestions"] == (everything or 0) - len(ours)
    assert run.counts["needs"] == 9
    stored = str([run.counts, run.report, [row.signals for row in ours]])
    assert "Canary" not in stored
    assert not any(str(need) in str(run.report) for need in hidden)


def test_hidden_needs_have_limits_of_their_own(nights: Nights) -> None:
    with nights.writing() as session:
        partner = expert(session).id
        for number in range(5):
            make_need(session, title_en=f"Citrus juice {number}")
    hidden = set(hide_needs(nights, 5))
    load = Counter((need in hidden, other) for need, other in nights.run())
    assert load == {(False, partner): 3, (True, partner): 3}


@pytest.fixture
def another(fresh: Fresh, tmp_path: Path) -> Iterator[Database]:
    """A second, empty database under the same secret."""
    folder = tmp_path / "another"
    folder.mkdir()
    with fresh(folder) as url:
        database = SystemDatabase.at(url)
        yield database
        database.engine.dispose()


def test_the_same_data_give_the_same_plan_in_whatever_order_they_were_stored(
    nights: Nights, another: Database
) -> None:
    topics = ("Browning of citrus juice", "Citrus juice", "Juice of citrus fruit")
    makers: list[Callable[[Session], object]] = []
    for number in range(7):

        def need(session: Session, number: int = number) -> object:
            home = make_organisation(session, id=UUID(int=100 + number)).id
            return make_need(
                session, id=UUID(int=200 + number), organisation_id=home, title_en="Citrus juice"
            )

        def partner(session: Session, number: int = number) -> object:
            row = make_partner(session, id=UUID(int=300 + number))
            return make_capability(
                session, row, id=UUID(int=400 + number), title_en=topics[number % 3]
            )

        makers += [need, partner]
    with nights.writing() as session:
        for make in makers:
            make(session)
    with another.writing(SYSTEM) as session:
        for make in reversed(makers):
            make(session)
    engine = Engine.make(another, make_encoder("hashing"), inline=32, sentence_cache=1000)

    first, again = nights.plan(), nights.plan()
    other = Nights(another, engine).plan()

    assert first == again
    assert len(first.chosen) == 21
    assert replace(other, corpus_revision=first.corpus_revision) == first


def test_progress_counts_each_need_of_which_others_may_know(region: Nights) -> None:
    done: Counter[str] = Counter()
    totals: dict[str, int] = {}

    def begin(title: str, total: int) -> Callable[[int], None]:
        totals[title] = total

        def advance(amount: int) -> None:
            done[title] += amount

        return advance

    hide_needs(region, 2)
    score_and_plan(
        region.database,
        region.engine,
        run_date=TONIGHT,
        settings=region.settings,
        steps=Steps(begin),
    )
    assert done == totals
    assert totals["scoring needs"] == 9
