"""Partners as a company may see them: anonymous, coarse, never few enough to be told apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from app.errors import invalid
from app.keyring import digest
from app.services.matches import Match, MatchList
from matching.corpus import Corpus, Query
from matching.filters import Filters
from matching.signals import Sentence
from models import PartnerKind

K: Final = 5
"""Fewest partners that a shown group must have in the whole region (k-anonymity)."""

Group = tuple[str | None, str | None]
"""Kind and cluster of partners; None stands for any."""

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
    found: MatchList, query: Query, *, need_id: UUID | None, corpus: Corpus
) -> tuple[Candidate, ...]:
    """The matches as candidates, in their order; none where the region has fewer than K partners.

    `corpus` holds the partners of the whole region, whose groups are counted.
    """
    groups = count_groups([(partner.kind, partner.clusters) for partner in corpus.partners])
    if groups.get((None, None), 0) < K:
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


def count_groups(partners: Sequence[tuple[str, frozenset[str]]]) -> dict[Group, int]:
    """How many of the partners (kind, clusters) are in each group."""
    counted: Counter[Group] = Counter()
    for kind, clusters in partners:
        counted[(None, None)] += 1
        counted[(kind, None)] += 1
        for cluster in clusters:
            counted[(None, cluster)] += 1
            counted[(kind, cluster)] += 1
    return dict(counted)


def _candidate(
    match: Match, query: Query, need_id: UUID | None, groups: Mapping[Group, int]
) -> Candidate:
    clusters = sorted(
        (cluster.slug for cluster in match.partner.clusters),
        key=lambda slug: (slug not in query.clusters, slug),
    )
    kind, cluster = coarsest(match.partner.kind.value, clusters, groups)
    telling = {s.name for s in match.ranked.signals if s.contribution >= TELLING}
    return Candidate(
        id=candidate_id(query, need_id=need_id, partner_id=match.partner.id),
        kind=None if kind is None else PartnerKind(kind),
        cluster=cluster,
        reason=REASONS["topic" in telling, bool(telling & WORDS)],
    )


def coarsest(kind: str, clusters: Sequence[str], groups: Mapping[Group, int]) -> Group:
    """The finest group of a partner that has at least K members."""
    finest_first: list[Group] = [(kind, cluster) for cluster in clusters]
    finest_first += [(kind, None), *((None, cluster) for cluster in clusters)]
    return next((group for group in finest_first if groups.get(group, 0) >= K), (None, None))
