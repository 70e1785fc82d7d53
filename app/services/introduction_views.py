"""What each side is shown of an introduction: chosen by the policy, put together here."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import INTRODUCED_STAGES, Action, Actor, View, decide
from app.contexts import as_system
from app.keyring import digest
from app.schemas.introduction import (
    CompanyIntroductionOut,
    ContactOut,
    CounterpartOut,
    IntroducedNeedOut,
    IntroducedPartnerOut,
    IntroductionBriefOut,
    IntroductionCandidateOut,
    NoteOut,
    PartnerIntroductionOut,
    StaffIntroductionOut,
    StaffStepOut,
    StepOut,
)
from app.services.candidates import coarsest
from app.services.introduction_briefs import brief_shown
from app.services.introduction_moves import side_of
from app.services.introduction_steps import Step, next_steps
from app.services.partner_groups import count_groups
from app.visibility import introduction_state
from models import (
    Account,
    Introduction,
    IntroductionNote,
    Need,
    Organisation,
    Partner,
    PartnerKind,
    Side,
    need_staff,
)

Shown = StaffIntroductionOut | CompanyIntroductionOut | PartnerIntroductionOut


def show(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    disclosed: Callable[[UUID], None],
) -> Shown | None:
    """The introduction as the actor may see it now, None if not at all.

    `disclosed` is called with the version of a need that a partner is shown: for the ledger.
    """
    state = introduction_state(actor, introduction, named=_is_named(session, introduction, actor))
    view = decide(actor.role, Action.READ_INTRODUCTION, state)
    if view is View.NONE:
        return None
    if view is View.FULL:
        return _for_staff(session, introduction)
    told = view is View.CONTACTS
    if side_of(actor) is Side.COMPANY:
        return _for_company(session, introduction, told=told)
    return _for_partner(session, introduction, told=told, disclosed=disclosed)


def show_notes(session: Session, notes: Sequence[IntroductionNote]) -> list[NoteOut]:
    """Notes with the names of who wrote them, for staff."""
    names = _names(session, {note.account_id for note in notes})
    return [
        NoteOut(
            id=note.id,
            text=note.text,
            account=names.get(note.account_id),
            created_at=note.created_at,
        )
        for note in notes
    ]


def _is_named(session: Session, introduction: Introduction, actor: Actor) -> bool:
    row = select(need_staff.c.need_id).where(
        need_staff.c.need_id == introduction.need_id, need_staff.c.account_id == actor.account_id
    )
    return actor.is_staff and session.scalar(row) is not None


def _names(session: Session, ids: set[UUID | None]) -> dict[UUID | None, str]:
    statement = select(Account.id, Account.name).where(Account.id.in_(ids - {None}))
    with as_system(session):  # of the sides, too, whose accounts a coordinator does not see
        return {row.id: row.name for row in session.execute(statement)}


def _next(introduction: Introduction, side: Side) -> list[str]:
    """The addresses that may be called; taking a consent back is a decline too."""
    ends = (Step.DECLINE, Step.WITHDRAW)
    steps = [
        Step.DECLINE if move.step in ends else move.step
        for move in next_steps(introduction.state)
        if move.side is side or (side is Side.STAFF and move.step in ends)
    ]
    return [step.value for step in dict.fromkeys(steps)]


def _for_staff(session: Session, introduction: Introduction) -> StaffIntroductionOut:
    need, partner = introduction.need, introduction.partner
    # Not even staff reads a contact before it is exchanged: nobody needs it earlier.
    exchanged = introduction.state in INTRODUCED_STAGES
    names = _names(session, {step.account_id for step in introduction.steps})
    return StaffIntroductionOut(
        id=introduction.id,
        state=introduction.state,
        revision=introduction.revision,
        next=_next(introduction, Side.STAFF),
        outcome=introduction.outcome,
        need=_need(need),
        partner=_partner(partner),
        version_id=introduction.version_id,
        company_contact=_contact(introduction.company_contact) if exchanged else None,
        partner_contact=_contact(introduction.partner_contact) if exchanged else None,
        declined_by=introduction.declined_by,
        decline_reason=introduction.decline_reason,
        remind_on=introduction.remind_on,
        steps=[
            StaffStepOut(
                state=step.state,
                side=step.side,
                taken_at=step.taken_at,
                account=names.get(step.account_id),
            )
            for step in introduction.steps
        ],
        notes=show_notes(session, introduction.notes),
        created_at=introduction.created_at,
        updated_at=introduction.updated_at,
    )


def _for_company(
    session: Session, introduction: Introduction, *, told: bool
) -> CompanyIntroductionOut:
    partner = introduction.partner
    return CompanyIntroductionOut(
        id=introduction.id,
        state=introduction.state,
        revision=introduction.revision,
        next=_next(introduction, Side.COMPANY),
        outcome=introduction.outcome,
        need_id=introduction.need_id,
        candidate=_candidate(session, introduction),
        partner=_counterpart(
            partner.name_ja, partner.name_en, partner.organisation, introduction.partner_contact
        )
        if told
        else None,
        steps=_steps(introduction),
    )


def _for_partner(
    session: Session,
    introduction: Introduction,
    *,
    told: bool,
    disclosed: Callable[[UUID], None],
) -> PartnerIntroductionOut:
    organisation = introduction.need.organisation
    version = brief_shown(session, introduction)
    if version is not None:
        disclosed(version.id)
    return PartnerIntroductionOut(
        id=introduction.id,
        state=introduction.state,
        revision=introduction.revision,
        next=_next(introduction, Side.PARTNER),
        outcome=introduction.outcome,
        need_id=introduction.need_id,
        brief=None if version is None else IntroductionBriefOut.model_validate(version),
        company=_counterpart(
            organisation.name_ja,
            organisation.name_en,
            organisation,
            introduction.company_contact,
        )
        if told
        else None,
        steps=_steps(introduction),
    )


def _steps(introduction: Introduction) -> list[StepOut]:
    return [StepOut.model_validate(step) for step in introduction.steps]


def _contact(stored: dict[str, object] | None) -> ContactOut | None:
    return None if stored is None else ContactOut.model_validate(stored)


def _counterpart(
    name_ja: str | None,
    name_en: str | None,
    organisation: Organisation | None,
    contact: dict[str, object] | None,
) -> CounterpartOut:
    return CounterpartOut(
        name_ja=name_ja,
        name_en=name_en,
        organisation_ja=None if organisation is None else organisation.name_ja,
        organisation_en=None if organisation is None else organisation.name_en,
        contact=_contact(contact),
    )


def _candidate(session: Session, introduction: Introduction) -> IntroductionCandidateOut:
    """The partner by what at least `K` partners of the region share.

    Its id is none of the list's, and what is shown hangs on the partner alone: a company that edits
    its need and reads both again must not see which place in its list is this one.
    """
    partner = introduction.partner
    slugs = sorted(cluster.slug for cluster in partner.clusters)
    kind, cluster = coarsest(partner.kind.value, slugs, count_groups(session, clusters=slugs))
    return IntroductionCandidateOut(
        candidate_id=UUID(digest("candidates", "introduction", str(introduction.id))[:32]),
        kind=None if kind is None else PartnerKind(kind),
        clusters=[] if cluster is None else [cluster],
    )


def _need(need: Need) -> IntroducedNeedOut:
    return IntroducedNeedOut(
        id=need.id,
        external_id=need.external_id,
        title_ja=need.title_ja,
        title_en=need.title_en,
        confidentiality=need.confidentiality,
        organisation_id=need.organisation_id,
        organisation_ja=need.organisation.name_ja,
        organisation_en=need.organisation.name_en,
    )


def _partner(partner: Partner) -> IntroducedPartnerOut:
    organisation = partner.organisation
    return IntroducedPartnerOut(
        id=partner.id,
        external_id=partner.external_id,
        kind=partner.kind,
        name_ja=partner.name_ja,
        name_en=partner.name_en,
        organisation_ja=None if organisation is None else organisation.name_ja,
        organisation_en=None if organisation is None else organisation.name_en,
    )
