"""Briefs: the versions of a need that the office drafts, releases and withdraws.

Drafts and withdrawn versions are seen by the office and the company alone. Of an audience at most
one version is released: releasing another withdraws it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from app.access import Actor
from app.errors import FieldProblem, Problem, conflict, not_found
from app.services.need_versions import (
    TEXTS,
    account_of,
    keep_full_versions,
    newest_full_versions,
    texts_of,
)
from app.services.paging import PageOf, page
from matching.anonymise import Anonymiser, Draft, Removal
from matching.text import Language
from models import Audience, Disclosure, Need, NeedVersion, utc_now


@dataclass(frozen=True, slots=True)
class DraftedBrief:
    """A new version, and what the anonymiser did to each of its texts."""

    version: NeedVersion
    drafts: Mapping[str, Draft]
    """By field."""


def draft_brief(
    session: Session, need: Need, *, actor: Actor, audience: Audience, anonymiser: Anonymiser
) -> DraftedBrief:
    """A new draft for an audience other than full, made of the need's present text."""
    _lock(session, need)
    keep_full_versions(session, [need], actor=actor)
    drafts = {
        field: anonymiser.draft(text, _language(field))
        for field, text in texts_of(need).items()
        if text
    }
    last = select(func.max(NeedVersion.number)).where(
        NeedVersion.need_id == need.id, NeedVersion.audience == audience
    )
    version = NeedVersion(
        need_id=need.id,
        audience=audience,
        number=1 + (session.scalar(last) or 0),
        drafted_by=account_of(session, actor),
        **{field: draft.text for field, draft in drafts.items()},
    )
    session.add(version)
    session.flush()
    return DraftedBrief(version, drafts)


def list_briefs(
    session: Session, need: Need, *, cursor: str | None, limit: int
) -> PageOf[NeedVersion]:
    """A page of all versions of a need."""
    statement = select(NeedVersion).where(NeedVersion.need_id == need.id)
    return page(session, statement, NeedVersion, cursor=cursor, limit=limit)


def get_brief(session: Session, need: Need, brief_id: UUID) -> NeedVersion:
    """A version of that need, else Problem 404."""
    statement = select(NeedVersion).where(
        NeedVersion.id == brief_id, NeedVersion.need_id == need.id
    )
    version = session.scalar(statement)
    if version is None:
        raise not_found("brief")
    return version


def edit_brief(
    session: Session, need: Need, version: NeedVersion, texts: Mapping[str, str | None]
) -> NeedVersion:
    """Give a draft these texts; Problem 409 if it is no draft of the need's present text."""
    _lock(session, need)
    _require_draft(session, need, version)
    for field in TEXTS:
        setattr(version, field, texts[field])
    session.flush()
    return version


def release_brief(
    session: Session,
    need: Need,
    version: NeedVersion,
    *,
    actor: Actor,
    anonymiser: Anonymiser,
    accept_findings: bool,
) -> NeedVersion:
    """Show a version outside the office from now on, in the place of the one shown so far.

    Problem 409 if it is not a draft of the need's present text, or if it holds names that nobody
    has accepted; how many were accepted is kept with it.
    """
    _lock(session, need)
    _require_unreleased(session, need, version)
    found = findings(version, anonymiser)
    if found and not accept_findings:
        raise _holds_names(found)
    _withdraw_others(session, version)
    version.released_at = utc_now()
    version.released_by = account_of(session, actor)
    version.accepted_findings = sum(map(len, found.values()))
    session.flush()
    return version


def withdraw_brief(session: Session, need: Need, version: NeedVersion) -> NeedVersion:
    """Show a version to nobody outside from now on. Withdrawing twice changes nothing; Problem 409
    for one that was never released.
    """
    _lock(session, need)
    if version.released_at is None:
        raise conflict("The brief was never released: there is nothing to withdraw.")
    if version.withdrawn_at is None:
        version.withdrawn_at = utc_now()
        session.flush()
    return version


def findings(version: NeedVersion, anonymiser: Anonymiser) -> dict[str, Sequence[Removal]]:
    """What the anonymiser still takes for a name, by field."""
    found = {field: anonymiser.names_in(text) for field, text in texts_of(version).items() if text}
    return {field: removals for field, removals in found.items() if removals}


def is_outdated(version: NeedVersion, newest: NeedVersion | None) -> bool:
    """True if the need's text has changed since the version was made."""
    if newest is None:
        return False
    if version.audience is Audience.FULL:
        return version.number < newest.number
    return version.created_at < newest.created_at


def newest_full(session: Session, need: Need) -> NeedVersion | None:
    """The version that has the need's present text."""
    return newest_full_versions(session, [need]).get(need.id)


def list_disclosures(
    session: Session, need: Need, *, cursor: str | None, limit: int
) -> PageOf[Disclosure]:
    """A page of the ledger: who outside the office was shown which version, and when."""
    statement = (
        select(Disclosure)
        .join(Disclosure.version)
        .where(NeedVersion.need_id == need.id)
        .options(joinedload(Disclosure.version))
    )
    return page(session, statement, Disclosure, cursor=cursor, limit=limit)


def _language(field: str) -> Language:
    return "ja" if field.endswith("_ja") else "en"


def _lock(session: Session, need: Need) -> None:
    """One at a time for each need: numbers are given and versions replaced in order."""
    session.execute(select(Need.id).where(Need.id == need.id).with_for_update())


def _require_draft(session: Session, need: Need, version: NeedVersion) -> None:
    if version.audience is Audience.FULL:
        raise conflict("The full brief is the need itself: change the need.")
    _require_unreleased(session, need, version)


def _require_unreleased(session: Session, need: Need, version: NeedVersion) -> None:
    if version.released_at is not None:
        raise conflict("The brief was released before and stays as it is: draft a new one.")
    if is_outdated(version, newest_full(session, need)):
        raise conflict("The need has another text since this draft was made: draft a new one.")


def _withdraw_others(session: Session, version: NeedVersion) -> None:
    session.execute(
        update(NeedVersion)
        .where(
            NeedVersion.need_id == version.need_id,
            NeedVersion.audience == version.audience,
            NeedVersion.id != version.id,
            NeedVersion.released_at.is_not(None),
            NeedVersion.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=utc_now())
    )


def _holds_names(found: Mapping[str, Sequence[Removal]]) -> Problem:
    """Without the names themselves: an error may end in a log."""
    problem = conflict(
        "The brief still holds what looks like names: see errors. Edit it, or send "
        "accept_findings if they give nobody away."
    )
    problem.errors = [
        FieldProblem(
            field=field, message=f"holds a {one.kind.value} at characters {one.start} to {one.end}"
        )
        for field, removals in found.items()
        for one in removals
    ]
    return problem
