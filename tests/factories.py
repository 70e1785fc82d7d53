"""One factory a model: each makes a valid row, in which a test says only what it is about."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.services.capabilities import passage_of
from app.services.names import place_by_name, renew_name_keys
from matching.text import content_hash
from models import (
    Account,
    Audience,
    Capability,
    CapabilityKind,
    Cluster,
    Confidentiality,
    DeclineReason,
    Introduction,
    IntroductionState,
    Mail,
    Need,
    NeedKind,
    NeedStatus,
    NeedVersion,
    Organisation,
    OrganisationKind,
    Outcome,
    Partner,
    PartnerKind,
    Role,
    Run,
    RunKind,
    Side,
    new_id,
    utc_now,
)


def _stored(session: Session, row: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row


def _name(session: Session, row: Organisation | Partner) -> None:
    place_by_name(row)
    session.flush()
    renew_name_keys(session, [row])


def make_cluster(session: Session, **values: Any) -> Cluster:
    """A cluster."""
    row: Cluster = _stored(session, Cluster(slug="food-health", name_en="Food"), values)
    return row


def make_organisation(session: Session, **values: Any) -> Organisation:
    """A company in Miyazaki."""
    organisation = Organisation(
        kind=OrganisationKind.COMPANY, name_en="A company", prefecture="宮崎県", city="日南市"
    )
    row: Organisation = _stored(session, organisation, values)
    _name(session, row)
    return row


def make_need(session: Session, **values: Any) -> Need:
    """An open technology need of a new company unless told otherwise."""
    if "organisation_id" not in values:
        values["organisation_id"] = make_organisation(session).id
    need = Need(
        kind=NeedKind.TECHNOLOGY,
        title_en="Keep citrus juice fresh",
        brief_en="Our citrus juice turns brown and bitter after two months.",
        confidentiality=Confidentiality.STAFF_ONLY,
        status=NeedStatus.OPEN,
        posted_on=date(2026, 11, 1),
        engagement_types=[],
        excluded_organisations=[],
        excluded_evidence=[],
    )
    row: Need = _stored(session, need, values)
    return row


def make_partner(session: Session, **values: Any) -> Partner:
    """A researcher without affiliation or evidence."""
    partner = Partner(
        kind=PartnerKind.RESEARCHER, name_en="A researcher", languages=["en"], engagement_types=[]
    )
    row: Partner = _stored(session, partner, values)
    _name(session, row)
    return row


def make_capability(session: Session, partner: Partner, **values: Any) -> Capability:
    """A paper about citrus juice unless told otherwise."""
    capability = Capability(
        partner_id=partner.id,
        kind=CapabilityKind.PAPER,
        title_en="Browning of citrus juice",
        source="test",
        year=2024,
    )
    for name, value in values.items():
        setattr(capability, name, value)
    capability.content_hash = content_hash(passage_of(capability))
    row: Capability = _stored(session, capability, {})
    return row


def make_account(session: Session, **values: Any) -> Account:
    """A coordinator unless told otherwise."""
    account = Account(name="Ms Sato", role=Role.COORDINATOR)
    row: Account = _stored(session, account, values)
    return row


def make_version(session: Session, need: Need, **values: Any) -> NeedVersion:
    """A released teaser unless told otherwise."""
    version = NeedVersion(
        need_id=need.id,
        audience=Audience.TEASER,
        number=1,
        title_en="Keep a drink fresh",
        brief_en="A drink changes colour within a few months.",
        released_at=utc_now(),
    )
    row: NeedVersion = _stored(session, version, values)
    return row


def make_introduction(
    session: Session, need: Need, partner: Partner, **values: Any
) -> Introduction:
    """Suggested unless told otherwise; what a state must have is filled in."""
    introduction = Introduction(need=need, partner=partner, state=IntroductionState.SUGGESTED)
    state = values.get("state")
    if state is IntroductionState.DECLINED:
        introduction.declined_by = Side.STAFF
        introduction.decline_reason = DeclineReason.OTHER
    if state is IntroductionState.CLOSED:
        introduction.outcome = Outcome.NO_AGREEMENT
    row: Introduction = _stored(session, introduction, values)
    return row


def make_run(session: Session, run_date: date, **values: Any) -> Run:
    """The nightly run of that date, made if there is none."""
    run = session.scalar(select(Run).where(Run.run_date == run_date)) or Run(
        kind=RunKind.SUGGESTIONS, run_date=run_date, counts={}, seconds={}, report={}, alerts=[]
    )
    row: Run = _stored(session, run, values)
    return row


def make_mail(session: Session, run: Run, account: Account, **values: Any) -> Mail:
    """A mail of that run, which waits unless told otherwise."""
    key = new_id()
    mail = Mail(id=key, run=run, account=account, message_id=f"<{key}@office.example>")
    row: Mail = _stored(session, mail, values)
    return row


def make_fitting_need(session: Session, organisation_id: UUID, *, partners: int = 6) -> Need:
    """A need of the organisation, and partners who fit it with one piece of evidence each."""
    for number in range(partners):
        partner = make_partner(session, name_en=f"Partner {number}")
        make_capability(session, partner, title_en=f"Surimi gel {number}")
    return make_need(session, organisation_id=organisation_id, title_en="Surimi gel")
