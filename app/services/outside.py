"""Needs as partners see them: released versions of their briefs, nothing else."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, null, or_, select
from sqlalchemy.orm import Session

from app.access import INTRODUCED_STAGES, OFFERED_STAGES, Action, Actor, View
from app.errors import invalid, not_found
from app.services.paging import decode_cursor, encode_cursor
from app.visibility import need_views
from models import (
    Audience,
    Confidentiality,
    Introduction,
    Need,
    NeedKind,
    NeedStatus,
    NeedVersion,
    Role,
)


@dataclass(frozen=True, slots=True)
class Brief:
    """A need, and the released version of it that this actor is shown."""

    need: Need
    version: NeedVersion
    view: View


@dataclass(frozen=True, slots=True)
class BriefPage:
    """Some of them, and the cursor of those that follow."""

    items: list[Brief]
    next_cursor: str | None


def require_plain(
    *, status: NeedStatus | None, cluster: str | None, external_id: str | None
) -> None:
    """Problem 422 if a partner filters by what its view does not show."""
    if (status, cluster, external_id) != (None, None, None):
        raise invalid("query", "partners can filter by kind alone: leave the others out")


def get_brief(session: Session, need_id: UUID, *, actor: Actor) -> Brief:
    """The version of a need that the actor is shown, else Problem 404."""
    row = session.execute(_shown(actor).where(Need.id == need_id)).unique().one_or_none()
    if row is None:
        raise not_found("need")
    return Brief(row[0], row[1], View(row[2]))


def list_briefs(
    session: Session,
    *,
    actor: Actor,
    cursor: str | None,
    limit: int,
    kind: NeedKind | None = None,
) -> BriefPage:
    """A page of the needs of which the actor is shown a version."""
    statement = _shown(actor).order_by(Need.id).limit(limit + 1)
    if kind is not None:
        statement = statement.where(Need.kind == kind)
    if cursor is not None:
        statement = statement.where(Need.id > decode_cursor(cursor))
    rows = session.execute(statement).unique().all()
    items = [Brief(row[0], row[1], View(row[2])) for row in rows[:limit]]
    more = len(rows) > limit
    return BriefPage(items, encode_cursor(items[-1].need.id) if more else None)


def briefs_of(session: Session, need_ids: Collection[UUID], *, actor: Actor) -> dict[UUID, Brief]:
    """By need: the version that the actor is shown, of those needs of which it is shown one."""
    rows = session.execute(_shown(actor).where(Need.id.in_(need_ids))).unique()
    return {row[0].id: Brief(row[0], row[1], View(row[2])) for row in rows}


def shown_to_all(session: Session) -> set[UUID]:
    """Ids of the needs of which every partner is shown a version."""
    # Whoever has no introduction: the closest that such an actor stands to any need is a stranger.
    anybody = Actor(UUID(int=0), Role.PARTNER)
    return set(session.scalars(_shown(anybody).with_only_columns(Need.id)))


def _shown(actor: Actor) -> Select[Need, NeedVersion, str]:
    """Needs, the version and the view, where the actor has a view and there is such a version."""
    views = need_views(actor, Action.READ_NEED)
    public = views.get(View.PUBLIC, null().is_not(None))
    teaser = views.get(View.TEASER, null().is_not(None))
    # A teaser released later was not meant for whom the need was offered to before.
    shown_to_all = and_(
        Need.confidentiality == Confidentiality.MATCH_ONLY, Need.status == NeedStatus.OPEN
    )
    version = case(
        (public, func.coalesce(_newest(Audience.PUBLIC), _offered(actor))),
        (teaser, func.coalesce(_offered(actor), case((shown_to_all, _newest(Audience.TEASER))))),
    )
    view: ColumnElement[str] = case((public, View.PUBLIC.value), else_=View.TEASER.value)
    return (
        select(Need, NeedVersion, view)
        .join(NeedVersion, NeedVersion.id == version)
        .where(or_(public, teaser))
    )


def _is_released() -> ColumnElement[bool]:
    return and_(NeedVersion.released_at.is_not(None), NeedVersion.withdrawn_at.is_(None))


def _newest(audience: Audience) -> ScalarSelect[UUID]:
    """The newest released version for that audience."""
    return (
        select(NeedVersion.id)
        .where(NeedVersion.need_id == Need.id, NeedVersion.audience == audience, _is_released())
        .order_by(NeedVersion.number.desc())
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )


def _offered(actor: Actor) -> ScalarSelect[UUID]:
    """The version that staff chose for an introduction of this partner."""
    return (
        select(NeedVersion.id)
        .join(Introduction, Introduction.version_id == NeedVersion.id)
        .where(
            Introduction.need_id == Need.id,
            Introduction.partner_id == actor.partner_id,
            Introduction.state.in_(sorted(OFFERED_STAGES | INTRODUCED_STAGES)),
            _is_released(),
            or_(
                NeedVersion.audience == Audience.TEASER,
                Need.confidentiality == Confidentiality.PUBLIC,
            ),
        )
        .order_by(Introduction.id.desc())
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
