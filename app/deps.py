"""What endpoints are given: sessions, the actor, the engine, pages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.dependencies.utils import get_dependant
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPAuthorizationCredentials,
    HTTPBearer,
)
from sqlalchemy.orm import Session

from app.access import Actor, may_ever, rule_of
from app.browser import SAFE_METHODS, SESSION, require_csrf
from app.clock import today
from app.db import Database
from app.errors import Problem, invalid
from app.gate import Gate
from app.limiting import count_key, count_sign_in
from app.schemas.common import Slug
from app.schemas.explanation import EXPLAINED, Explain, ExplainLevel
from app.services.corpus import Engine
from app.services.engines import Engines
from app.services.keys import find_actor
from app.services.sessions import actor_in, find_session
from matching.filters import Filters
from models import EngagementType, PartnerKind

_BEARER = HTTPBearer(auto_error=False, description="`Authorization: Bearer enm_…`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
_COOKIE = APIKeyCookie(
    name=f"__Host-{SESSION}",
    auto_error=False,
    description="Set by signing in; `enmusubi` over plain http. Needs X-CSRF-Token to change.",
)


def get_engines(request: Request) -> Engines:
    """The engines of this process."""
    engines: Engines = request.app.state.engines
    return engines


def get_database(request: Request) -> Database:
    """The database of this process."""
    return get_engines(request).database


def _read(database: Annotated[Database, Depends(get_database)]) -> Iterator[Session]:
    with database.reading() as session:
        yield session


def _write(database: Annotated[Database, Depends(get_database)]) -> Iterator[Session]:
    with database.writing() as session:
        yield session


def get_gate(request: Request) -> Gate:
    """Sessions, sign-in and rate limits of this process."""
    gate: Gate = request.app.state.gate
    return gate


def get_actor(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    header: Annotated[str | None, Depends(_HEADER)],
    _cookie: Annotated[str | None, Depends(_COOKIE)],
    database: Annotated[Database, Depends(get_database)],
    gate: Annotated[Gate, Depends(get_gate)],
) -> Actor:
    """Who calls, by a key or else by the cookie of a browser that is signed in.

    Problem 401 without either, 403 if the route's rule does not admit it or another site's page
    may have made the request, 429 if there are too many.
    """
    secret = header or (bearer.credentials if bearer is not None else None)
    if secret is None:
        actor = _signed_in(request, database, gate)
    else:
        with database.reading() as session:
            found = find_actor(session, secret)
        if found is None:
            raise _unauthenticated(
                "The API key is not valid: it is unknown, mistyped, revoked or expired."
            )
        actor = found
    count_key(request, str(actor.key_id or actor.account_id))
    gate.uses.note(actor)
    endpoint = request.scope["endpoint"]
    action = rule_of(endpoint)
    if action is None or not may_ever(actor.role, action):  # a route without a rule admits nobody
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "The role of this account may not do that: /docs says who may.",
        )
    if action.scope is not None and action.scope not in actor.scopes:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"This key may not be used for that: it lacks the scope {action.scope.value}.",
        )
    unknown = request.query_params.keys() - _parameters(endpoint)
    if unknown:
        # A filter that is misspelt and ignored would show what was to be left out.
        named = ", ".join(sorted(_parameters(endpoint))) or "none"
        raise invalid("query", f"has a parameter that is not known here; known are: {named}")
    return actor


def _signed_in(request: Request, database: Database, gate: Gate) -> Actor:
    token = gate.browser.read(request, SESSION)
    if token is None:
        raise _unauthenticated(
            "This needs an API key: send `Authorization: Bearer KEY`; or sign in first."
        )
    with database.reading() as session:
        row = find_session(session, token, rules=gate.rules, uses=gate.uses)
        if row is None:
            raise _unauthenticated("You are signed out: sign in again.")
        actor = actor_in(row)
    if request.method not in SAFE_METHODS:
        gate.browser.require_same_origin(request)
        require_csrf(request, row.id)
    return actor


@cache
def _parameters(endpoint: Callable[..., object]) -> frozenset[str]:
    """Names of the parameters that an endpoint and its dependencies take from the address."""
    open_ones, names = [get_dependant(path="/", call=endpoint)], set()
    while open_ones:
        dependant = open_ones.pop()
        names |= {field.alias for field in dependant.query_params}
        open_ones += dependant.dependencies
    return frozenset(names)


def _unauthenticated(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page is wanted."""

    cursor: Annotated[str | None, Query(max_length=100, description="From `next_cursor`.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


# The scope "function" commits before the response is sent: the default would answer 200 to a
# write whose commit then fails.
ReadSession = Annotated[Session, Depends(_read, scope="function")]
WriteSession = Annotated[Session, Depends(_write, scope="function")]
CurrentActor = Annotated[Actor, Depends(get_actor)]
CurrentGate = Annotated[Gate, Depends(get_gate)]
CurrentDatabase = Annotated[Database, Depends(get_database)]
SignInCounted = Depends(count_sign_in)
"""For endpoints at which passwords could be tried out."""


def get_engine(engines: Annotated[Engines, Depends(get_engines)], session: ReadSession) -> Engine:
    """The engine for this request: of the encoder that serves as the request's session sees it."""
    return engines.current(session)


CurrentEngine = Annotated[Engine, Depends(get_engine)]
Today = Annotated[date, Depends(today)]
CurrentPage = Annotated[PageQuery, Depends()]


@dataclass(frozen=True, slots=True)
class AskedMatches:
    """What a match list is asked for."""

    filters: Filters
    top: int
    explain: Explain


def get_match_filters(
    day: Today,
    top: Annotated[int, Query(ge=1, le=200, description="Length of the list.")] = 10,
    explain: Annotated[ExplainLevel, Query(description=EXPLAINED)] = Explain.BRIEF,
    cluster: Annotated[list[Slug] | None, Query(description="Partners of one of these.")] = None,
    partner_kind: Annotated[list[PartnerKind] | None, Query()] = None,
    engagement_type: Annotated[
        list[EngagementType] | None, Query(description="Partners who accept one of these.")
    ] = None,
    excluded_organisation: Annotated[list[UUID] | None, Query()] = None,
    include_unavailable: Annotated[bool, Query()] = False,
) -> AskedMatches:
    """Filters of a match list from the query string."""
    return AskedMatches(
        filters=Filters(
            clusters=frozenset(cluster or ()),
            partner_kinds=frozenset(partner_kind or ()),
            engagement_types=frozenset(engagement_type or ()),
            excluded_organisations=frozenset(str(i) for i in excluded_organisation or ()),
            available_on=None if include_unavailable else day,
        ),
        top=top,
        explain=explain,
    )


MatchFilters = Annotated[AskedMatches, Depends(get_match_filters)]
