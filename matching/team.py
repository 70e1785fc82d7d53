"""Teams: partners of a ranking who together cover a need, and who covers what."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.explanation import FacetAnswer, facet_answers
from matching.facets import coverage, covered, partner_coverage
from matching.facets import weights as weights_of
from matching.greedy import GUARANTEE, SIZE, WORTH, Team, benefits, choose
from matching.ranker import RankedPartner, Ranking
from matching.signals import Sentence
from matching.splitting import Facet

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

POOL: Final = 50
"""Of the match list, so many of the best may join: whoever fits the need worse answers a facet by
chance.
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A partner in a team."""

    match: RankedPartner
    rank: int
    """In the match list."""
    gain: float
    answers: tuple[FacetAnswer, ...]


@dataclass(frozen=True, slots=True)
class FacetServed:
    """Who of a team covers a facet."""

    weight: float
    """All facets' weights add up to 1."""
    members: tuple[int, ...]
    """Positions in the team, the best first; empty if nobody of it covers the facet."""
    others: int
    """Who cover it too, of those who were asked and are not in the team."""


@dataclass(frozen=True, slots=True)
class TeamAnswer:
    """A team with who covers what."""

    team: Team
    members: tuple[Member, ...]
    facets: tuple[FacetServed, ...]
    says: tuple[Sentence, ...]
    """What a coordinator should know of it."""


def build(
    ranking: Ranking,
    facets: Sequence[Facet],
    vectors: Vectors | None,
    *,
    size: int = SIZE,
    include: Collection[str] = (),
    exclude: Collection[str] = (),
) -> TeamAnswer:
    """A team of at most `size` of the `POOL` best partners in a ranking, and those in `include`.

    `vectors` (wordings, d) belong to `wordings(facets)`. `include` and `exclude` are partner ids;
    raises ValueError if one of `include` is not in the ranking or more are named than fit.
    """
    places = {match.partner.id: place for place, match in enumerate(ranking.matches, 1)}
    possible = [match for match in ranking.matches if match.partner.id not in exclude]
    found = [m for i, m in enumerate(possible) if i < POOL or m.partner.id in include]
    ids = [match.partner.id for match in found]
    shares = _shares(ranking, found, facets, vectors)
    weights = weights_of(facets, ranking.context.corpus)
    fit = np.array([match.score for match in found], np.float64)
    if len(facets) > 1:
        benefit = benefits(shares, fit)
    else:
        # Of a need with one facet the ranking has said already who is best.
        benefit, weights = fit[None, :], np.ones(1)
    team = choose(benefit, weights, ids, size=size, include=[ids.index(i) for i in include])
    matches = [found[i] for i in team.members]
    members = tuple(
        Member(match, places[match.partner.id], gain, answers)
        for match, gain, answers in zip(
            matches, team.gains, facet_answers(ranking, matches, facets, vectors), strict=True
        )
    )
    served = tuple(
        _served(number, float(weight), members, int(covered(line).sum()))
        for number, (weight, line) in enumerate(zip(weights, shares, strict=False))
    )
    says = _says(team, served, size=size, asked=len(found))
    return TeamAnswer(team, members, served, tuple(says))


def _shares(
    ranking: Ranking,
    matches: Sequence[RankedPartner],
    facets: Sequence[Facet],
    vectors: Vectors | None,
) -> FloatArray:
    """(facets, matches) best coverage by the allowed evidence of each match."""
    corpus = ranking.context.corpus
    rows = np.flatnonzero(ranking.context.allowed)
    positions = np.array([match.position for match in matches], np.int64)
    found = coverage(facets, vectors, corpus, rows)
    return partner_coverage(found, corpus.partner_of[rows], positions)


def _served(facet: int, weight: float, members: Sequence[Member], known: int) -> FacetServed:
    able = [i for i, member in enumerate(members) if member.answers[facet].is_covered]
    able.sort(key=lambda i: -members[i].answers[facet].share)
    return FacetServed(weight, tuple(able), known - len(able))


def _says(
    team: Team, served: Sequence[FacetServed], *, size: int, asked: int
) -> Iterator[Sentence]:
    number = len(team.members)
    if not number:
        yield Sentence("Nobody can be suggested.", "提案できる候補がありません。")
        return
    if len(served) <= 1:
        yield Sentence(
            "The need has one part only: the best partner is enough, a team is not needed.",
            "ニーズの論点は一つなので、最も合う候補だけで足り、チームは不要です。",
        )
        return
    covering = sum(bool(facet.members) for facet in served)
    yield Sentence(
        f"Together they cover {covering} of the {len(served)} parts of the need.",
        f"ニーズの論点{len(served)}件のうち{covering}件に対応できます。",
    )
    unknown = sum(not facet.members and not facet.others for facet in served)
    if unknown:
        yield Sentence(
            f"Of the {asked} who fit best nobody covers {unknown} of them: look elsewhere.",
            f"{unknown}件は、最も合う{asked}者の誰も対応できません。別に探す必要があります。",
        )
    yield from _says_of_choice(team, size=size, asked=asked)


def _says_of_choice(team: Team, *, size: int, asked: int) -> Iterator[Sentence]:
    number = len(team.members)
    if number < size:
        yield Sentence(
            f"{number} of at most {size}: nobody else adds {WORTH:.0%} to what the team is worth.",
            f"最大{size}者のうち{number}者：これ以上加えても、チームの価値は{WORTH:.0%}も増えません。",
        )
    yield Sentence(
        f"At least {_floor(team.share)}% of the best possible with up to {size} of the {asked} "
        f"who fit best; this way of choosing never gives less than {GUARANTEE:.0%}.",
        f"最も合う{asked}者から{size}者までを選ぶ場合の最良の値の{_floor(team.share)}%以上です"
        f"（この選び方は常に{GUARANTEE:.0%}以上を保証します）。",
    )


def _floor(share: float) -> int:
    """Whole percents, never more than is true; the small term is for rounding in sums."""
    return int(100 * share + 1e-6)
