"""Needs, and the partners that fit them."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter

from app.access import Rule, match_view, rule
from app.deps import (
    CurrentActor,
    CurrentEngine,
    CurrentPage,
    MatchFilters,
    ReadSession,
    Today,
    WriteSession,
)
from app.presenting import explained, match_list, team_out
from app.schemas.common import ExternalId, Page, Slug, merged
from app.schemas.explanation import Explain
from app.schemas.match import MatchListOut
from app.schemas.match_run import MatchRunOut
from app.schemas.need import NeedIn, NeedOut, NeedPatch
from app.schemas.team import TeamIn, TeamOut
from app.services import clusters, match_runs, matches, needs, teams
from matching.filters import Filters
from models import NeedKind, NeedStatus

router = APIRouter(prefix="/needs", tags=["needs"])


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Rule.ANY_KEY)
def create_need(body: NeedIn, session: WriteSession, actor: CurrentActor, today: Today) -> NeedOut:
    """Submit a need; it can be matched at once."""
    return NeedOut.model_validate(needs.create_need(session, body, actor=actor, today=today))


@router.get("")
@rule(Rule.ANY_KEY)
def list_needs(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    status: NeedStatus | None = None,
    kind: NeedKind | None = None,
    cluster: Slug | None = None,
    external_id: ExternalId = None,
) -> Page[NeedOut]:
    """Needs; a company key sees its own only."""
    found = needs.list_needs(
        session,
        actor=actor,
        cursor=page.cursor,
        limit=page.limit,
        status=status,
        kind=kind,
        cluster=cluster,
        external_id=external_id,
    )
    return Page[NeedOut].model_validate(found, from_attributes=True)


@router.get("/{need_id}")
@rule(Rule.ANY_KEY)
def read_need(need_id: UUID, session: ReadSession, actor: CurrentActor) -> NeedOut:
    """One need."""
    return NeedOut.model_validate(needs.get_need(session, need_id, actor=actor))


@router.patch("/{need_id}")
@rule(Rule.ANY_KEY)
def update_need(
    need_id: UUID, body: NeedPatch, session: WriteSession, actor: CurrentActor
) -> NeedOut:
    """Change some fields of a need."""
    found = needs.get_need(session, need_id, actor=actor)
    values = merged(NeedIn, NeedOut.model_validate(found), body)
    return NeedOut.model_validate(needs.write_need(session, found, values, actor=actor))


@router.post("/{need_id}/close")
@rule(Rule.ANY_KEY)
def close_need(need_id: UUID, session: WriteSession, actor: CurrentActor) -> NeedOut:
    """Close a need: it stays readable and is matched no more."""
    found = needs.get_need(session, need_id, actor=actor)
    return NeedOut.model_validate(needs.close_need(session, found))


@router.get("/{need_id}/matches")
@rule(Rule.ANY_KEY)
def match_need(
    need_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    asked: MatchFilters,
) -> MatchListOut:
    """The partners that fit this need, the best first, with the reasons.

    Staff see everything; a company learns what kinds of partner there are, without their names.
    """
    need = needs.get_need(session, need_id, actor=actor)
    needs.require_open(need)
    clusters.clusters_by_slug(session, asked.filters.clusters)
    view = match_view(actor)
    found = matches.match_need(
        session,
        engine,
        need,
        filters=asked.filters,
        top=asked.top,
        explain=explained(view, asked.explain),
    )
    return match_list(need.id, found, view=view)


@router.post("/{need_id}/team")
@rule(Rule.STAFF)
def team_for_need(
    need_id: UUID,
    body: TeamIn,
    session: ReadSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    today: Today,
) -> TeamOut:
    """A small set of partners who together cover the need's facets, with who covers what.

    Chosen greedily: never worth less than 1 - 1/e (63%) of the best possible set; the answer says
    how near to the best it is at least.
    """
    need = needs.get_need(session, need_id, actor=actor)
    needs.require_open(need)
    clusters.clusters_by_slug(session, body.clusters)
    filters = Filters(
        clusters=frozenset(body.clusters),
        partner_kinds=frozenset(body.partner_kinds),
        engagement_types=frozenset(body.engagement_types),
        excluded_organisations=frozenset(str(i) for i in body.excluded_organisations),
        available_on=None if body.include_unavailable else today,
    )
    found = teams.team_for_need(
        session,
        engine,
        need,
        filters=filters,
        size=body.size,
        include=body.include,
        exclude=body.exclude,
    )
    return team_out(need.id, found)


@router.post("/{need_id}/match-runs", status_code=HTTPStatus.CREATED)
@rule(Rule.STAFF)
def keep_match_run(
    need_id: UUID,
    session: ReadSession,
    writing: WriteSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    asked: MatchFilters,
) -> MatchRunOut:
    """Make a match list and keep it as it is today, with scores, signals and evidence."""
    need = needs.get_need(session, need_id, actor=actor)
    needs.require_open(need)
    found = matches.match_need(
        session, engine, need, filters=asked.filters, top=asked.top, explain=Explain.BRIEF
    )
    return MatchRunOut.model_validate(
        match_runs.keep_run(writing, need, found, filters=asked.filters, top=asked.top)
    )


@router.get("/{need_id}/match-runs")
@rule(Rule.STAFF)
def list_match_runs(
    need_id: UUID, session: ReadSession, actor: CurrentActor, page: CurrentPage
) -> Page[MatchRunOut]:
    """The match lists kept for a need."""
    need = needs.get_need(session, need_id, actor=actor)
    found = match_runs.list_runs(session, need, cursor=page.cursor, limit=page.limit)
    return Page[MatchRunOut].model_validate(found, from_attributes=True)
