"""From versions and the ledger to what an actor may see of them."""

from typing import Any

from app.schemas.brief import (
    BriefDraftOut,
    BriefOut,
    DisclosureOut,
    FindingOut,
    RareTermOut,
    RemovalOut,
    StaffBriefOut,
    StaffDisclosureOut,
    State,
)
from app.services.briefs import DraftedBrief, findings, is_outdated
from matching.anonymise import Anonymiser
from models import Audience, Disclosure, NeedVersion


def state_of(version: NeedVersion) -> State:
    """How far a version is."""
    if version.withdrawn_at is not None:
        return "withdrawn"
    return "draft" if version.released_at is None else "released"


def company_brief(version: NeedVersion) -> BriefOut:
    """A version as the company sees those of its own needs."""
    return BriefOut(**_brief(version))


def staff_brief(
    version: NeedVersion, newest: NeedVersion | None, anonymiser: Anonymiser | None
) -> StaffBriefOut:
    """A version as staff see it; `newest` is the newest full one of its need. A draft needs the
    anonymiser.
    """
    return StaffBriefOut(**_staff_brief(version, newest, anonymiser))


def drafted_brief(made: DraftedBrief, anonymiser: Anonymiser) -> BriefDraftOut:
    """A draft with what was done to it."""
    return BriefDraftOut(
        **_staff_brief(made.version, None, anonymiser),
        removals=[
            RemovalOut(
                field=field,
                kind=one.kind,
                start=one.start,
                end=one.end,
                replacement=one.replacement,
            )
            for field, draft in made.drafts.items()
            for one in draft.removals
        ],
        rare_terms=[
            RareTermOut(
                field=field,
                term=one.term,
                language=one.language,
                start=one.start,
                end=one.end,
                partners=one.partners,
                of=one.of,
            )
            for field, draft in made.drafts.items()
            for one in draft.rare
        ],
    )


def company_disclosure(entry: Disclosure) -> DisclosureOut:
    """An entry of the ledger without whom it is about."""
    return DisclosureOut(**_disclosure(entry))


def staff_disclosure(entry: Disclosure) -> StaffDisclosureOut:
    """An entry of the ledger."""
    return StaffDisclosureOut(
        **_disclosure(entry), account_id=entry.account_id, partner_id=entry.partner_id
    )


def _disclosure(entry: Disclosure) -> dict[str, Any]:
    return {
        "brief_id": entry.version_id,
        "audience": entry.version.audience,
        "number": entry.version.number,
        "role": entry.role,
        "channel": entry.channel,
        "seen_at": entry.seen_at,
    }


def _brief(version: NeedVersion) -> dict[str, Any]:
    left = {"state"}
    fields = {name: getattr(version, name) for name in BriefOut.model_fields.keys() - left}
    return fields | {"state": state_of(version)}


def _staff_brief(
    version: NeedVersion, newest: NeedVersion | None, anonymiser: Anonymiser | None
) -> dict[str, Any]:
    # The full text is full of names, and what was released has been judged.
    is_open = version.released_at is None and version.audience is not Audience.FULL
    found = findings(version, anonymiser) if is_open and anonymiser is not None else {}
    return _brief(version) | {
        "drafted_by": version.drafted_by,
        "released_by": version.released_by,
        "accepted_findings": version.accepted_findings,
        "outdated": is_outdated(version, newest),
        "findings": [
            FindingOut(field=field, kind=one.kind, start=one.start, end=one.end)
            for field, removals in found.items()
            for one in removals
        ],
    }
