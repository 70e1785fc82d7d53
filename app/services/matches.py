"""Match lists: partners for a need or a text, and open needs for a partner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.access import Action, Actor, View
from app.errors import invalid
from app.schemas.explanation import Explain
from app.services.corpus import Engine
from app.services.corpus_reading import Loaded
from app.services.embeddings import load_vectors
from app.services.match_answers import AskedList
from app.services.needs import query_of
from app.tracing import span
from app.visibility import needs_for
from matching.corpus import Corpus, Query
from matching.encoders import Vectors
from matching.explain import Passage, passages
from matching.explanation import Explanation, explanations
from matching.filters import Filters
from matching.misses import Miss, advice, near_misses
from matching.ranker import RankedPartner, Ranking, rank
from matching.reverse import AskedNeed, Standing, rank_needs
from matching.signals import Sentence
from matching.splitting import Facet, split, wordings
from matching.text import content_hash, tokens
from models import CorpusRevision, Need, NeedStatus, Partner


@dataclass(frozen=True, slots=True)
class Match:
    """A place in a list, with the rows it is about."""

    rank: int
    ranked: RankedPartner
    partner: Partner
    need: Need | None
    evidence: tuple[Passage, ...]
    standing: Standing | None = None
    """Of a partner's list: how the partner stands among all for this need."""
    probability: float | None = None
    """That this partner is a true one; None where nothing is calibrated."""
    explanation: Explanation | None = None
    """If it was asked for in full."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Who is near but no strong partner, with the row it is about."""

    miss: Miss
    partner: Partner


@dataclass(frozen=True, slots=True)
class MatchList:
    """A list, and what it was made from."""

    matches: tuple[Match, ...]
    blocked: dict[str, int]
    encoder_id: str
    revision: int
    pending: int
    weights: dict[str, float]
    """Of each signal."""
    strength: float | None = None
    """Probability that a true partner is among the first ten; None where nothing is calibrated."""
    strong: bool | None = None
    """Whether a strong partner is known; None where that cannot be said."""
    advice: Sentence | None = None
    near_misses: tuple[NearMiss, ...] = ()
    facets: tuple[Facet, ...] = ()
    """Of the need, if the list was to be explained in full."""


def match_need(
    session: Session, engine: Engine, need: Need, *, filters: Filters, top: int, explain: Explain
) -> MatchList:
    """The partners that fit a need best."""
    query = query_of(need)
    return _match(session, engine, query, filters=filters, top=top, explain=explain, need=need)


def answer(
    session: Session, engine: Engine, asked: AskedList, compute: Callable[[], bytes]
) -> bytes:
    """What `compute` makes of this list in this session, remembered from an equal request or made.

    The caller has been given the list's view of the need in this request, and the need is not for
    named staff.
    """
    loaded = engine.corpora.current(session)
    found = engine.answers.find(loaded.corpus, loaded.revision, asked)
    if found is not None:
        return found
    if session.scalar(select(CorpusRevision.value)) != loaded.revision:
        return compute()  # the corpus is newer than the rows of this session: for nobody else
    return engine.answers.get(loaded.corpus, loaded.revision, asked, compute)


def match_text(
    session: Session, engine: Engine, query: Query, *, filters: Filters, top: int, explain: Explain
) -> MatchList:
    """The partners that fit a text best; nothing is stored.

    Problem 422 if the text holds nothing to compare.
    """
    if not tokens(query.text):
        raise invalid("text", "holds no word that could be compared: describe what is needed")
    return _match(session, engine, query, filters=filters, top=top, explain=explain, need=None)


def _match(
    session: Session,
    engine: Engine,
    query: Query,
    *,
    filters: Filters,
    top: int,
    explain: Explain,
    need: Need | None,
) -> MatchList:
    with span("corpus"):
        loaded = engine.corpora.current(session)
    with span("encode"):
        vector = engine.encoder.encode([query.text], role="query")[0]
    model = engine.model
    with span("rank", top=top):
        ranking = rank(
            query, vector, loaded.corpus, filters=filters, top=top, signals=model.signals
        )
    verdict = model.judge(ranking.scores)
    strong = verdict.strong if verdict else None if ranking.matches else False
    misses: tuple[Miss, ...] = ()
    if strong is False:
        misses = near_misses(
            query, vector, loaded.corpus, filters=filters, model=model, ranking=ranking
        )
    shown = [*ranking.matches, *(miss.ranked for miss in misses)]
    partners = partners_by_id(session, [match.partner.id for match in shown])
    evidence: Sequence[tuple[Passage, ...]] | None = None
    facets: tuple[Facet, ...] = ()
    full: Sequence[Explanation] = ()
    if explain is Explain.FULL:
        facets = split(query.text)
        with span("explain"):
            full = _explanations(engine, ranking, facets, vector)
        evidence = [explanation.passages for explanation in full]
    elif explain is Explain.BRIEF:
        with span("evidence"):
            evidence = _evidence(engine, ranking, ranking.matches, vector)
    matches = tuple(
        Match(
            rank=position,
            ranked=ranked,
            partner=partners[ranked.partner.id],
            need=need,
            evidence=() if evidence is None else evidence[position - 1],
            probability=verdict.probabilities[position - 1] if verdict else None,
            explanation=full[position - 1] if full else None,
        )
        for position, ranked in enumerate(ranking.matches, 1)
        # A partner deleted since the corpus was read is left out rather than shown.
        if ranked.partner.id in partners
    )
    return replace(
        _list(engine, loaded, matches, ranking.blocked, facets),
        strength=verdict.strength if verdict else None,
        strong=strong,
        advice=advice(model, ranking, strong=strong),
        near_misses=tuple(
            NearMiss(miss, partners[miss.ranked.partner.id])
            for miss in misses
            if miss.ranked.partner.id in partners
        ),
    )


def match_partner(
    session: Session,
    engine: Engine,
    partner: Partner,
    *,
    actor: Actor,
    today: date,
    top: int,
    explain: bool,
) -> MatchList:
    """The open needs that fit a partner best, of those the actor sees.

    Each pair has the score and the place that it has in the need's own list, so that the two
    directions agree; the order is by how far the partner stands out (`matching.reverse`).
    """
    loaded = engine.corpora.current(session)
    needs = _open_needs(session, actor)
    filters = Filters(available_on=today)
    found, blocked = rank_needs(
        _asked(session, engine, needs, loaded.corpus, filters),
        loaded.corpus,
        str(partner.id),
        filters=filters,
        top=top,
        signals=engine.model.signals,
    )
    matches = tuple(
        Match(
            rank=position,
            ranked=ranked.match,
            partner=partner,
            need=needs[ranked.position],
            evidence=_evidence(engine, ranked.ranking, [ranked.match], ranked.vector)[0]
            if explain
            else (),
            standing=ranked.standing,
        )
        for position, ranked in enumerate(found, 1)
    )
    return _list(engine, loaded, matches, blocked)


def _asked(
    session: Session, engine: Engine, needs: Sequence[Need], corpus: Corpus, filters: Filters
) -> list[AskedNeed]:
    queries = [query_of(need) for need in needs]
    vectors = query_vectors(session, engine, queries)
    asked = []
    for query in queries:
        vector = vectors[content_hash(query.text)]
        listed = engine.need_scores.get(corpus, query, vector, filters=filters)
        asked.append(AskedNeed(query, vector, listed))
    return asked


def _list(
    engine: Engine,
    loaded: Loaded,
    matches: tuple[Match, ...],
    blocked: dict[str, int],
    facets: tuple[Facet, ...] = (),
) -> MatchList:
    return MatchList(
        matches=matches,
        blocked=blocked,
        encoder_id=engine.encoder.id,
        revision=loaded.revision,
        pending=loaded.corpus.pending,
        weights={signal.name: signal.weight for signal in engine.model.signals},
        facets=facets,
    )


def _evidence(
    engine: Engine, ranking: Ranking, matches: Sequence[RankedPartner], vector: Vectors
) -> list[tuple[Passage, ...]]:
    readable = vector if vector.any() else None
    return passages(ranking, matches, encode=engine.encoder.encode, vector=readable)


def _explanations(
    engine: Engine, ranking: Ranking, facets: Sequence[Facet], vector: Vectors
) -> list[Explanation]:
    return explanations(
        ranking,
        ranking.matches,
        facets,
        facet_vectors=engine.encoder.encode(wordings(facets), role="query"),
        encode=engine.encoder.encode,
        vector=vector if vector.any() else None,
    )


def partners_by_id(session: Session, ids: Sequence[str]) -> dict[str, Partner]:
    """Those of the partners that are still stored."""
    statement = (
        select(Partner)
        .where(Partner.id.in_([UUID(i) for i in ids]))
        .options(selectinload(Partner.clusters))
    )
    return {str(partner.id): partner for partner in session.scalars(statement)}


def _open_needs(session: Session, actor: Actor) -> Sequence[Need]:
    statement = (
        select(Need)
        .where(
            Need.status == NeedStatus.OPEN,
            needs_for(actor, Action.MATCH_NEED, frozenset({View.FULL})),
        )
        .order_by(Need.id)
        .options(selectinload(Need.clusters))
    )
    return session.scalars(statement).all()


def query_vectors(session: Session, engine: Engine, queries: Sequence[Query]) -> dict[str, Vectors]:
    """By content hash: stored by the background, or computed now and kept in memory."""
    texts = {content_hash(query.text): query.text for query in queries}
    vectors = load_vectors(session, texts.keys(), engine.encoder, "query")
    missing = [key for key in texts if key not in vectors]
    fresh = engine.encoder.encode([texts[key] for key in missing], role="query") if missing else ()
    return vectors | dict(zip(missing, fresh, strict=True))
