"""Evaluation of the real ranker on a judged folder.

The folder is imported into a scratch database and ranked through the same code as a request, so
that the figures are those of the product: importing the same folder into the service and asking
its API gives the same lists.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.clock import today
from app.contexts import SYSTEM
from app.db import Database
from app.errors import invalid
from app.jobs.embedding import embed_pending, embed_texts, pending_texts
from app.jobs.importing import store
from app.jobs.steps import Steps
from app.migrations import upgrade
from app.services.corpus import CorpusCache
from app.services.needs import query_of
from data import importers
from data.importers import Problem, ReadResult, read_qrels
from data.importers.kinds import RecordKind, kinds_by_name
from matching.corpus import Corpus, Query
from matching.encoders import Encoder
from matching.evaluate import (
    BASELINE,
    PRODUCT,
    RANKERS,
    JudgedQuery,
    Measures,
    Task,
    evaluate,
    evaluate_expertise,
)
from matching.lexical import count_terms
from matching.signals import SIGNALS, Signal
from matching.text import content_hash
from models import Need, Partner

VARIANTS: Final = range(1, 11)
"""Of the profiles of reviewer-gold: its official loss is the mean over the ten."""


SCRATCH_VERSION: Final = 1
"""Raise it when the same files make other rows than before."""


def evaluate_folder(
    folder: Path,
    encoder: Encoder,
    *,
    cache: Path,
    steps: Steps,
    baseline: str = BASELINE,
    signals: tuple[Signal, ...] = SIGNALS,
) -> Measures:
    """Measures of the product and of the baselines on one folder, `[ranker][metric]`.

    The product ranks by `signals`. `cache` holds scratch databases, so that a second run embeds
    nothing anew. Problem 422 if the folder is not a judged set or the baseline is unknown.
    """
    if baseline not in RANKERS:
        raise invalid("baseline", f"{baseline!r} is none of {', '.join(RANKERS)}")
    rankers = {**RANKERS, PRODUCT: signals}
    tasks = build_tasks(folder, encoder, cache=cache, steps=steps)
    if len(tasks) > 1:
        advance = steps.begin("ranking", len(tasks))
        return evaluate_expertise(
            tasks, rankers=rankers, baseline=baseline, progress=lambda: advance(1)
        )
    advance = steps.begin("ranking", len(tasks[0].queries))
    return evaluate(tasks[0], rankers=rankers, baseline=baseline, progress=lambda: advance(1))


def build_tasks(folder: Path, encoder: Encoder, *, cache: Path, steps: Steps) -> list[Task]:
    """The folder as one task, or as one for each profile variant where the evidence names them.

    A judged query that the folder lacks or that cannot be used has an empty text, which no ranker
    answers: it scores 0 and is counted; `steps.warn` is told. Problem 422 for anything else that
    cannot be used, since a smaller set of candidates is an easier one.
    """
    if not (folder / "qrels.tsv").is_file():
        raise invalid(str(folder), "holds no qrels.tsv: this is not a judged set of rankings")
    gains = read_qrels(folder / "qrels.tsv")
    read = importers.read(folder)
    stored = store_set(folder, read, encoder, cache=cache, steps=steps)
    new_partners = {need.id: frozenset(need.new_partners) for need in read.needs}
    task = _task(stored, encoder, gains, new_partners, steps)
    _warn_of_unanswered(task, read, steps)
    variants = {
        (partner.id, piece.id): piece.variants
        for partner in read.partners
        for piece in partner.evidence
        if piece.variants
    }
    return [_variant(task, variants, number) for number in VARIANTS] if variants else [task]


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A judged folder in its scratch database, its evidence embedded."""

    database: Database
    corpus: Corpus
    names: dict[str, str]
    """Public ids of the partners by their ids in the corpus."""
    queries: dict[str, Query]
    """The needs by their public ids."""


def store_set(
    folder: Path, read: ReadResult, encoder: Encoder, *, cache: Path, steps: Steps
) -> StoredSet:
    """What was read from a folder, stored and embedded.

    Problem 422 if a candidate's row cannot be used.
    """
    database = _scratch(folder, read, cache)
    texts = pending_texts(database, encoder)
    embed_pending(database, encoder, texts, progress=steps.begin("embedding evidence", len(texts)))
    with database.reading(SYSTEM) as session:
        corpus = CorpusCache(encoder, inline=0).current(session).corpus
        rows = session.execute(select(Partner.id, Partner.external_id))
        names = {str(row.id): str(row.external_id) for row in rows}
        statement = select(Need).order_by(Need.id).options(selectinload(Need.clusters))
        queries = {str(need.external_id): query_of(need) for need in session.scalars(statement)}
    return StoredSet(database, corpus, names, queries)


def _scratch(folder: Path, read: ReadResult, cache: Path) -> Database:
    """A database with the folder in it, made once for each state of its files.

    Problem 422 if a candidate's row cannot be used. Queries are not checked here: one that is
    judged and missing scores 0, so that the set does not shrink.
    """
    digest = hashlib.sha256(f"{SCRATCH_VERSION} {today().year}".encode())
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(path.read_bytes())
    name = folder.resolve().name
    file = cache / f"{name}-{digest.hexdigest()[:12]}.db"
    complete = file.with_suffix(".complete")
    database = Database.at(f"sqlite:///{file}")
    upgrade(database)
    if not complete.exists():
        done = store(database, read, set_name=name, today=today())
        problems = [_words(p) for p in read.problems if not _is_of_query(p)] + done.problems
        if problems:
            raise invalid(str(folder), f"{len(problems)} rows cannot be used: {problems[0]}")
        complete.touch()
    return database


def _words(problem: Problem) -> str:
    return f"{problem.file}, line {problem.line}: {problem.reason}"


def _is_of_query(problem: Problem) -> bool:
    return kinds_by_name(Path(problem.file)) == {RecordKind.NEED}


def _warn_of_unanswered(task: Task, read: ReadResult, steps: Steps) -> None:
    empty = sum(not judged.query.text for judged in task.queries)
    if empty:
        unusable = [_words(problem) for problem in read.problems if _is_of_query(problem)]
        steps.warn(
            f"judged queries that are missing or cannot be used: {empty}; each scores 0"
            + (f" ({unusable[0]})" if unusable else "")
        )


def _task(
    stored: StoredSet,
    encoder: Encoder,
    gains: dict[str, dict[str, float]],
    new_partners: dict[str, frozenset[str]],
    steps: Steps,
) -> Task:
    missing = Query(text="", posted_on=today())
    judged = {key: query for key, query in stored.queries.items() if key in gains}
    texts = {content_hash(query.text): query.text for query in judged.values()}
    judged |= {key: missing for key in gains if key not in judged}
    vectors = embed_texts(
        stored.database,
        encoder,
        texts,
        role="query",
        progress=steps.begin("embedding queries", len(texts)),
    )
    nothing = np.zeros(encoder.dimension, np.float32)
    queries = [
        JudgedQuery(
            key,
            query,
            vectors.get(content_hash(query.text), nothing),
            gains[key],
            new_partners.get(key, frozenset()),
        )
        for key, query in judged.items()
    ]
    return Task(stored.corpus, queries, stored.names)


def _variant(task: Task, variants: dict[tuple[str, str], tuple[int, ...]], number: int) -> Task:
    """The task with the evidence that belongs to one profile variant."""
    corpus = task.corpus
    kept = [
        row
        for row, piece in enumerate(corpus.evidence)
        if number in variants.get((task.names[piece.partner], piece.external_id or ""), ())
    ]
    return replace(task, corpus=part_of(corpus, kept))


def part_of(corpus: Corpus, rows: Sequence[int]) -> Corpus:
    """A corpus of some of the evidence, its partners and their order kept."""
    evidence = [corpus.evidence[row] for row in rows]
    return Corpus.build(
        corpus.partners,
        evidence,
        corpus.vectors.at(np.array(rows, np.int64)),
        [count_terms(piece.text) for piece in evidence],
    )
