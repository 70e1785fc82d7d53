"""Accounts: the people and systems who act."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from app.access import STAFF
from app.contexts import as_system
from app.errors import conflict, invalid, not_found
from app.services import mail_consents
from app.services.clusters import clusters_by_slug
from app.services.mail_links import end_answers
from app.services.paging import PageOf, page
from app.services.passwords import hash_password, require_good_password
from app.services.sessions import end_sessions
from app.services.suppressions import require_admitted_email
from matching.text import normalise
from models import (
    Account,
    ApiKey,
    ConsentMeans,
    DigestFrequency,
    Organisation,
    Partner,
    Role,
    utc_now,
)

NAME_LENGTH: Final = 200
EMAIL_LENGTH: Final = 254
LANGUAGES: Final = ("ja", "en")
_EMAIL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]"
)


def create_account(
    session: Session,
    *,
    name: str,
    role: Role,
    email: str | None = None,
    organisation_id: UUID | None = None,
    partner_id: UUID | None = None,
    language: str = "ja",
    digest_frequency: DigestFrequency = DigestFrequency.DAILY,
    clusters: Sequence[str] = (),
) -> Account:
    """Store a new account, which cannot sign in before it has a password or is bound to OpenID.

    Problem 422 if a company's account is not bound to an existing organisation, a partner's not to
    an existing partner, or another one is bound, or for clusters that do not exist or are not of
    staff; 409 if another account has the e-mail address.
    """
    account = Account(name="", role=role)
    write_account(
        session,
        account,
        name=name,
        role=role,
        email=email,
        organisation_id=organisation_id,
        partner_id=partner_id,
        language=language,
        digest_frequency=digest_frequency,
        clusters=clusters,
    )
    return account


def write_account(
    session: Session,
    account: Account,
    *,
    name: str,
    role: Role,
    email: str | None,
    organisation_id: UUID | None,
    partner_id: UUID | None,
    language: str,
    digest_frequency: DigestFrequency,
    clusters: Sequence[str],
) -> None:
    """Give an account these values; another role or binding ends its sessions and keys.

    Another e-mail address ends its sessions, the links in its mails and its consent to be mailed,
    which was given for the old one, and undoes its binding to OpenID. `clusters`: slugs.

    Problem 422 and 409 as in `create_account`, and 409 for the last administrator's role.
    """
    with session.no_autoflush:
        _require_binding(session, role, organisation_id, partner_id)
        if email is not None:
            email = normal_email(email)
            other = session.scalar(select(Account.id).where(Account.email == email))
            if other not in (None, account.id):
                raise conflict("Another account has this e-mail address.")
            require_admitted_email(session, email)
        if account.role is Role.ADMIN and role is not Role.ADMIN:
            _require_another_administrator(session, account)
        if clusters and role not in STAFF:
            raise invalid("clusters", "only staff is mailed by clusters: leave them out")
        found = clusters_by_slug(session, clusters)
    name = " ".join(normalise(name).splitlines())
    if not 0 < len(name) <= NAME_LENGTH:
        raise invalid("name", f"give it a name of at most {NAME_LENGTH} characters")
    if language not in LANGUAGES:
        raise invalid("language", f"choose one of: {', '.join(LANGUAGES)}")
    before = (account.role, account.organisation_id, account.partner_id)
    address_before = account.email
    account.name, account.email, account.language = name, email, language
    account.role, account.organisation_id, account.partner_id = role, organisation_id, partner_id
    account.digest_frequency, account.clusters = digest_frequency, found
    session.add(account)
    if address_before != email:  # the provider's old identity may be another person's
        account.oidc_issuer = account.oidc_subject = None
    session.flush()
    rebound = before != (role, organisation_id, partner_id)
    _end_ways_in(session, account, rebound=rebound, moved=address_before != email)
    if address_before not in (None, email) and mail_consents.has_consent(session, account.id):
        mail_consents.record(
            session,
            account,
            given=False,
            means=ConsentMeans.ADDRESS_CHANGED,
            at=utc_now(),
            recorded_by=None,
        )


def _end_ways_in(session: Session, account: Account, *, rebound: bool, moved: bool) -> None:
    if rebound or moved:
        end_sessions(session, account)
    if moved:
        # The links are in mails to an address that may be somebody else's; only the system sees
        # them.
        with as_system(session):
            end_answers(session, account.id)
    if rebound:
        _end_keys(session, account)


def _end_keys(session: Session, account: Account) -> None:
    # Whoever holds them was given them for what the account could see before, not for this.
    live = select(ApiKey).where(ApiKey.account_id == account.id, ApiKey.revoked_at.is_(None))
    for key in session.scalars(live):
        key.revoked_at = utc_now()
    session.flush()


def _require_binding(
    session: Session, role: Role, organisation_id: UUID | None, partner_id: UUID | None
) -> None:
    if role is Role.COMPANY:
        if organisation_id is None or session.get(Organisation, organisation_id) is None:
            raise invalid("organisation", "a company account is bound to an existing organisation")
    elif organisation_id is not None:
        raise invalid("organisation", "only a company account is bound to an organisation")
    if role is Role.PARTNER:
        if partner_id is None or session.get(Partner, partner_id) is None:
            raise invalid("partner", "a partner account is bound to an existing partner")
    elif partner_id is not None:
        raise invalid("partner", "only a partner account is bound to a partner")


def fold_email(text: str) -> str:
    """An e-mail address as it is compared: lower case, full-width signs as plain ones."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def normal_email(text: str) -> str:
    """An e-mail address as it is stored; Problem 422 if it is none that mail can be sent to."""
    email = fold_email(text)
    if len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email) or "=?" in email:
        raise invalid("email", "is not an e-mail address such as sato@example.jp")
    return email


def get_account(session: Session, account_id: UUID, *, lock: bool = False) -> Account:
    """The account with that id, else Problem 404; `lock` keeps others from changing it."""
    account = session.get(Account, account_id, with_for_update=lock or None)
    if account is None:
        raise not_found("account")
    return account


def find_account(session: Session, reference: str) -> Account:
    """The account with that e-mail address or id, else Problem 422."""
    account = session.scalar(select(Account).where(Account.email == fold_email(reference)))
    if account is None:
        try:
            account = session.get(Account, UUID(reference))
        except ValueError:
            account = None
    if account is None:
        raise invalid("account", "there is none with this e-mail address or id: see account list")
    return account


def list_accounts(
    session: Session,
    *,
    cursor: str | None,
    limit: int,
    role: Role | None = None,
    email: str | None = None,
) -> PageOf[Account]:
    """A page of the accounts, the oldest first."""
    statement = select(Account).options(selectinload(Account.clusters))
    if role is not None:
        statement = statement.where(Account.role == role)
    if email is not None:
        statement = statement.where(Account.email == fold_email(email))
    return page(session, statement, Account, cursor=cursor, limit=limit)


def all_accounts(session: Session) -> list[Account]:
    """All accounts, the oldest first."""
    return list(session.scalars(select(Account).order_by(Account.id)))


def disable_account(session: Session, account: Account) -> None:
    """From now on nobody acts as this account: its sessions end, its keys are refused.

    Problem 409 for the last administrator, who could not be let in again by anybody.
    """
    if account.disabled_at is not None:
        return
    if account.role is Role.ADMIN:
        _require_another_administrator(session, account)
    account.disabled_at = utc_now()
    session.flush()
    end_sessions(session, account)


def enable_account(session: Session, account: Account) -> None:
    """Let the account act again, also one that is locked; sessions that were ended stay so."""
    account.disabled_at = None
    account.failed_sign_ins, account.locked_until = 0, None
    session.flush()


def set_password(session: Session, account: Account, password: str) -> None:
    """Give the account a password, which unlocks it and ends all its sessions.

    Problem 422 if the account has no e-mail address to sign in with, or the password breaks a rule.
    """
    require_password_fits(account, password)
    store_password(session, account, hash_password(password))


def require_password_fits(account: Account, password: str, *, field: str = "password") -> None:
    """Problem 422 if the account cannot have this password, or none at all."""
    if account.email is None:
        raise invalid("account", "it has no e-mail address to sign in with: give it one first")
    require_good_password(password, email=account.email, name=account.name, field=field)


def store_password(session: Session, account: Account, password_hash: str) -> None:
    """As `set_password`, with a hash that was made before the transaction began."""
    account.password_hash = password_hash
    account.failed_sign_ins, account.locked_until = 0, None
    session.flush()
    end_sessions(session, account)


def _require_another_administrator(session: Session, account: Account) -> None:
    another = exists().where(
        Account.role == Role.ADMIN, Account.disabled_at.is_(None), Account.id != account.id
    )
    if account.disabled_at is None and not session.scalar(select(another)):
        raise conflict("This is the last administrator: make another one first.")
