"""Signing in and out."""

from hmac import compare_digest
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.access import Action, rule
from app.api_route import ApiRoute
from app.browser import OPENID, OPENID_SECONDS, SESSION, csrf_token, sealed, unsealed
from app.deps import CurrentActor, CurrentGate, ReadSession, SignInCounted, WriteSession
from app.desks import CurrentDoor
from app.errors import Problem, conflict
from app.schemas.account import MeOut, SessionOut, SignInIn
from app.services import accounts, oidc, sessions, sign_in
from app.services.passwords import hash_password, needs_rehash, verify_password

router = APIRouter(prefix="/session", tags=["session"], route_class=ApiRoute)

WHERE_NEXT = "/v1/session"
"""Where a browser goes after it has signed in through OpenID."""


@router.post("", status_code=HTTPStatus.NO_CONTENT, dependencies=[SignInCounted])
@rule(Action.SIGN_IN)
def begin_session(
    body: SignInIn,
    request: Request,
    response: Response,
    gate: CurrentGate,
    door: CurrentDoor,
) -> None:
    """Sign in with e-mail address and password; the answer sets the session's cookie.

    Whatever is wrong, the answer is the same. `GET /v1/session` then gives the CSRF token.
    """
    gate.browser.require_same_origin(request)
    with door.look() as session:
        candidate = sign_in.look_up(session, body.email)
    # Between two transactions: it takes as long as dozens of requests.
    verified = verify_password(candidate.password_hash, body.password)
    renewed = None
    if verified and candidate.password_hash and needs_rehash(candidate.password_hash):
        renewed = hash_password(body.password)
    with door.settle() as session:
        account = sign_in.settle(session, candidate, verified=verified, failures=gate.failures)
        if account is not None:
            account.password_hash = renewed or account.password_hash
            if (old := gate.browser.read(request, SESSION)) is not None:
                sessions.end_token(session, old)
            token = sessions.open_session(session, account, gate.rules)
    # After the transaction: the failure was to be counted.
    if account is None:
        raise sign_in.refused()
    gate.browser.keep(request, response, SESSION, token, None)


@router.get("")
@rule(Action.READ_ME)
def read_session(session: ReadSession, actor: CurrentActor, response: Response) -> SessionOut:
    """Who calls, and in a browser's session the CSRF token for calls that change something."""
    response.headers["Cache-Control"] = "no-store"
    return SessionOut(
        account=MeOut.model_validate(accounts.get_account(session, actor.account_id)),
        scopes=sorted(actor.scopes),
        csrf_token=None if actor.session_id is None else csrf_token(actor.session_id),
    )


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.READ_ME)
def end_session(
    request: Request,
    response: Response,
    session: WriteSession,
    actor: CurrentActor,
    gate: CurrentGate,
) -> None:
    """Sign out in this browser."""
    if actor.session_id is None:
        raise conflict("This call came with a key, so there is no session to end.")
    sessions.end_session(session, actor.account_id, actor.session_id)
    gate.browser.forget(request, response, SESSION)


@router.get("/oidc/start", status_code=HTTPStatus.SEE_OTHER)
@rule(Action.SIGN_IN)
def begin_openid(request: Request, gate: CurrentGate) -> RedirectResponse:
    """Sign in through the OpenID provider: sends the browser there."""
    url, begun = _provider(gate).begin()
    response = RedirectResponse(url, status_code=HTTPStatus.SEE_OTHER)
    gate.browser.keep(request, response, OPENID, sealed(begun), OPENID_SECONDS)
    return response


@router.get("/oidc/callback", status_code=HTTPStatus.SEE_OTHER, dependencies=[SignInCounted])
@rule(Action.SIGN_IN)
def finish_openid(
    request: Request,
    gate: CurrentGate,
    door: CurrentDoor,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> RedirectResponse:
    """Where the OpenID provider sends the browser back to; an account must exist already."""
    provider = _provider(gate)
    begun = unsealed(gate.browser.read(request, OPENID))
    if begun is None or not code or not compare_digest(begun.state.encode(), state.encode()):
        raise oidc.refused()
    identity = provider.finish(begun, code)
    with door.settle() as session:
        account = oidc.bound_account(session, identity)
        if account is not None:
            if (old := gate.browser.read(request, SESSION)) is not None:
                sessions.end_token(session, old)
            token = sessions.open_session(session, account, gate.rules)
    if account is None:
        raise oidc.refused()
    response = RedirectResponse(WHERE_NEXT, status_code=HTTPStatus.SEE_OTHER)
    gate.browser.forget(request, response, OPENID)
    gate.browser.keep(request, response, SESSION, token, None)
    return response


def _provider(gate: CurrentGate) -> oidc.Provider:
    if gate.provider is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "No OpenID provider is set up here: sign in with a password.",
        )
    return gate.provider
