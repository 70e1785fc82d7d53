"""Accounts and their keys, for administrators."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession, WriteSession
from app.desks import CurrentDesk
from app.etags import ChangeTags, NewTags, ReadTags
from app.idempotency import secret_answer
from app.schemas.account import (
    AccountIn,
    AccountOut,
    AccountPatch,
    KeyIn,
    KeyMade,
    KeyOut,
    PasswordSet,
    Rotation,
)
from app.schemas.common import Page, merged
from app.services import accounts, keys, sessions
from app.services.passwords import hash_password
from models import Role

router = APIRouter(prefix="/accounts", tags=["accounts"], route_class=ApiRoute)


@router.post("", status_code=HTTPStatus.CREATED)
@rule(Action.MANAGE_ACCOUNTS)
def create_account(
    body: AccountIn, session: WriteSession, actor: CurrentActor, tags: NewTags
) -> AccountOut:
    """Make an account; it needs a password, a key, or a first sign-in through OpenID."""
    return tags.show(AccountOut.model_validate(accounts.create_account(session, **dict(body))))


@router.get("")
@rule(Action.MANAGE_ACCOUNTS)
def list_accounts(
    session: ReadSession,
    actor: CurrentActor,
    page: CurrentPage,
    role: Role | None = None,
    email: Annotated[str | None, Query(max_length=254)] = None,
) -> Page[AccountOut]:
    """Accounts, also those that are disabled."""
    found = accounts.list_accounts(
        session, cursor=page.cursor, limit=page.limit, role=role, email=email
    )
    return Page[AccountOut].model_validate(found, from_attributes=True)


@router.get("/{account_id}")
@rule(Action.MANAGE_ACCOUNTS)
def read_account(
    account_id: UUID, session: ReadSession, actor: CurrentActor, tags: ReadTags
) -> AccountOut:
    """One account."""
    return tags.show(AccountOut.model_validate(accounts.get_account(session, account_id)))


@router.patch("/{account_id}")
@rule(Action.MANAGE_ACCOUNTS)
def change_account(
    account_id: UUID,
    body: AccountPatch,
    session: WriteSession,
    actor: CurrentActor,
    tags: ChangeTags,
) -> AccountOut:
    """Change some fields of an account; another role or binding ends its sessions and keys.

    Another e-mail address ends its sessions and undoes its binding to OpenID, which the next
    sign-in there makes anew by the new address. A password and keys stay as they are.
    """
    account = accounts.get_account(session, account_id, lock=True)
    before = AccountOut.model_validate(account)
    tags.require(before)
    accounts.write_account(session, account, **dict(merged(AccountIn, before, body)))
    return tags.show(AccountOut.model_validate(account))


@router.post("/{account_id}/disable")
@rule(Action.MANAGE_ACCOUNTS)
def disable_account(account_id: UUID, session: WriteSession, actor: CurrentActor) -> AccountOut:
    """End all that the account can do, at once: its sessions end, its keys are refused."""
    account = accounts.get_account(session, account_id)
    accounts.disable_account(session, account)
    return AccountOut.model_validate(account)


@router.post("/{account_id}/enable")
@rule(Action.MANAGE_ACCOUNTS)
def enable_account(account_id: UUID, session: WriteSession, actor: CurrentActor) -> AccountOut:
    """Let an account act again that was disabled or is locked."""
    account = accounts.get_account(session, account_id)
    accounts.enable_account(session, account)
    return AccountOut.model_validate(account)


@router.put("/{account_id}/password", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.MANAGE_ACCOUNTS)
def set_password(
    account_id: UUID, body: PasswordSet, actor: CurrentActor, desk: CurrentDesk
) -> None:
    """Give an account a new password; it signs the account out everywhere and unlocks it."""
    with desk.read() as session:
        account = accounts.get_account(session, account_id)
        accounts.require_password_fits(account, body.password)
    password_hash = hash_password(body.password)  # while nobody waits to write
    with desk.write() as session:
        account = accounts.get_account(session, account_id)
        accounts.store_password(session, account, password_hash)


@router.delete("/{account_id}/sessions", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.MANAGE_ACCOUNTS)
def end_sessions(account_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """Sign an account out in all browsers."""
    sessions.end_sessions(session, accounts.get_account(session, account_id))


@router.get("/{account_id}/keys")
@rule(Action.MANAGE_ACCOUNTS)
def list_keys(account_id: UUID, session: ReadSession, actor: CurrentActor) -> Page[KeyOut]:
    """The keys of an account, also those that have ended."""
    account = accounts.get_account(session, account_id)
    found = keys.list_keys(session, account.id)
    return Page(items=[KeyOut.model_validate(key) for key in found], next_cursor=None)


@router.post("/{account_id}/keys", status_code=HTTPStatus.CREATED)
@rule(Action.MANAGE_ACCOUNTS)
@secret_answer
def create_key(
    account_id: UUID, body: KeyIn, response: Response, session: WriteSession, actor: CurrentActor
) -> KeyMade:
    """Make a key for an account; two may live at once."""
    account = accounts.get_account(session, account_id)
    scopes = None if body.scopes is None else keys.parse_scopes(body.scopes)
    made, secret = keys.add_key(
        session, account, name=body.name, scopes=scopes, expires_at=body.expires_at
    )
    response.headers["Cache-Control"] = "no-store"
    return KeyMade.of(made, secret)


@router.post("/{account_id}/keys/{key_id}/rotate", status_code=HTTPStatus.CREATED)
@rule(Action.MANAGE_ACCOUNTS)
@secret_answer
def rotate_key(
    account_id: UUID,
    key_id: UUID,
    response: Response,
    session: WriteSession,
    actor: CurrentActor,
    body: Rotation,
) -> KeyMade:
    """Make the second key beside an old one; put it in place, then revoke the old one."""
    key = keys.get_key(session, key_id, account_id=account_id)
    made, secret = keys.rotate_key(session, key, expires_at=body.expires_at)
    response.headers["Cache-Control"] = "no-store"
    return KeyMade.of(made, secret)


@router.delete("/{account_id}/keys/{key_id}", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.MANAGE_ACCOUNTS)
def revoke_key(account_id: UUID, key_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """End a key at once."""
    keys.end_key(session, keys.get_key(session, key_id, account_id=account_id))
