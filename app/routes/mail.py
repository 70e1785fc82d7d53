"""Who is mailed: one's own wishes, recorded consents, and the switch for all mail."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from app.access import Action, rule
from app.api_route import ApiRoute
from app.deps import CurrentActor, CurrentPage, ReadSession, WriteSession
from app.etags import ChangeTags, ReadTags
from app.routes.me import require_whole
from app.schemas.common import Page
from app.schemas.mail import ConsentIn, ConsentOut, MyMailIn, MyMailOut, SwitchIn, SwitchOut
from app.services import accounts, mail_consents, mail_halts, mail_suppressions
from models import Account, ConsentMeans, utc_now

router = APIRouter(tags=["mail"], route_class=ApiRoute)


def _mine(session: Session, account: Account) -> MyMailOut:
    last = mail_consents.current(session, account.id)
    return MyMailOut(
        frequency=account.digest_frequency,
        consent=last is not None and last.given,
        consent_needed=mail_consents.needs_consent(account.role),
        means=None if last is None else last.means,
        at=None if last is None else last.at,
    )


@router.get("/me/mail")
@rule(Action.READ_ME)
def read_my_mail(session: ReadSession, actor: CurrentActor, tags: ReadTags) -> MyMailOut:
    """How often you get digests, and whether you have consented to them."""
    return tags.show(_mine(session, accounts.get_account(session, actor.account_id)))


@router.put("/me/mail")
@rule(Action.READ_ME)
def change_my_mail(
    body: MyMailIn, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> MyMailOut:
    """Say how often you want digests, and consent to them or withdraw that.

    For who is signed in, and keys with all scopes of their role.
    """
    require_whole(actor)
    account = accounts.get_account(session, actor.account_id, lock=True)
    before = _mine(session, account)
    tags.require(before)
    account.digest_frequency = body.frequency
    if body.consent is not before.consent:
        mail_consents.record(
            session,
            account,
            given=body.consent,
            means=ConsentMeans.SELF_SERVICE,
            at=utc_now(),
            recorded_by=account.id,
        )
    session.flush()
    return tags.show(_mine(session, account))


@router.get("/accounts/{account_id}/mail-consents")
@rule(Action.MANAGE_ACCOUNTS)
def list_consents(
    account_id: UUID, session: ReadSession, actor: CurrentActor, page: CurrentPage
) -> Page[ConsentOut]:
    """When and how an account's holder consented to be mailed, and withdrew it."""
    account = accounts.get_account(session, account_id)
    found = mail_consents.list_consents(session, account.id, cursor=page.cursor, limit=page.limit)
    return Page[ConsentOut].model_validate(found, from_attributes=True)


@router.post("/accounts/{account_id}/mail-consents", status_code=HTTPStatus.CREATED)
@rule(Action.MANAGE_ACCOUNTS)
def record_consent(
    account_id: UUID, body: ConsentIn, session: WriteSession, actor: CurrentActor
) -> ConsentOut:
    """Record that an account's holder consented to be mailed, or withdrew it."""
    account = accounts.get_account(session, account_id)
    made = mail_consents.record_by_office(
        session, account, **body.model_dump(), recorded_by=actor.account_id
    )
    return ConsentOut.model_validate(made)


@router.delete("/accounts/{account_id}/mail-suppression", status_code=HTTPStatus.NO_CONTENT)
@rule(Action.MANAGE_ACCOUNTS)
def lift_suppression(account_id: UUID, session: WriteSession, actor: CurrentActor) -> None:
    """Let an account's address be mailed again that a mail server has refused for good."""
    mail_suppressions.lift_of(session, accounts.get_account(session, account_id))


def _switch(session: Session) -> SwitchOut:
    found = mail_halts.current_halt(session)
    return SwitchOut(allowed=found is None, halted_at=None if found is None else found.halted_at)


@router.get("/mail/switch")
@rule(Action.READ_RUNS)
def read_switch(session: ReadSession, actor: CurrentActor, tags: ReadTags) -> SwitchOut:
    """Whether mail may leave."""
    return tags.show(_switch(session))


@router.put("/mail/switch")
@rule(Action.SWITCH_MAIL)
def set_switch(
    body: SwitchIn, session: WriteSession, actor: CurrentActor, tags: ChangeTags
) -> SwitchOut:
    """Stop all mail at once, also of a run under way; or allow it again."""
    tags.require(_switch(session))
    if body.allowed:
        mail_halts.lift(session, actor.account_id)
    else:
        mail_halts.halt(session, actor.account_id)
    return tags.show(_switch(session))
