"""The conditions of queries say what the policy says, in every state that there is."""

from uuid import UUID

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.access import Action, Actor, Noun, Relation, State, View, decide, states
from app.db import Database
from app.visibility import (
    introduction_state,
    introductions_for,
    may_post_needs_for,
    need_views,
    needs_for,
    organisations_for,
    partners_for,
)
from models import (
    Introduction,
    IntroductionState,
    Need,
    NeedStatus,
    Organisation,
    Partner,
    Role,
    need_staff,
    new_id,
)
from tests.factories import (
    make_account,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
)

NEED_ACTIONS = [action for action in Action if action.noun is Noun.NEED]
INTRODUCTION_ACTIONS = [action for action in Action if action.noun is Noun.INTRODUCTION]


def make_actor(session: Session, role: Role) -> Actor:
    """An actor of that role, with what it speaks for."""
    organisation = make_organisation(session).id if role is Role.COMPANY else None
    partner = make_partner(session).id if role is Role.PARTNER else None
    account = make_account(session, role=role, organisation_id=organisation, partner_id=partner)
    return Actor(account.id, role, organisation, partner)


def make_need_in(session: Session, actor: Actor, state: State) -> Need:
    """A need that is in that state for the actor."""
    values = (
        {} if state.relation is not Relation.OWNER else {"organisation_id": actor.organisation_id}
    )
    need = make_need(
        session,
        confidentiality=state.level,
        status=state.status or NeedStatus.OPEN,
        **values,
    )
    if state.relation is Relation.NAMED:
        session.execute(insert(need_staff).values(need_id=need.id, account_id=actor.account_id))
    stage = {
        Relation.OFFERED: IntroductionState.COMPANY_CONSENTED,
        Relation.INTRODUCED: IntroductionState.MET,
    }.get(state.relation)
    if stage is not None:
        partner = session.get_one(Partner, actor.partner_id)
        make_introduction(session, need, partner, state=stage)
    elif actor.partner_id is not None:
        # One that it does not know of yet changes nothing.
        partner = session.get_one(Partner, actor.partner_id)
        make_introduction(session, need, partner, state=IntroductionState.RELEASED)
    return need


@pytest.mark.parametrize("role", Role)
def test_needs(database: Database, role: Role) -> None:
    with database.writing() as session:
        actor = make_actor(session, role)
        made = {make_need_in(session, actor, s).id: s for s in states(Noun.NEED, role)}
        assert len(made) in {16, 32, 48}
        for action in NEED_ACTIONS:
            told = {key: decide(role, action, state) for key, state in made.items()}
            found: dict[UUID, View] = dict.fromkeys(made, View.NONE)
            for view, condition in need_views(actor, action).items():
                for key in session.scalars(select(Need.id).where(condition)):
                    assert found[key] is View.NONE, "two views of one need"
                    found[key] = view
            assert found == told, action
            seen = set(session.scalars(select(Need.id).where(needs_for(actor, action))))
            assert seen == {key for key, view in told.items() if view is not View.NONE}


def make_introduction_in(session: Session, actor: Actor, state: State) -> Introduction:
    """An introduction that is in that state for the actor."""
    owns = state.relation is Relation.OWNER
    values = {"organisation_id": actor.organisation_id} if owns and role_is_company(actor) else {}
    need = make_need(session, confidentiality=state.level, **values)
    if state.relation is Relation.NAMED:
        session.execute(insert(need_staff).values(need_id=need.id, account_id=actor.account_id))
    own = owns and actor.partner_id is not None
    partner = session.get_one(Partner, actor.partner_id) if own else make_partner(session)
    return make_introduction(session, need, partner, state=state.stage)


def role_is_company(actor: Actor) -> bool:
    """True of a company's actor."""
    return actor.role is Role.COMPANY


@pytest.mark.parametrize("role", Role)
def test_introductions(database: Database, role: Role) -> None:
    with database.writing() as session:
        actor = make_actor(session, role)
        made = {
            make_introduction_in(session, actor, state).id: state
            for state in states(Noun.INTRODUCTION, role)
        }
        assert len(made) in {36, 72}
        for action in INTRODUCTION_ACTIONS:
            for view in set(View) - {View.NONE}:
                condition = introductions_for(actor, action, frozenset({view}))
                statement = select(Introduction.id).join(Need, Need.id == Introduction.need_id)
                seen = set(session.scalars(statement.where(condition)))
                told = {k for k, state in made.items() if decide(role, action, state) is view}
                assert seen == told, (action, view)
        for key, state in made.items():
            introduction = session.get_one(Introduction, key)
            named = state.relation is Relation.NAMED
            assert introduction_state(actor, introduction, named=named) == state


@pytest.mark.parametrize("role", Role)
def test_directory(database: Database, role: Role) -> None:
    with database.writing() as session:
        actor = make_actor(session, role)
        foreign = make_organisation(session).id, make_partner(session).id
        own = actor.organisation_id, actor.partner_id
        for action in Action:
            if action.noun is Noun.ORGANISATION:
                condition, at = organisations_for(actor, action), 0
                rows = set(session.scalars(select(Organisation.id).where(condition)))
            elif action.noun is Noun.PARTNER:
                condition, at = partners_for(actor, action), 1
                rows = set(session.scalars(select(Partner.id).where(condition)))
            else:
                continue
            stranger = decide(role, action, State()) is View.FULL
            owner = decide(role, action, State(Relation.OWNER)) is View.FULL
            assert (foreign[at] in rows) == stranger
            if own[at] is not None:
                assert (own[at] in rows) == owner


def test_whose_needs_may_be_posted() -> None:
    own, other = new_id(), new_id()
    company = Actor(new_id(), Role.COMPANY, own)
    assert may_post_needs_for(company, own)
    assert not may_post_needs_for(company, other)
    assert may_post_needs_for(Actor(new_id(), Role.COORDINATOR), other)
    assert not may_post_needs_for(Actor(new_id(), Role.MACHINE), other)
    assert not may_post_needs_for(Actor(new_id(), Role.PARTNER, None, new_id()), other)


def test_who_is_bound_to_nothing_sees_nothing(database: Database) -> None:
    """Such accounts cannot be made, but must see nothing."""
    with database.writing() as session:
        make_need(session)
        for role in (Role.COMPANY, Role.PARTNER):
            actor = Actor(new_id(), role)
            for action in NEED_ACTIONS:
                assert not session.scalars(select(Need).where(needs_for(actor, action))).all()
