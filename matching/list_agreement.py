"""Whether the lists for the same needs, asked in Japanese and in English, are the same lists."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from matching.metrics import Gains, Ranked, ndcg
from matching.text import Language

TOP: Final = 10
PERSISTENCE: Final = 0.9
"""Of rank-biased overlap: the first ten places carry 86% of the weight."""

Lists = Mapping[str, Ranked]
"""By need, the ids of its partners, the best first."""


@dataclass(frozen=True, slots=True)
class ListAgreement:
    """Means over the needs; shares are of the first ten, gaps in points of them (0 to 100)."""

    lists: int
    """In each language."""
    shared_of_10: float
    """How many partners the two lists share in their first ten."""
    rbo: float
    ja_only_for_ja: float | None
    """Share of partners in Japanese alone, by their evidence or by what they state, in the lists
    for Japanese texts; None where there is no such partner."""
    ja_only_for_en: float | None
    ja_only_gap: float | None
    en_only_for_ja: float | None
    en_only_for_en: float | None
    en_only_gap: float | None
    judged: int
    ndcg_ja: float | None
    """nDCG@10 over the judged needs; None where none is judged."""
    ndcg_en: float | None


def measure_agreement(
    japanese: Lists,
    english: Lists,
    *,
    only: Mapping[Language, Collection[str]],
    judgements: Mapping[str, Gains],
) -> ListAgreement:
    """How the lists for Japanese texts and for English texts of the same needs compare.

    `only` names the partners whose evidence is all in one language. A judged need without a list
    scores 0. Raises ValueError if the two sides hold different needs.
    """
    if japanese.keys() != english.keys():
        raise ValueError("the lists are not for the same needs")
    pairs = [(japanese[need], english[need]) for need in japanese]
    ja_only = _shares(japanese, english, only["ja"])
    en_only = _shares(japanese, english, only["en"])
    return ListAgreement(
        lists=len(pairs),
        shared_of_10=_mean([float(len(set(one[:TOP]) & set(other[:TOP]))) for one, other in pairs]),
        rbo=_mean([rank_biased_overlap(one, other) for one, other in pairs]),
        ja_only_for_ja=ja_only[0],
        ja_only_for_en=ja_only[1],
        ja_only_gap=ja_only[2],
        en_only_for_ja=en_only[0],
        en_only_for_en=en_only[1],
        en_only_gap=en_only[2],
        judged=len(judgements),
        ndcg_ja=_ndcg(japanese, judgements),
        ndcg_en=_ndcg(english, judgements),
    )


def rank_biased_overlap(one: Ranked, other: Ranked, *, p: float = PERSISTENCE) -> float:
    """Rank-biased overlap, extrapolated (RBO_ext, Webber, Moffat and Zobel 2010, equation 30).

    1 for equal lists, 0 for lists that share nothing. The longer list is read as far as the
    shorter one goes; an empty list overlaps with nothing.
    """
    depth = min(len(one), len(other))
    if not depth:
        return 0.0
    seen_one: set[str] = set()
    seen_other: set[str] = set()
    shared, total = 0, 0.0
    for place in range(1, depth + 1):
        seen_one.add(one[place - 1])
        seen_other.add(other[place - 1])
        shared = len(seen_one & seen_other)
        total += shared / place * p**place
    return float(shared / depth * p**depth + (1 - p) / p * total)


def _shares(
    japanese: Lists, english: Lists, group: Collection[str]
) -> tuple[float, float, float] | tuple[None, None, None]:
    """Mean share of a group in the first ten of either side, and their distance in points."""
    if not group:
        return None, None, None
    ja, en = _share(japanese, group), _share(english, group)
    return ja, en, 100 * abs(ja - en)


def _share(lists: Lists, group: Collection[str]) -> float:
    """A list shorter than ten counts by its own length, an empty one as 0."""
    firsts = [found[:TOP] for found in lists.values()]
    return _mean([sum(name in group for name in first) / max(len(first), 1) for first in firsts])


def _ndcg(lists: Lists, judgements: Mapping[str, Gains]) -> float | None:
    if not judgements:
        return None
    return _mean(
        [ndcg(lists.get(need, ()), gains, cutoff=TOP) for need, gains in judgements.items()]
    )


def _mean(values: list[float]) -> float:
    return fmean(values) if values else 0.0
