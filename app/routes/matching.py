"""Match lists for texts, and lists that were kept."""

from uuid import UUID

from fastapi import APIRouter

from app.access import Action, View, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentEngine, ReadSession, Today
from app.presenting import candidate_list, explained, match_list
from app.schemas.candidate import CandidateListOut
from app.schemas.match import MatchListOut, MatchTextIn
from app.schemas.match_run import MatchRunOut
from app.services import audit, candidates, clusters, match_runs, matches, partner_groups
from app.visibility import text_view
from matching.corpus import Query
from matching.filters import Filters
from matching.text import bilingual_text
from models import ObjectKind

router = APIRouter(tags=["matching"], route_class=ApiRoute)


@router.post("/match")
@rule(Action.MATCH_TEXT)
def match_text(
    body: MatchTextIn,
    session: ReadSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    today: Today,
) -> MatchListOut | CandidateListOut:
    """Rank partners for a text; nothing of it is stored. A company gets anonymous candidates."""
    query = Query(
        text=bilingual_text(body.title, body.text, None, None),
        posted_on=today,
        prefecture=body.prefecture,
        city=body.city,
        organisation=None if actor.organisation_id is None else str(actor.organisation_id),
    )
    filters = Filters(
        clusters=frozenset(body.clusters),
        partner_kinds=frozenset(body.partner_kinds),
        engagement_types=frozenset(body.engagement_types),
        excluded_organisations=frozenset(str(i) for i in body.excluded_organisations),
        available_on=None if body.include_unavailable else today,
    )
    clusters.clusters_by_slug(session, filters.clusters)
    view = text_view(actor)
    if view is View.COARSE:
        candidates.require_plain(filters, top=body.top, today=today)
    found = matches.match_text(
        session,
        engine,
        query,
        filters=filters,
        top=body.top,
        explain=explained(view, body.explain),
    )
    if view is View.FULL:
        return match_list(None, found)
    groups = partner_groups.count_groups(session)
    shown = candidates.candidates(found, query, need_id=None, groups=groups)
    return candidate_list(None, found, shown)


@router.get("/match-runs/{run_id}")
@rule(Action.KEEP_MATCHES)
def read_match_run(run_id: UUID, session: ReadSession, actor: CurrentActor) -> MatchRunOut:
    """A match list as it was kept."""
    found = match_runs.get_run(session, run_id, actor=actor)
    audit.shown(session, ObjectKind.MATCH_RUN, [run_id])
    return MatchRunOut.model_validate(found)
