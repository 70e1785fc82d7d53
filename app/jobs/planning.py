"""A night's plan: all open needs scored, the pairs chosen together, and what is kept of them.

Nothing is written while the work is done; `store` then writes all of it in one transaction.

Needs for named staff are planned after the others, with a history and limits of their own, and no
number of the run counts them: what is suggested for the others does not depend on whether they
exist. Their vectors stay in memory.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.contexts import SYSTEM
from app.db import Database
from app.errors import conflict
from app.jobs.steps import QUIET, Steps
from app.mail_settings import MailSettings
from app.services.corpus import Engine
from app.services.corpus_reading import Loaded
from app.services.fingerprints import need_fingerprint, partner_fingerprints
from app.services.matches import query_vectors
from app.services.needs import query_of
from app.services.suggestible import KnownPartner, ScoredNeed, Suggestible, suggestible
from app.services.suggestion_history import History, read_history
from app.services.suggestions import Chosen, add_suggestions, grounds_of
from matching.assignment import assign
from matching.corpus import Query
from matching.encoders import Vectors
from matching.filters import Filters
from matching.pairs import Weights
from matching.plan_report import report as report_plan
from matching.score_matrix import Question, ScoreMatrix, score_matrix
from matching.text import content_hash
from models import Confidentiality, Need, NeedStatus, Run, RunStep

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a night's plan comes to, before any of it is stored."""

    chosen: tuple[Chosen, ...]
    hidden: tuple[Chosen, ...]
    """For needs for named staff; none of the numbers below counts them."""
    report: dict[str, Any]
    """The plan beside what simpler rules would have chosen; how many pairs were ruled out, by hard
    constraint and by reason."""
    counts: dict[str, int]
    """Numbers by name."""
    encoder_id: str
    corpus_revision: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """An open need, as it is matched."""

    id: UUID
    organisation_id: UUID
    fingerprint: str
    query: Query
    vector: Vectors


@dataclass(frozen=True, slots=True)
class _Part:
    """Needs that are planned together: those for named staff, or all others."""

    needs: tuple[_Asked, ...]
    history: History


@dataclass(frozen=True, slots=True)
class _Read:
    """All that is read of the rows."""

    loaded: Loaded
    partners: tuple[KnownPartner, ...]
    """Those of the corpus."""
    others: _Part
    hidden: _Part


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of one part."""

    chosen: tuple[Chosen, ...]
    report: dict[str, Any]
    counts: dict[str, int]


def score_and_plan(
    database: Database,
    engine: Engine,
    *,
    run_date: date,
    settings: MailSettings,
    steps: Steps = QUIET,
) -> Planned:
    """The plan of that date; the same for the same data. It writes nothing.

    No session is open while it is worked out.
    """
    with database.reading(SYSTEM) as session:
        read = _read(session, engine, run_date)
    night = _Night(engine, read, run_date, settings)
    others = night.plan(read.others, exposure=settings.nightly_exposure, steps=steps)
    # Partners are not told of these needs: what they are suggested for raises no one's exposure.
    hidden = night.plan(read.hidden, exposure=0.0, steps=QUIET)
    return Planned(
        chosen=others.chosen,
        hidden=hidden.chosen,
        report=others.report,
        counts=others.counts,
        encoder_id=engine.encoder.id,
        corpus_revision=read.loaded.revision,
    )


def store(session: Session, run: Run, planned: Planned) -> None:
    """Store the suggestions with the run's numbers, and let it go on to the mails.

    Problem 409 if the run has a plan already.
    """
    if run.step in (RunStep.COMPOSE, RunStep.DELIVER, RunStep.DONE):
        raise conflict("This run has its plan already: what it suggested is not chosen anew.")
    gone = add_suggestions(session, run, planned.chosen)
    add_suggestions(session, run, planned.hidden)
    run.encoder_id, run.corpus_revision = planned.encoder_id, planned.corpus_revision
    suggestions = len(planned.chosen) - gone
    run.counts = {**run.counts, **planned.counts, "suggestions": suggestions, "gone": gone}
    run.report = planned.report
    run.step = RunStep.COMPOSE


def _read(session: Session, engine: Engine, run_date: date) -> _Read:
    loaded = engine.corpora.current(session)
    ids = [UUID(partner.id) for partner in loaded.corpus.partners]
    fingerprints = partner_fingerprints(session, ids)
    statement = (
        select(Need).where(Need.status == NeedStatus.OPEN).options(selectinload(Need.clusters))
    )
    needs = sorted(session.scalars(statement), key=lambda need: need.id)
    hidden = [n for n in needs if n.confidentiality is Confidentiality.NAMED_STAFF]
    others = [n for n in needs if n.confidentiality is not Confidentiality.NAMED_STAFF]
    return _Read(
        loaded,
        tuple(KnownPartner(i, fingerprints.get(i)) for i in ids),
        # Each part is encoded in a call of its own: a batch may change the last bits of a vector.
        _part(session, engine, others, run_date, named_staff=False),
        _part(session, engine, hidden, run_date, named_staff=True),
    )


def _part(
    session: Session, engine: Engine, needs: Sequence[Need], run_date: date, *, named_staff: bool
) -> _Part:
    queries = [query_of(need) for need in needs]
    vectors = query_vectors(session, engine, queries)
    asked = tuple(
        _Asked(
            id=need.id,
            organisation_id=need.organisation_id,
            fingerprint=need_fingerprint(need),
            query=query,
            vector=vectors[content_hash(query.text)],
        )
        for need, query in zip(needs, queries, strict=True)
    )
    return _Part(asked, read_history(session, today=run_date, named_staff=named_staff))


@dataclass(frozen=True, slots=True)
class _Night:
    """What both parts are planned with."""

    engine: Engine
    read: _Read
    run_date: date
    settings: MailSettings

    def plan(self, part: _Part, *, exposure: float, steps: Steps) -> _Plan:
        """The plan of one part."""
        table = self._table(part, steps)
        scored = _lists(part, table)
        found = suggestible(
            scored, self.read.partners, part.history, settings=self.settings, today=self.run_date
        )
        weights = Weights(self.settings.nightly_fairness, exposure, found.seldom)
        advance = steps.begin("choosing pairs", 2)
        # The needs come in the order of their ids, and so do the partners of a corpus.
        plan = assign(found.pairs, found.limits, weights=weights)
        advance(1)
        report = report_plan(found.pairs, found.limits, plan, weights=weights).as_dict()
        advance(1)
        return _Plan(
            chosen=self._chosen(part, scored, found, plan.chosen, steps),
            report={**report, **_ruled_out(table, found)},
            counts={
                "needs": len(part.needs),
                "partners": len(self.read.partners),
                "pairs": len(found.pairs),
                "weak": sum(need.strong is False for need in scored),
                "uncalibrated": sum(need.probabilities is None for need in scored),
                "pending": self.read.loaded.corpus.pending,
            },
        )

    def _table(self, part: _Part, steps: Steps) -> ScoreMatrix:
        questions = [Question(need.query, need.vector, self.filters) for need in part.needs]
        progress = steps.begin("scoring needs", len(questions))
        corpus = self.read.loaded.corpus
        return score_matrix(questions, corpus, model=self.engine.model, progress=progress)

    def _chosen(
        self,
        part: _Part,
        scored: Sequence[ScoredNeed],
        found: Suggestible,
        plan: IntArray,
        steps: Steps,
    ) -> tuple[Chosen, ...]:
        """The pairs (c,) of the plan, with their signals and evidence."""
        by_need: dict[int, list[int]] = {}
        for pair in plan.tolist():
            by_need.setdefault(int(found.pairs.need[pair]), []).append(int(found.place[pair]))
        advance = steps.begin("reading evidence", len(by_need))
        chosen: list[Chosen] = []
        for position, places in sorted(by_need.items()):
            chosen += self._of_need(part.needs[position], scored[position], sorted(places))
            advance(1)
        return tuple(chosen)

    def _of_need(self, need: _Asked, listed: ScoredNeed, places: list[int]) -> Iterator[Chosen]:
        """The chosen places of a need's list, the best first."""
        corpus = self.read.loaded.corpus
        partners = {place: self.read.partners[listed.partners[place]] for place in places}
        grounds = grounds_of(
            self.engine,
            corpus,
            need.query,
            need.vector,
            [str(partner.id) for partner in partners.values()],
            filters=self.filters,
            top=places[-1] + 1,
        )
        known = listed.probabilities
        for place, partner in partners.items():
            yield Chosen(
                need_id=need.id,
                partner_id=partner.id,
                score=grounds[str(partner.id)].score,
                probability=None if known is None else float(known[place]),
                strong=listed.strong,
                signals=grounds[str(partner.id)].signals,
                evidence=grounds[str(partner.id)].evidence,
                need_fingerprint=need.fingerprint,
                partner_fingerprint=partner.fingerprint or "",
            )

    @property
    def filters(self) -> Filters:
        """What holds for every list of the night."""
        return Filters(available_on=self.run_date)


def _lists(part: _Part, table: ScoreMatrix) -> list[ScoredNeed]:
    """The needs' own lists."""
    starts = np.searchsorted(table.need, np.arange(len(part.needs) + 1)).tolist()
    lists = []
    for position, need in enumerate(part.needs):
        rows = slice(starts[position], starts[position + 1])
        judged = not np.isnan(table.strength[position])
        lists.append(
            ScoredNeed(
                id=need.id,
                organisation_id=need.organisation_id,
                fingerprint=need.fingerprint,
                partners=table.partner[rows],
                scores=table.score[rows],
                probabilities=table.probability[rows] if judged else None,
                strong=table.strong[position],
            )
        )
    return lists


def _ruled_out(table: ScoreMatrix, found: Suggestible) -> dict[str, dict[str, int]]:
    blocked: Counter[str] = Counter()
    for reasons in table.blocked:
        blocked.update(reasons)
    return {
        "blocked": dict(sorted(blocked.items())),
        "out": {reason.value: number for reason, number in found.out.items()},
    }
