"""The answers of the policy as conditions of queries.

Each condition is put together from `app.access.decide` over all states there are, so that a query
can never show more than the policy says; a test compares the two for every state.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from app.access import (
    INTRODUCED_STAGES,
    OFFERED_STAGES,
    RELATIONS,
    Action,
    Actor,
    Noun,
    Relation,
    State,
    View,
    decide,
    states,
)
from models import (
    Confidentiality,
    Introduction,
    IntroductionState,
    Need,
    NeedStatus,
    Organisation,
    Partner,
    Role,
    need_staff,
)

SEEN = frozenset(View) - {View.NONE}


def _relations_to_needs(actor: Actor) -> Iterator[tuple[Relation, ColumnElement[bool]]]:
    """Each relation that the actor can have to a need, with its condition, the closest first."""
    for relation in RELATIONS.get((Noun.NEED, actor.role), (Relation.STRANGER,)):
        yield relation, _is_related(actor, relation)


def _is_related(actor: Actor, relation: Relation) -> ColumnElement[bool]:
    if relation is Relation.OWNER:
        if actor.organisation_id is None:
            return false()
        return Need.organisation_id == actor.organisation_id
    if relation is Relation.NAMED:
        return exists().where(
            need_staff.c.need_id == Need.id, need_staff.c.account_id == actor.account_id
        )
    if relation in (Relation.OFFERED, Relation.INTRODUCED):
        if actor.partner_id is None:
            return false()
        stages = OFFERED_STAGES if relation is Relation.OFFERED else INTRODUCED_STAGES
        return exists().where(
            Introduction.need_id == Need.id,
            Introduction.partner_id == actor.partner_id,
            Introduction.state.in_(sorted(stages)),
        )
    return true()


# A condition says nothing of any row, and making one takes longer than the database to answer it.
@lru_cache(maxsize=1000)
def needs_for(actor: Actor, action: Action, views: frozenset[View] = SEEN) -> ColumnElement[bool]:
    """Condition on `Need` under which `action` gives the actor one of these views."""
    found: list[ColumnElement[bool]] = []
    closer: list[ColumnElement[bool]] = []
    for relation, related in _relations_to_needs(actor):
        cells = [
            and_(Need.confidentiality == level, Need.status.in_(statuses))
            for level in Confidentiality
            if (
                statuses := [
                    status
                    for status in NeedStatus
                    if decide(actor.role, action, State(relation, level, status)) in views
                ]
            )
        ]
        if cells:
            found.append(and_(related, *(~other for other in closer), or_(*cells)))
        closer.append(related)
    return or_(false(), *found)


@lru_cache(maxsize=1000)
def need_views(actor: Actor, action: Action) -> Mapping[View, ColumnElement[bool]]:
    """For each view that occurs, the condition on `Need` under which the actor has it."""
    occurring = {decide(actor.role, action, state) for state in states(Noun.NEED, actor.role)} - {
        View.NONE
    }
    views = {view: needs_for(actor, action, frozenset({view})) for view in sorted(occurring)}
    return MappingProxyType(views)


def introductions_for(
    actor: Actor, action: Action, views: frozenset[View] = SEEN
) -> ColumnElement[bool]:
    """Condition on `Introduction` joined to its `Need`, as `needs_for`."""
    found: list[ColumnElement[bool]] = []
    closer: list[ColumnElement[bool]] = []
    for relation in RELATIONS.get((Noun.INTRODUCTION, actor.role), (Relation.STRANGER,)):
        if relation is Relation.OWNER and actor.role is Role.PARTNER:
            related: ColumnElement[bool] = (
                false() if actor.partner_id is None else Introduction.partner_id == actor.partner_id
            )
        else:
            related = _is_related(actor, relation)
        cells = [
            and_(Need.confidentiality == level, Introduction.state.in_(stages))
            for level in Confidentiality
            if (
                stages := [
                    stage
                    for stage in IntroductionState
                    if decide(actor.role, action, State(relation, level, None, stage)) in views
                ]
            )
        ]
        if cells:
            found.append(and_(related, *(~other for other in closer), or_(*cells)))
        closer.append(related)
    return or_(false(), *found)


def introduction_state(actor: Actor, introduction: Introduction, *, named: bool) -> State:
    """The state of a loaded introduction for that actor; `named`: staff named for its need."""
    need = introduction.need
    if actor.is_staff:
        relation = Relation.NAMED if named else Relation.STRANGER
    elif actor.role is Role.COMPANY:
        own = actor.organisation_id is not None and need.organisation_id == actor.organisation_id
        relation = Relation.OWNER if own else Relation.STRANGER
    else:
        own = actor.partner_id is not None and introduction.partner_id == actor.partner_id
        relation = Relation.OWNER if own else Relation.STRANGER
    return State(relation, need.confidentiality, None, introduction.state)


def organisations_for(actor: Actor, action: Action) -> ColumnElement[bool]:
    """Condition on `Organisation` under which the actor may do that."""
    own = false() if actor.organisation_id is None else Organisation.id == actor.organisation_id
    return _directory(actor, action, Noun.ORGANISATION, own)


def partners_for(actor: Actor, action: Action) -> ColumnElement[bool]:
    """Condition on `Partner` under which the actor may do that."""
    own = false() if actor.partner_id is None else Partner.id == actor.partner_id
    return _directory(actor, action, Noun.PARTNER, own)


def _directory(
    actor: Actor, action: Action, noun: Noun, own: ColumnElement[bool]
) -> ColumnElement[bool]:
    for state in states(noun, actor.role):
        if state.relation is Relation.STRANGER and decide(actor.role, action, state) is View.FULL:
            return true()
    return own if decide(actor.role, action, State(Relation.OWNER)) is View.FULL else false()


def may_post_needs_for(actor: Actor, organisation_id: UUID) -> bool:
    """True if the actor may create needs of that organisation."""
    if decide(actor.role, Action.CREATE_NEED, State()) is View.NONE:
        return False
    return actor.is_staff or actor.organisation_id == organisation_id


def text_view(actor: Actor) -> View:
    """How much the actor sees of the partners for a text."""
    return decide(actor.role, Action.MATCH_TEXT, State())
