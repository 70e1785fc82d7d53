"""A small set of partners that together cover what one alone does not.

The value of a team is a facility location: each facet of the need is served by the member that
serves it best, ``f(S) = sum over facets of weight * max over S of benefit``. It is monotone and
submodular, so the greedy team of k reaches at least 1 - 1/e (63%) of the best possible team of k
(Nemhauser, Wolsey and Fisher 1978). For the team at hand a closer bound is computed too: no team
of k is worth more than this one and the k largest gains that are left (ibid.; Leskovec et al. 2007
call it the online bound).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import e
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors
from matching.explanation import FacetAnswer, facet_answers
from matching.facets import Facet, coverage, covered, partner_coverage
from matching.facets import weights as weights_of
from matching.ranker import RankedPartner, Ranking
from matching.signals import Sentence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIZE: Final = 3
"""Members of a team unless told otherwise."""
LARGEST: Final = 6
POOL: Final = 50
"""Of the match list, so many of the best may join: whoever fits the need worse answers a facet by
chance.
"""
FIT: Final = 0.2
"""Part of a benefit that the partner's own score makes up; the rest is its coverage."""
WORTH: Final = 0.08
"""A further member must raise the value by this part of it.

The guarantee stands although the greedy stops there: what is left to gain for a team of 6 is then
below 6 * 8% of its value, and 1 / 1.48 is above 1 - 1/e.
"""
GUARANTEE: Final = 1 - 1 / e
DIGITS: Final = 9
"""Gains that differ later than this are equal; the better rank wins, then the id."""


@dataclass(frozen=True, slots=True)
class Team:
    """A choice among c candidates, in the order in which they were chosen."""

    members: tuple[int, ...]
    """Positions among the candidates; those that must be in it come first."""
    gains: tuple[float, ...]
    """What each adds to the value; they add up to it."""
    value: float
    """In [0, 1]."""
    bound: float
    """In [0, 1]: no team of the size asked for, with those that must be in it, is worth more."""

    @property
    def share(self) -> float:
        """At least this part of the best possible value is reached."""
        return self.value / self.bound if self.bound > 0 else 1.0


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
    """Candidates outside the team who cover it."""


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
    return TeamAnswer(team, members, served, tuple(_says(team, served, size)))


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


def _says(team: Team, served: Sequence[FacetServed], size: int) -> Iterator[Sentence]:
    number = len(team.members)
    if not number:
        yield Sentence("Nobody can be suggested.", "提案できる候補がありません。")
        return
    if len(served) <= 1:
        yield Sentence(
            "The need has one part only: the best partner is enough, a team is not needed.",
            "ニーズの論点は一つなので、最も合う候補だけで足り、チームは不要です。",
        )
    elif number < size:
        yield Sentence(
            f"{number} of at most {size}: nobody else adds {WORTH:.0%} to what the team is worth.",
            f"最大{size}者のうち{number}者：これ以上加えても、チームの価値は{WORTH:.0%}も増えません。",
        )
    covering = sum(bool(facet.members) for facet in served)
    yield Sentence(
        f"Together they cover {covering} of the {len(served)} parts of the need.",
        f"ニーズの論点{len(served)}件のうち{covering}件に対応できます。",
    )
    unknown = sum(not facet.members and not facet.others for facet in served)
    if unknown:
        yield Sentence(
            f"Nobody known here covers {unknown} of them: look elsewhere for these.",
            f"{unknown}件は登録された候補の誰も対応できません。別に探す必要があります。",
        )
    yield Sentence(
        f"At least {_floor(team.share)}% of the best possible with up to {size} of the {POOL} who "
        f"fit best; this way of choosing never gives less than {GUARANTEE:.0%}.",
        f"最も合う{POOL}者から{size}者までを選ぶ場合の最良の値の{_floor(team.share)}%以上です"
        f"（この選び方は常に{GUARANTEE:.0%}以上を保証します）。",
    )


def _floor(share: float) -> int:
    """Whole percents, never more than is true; the small term is for rounding in sums."""
    return int(100 * share + 1e-6)


def benefits(shares: FloatArray, fit: FloatArray) -> FloatArray:
    """(facets, c) in [0, 1]: what each candidate is worth for each facet.

    Coverage below the threshold of `facets.covered` serves nobody. `shares` is (facets, c), `fit`
    (c,) the candidates' scores.
    """
    serving = np.where(covered(shares), shares, 0.0)
    found: FloatArray = (1 - FIT) * serving + FIT * np.clip(fit, 0, 1)
    return found


def choose(
    benefit: FloatArray,
    weights: FloatArray,
    ids: Sequence[str],
    *,
    size: int = SIZE,
    include: Collection[int] = (),
) -> Team:
    """The greedy team of at most `size` candidates that holds those in `include`.

    `benefit` (facets, c) is that of `benefits`, `weights` (facets,) add up to 1, `ids` (c,) break
    ties after the candidates' own value, so that the order of the candidates changes nothing. It
    stops early when nobody adds `WORTH`. Each gain is computed for all candidates at once: at the
    few hundred that a ranking brings, lazy evaluation (Minoux 1978) would save nothing. Raises
    ValueError if more must be in it than fit.
    """
    if len(include) > size:
        raise ValueError(f"{len(include)} must be in a team of {size}.")
    served = np.zeros(len(weights))
    members: list[int] = []
    gains: list[float] = []
    alone = np.round(weights @ benefit, DIGITS)
    forced = sorted(set(include), key=lambda i: (-alone[i], ids[i]))
    bound = np.inf
    while True:
        gain = _gains(benefit, weights, served, members)
        if len(members) >= len(forced):
            left = np.sort(gain)[::-1][: size - len(forced)]
            bound = min(bound, float(sum(gains) + np.clip(left, 0, None).sum()))
        if len(members) == size or len(members) == len(ids):
            break
        if len(members) < len(forced):
            best = forced[len(members)]
        else:
            best = min(
                range(len(ids)),
                key=lambda i: (-round(float(gain[i]), DIGITS), -float(alone[i]), ids[i]),
            )
            if members and gain[best] < WORTH * sum(gains):
                break
        members.append(best)
        gains.append(max(float(gain[best]), 0.0))
        served = np.maximum(served, benefit[:, best])
    value = float(sum(gains))
    return Team(tuple(members), tuple(gains), value, max(bound, value))


def _gains(
    benefit: FloatArray, weights: FloatArray, served: FloatArray, members: Sequence[int]
) -> FloatArray:
    """(c,) what each candidate would add; -1 for members."""
    gain: FloatArray = weights @ np.maximum(benefit - served[:, None], 0)
    gain[list(members)] = -1.0
    return gain
