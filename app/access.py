"""Who may do what. The one place where access is decided.

A route names its `Rule`; services take the `Actor` and build their queries from the functions
below. Confidentiality levels, disclosure in stages and audit will be added here and nowhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, false, true

from models import Need, Organisation, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The holder of an API key."""

    key_id: UUID
    role: Role
    organisation_id: UUID | None = None
    """Of a company: its own."""

    @property
    def is_staff(self) -> bool:
        """Coordinators and administrators of the licensing office."""
        return self.role in (Role.COORDINATOR, Role.ADMIN)


class Rule(Enum):
    """Which keys may call a route at all; which objects they then see is decided below."""

    OPEN = "anybody, without a key"
    ANY_KEY = "any key"
    STAFF = "coordinators and administrators"

    def admits(self, actor: Actor) -> bool:
        """True if the actor may call a route under this rule."""
        return self is not Rule.STAFF or actor.is_staff


F = TypeVar("F", bound=Callable[..., object])

RULE_ATTRIBUTE = "__enmusubi_rule__"


def rule(which: Rule) -> Callable[[F], F]:
    """Declare the rule of an endpoint; a test fails for an endpoint without one."""

    def declare(endpoint: F) -> F:
        setattr(endpoint, RULE_ATTRIBUTE, which)
        return endpoint

    return declare


def rule_of(endpoint: Callable[..., object]) -> Rule | None:
    """The rule that an endpoint declares."""
    return getattr(endpoint, RULE_ATTRIBUTE, None)


def visible_needs(actor: Actor) -> ColumnElement[bool]:
    """Condition under which an actor sees a need: staff all, a company its own."""
    if actor.is_staff:
        return true()
    if actor.organisation_id is None:
        return false()
    return Need.organisation_id == actor.organisation_id


def visible_organisations(actor: Actor) -> ColumnElement[bool]:
    """Condition under which an actor sees an organisation: staff all, a company its own."""
    if actor.is_staff:
        return true()
    if actor.organisation_id is None:
        return false()
    return Organisation.id == actor.organisation_id


def may_post_needs_for(actor: Actor, organisation_id: UUID) -> bool:
    """True if the actor may create needs of that organisation."""
    return actor.is_staff or actor.organisation_id == organisation_id


def match_view(actor: Actor) -> Literal["full", "coarse"]:
    """How much of a match list an actor sees.

    `coarse` names no partner: only its kind, clusters and languages, so that a company learns
    that help exists, and the coordinator makes the introduction.
    """
    return "full" if actor.is_staff else "coarse"
