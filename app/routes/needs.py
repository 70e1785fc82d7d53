"""Needs, and the partners that fit them."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.access import Action, View, rule
from app.api_route import ApiRoute
from app.asked import MatchFilters
from app.deps import (
    CurrentActor,
    CurrentEngine,
    CurrentEngines,
    CurrentPage,
    ReadSession,
    Today,
    WriteSession,
)
from app.desks import CurrentLedger
from app.etags import ChangeTags, NewTags, ReadTags
from app.presenting import brief_out, candidate_list, explained, match_list, team_out
from app.repeats import JSON, RepeatedRoute, Repeats
from app.schemas.candidate import CandidateListOut
from app.schemas.common import ExternalId, Page, Slug, merged
from app.schemas.explanation import Explain
from app.schemas.match import MatchListOut
from app.schemas.match_run import MatchRunOut
from app.schemas.need import NeedBriefOut, NeedIn, NeedOut, NeedPatch, NeedStubOut
from app.schemas.team import TeamIn, TeamOut
from app.services import (
    audit,
    candidates,
    clusters,
    match_runs,
    matches,
    needs,
    outside,
    partner_groups,
    teams,
)
from app.services.match_answers import AskedList
from matching.filters import Filters
from models import Confidentiality, NeedKind, NeedStatus, ObjectKind, Role

router = APIRouter(prefix="/needs", tags=["needs"], route_class=ApiRoute)


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Action.CREATE_NEED)
def create_need(
    body: NeedIn, session: WriteSession, actor: CurrentActor, today: Today, tags: NewTags
) -> NeedOut:
    """Submit a need; it can be matched at once."""
    made = needs.create_need(session, body, actor=actor, today=today)
    return tags.show(NeedOut.model_validate(made))


@router.get("")
@rule(Action.READ_NEED)
def list_needs(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    ledger: CurrentLedger,
    status: NeedStatus | None = None,
    kind: NeedKind | None = None,
    cluster: Slug | None = None,
    external_id: ExternalId = None,
) -> Page[NeedOut | NeedStubOut] | Page[NeedBriefOut]:
    """Needs, each as far as the caller may see it.

    A company sees its own. A partner sees the released briefs of open needs, and each is written
    into the need's ledger; it may filter by kind alone.
    """
    if actor.role is Role.PARTNER:
        outside.require_plain(status=status, cluster=cluster, external_id=external_id)
        briefs = outside.list_briefs(
            session,
            actor=actor,
            cursor=page.cursor,
            limit=page.limit,
            kind=kind,
        )
        ledger.record(brief.version.id for brief in briefs.items)
        return Page[NeedBriefOut](
            items=[brief_out(brief) for brief in briefs.items], next_cursor=briefs.next_cursor
        )
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
    stubs = needs.stubs_among(session, found.items, actor=actor)
    audit.shown(session, ObjectKind.NEED, (need.id for need in found.items if need.id not in stubs))
    return Page[NeedOut | NeedStubOut](
        items=[
            NeedStubOut.model_validate(need) if need.id in stubs else NeedOut.model_validate(need)
            for need in found.items
        ],
        next_cursor=found.next_cursor,
    )


@router.get("/{need_id}")
@rule(Action.READ_NEED)
def read_need(
    need_id: UUID,
    session: ReadSession,
    actor: CurrentActor,
    ledger: CurrentLedger,
    tags: ReadTags,
) -> NeedOut | NeedBriefOut | NeedStubOut:
    """One need, as far as the caller may see it."""
    if actor.role is Role.PARTNER:
        brief = outside.get_brief(session, need_id, actor=actor)
        ledger.record([brief.version.id])
        return tags.show(brief_out(brief))
    need = needs.get_need(session, need_id, actor=actor)
    if needs.stubs_among(session, [need], actor=actor):
        return tags.show(NeedStubOut.model_validate(need))
    audit.shown(session, ObjectKind.NEED, [need_id])
    return tags.show(NeedOut.model_validate(need))


@router.patch("/{need_id}")
@rule(Action.WRITE_NEED)
def update_need(
    need_id: UUID,
    body: NeedPatch,
    session: WriteSession,
    actor: CurrentActor,
    today: Today,
    tags: ChangeTags,
) -> NeedOut:
    """Change some fields of a need."""
    found = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_NEED, lock=True)
    audit.shown(session, ObjectKind.NEED, [need_id])
    current = NeedOut.model_validate(found)
    tags.require(current)
    values = merged(NeedIn, current, body)
    written = needs.write_need(session, found, values, actor=actor, today=today)
    return tags.show(NeedOut.model_validate(written))


@router.post("/{need_id}/close")
@rule(Action.WRITE_NEED)
def close_need(
    need_id: UUID, session: WriteSession, actor: CurrentActor, today: Today, tags: ChangeTags
) -> NeedOut:
    """Close a need: it stays readable and is matched no more.

    Introductions whose two sides do not know each other yet are declined.
    """
    found = needs.get_need(session, need_id, actor=actor, action=Action.WRITE_NEED, lock=True)
    audit.shown(session, ObjectKind.NEED, [need_id])
    tags.require(NeedOut.model_validate(found))
    closed = needs.close_need(session, found, actor=actor, today=today)
    return tags.show(NeedOut.model_validate(closed))


@rule(Action.MATCH_NEED)
def match_need(
    need_id: UUID,
    request: Request,
    session: ReadSession,
    actor: CurrentActor,
    engines: CurrentEngines,
    asked: MatchFilters,
    today: Today,
) -> Response:
    """The partners that fit this need, the best first, with the reasons.

    Staff see everything; a company sees anonymous candidates, and may not filter them.
    """
    engine = engines.current(session)
    need = needs.get_need(session, need_id, actor=actor, action=Action.MATCH_NEED)
    needs.require_open(need)
    audit.shown(session, ObjectKind.NEED, [need_id])
    clusters.clusters_by_slug(session, asked.filters.clusters)
    view = needs.view_of(session, need, actor=actor, action=Action.MATCH_NEED)
    if view is View.COARSE:
        candidates.require_plain(asked.filters, top=asked.top, today=today)

    def compute() -> bytes:
        found = matches.match_need(
            session,
            engine,
            need,
            filters=asked.filters,
            top=asked.top,
            explain=explained(view, asked.explain),
        )
        shown: BaseModel
        if view is View.FULL:
            shown = match_list(need.id, found)
        else:
            groups = partner_groups.count_groups(session)
            query = needs.query_of(need)
            some = candidates.candidates(found, query, need_id=need.id, groups=groups)
            shown = candidate_list(need.id, found, some)
        return shown.model_dump_json(by_alias=True).encode()

    key = AskedList(
        need_id, needs.query_of(need), view, asked.filters, asked.top, asked.explain, today
    )
    shared = need.confidentiality is not Confidentiality.NAMED_STAFF
    if not shared:
        return Response(compute(), media_type=JSON)
    body = matches.answer(session, engine, key, compute)
    repeats: Repeats = request.app.state.repeats
    repeats.remember(request, session, engine, key)
    # Bytes: an answer that is remembered is neither checked nor written anew.
    return Response(body, media_type=JSON)


router.add_api_route(
    "/{need_id}/matches",
    match_need,
    response_model=MatchListOut | CandidateListOut,
    route_class_override=RepeatedRoute,
)


@router.post("/{need_id}/team")
@rule(Action.KEEP_MATCHES)
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
    need = needs.get_need(session, need_id, actor=actor, action=Action.KEEP_MATCHES)
    needs.require_open(need)
    audit.shown(session, ObjectKind.NEED, [need_id])
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
@rule(Action.KEEP_MATCHES)
def keep_match_run(
    need_id: UUID,
    session: ReadSession,
    writing: WriteSession,
    actor: CurrentActor,
    engine: CurrentEngine,
    asked: MatchFilters,
) -> MatchRunOut:
    """Make a match list and keep it as it is today, with scores, signals and evidence."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.KEEP_MATCHES)
    needs.require_open(need)
    found = matches.match_need(
        session, engine, need, filters=asked.filters, top=asked.top, explain=Explain.BRIEF
    )
    run = match_runs.keep_run(writing, need, found, filters=asked.filters, top=asked.top)
    audit.shown(writing, ObjectKind.MATCH_RUN, [run.id])
    return MatchRunOut.model_validate(run)


@router.get("/{need_id}/match-runs")
@rule(Action.KEEP_MATCHES)
def list_match_runs(
    need_id: UUID, session: ReadSession, actor: CurrentActor, page: CurrentPage
) -> Page[MatchRunOut]:
    """The match lists kept for a need."""
    need = needs.get_need(session, need_id, actor=actor, action=Action.KEEP_MATCHES)
    found = match_runs.list_runs(session, need, cursor=page.cursor, limit=page.limit)
    audit.shown(session, ObjectKind.MATCH_RUN, (run.id for run in found.items))
    return Page[MatchRunOut].model_validate(found, from_attributes=True)
