"""Needs."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from app.access import STAFF, Action, Actor, View
from app.auditing import RECORDED
from app.contexts import as_system
from app.errors import Problem, conflict, invalid, not_found
from app.schemas.need import NeedIn
from app.services.audit import record
from app.services.clusters import clusters_by_slug
from app.services.idempotency import forget_answers
from app.services.introduction_moves import end_for_need
from app.services.need_versions import keep_full_versions
from app.services.organisations import require_organisation
from app.services.paging import PageOf, page
from app.visibility import SEEN, may_post_needs_for, need_views, needs_for
from matching.corpus import Query
from matching.text import bilingual_text
from models import (
    Account,
    AuditEvent,
    Confidentiality,
    Need,
    NeedKind,
    NeedStatus,
    ObjectKind,
    need_staff,
)


def create_need(session: Session, values: NeedIn, *, actor: Actor, today: date) -> Need:
    """Store a need; Problem 404 for an organisation the actor may not speak for."""
    need = Need(posted_on=today, excluded_evidence=[])
    session.add(need)
    return write_need(session, need, values, actor=actor, today=today)


def write_need(session: Session, need: Need, values: NeedIn, *, actor: Actor, today: date) -> Need:
    """Give a need these values; Problem 422 for an unknown cluster or organisation, 409 for an
    external id that another need has.
    """
    organisation_id = values.organisation_id or need.organisation_id or actor.organisation_id
    with session.no_autoflush:
        if organisation_id is None:
            raise invalid("organisation_id", "say whose need this is")
        if not may_post_needs_for(actor, organisation_id):
            raise not_found("organisation")
        require_organisation(session, organisation_id, field="organisation_id")
        clusters = clusters_by_slug(session, values.clusters)
        _require_unique(session, need, organisation_id, values.external_id)
    if need.confidentiality not in (None, values.confidentiality):
        # Who sees the need by its new level is another question, for all accounts.
        with as_system(session):
            forget_answers(session)
    was_named = need.confidentiality is Confidentiality.NAMED_STAFF
    fields = values.model_dump(exclude={"clusters", "organisation_id", "excluded_organisations"})
    for field, value in fields.items():
        setattr(need, field, value)
    need.organisation_id = organisation_id
    need.excluded_organisations = [str(i) for i in values.excluded_organisations]
    need.clusters = clusters
    unseen = need.confidentiality is Confidentiality.NAMED_STAFF and actor.is_staff
    # Whoever gives a need this level is not yet named for it, and until then does not see it.
    with as_system(session, with_pending=True) if unseen else nullcontext():
        session.flush()
        keep_full_versions(session, [need], actor=actor)
        if not was_named and need.confidentiality is Confidentiality.NAMED_STAFF:
            _begin_names(session, need, actor)
        session.refresh(need, ["organisation"])
    if need.status is NeedStatus.CLOSED:
        end_for_need(session, need, actor=actor, today=today)
    return need


def _require_unique(
    session: Session, need: Need, organisation_id: UUID, external_id: str | None
) -> None:
    if external_id is None:
        return
    other = session.scalar(
        select(Need.id).where(
            Need.organisation_id == organisation_id, Need.external_id == external_id
        )
    )
    if other not in (None, need.id):
        raise conflict("Another need of the organisation has this external_id.")


def get_need(
    session: Session,
    need_id: UUID,
    *,
    actor: Actor,
    action: Action = Action.READ_NEED,
    lock: bool = False,
) -> Need:
    """A need with which the actor may do that, else Problem 404; `lock` it to change it."""
    statement = select(Need).where(Need.id == need_id, needs_for(actor, action))
    # What is compared and changed stays as it is until the commit.
    need = _locked(session, statement, action) if lock else session.scalar(statement)
    if need is None:
        raise not_found("need")
    return need


def _locked(session: Session, statement: Select[Need], action: Action) -> Need | None:
    """The need that the statement finds, locked until the commit.

    PostgreSQL gives a lock only on rows that the actor may change. An administrator names staff for
    needs that it may not change: of what it sees, the system takes that lock.
    """
    locking = statement.with_for_update(of=Need)
    if action is not Action.NAME_STAFF:
        return session.scalar(locking)
    if session.scalar(statement.with_only_columns(Need.id)) is None:
        return None
    with as_system(session):
        return session.scalar(locking)


def view_of(session: Session, need: Need, *, actor: Actor, action: Action) -> View:
    """How much of the need the actor has by that action, as the database stands now."""
    for view, condition in need_views(actor, action).items():
        if session.scalar(select(Need.id).where(Need.id == need.id, condition)) is not None:
            return view
    return View.NONE


def stubs_among(session: Session, needs: Sequence[Need], *, actor: Actor) -> set[UUID]:
    """Ids of those needs of which the actor may see no more than that they exist."""
    condition = need_views(actor, Action.READ_NEED).get(View.STUB)
    if condition is None or not needs:
        return set()
    ids = [need.id for need in needs]
    return set(session.scalars(select(Need.id).where(Need.id.in_(ids), condition)))


def named_staff(session: Session, need: Need) -> list[UUID]:
    """Ids of the accounts named for a need, in their order."""
    statement = select(need_staff.c.account_id).where(need_staff.c.need_id == need.id)
    return sorted(session.scalars(statement))


def name_staff(session: Session, need: Need, accounts: Sequence[UUID]) -> list[UUID]:
    """Name these accounts for a need, and nobody else; Problem 422 if one is not staff's."""
    statement = select(Account.id).where(
        Account.id.in_(accounts), Account.role.in_(STAFF), Account.disabled_at.is_(None)
    )
    if set(session.scalars(statement)) != set(accounts):
        raise invalid("accounts", "names an account that is not one of a coordinator in service")
    recorded = {RECORDED: True}
    former = delete(need_staff).where(need_staff.c.need_id == need.id)
    rows = [{"need_id": need.id, "account_id": one} for one in accounts]
    # Whoever names others in place of himself may not see the need in the middle or afterwards.
    with as_system(session):
        if set(named_staff(session, need)) - set(accounts):
            # Who is named no more does not read the need by repeating a write.
            forget_answers(session)
        session.execute(former, execution_options=recorded)
        session.execute(insert(need_staff), rows, execution_options=recorded)
        record(
            session,
            event=AuditEvent.CHANGE,
            object_kind=ObjectKind.NEED,
            object_id=need.id,
            fields=("staff",),
        )
        return named_staff(session, need)


def require_named_level(need: Need) -> None:
    """Problem 409 unless the need is for named staff: naming ahead would let somebody stay."""
    if need.confidentiality is not Confidentiality.NAMED_STAFF:
        raise conflict("Only a need of the level named_staff has named staff: set the level first.")


def _begin_names(session: Session, need: Need, actor: Actor) -> None:
    """Of a need that now is for named staff: nobody is named but the staff who made it so."""
    with as_system(session):
        session.execute(
            delete(need_staff).where(need_staff.c.need_id == need.id),
            execution_options={RECORDED: True},
        )
    if actor.is_staff and session.get(Account, actor.account_id) is not None:
        name_staff(session, need, [actor.account_id])


def find_need(session: Session, reference: str, *, actor: Actor) -> Need:
    """A need whose partners the actor may ask for, by id or external id, else Problem 404; for
    people at a terminal.
    """
    try:
        return get_need(session, UUID(reference), actor=actor, action=Action.MATCH_NEED)
    except ValueError:
        statement = select(Need).where(
            Need.external_id == reference, needs_for(actor, Action.MATCH_NEED)
        )
        found = session.scalars(statement.limit(2)).all()
        if not found:
            raise not_found("need") from None
        if len(found) > 1:
            raise conflict(
                "Several organisations have a need with this external id: give its id instead."
            ) from None
        return found[0]


def list_needs(
    session: Session,
    *,
    actor: Actor,
    cursor: str | None,
    limit: int,
    status: NeedStatus | None = None,
    kind: NeedKind | None = None,
    cluster: str | None = None,
    external_id: str | None = None,
) -> PageOf[Need]:
    """A page of the needs that the actor may see.

    Where the actor sees of a need only that it exists, no filter may tell more.
    """
    is_narrowed = (kind, cluster, external_id) != (None, None, None)
    views = frozenset({View.FULL}) if is_narrowed else SEEN
    statement = select(Need).where(needs_for(actor, Action.READ_NEED, views))
    if status is not None:
        statement = statement.where(Need.status == status)
    if kind is not None:
        statement = statement.where(Need.kind == kind)
    if cluster is not None:
        statement = statement.where(Need.clusters.any(slug=cluster))
    if external_id is not None:
        statement = statement.where(Need.external_id == external_id)
    return page(session, statement, Need, cursor=cursor, limit=limit)


def close_need(session: Session, need: Need, *, actor: Actor, today: date) -> Need:
    """Close a need: it stays readable and is matched no more. Closing twice changes nothing.

    Introductions whose two sides do not know each other yet end with it.
    """
    need.status = NeedStatus.CLOSED
    end_for_need(session, need, actor=actor, today=today)
    session.flush()
    return need


def require_open(need: Need) -> None:
    """Problem 409 unless the need is open."""
    if need.status is not NeedStatus.OPEN:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"The need is {need.status.value}; only an open need is matched. Set status to open.",
        )


def query_text(need: Need) -> str:
    """The text of a need that is matched."""
    return bilingual_text(need.title_ja, need.brief_ja, need.title_en, need.brief_en)


def query_of(need: Need) -> Query:
    """The need as the engine sees it; place is the organisation's where the need names none."""
    place = need if need.prefecture or need.city else need.organisation
    return Query(
        text=query_text(need),
        posted_on=need.posted_on,
        clusters=frozenset(cluster.slug for cluster in need.clusters),
        prefecture=place.prefecture,
        city=place.city,
        engagement_types=frozenset(need.engagement_types),
        organisation=str(need.organisation_id),
        excluded_organisations=frozenset(need.excluded_organisations),
        excluded_evidence=frozenset(need.excluded_evidence),
    )
