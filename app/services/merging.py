"""Two records of one person made one: all that was stored of the one goes to the other."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.contexts import as_system
from app.errors import FieldProblem, Problem, conflict, invalid
from app.services.duplicates import IDENTITIES
from app.services.names import NAME_FIELDS, place_by_name, renew_name_keys
from models import (
    Account,
    Capability,
    Disclosure,
    DistinctPartners,
    Introduction,
    IntroductionState,
    Match,
    Need,
    Partner,
    PartnerAlias,
    Suggestion,
    SuggestionAnswer,
    Unavailability,
)

AFFILIATION: Final = ("kind", "organisation_id")
"""Fields of which the kept record's value stands, if that is said."""
EVIDENCE_DETAILS: Final = ("year", "licence_status")
"""What identical evidence may lack and take over."""
EXTERNAL_ID_LENGTH: Final = 300


def merge_partners(
    session: Session, kept: Partner, duplicate: Partner, *, keep_differing: bool = False
) -> Partner:
    """Move everything of `duplicate` to `kept` and remove it.

    Evidence that both have is kept once. What `kept` lacks is filled in; a later import under the
    duplicate's id goes to `kept`. Problem 409 where the two stand against each other: two ORCID
    iDs or researchmap ids always, kind and organisation unless `keep_differing`.
    """
    if kept.id == duplicate.id:
        raise invalid("duplicate_id", "is the partner itself")
    if fields := differing_fields(kept, duplicate, keep_differing=keep_differing):
        raise _differ(kept, duplicate, fields)
    _remember(session, kept, duplicate)
    with as_system(session):  # what hangs on needs that the caller may not see follows, too
        replaced = _move_evidence(session, kept, duplicate)
        _move_matches(session, kept, duplicate, replaced)
        _move_suggestions(session, kept, duplicate, replaced)
        _move_decisions(session, kept, duplicate)
        _move_dealings(session, kept, duplicate)
    _unite(kept, duplicate)
    lacking = _lacking(kept, duplicate)
    session.flush()
    # Its ids are unique: they are free for the kept record once it is gone.
    session.delete(duplicate)
    session.flush()
    for field, value in lacking.items():
        setattr(kept, field, value)
    place_by_name(kept)
    session.flush()
    renew_name_keys(session, [kept])
    return kept


def differing_fields(
    kept: Partner, duplicate: Partner, *, keep_differing: bool = False
) -> list[str]:
    """The fields that both records fill, each with another value, and that nobody may choose."""
    fields = IDENTITIES if keep_differing else (*IDENTITIES, *AFFILIATION)
    return [
        field
        for field in fields
        if None not in (getattr(kept, field), getattr(duplicate, field))
        and getattr(kept, field) != getattr(duplicate, field)
    ]


def _differ(kept: Partner, duplicate: Partner, fields: Sequence[str]) -> Problem:
    advice = (
        "if it is one person, correct the wrong one first"
        if set(fields) & set(IDENTITIES)
        else "correct one of them, or ask with keep_differing to keep those of the kept partner"
    )
    return Problem(
        HTTPStatus.CONFLICT,
        f"The two records differ in {', '.join(fields)}: {advice}.",
        errors=[
            FieldProblem(
                field=field,
                message=f"is {getattr(kept, field)} and {getattr(duplicate, field)}",
            )
            for field in fields
        ],
    )


def _remember(session: Session, kept: Partner, duplicate: Partner) -> None:
    """The duplicate's names and id, and those of records merged into it before."""
    statement = select(PartnerAlias).where(PartnerAlias.partner_id == duplicate.id)
    for alias in session.scalars(statement):
        alias.partner_id = kept.id
    names = {field: getattr(duplicate, field) for field in NAME_FIELDS}
    session.add(PartnerAlias(partner_id=kept.id, external_id=duplicate.external_id, **names))


def _lacking(kept: Partner, duplicate: Partner) -> dict[str, Any]:
    """What the kept record does not say and the duplicate does."""
    fields = (*NAME_FIELDS, *IDENTITIES, "organisation_id", "engagement_types")
    return {
        f: getattr(duplicate, f) for f in fields if not getattr(kept, f) and getattr(duplicate, f)
    }


def _unite(kept: Partner, duplicate: Partner) -> None:
    """Clusters, languages and unavailability: what either says."""
    kept.clusters = [*kept.clusters, *(c for c in duplicate.clusters if c not in kept.clusters)]
    kept.languages = list(dict.fromkeys([*kept.languages, *duplicate.languages]))
    said = {(u.start, u.end, u.reason) for u in kept.unavailable}
    for u in duplicate.unavailable:
        if (u.start, u.end, u.reason) not in said:
            kept.unavailable.append(Unavailability(start=u.start, end=u.end, reason=u.reason))


def _move_evidence(session: Session, kept: Partner, duplicate: Partner) -> dict[UUID, UUID]:
    """Evidence goes over; of identical pieces one stays. Returns which replaces which."""
    own = list(_evidence(session, kept))
    taken = {(piece.source, piece.external_id) for piece in own if piece.external_id is not None}
    replaced: dict[UUID, UUID] = {}
    unnamed: dict[str, str] = {}
    for piece in _evidence(session, duplicate):
        same = next((other for other in own if is_same_evidence(other, piece)), None)
        if same is not None:
            _fill(same, piece)
            replaced[piece.id] = same.id
            if piece.external_id and same.external_id and piece.external_id != same.external_id:
                unnamed[piece.external_id] = same.external_id
            session.delete(piece)
            continue
        if (piece.source, piece.external_id) in taken:  # another work under the same number
            piece.external_id = former_id(
                duplicate.external_id or str(duplicate.id), str(piece.external_id)
            )
        piece.partner_id = kept.id
    _exclude_instead(session, unnamed)
    session.flush()
    return replaced


def _evidence(session: Session, partner: Partner) -> Sequence[Capability]:
    statement = select(Capability).where(Capability.partner_id == partner.id)
    return session.scalars(statement.order_by(Capability.id)).all()


def is_same_evidence(one: Capability, other: Capability) -> bool:
    """True of the same text of the same kind, unless year or licence stand against it."""
    return (one.content_hash, one.kind) == (other.content_hash, other.kind) and all(
        None in (getattr(one, field), getattr(other, field))
        or getattr(one, field) == getattr(other, field)
        for field in EVIDENCE_DETAILS
    )


def former_id(owner: str, external_id: str) -> str:
    """The id of evidence that came with a merged record whose own id is taken."""
    return f"{owner}/{external_id}"[:EXTERNAL_ID_LENGTH]


def _fill(same: Capability, piece: Capability) -> None:
    for field in EVIDENCE_DETAILS:
        if getattr(same, field) is None and getattr(piece, field) is not None:
            setattr(same, field, getattr(piece, field))


def _exclude_instead(session: Session, unnamed: Mapping[str, str]) -> None:
    """Needs that exclude a piece by an id that is gone exclude the one that stands for it."""
    if not unnamed:
        return
    rows = session.execute(select(Need.id, Need.excluded_evidence)).all()
    hit = [row.id for row in rows if unnamed.keys() & set(row.excluded_evidence)]
    for need_id in hit:
        need = session.get_one(Need, need_id)
        added = [unnamed[i] for i in need.excluded_evidence if i in unnamed]
        need.excluded_evidence = list(dict.fromkeys([*need.excluded_evidence, *added]))


def _move_matches(
    session: Session, kept: Partner, duplicate: Partner, replaced: Mapping[UUID, UUID]
) -> None:
    """Places in kept lists; a list that holds both keeps the better place."""
    statement = select(Match).where(Match.partner_id.in_((kept.id, duplicate.id)))
    best: dict[UUID, Match] = {}
    for match in session.scalars(statement.order_by(Match.rank)):
        if match.run_id in best:
            session.delete(match)
            continue
        best[match.run_id] = match
        match.evidence = _kept_pieces(match.evidence, replaced)
    session.flush()  # the worse places are gone before the better ones change hands
    for match in best.values():
        match.partner_id = kept.id


def _kept_pieces(
    evidence: Sequence[dict[str, Any]], replaced: Mapping[UUID, UUID]
) -> list[dict[str, Any]]:
    """Stored evidence, with the ids of the pieces that are kept."""
    ids = {str(gone): str(stays) for gone, stays in replaced.items()}
    return [
        piece | {"capability_id": ids.get(piece["capability_id"], piece["capability_id"])}
        for piece in evidence
    ]


def _move_suggestions(
    session: Session, kept: Partner, duplicate: Partner, replaced: Mapping[UUID, UUID]
) -> None:
    """Suggestions with their answers, so that nothing is suggested anew that was declined.

    Where a run suggested both for a need, one is left and has the answers to both.
    """
    own = {
        (row.run_id, row.need_id): row.id
        for row in session.scalars(select(Suggestion).where(Suggestion.partner_id == kept.id))
    }
    statement = select(Suggestion).where(Suggestion.partner_id == duplicate.id)
    for row in session.scalars(statement).all():
        stays = own.get((row.run_id, row.need_id))
        if stays is None:
            row.partner = kept
            row.evidence = _kept_pieces(row.evidence, replaced)
            continue
        of_row = SuggestionAnswer.suggestion_id == row.id
        for answer in session.scalars(select(SuggestionAnswer).where(of_row)):
            answer.suggestion_id = stays
        session.flush()  # the answers have changed hands before what they hung on is gone
        session.delete(row)
    session.flush()


def _move_dealings(session: Session, kept: Partner, duplicate: Partner) -> None:
    """Introductions, accounts and the ledger's entries go over.

    Problem 409 while an introduction to one need is under way with each of the two.
    """
    live = Introduction.state.not_in((IntroductionState.CLOSED, IntroductionState.DECLINED))
    busy = select(Introduction.need_id).where(Introduction.partner_id == kept.id, live)
    both = exists().where(
        Introduction.partner_id == duplicate.id, live, Introduction.need_id.in_(busy)
    )
    if session.scalar(select(both)):
        raise conflict(
            "An introduction to the same need is under way with each of the two: decline one first."
        )
    statement = select(Introduction).where(Introduction.partner_id == duplicate.id)
    for introduction in session.scalars(statement):
        introduction.partner = kept
    accounts = session.scalars(select(Account).where(Account.partner_id == duplicate.id))
    entries = session.scalars(select(Disclosure).where(Disclosure.partner_id == duplicate.id))
    for row in (*accounts, *entries):
        row.partner_id = kept.id


def _move_decisions(session: Session, kept: Partner, duplicate: Partner) -> None:
    """Who was told from the duplicate is told from the kept partner."""
    first, second = DistinctPartners.first_id, DistinctPartners.second_id
    statement = select(DistinctPartners).where((first == duplicate.id) | (second == duplicate.id))
    for decision in session.scalars(statement).all():
        others = {decision.first_id, decision.second_id} - {duplicate.id, kept.id}
        session.delete(decision)
        for other in others:
            pair = sorted((kept.id, other))
            if session.get(DistinctPartners, tuple(pair)) is None:
                session.add(DistinctPartners(first_id=pair[0], second_id=pair[1]))
