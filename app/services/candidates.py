"""Partners as a company may see them: anonymous, coarse, never few enough to be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.errors import invalid
from app.keyring import digest
from app.services.matches import Match, MatchList
from app.services.partner_groups import ANYBODY, Group
from matching.corpus import Query
from matching.filters import Filters
from matching.signals import Sentence
from models import Partner, PartnerKind

K: Final = 5
"""Fewest partners that a shown group must have in the whole region (k-anonymity)."""

WORDS: Final = frozenset({"evidence_words", "profile_words", "phrases"})

REASONS: Final[Mapping[tuple[bool, bool], Sentence]] = {
    (True, True): Sentence(
        "Works on this subject, and uses the words of your need.",
        "同じ主題に取り組み、ニーズと同じ用語を用いています。",
    ),
    (True, False): Sentence("Works on a closely related subject.", "近い主題に取り組んでいます。"),
    (False, True): Sentence("Uses the words of your need.", "ニーズと同じ用語を用いています。"),
    (False, False): Sentence(
        "Fits in part; the coordinator can say more.",
        "一部が合致します。詳しくはコーディネーターにお尋ねください。",
    ),
}
"""By whether the meaning and the words speak for the partner: four sentences, the same for all."""

TELLING: Final = 0.02
"""Contribution to a score from which a signal is named."""


MOST: Final = 10
"""Candidates in a company's list."""


def require_plain(filters: Filters, *, top: int, today: date) -> None:
    """Problem 422 if a company narrows its list.

    By asking with and without a filter it could learn of a candidate what its group does not say.
    """
    if filters != Filters(available_on=today):
        raise invalid(
            "query",
            "a company's list cannot be filtered: say in the need what matters, or ask your "
            "coordinator",
        )
    if top > MOST:
        raise invalid("top", f"a company's list has at most {MOST} candidates")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One partner of a list, as far as its company may know."""

    id: UUID
    """Random for each need, and another one once what is asked for changes."""
    kind: PartnerKind | None
    cluster: str | None
    reason: Sentence


def candidates(
    found: MatchList, query: Query, *, need_id: UUID | None, groups: Mapping[Group, int]
) -> tuple[Candidate, ...]:
    """The matches as candidates, in their order; none where the region has fewer than K partners.

    `groups` are counted over the whole region (`partner_groups.count_groups`).
    """
    if groups.get(ANYBODY, 0) < K:
        return ()
    return tuple(_candidate(match, query, need_id, groups) for match in found.matches)


def candidate_id(query: Query, *, need_id: UUID | None, partner_id: UUID) -> UUID:
    """The id under which a need's company knows a partner.

    It hangs on all that is asked for, so that a company that edits its need cannot tell which
    candidate came or went, and learn by that whom a changed condition concerns.
    """
    asked = (
        query.text,
        *sorted(query.clusters),
        "|",
        *sorted(query.engagement_types),
        "|",
        *sorted(query.excluded_organisations),
        "|",
        query.prefecture or "",
        query.city or "",
    )
    return UUID(digest("candidates", str(need_id or ""), str(partner_id), *asked)[:32])


def _candidate(
    match: Match, query: Query, need_id: UUID | None, groups: Mapping[Group, int]
) -> Candidate:
    return candidate_of(
        match.partner,
        query,
        need_id=need_id,
        groups=groups,
        contributions={signal.name: signal.contribution for signal in match.ranked.signals},
    )


def candidate_of(
    partner: Partner,
    query: Query,
    *,
    need_id: UUID | None,
    groups: Mapping[Group, int],
    contributions: Mapping[str, float],
) -> Candidate:
    """A partner as the company may know it; `contributions` to its score by signal."""
    clusters = sorted(
        (cluster.slug for cluster in partner.clusters),
        key=lambda slug: (slug not in query.clusters, slug),
    )
    kind, cluster = coarsest(partner.kind.value, clusters, groups)
    return Candidate(
        id=candidate_id(query, need_id=need_id, partner_id=partner.id),
        kind=None if kind is None else PartnerKind(kind),
        cluster=cluster,
        reason=REASONS[what_speaks(contributions)],
    )


def what_speaks(contributions: Mapping[str, float]) -> tuple[bool, bool]:
    """Whether the meaning speaks for a partner, and whether the words do."""
    telling = {name for name, contribution in contributions.items() if contribution >= TELLING}
    return "topic" in telling, bool(telling & WORDS)


def coarsest(kind: str, clusters: Sequence[str], groups: Mapping[Group, int]) -> Group:
    """The finest group of a partner that has at least K members."""
    finest_first: list[Group] = [(kind, cluster) for cluster in clusters]
    finest_first += [(kind, None), *((None, cluster) for cluster in clusters)]
    return next((group for group in finest_first if groups.get(group, 0) >= K), (None, None))
