"""What endpoints are given: sessions, the actor, the engine, pages."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Header, Query, Request
from fastapi.dependencies.utils import get_dependant
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPAuthorizationCredentials,
    HTTPBearer,
)
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.access import Action, Actor, Noun, may_ever, rule_of
from app.auditing import acting
from app.browser import SAFE_METHODS, SESSION, require_csrf
from app.clock import today
from app.contexts import AUTHENTICATION, NOBODY
from app.db import Database
from app.errors import Problem, invalid
from app.gate import Gate
from app.limiting import count_key, count_sign_in
from app.services.anonymisers import anonymiser_for
from app.services.corpus import Engine
from app.services.engines import Engines
from app.services.keys import find_holder
from app.services.sessions import actor_in, find_session
from app.settings import get_settings
from matching.anonymise import Anonymiser
from models import Purpose

_BEARER = HTTPBearer(auto_error=False, description="`Authorization: Bearer enm_…`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
_COOKIE = APIKeyCookie(
    name=f"__Host-{SESSION}",
    auto_error=False,
    description="Set by signing in; `enmusubi` over plain http. Needs X-CSRF-Token to change.",
)
PURPOSE: Final = "What staff reads for; it goes into the audit log."


# What only looks something up is `async def`: a plain `def` costs a way to another thread and back.
async def get_engines(request: Request) -> Engines:
    """The engines of this process."""
    engines: Engines = request.app.state.engines
    return engines


async def get_database(request: Request) -> Database:
    """The database of this process."""
    engines: Engines = request.app.state.engines
    return engines.database


async def get_gate(request: Request) -> Gate:
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
        with database.reading(AUTHENTICATION) as session:
            holder = find_holder(session, secret)
        if holder is None:
            raise _unauthenticated(
                "The API key is not valid: it is unknown, mistyped, revoked or expired."
            )
        actor, request.state.holder = holder.actor, holder
    request.state.caller = f"{actor.role.value}/{'session' if secret is None else 'key'}"
    if not getattr(request.state, "counted", False):  # by `app.repeats`, which let it go on
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
    with database.reading(AUTHENTICATION) as session:
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


async def get_purpose(
    request: Request,
    actor: Annotated[Actor, Depends(get_actor)],
    x_purpose: Annotated[Purpose | None, Header(description=PURPOSE)] = None,
) -> Purpose | None:
    """What the caller reads for; Problem 422 if staff must say so and does not."""
    action = rule_of(request.scope["endpoint"])
    confidential = action is Action.MATCH_PARTNER or (
        action is not None and action.noun in (Noun.NEED, Noun.INTRODUCTION)
    )
    if x_purpose is None and actor.is_staff and confidential and get_settings().require_purpose:
        choices = ", ".join(Purpose)
        raise invalid("X-Purpose", f"say in this header what you read it for, one of: {choices}")
    return x_purpose


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page is wanted."""

    cursor: Annotated[str | None, Query(max_length=100, description="From `next_cursor`.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


StatedPurpose = Annotated[Purpose | None, Depends(get_purpose)]
CurrentActor = Annotated[Actor, Depends(get_actor)]
CurrentDatabase = Annotated[Database, Depends(get_database)]


async def _read(
    database: CurrentDatabase, actor: CurrentActor, purpose: StatedPurpose
) -> AsyncIterator[Session]:
    reading = database.reading(actor)
    if database.replica is None:
        # Here and not in a thread: such a session asks nothing before its first statement.
        session = reading.__enter__()
    else:
        session = await run_in_threadpool(reading.__enter__)
    acting(session, actor, purpose)
    try:
        yield session
    except BaseException as error:
        if not await _leave(reading, error):
            raise
    else:
        await _leave(reading, None)


async def _leave(reading: AbstractContextManager[Session], error: BaseException | None) -> bool:
    """End a reading in a thread of its own, since all others may be waiting for a connection."""
    raised = (None, None, None) if error is None else (type(error), error, error.__traceback__)
    limiter = CapacityLimiter(1)
    return bool(await run_sync(partial(reading.__exit__, *raised), limiter=limiter))


def write_session(
    request: Request, database: CurrentDatabase, actor: CurrentActor, purpose: StatedPurpose
) -> Iterator[Session]:
    """The session of a request that writes; committed after the answer is made."""
    with database.writing(actor) as session:
        acting(session, actor, purpose)
        request.state.write_session = session  # an answer that is kept is stored in it, too
        yield session


def _read_open(database: CurrentDatabase) -> Iterator[Session]:
    with database.reading(NOBODY) as session:
        yield session


# The scope "function" commits before the response is sent: the default would answer 200 to a
# write whose commit then fails.
ReadSession = Annotated[Session, Depends(_read, scope="function")]
WriteSession = Annotated[Session, Depends(write_session, scope="function")]
OpenSession = Annotated[Session, Depends(_read_open, scope="function")]
"""For endpoints that ask for no account: nothing that is protected is seen by it."""
CurrentGate = Annotated[Gate, Depends(get_gate)]
SignInCounted = Depends(count_sign_in)
"""For endpoints at which passwords could be tried out."""


CurrentEngines = Annotated[Engines, Depends(get_engines)]


def get_engine(engines: CurrentEngines, session: ReadSession) -> Engine:
    """The engine for this request: of the encoder that serves as the request's session sees it."""
    return engines.current(session)


CurrentEngine = Annotated[Engine, Depends(get_engine)]


def get_anonymiser(engine: CurrentEngine, session: ReadSession) -> Anonymiser:
    """What is known when a need is made anonymous; ask for it before a session that writes."""
    return anonymiser_for(session, engine)


CurrentAnonymiser = Annotated[Anonymiser, Depends(get_anonymiser)]


async def get_today() -> date:
    """The present day."""
    return today()


Today = Annotated[date, Depends(get_today)]
CurrentPage = Annotated[PageQuery, Depends()]
