"""One's own account, keys and sessions."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.access import SCOPES_OF, Action, Actor, rule
from app.api_route import ApiRoute
from app.browser import SESSION
from app.deps import CurrentActor, CurrentGate, ReadSession, SignInCounted, WriteSession
from app.desks import CurrentDesk
from app.errors import Problem, conflict, invalid
from app.etags import ChangeTags, ReadTags
from app.idempotency import secret_answer
from app.schemas.account import (
    KeyIn,
    KeyMade,
    KeyOut,
    MeOut,
    MePatch,
    PasswordChange,
    Rotation,
    SignedIn,
)
from app.schemas.common import Page
from app.services import accounts, keys, sessions, sign_in
from app.services.passwords import hash_password, verify_password
from models import ApiKey

router = APIRouter(prefix="/me", tags=["me"], route_class=ApiRoute)


def require_whole(actor: Actor) -> None:
    """Problem 403 for a key that has not all scopes of its role.

    One's own account asks for no scope, so that any key can look at it; what changes it for
    everybody who uses it is not for a key that was made for less.
    """
    if actor.session_id is None and actor.scopes != SCOPES_OF[actor.role]:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "This key has only some of the scopes of its role: sign in to do that, or call with a "
            "key that has them all.",
        )


def _require_scopes_of(actor: Actor, key: ApiKey) -> None:
    """Problem 403 for a key that would change or end one that may do more."""
    if not actor.scopes >= keys.scopes_of(key):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "That key has more scopes than this call: sign in to do that, or call with a key that "
            "has as many.",
        )


@router.get("")
@rule(Action.READ_ME)
def read_me(session: ReadSession, actor: CurrentActor, tags: ReadTags) -> MeOut:
    """Your account."""
    return tags.show(MeOut.model_validate(accounts.get_account(session, actor.account_id)))


@router.patch("")
@rule(Action.READ_ME)
def change_me(body: MePatch, session: WriteSession, actor: CurrentActor, tags: ChangeTags) -> MeOut:
    """Change your name or language; the rest is an administrator's work.

    For who is signed in, and keys with all scopes of their role.
    """
    require_whole(actor)
    account = accounts.get_account(session, actor.account_id, lock=True)
    tags.require(MeOut.model_validate(account))
    accounts.write_account(
        session,
        account,
        name=body.name or account.name,
        role=account.role,
        email=account.email,
        organisation_id=account.organisation_id,
        partner_id=account.partner_id,
        language=body.language or account.language,
        digest_frequency=account.digest_frequency,
        clusters=[cluster.slug for cluster in account.clusters],
    )
    return tags.show(MeOut.model_validate(account))


@router.put("/password", status_code=HTTPStatus.NO_CONTENT, dependencies=[SignInCounted])
@rule(Action.READ_ME)
def change_password(
    body: PasswordChange,
    request: Request,
    response: Response,
    actor: CurrentActor,
    gate: CurrentGate,
    desk: CurrentDesk,
) -> None:
    """Change your password, in a browser in which you are signed in; it signs you out everywhere.

    A wrong current password counts as a failed sign-in.
    """
    if actor.session_id is None:
        raise Problem(HTTPStatus.FORBIDDEN, "A key cannot change a password: sign in to do that.")
    with desk.read() as session:
        account = accounts.get_account(session, actor.account_id)
        if account.password_hash is None:
            raise conflict("Your account has no password: an administrator can give it one.")
        accounts.require_password_fits(account, body.new_password, field="new_password")
        candidate = sign_in.Candidate(account.id, account.password_hash)
    verified = verify_password(candidate.password_hash, body.current_password)
    renewed = hash_password(body.new_password) if verified else ""
    with desk.write() as session:
        settled = sign_in.settle(session, candidate, verified=verified, failures=gate.failures)
        if settled is not None:
            accounts.store_password(session, settled, renewed)
    if settled is None:
        raise invalid("current_password", "is not right, or was tried too often of late")
    gate.browser.forget(request, response, SESSION)


@router.get("/keys")
@rule(Action.READ_ME)
def list_my_keys(session: ReadSession, actor: CurrentActor) -> Page[KeyOut]:
    """Your keys, also those that have ended."""
    found = keys.list_keys(session, actor.account_id)
    return Page(items=[KeyOut.model_validate(key) for key in found], next_cursor=None)


@router.post("/keys", status_code=HTTPStatus.CREATED)
@rule(Action.READ_ME)
@secret_answer
def create_my_key(
    body: KeyIn, response: Response, session: WriteSession, actor: CurrentActor
) -> KeyMade:
    """Make a key for yourself, with scopes that you have in this call; two may live at once.

    Called with a key that expires, the new one expires no later.
    """
    account = accounts.get_account(session, actor.account_id)
    scopes = actor.scopes if body.scopes is None else keys.parse_scopes(body.scopes)
    if not scopes <= actor.scopes:
        allowed = ", ".join(sorted(actor.scopes))
        raise invalid("scopes", f"a key that you make can have: {allowed}")
    made, secret = keys.add_key(
        session,
        account,
        name=body.name,
        scopes=scopes,
        expires_at=body.expires_at,
        no_later_than=keys.latest_expiry(session, actor),
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyMade.of(made, secret)


@router.post("/keys/{key_id}/rotate", status_code=HTTPStatus.CREATED)
@rule(Action.READ_ME)
@secret_answer
def rotate_my_key(
    key_id: UUID,
    response: Response,
    session: WriteSession,
    actor: CurrentActor,
    body: Rotation,
) -> KeyMade:
    """Make the second key beside an old one; put it in place, then revoke the old one.

    Called with a key that expires, the new one expires no later: sign in to prolong a key.
    """
    key = keys.get_key(session, key_id, account_id=actor.account_id)
    _require_scopes_of(actor, key)
    made, secret = keys.rotate_key(
        session,
        key,
        expires_at=body.expires_at,
        no_later_than=keys.latest_expiry(session, actor),
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyMade.of(made, secret)


@router.delete("/keys/{key_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.READ_ME)
def revoke_my_key(key_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """End a key of yours at once; a key ends only keys that have no more scopes than itself."""
    key = keys.get_key(session, key_id, account_id=actor.account_id)
    _require_scopes_of(actor, key)
    keys.end_key(session, key)


@router.get("/sessions")
@rule(Action.READ_ME)
def list_my_sessions(
    session: ReadSession, actor: CurrentActor, gate: CurrentGate
) -> Page[SignedIn]:
    """The browsers in which you are signed in."""
    found = sessions.live_sessions(session, actor.account_id, rules=gate.rules, uses=gate.uses)
    items = [
        SignedIn(
            id=row.id,
            created_at=row.created_at,
            last_seen_at=gate.uses.last(row.id) or row.last_seen_at,
            expires_at=row.expires_at,
            current=row.id == actor.session_id,
        )
        for row in found
    ]
    return Page(items=items, next_cursor=None)


@router.delete("/sessions", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.READ_ME)
def end_my_sessions(session: WriteSession, actor: CurrentActor) -> None:
    """Sign out everywhere but in the browser that asks.

    For who is signed in, and keys with all scopes of their role.
    """
    require_whole(actor)
    account = accounts.get_account(session, actor.account_id)
    sessions.end_sessions(session, account, but=actor.session_id)


@router.delete("/sessions/{session_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.READ_ME)
def end_my_session(session_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """Sign out in one browser.

    For who is signed in, and keys with all scopes of their role.
    """
    require_whole(actor)
    sessions.end_session(session, actor.account_id, session_id)
