"""Teams of partners for a need."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.errors import invalid
from app.services.corpus import Engine
from app.services.matches import partners_by_id
from app.services.needs import query_of
from matching.corpus import Corpus, Query
from matching.filters import REASONS, Filters, obstacle
from matching.ranker import CANDIDATES, Ranking, rank
from matching.splitting import Facet, split, wordings
from matching.team import Member, TeamAnswer, build
from models import Need, Partner


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member, with its row."""

    member: Member
    partner: Partner


@dataclass(frozen=True, slots=True)
class TeamFound:
    """A team, with the rows it is about."""

    answer: TeamAnswer
    members: tuple[FoundMember, ...]
    facets: tuple[Facet, ...]
    blocked: dict[str, int]
    encoder_id: str
    revision: int
    pending: int


def team_for_need(
    session: Session,
    engine: Engine,
    need: Need,
    *,
    filters: Filters,
    size: int,
    include: Collection[UUID] = (),
    exclude: Collection[UUID] = (),
) -> TeamFound:
    """A small set of partners who together cover the need's facets.

    Problem 422 if somebody who must be in it cannot be suggested, or more must be than fit.
    """
    if len(include) > size:
        raise invalid("include", f"names {len(include)} partners for a team of {size}")
    if set(include) & set(exclude):
        raise invalid("exclude", "names a partner who must be in the team")
    wanted = [str(partner) for partner in include]
    loaded = engine.corpora.current(session)
    query = query_of(need)
    vector = engine.encoder.encode([query.text], role="query")[0]
    # Whoever must be in it is ranked, however far down.
    candidates = len(loaded.corpus.partners) if wanted else CANDIDATES
    ranking = rank(
        query,
        vector,
        loaded.corpus,
        filters=filters,
        signals=engine.model.signals,
        candidates=candidates,
    )
    _require_ranked(wanted, ranking, query, loaded.corpus, filters)
    facets = split(query.text)
    vectors = engine.encoder.encode(wordings(facets), role="query")
    answer = build(
        ranking, facets, vectors, size=size, include=wanted, exclude={str(i) for i in exclude}
    )
    partners = partners_by_id(session, [member.match.partner.id for member in answer.members])
    return TeamFound(
        answer=answer,
        members=tuple(
            FoundMember(member, partners[member.match.partner.id])
            for member in answer.members
            # A partner deleted since the corpus was read is left out rather than shown.
            if member.match.partner.id in partners
        ),
        facets=facets,
        blocked=ranking.blocked,
        encoder_id=engine.encoder.id,
        revision=loaded.revision,
        pending=loaded.corpus.pending,
    )


def _require_ranked(
    wanted: Collection[str], ranking: Ranking, query: Query, corpus: Corpus, filters: Filters
) -> None:
    ranked = {match.partner.id for match in ranking.matches}
    for partner in wanted:
        if partner in ranked:
            continue
        if partner not in corpus.position:
            raise invalid("include", "names a partner that does not exist")
        reason = obstacle(query, corpus.partners[corpus.position[partner]], filters)
        if reason is None:
            raise invalid("include", "names a partner without evidence that may be used here")
        raise invalid("include", f"names a partner who is ruled out ({REASONS[reason]})")
