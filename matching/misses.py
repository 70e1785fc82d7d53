"""What keeps the nearest candidates from being strong partners: a constraint, or low signals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from matching.corpus import Corpus, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters, obstacle
from matching.model import Model
from matching.ranker import RankedPartner, Ranking, rank
from matching.signals import Sentence

NEGOTIABLE: Final[Mapping[str, Sentence]] = {
    "cluster": Sentence("is in none of the clusters asked for", "指定のクラスターに属していません"),
    "kind": Sentence("is of another kind than asked for", "指定の種別ではありません"),
    "engagement_not_stated": Sentence(
        "has not stated which engagement types it accepts", "受け入れる連携形態を示していません"
    ),
    "engagement_refused": Sentence(
        "accepts none of the engagement types wanted", "希望の連携形態を受け入れていません"
    ),
    "unavailable": Sentence("is not available at present", "現在は対応できません"),
}
"""The hard constraints that people can talk about, and what each says of one partner. The others
(the asker's own organisation, excluded ones) are meant to keep a partner out of sight."""

BLOCKED: Final = 3
"""Blocked partners shown at most."""
WITHIN: Final = 5
"""They must have been among this many first places."""
WEAK: Final = 3
"""First places of the list whose lacks are shown."""
LACKS: Final = 2
"""Low signals shown of each."""
NOTICEABLE: Final = 0.02
"""A shortfall below this is not worth a sentence."""

NO_STRONG_PARTNER: Final = Sentence(
    "No strong partner is known for this: the first of the list hardly stands out from the "
    "others. Take the list as the nearest there is, and see what blocks or lacks in each.",
    "強く合う候補は見つかっていません。一覧の先頭も他の候補とほとんど差がないため、"
    "最も近い候補としてご覧のうえ、それぞれの支障や不足をご確認ください。",
)
NOBODY: Final = Sentence(
    "No partner is known for this: nobody with evidence is left.",
    "該当する候補がありません。根拠のある候補が残っていません。",
)
TOO_FEW: Final = Sentence(
    "How sure this list is cannot be said: there are too few candidates to compare.",
    "候補が少なく比較できないため、この一覧の確かさは分かりません。",
)
NOT_CALIBRATED: Final = Sentence(
    "How sure this list is cannot be said: the ranking is not calibrated for the encoder and the "
    "signals in use.",
    "使用中のエンコーダーと指標に合う較正がないため、この一覧の確かさは分かりません。",
)


@dataclass(frozen=True, slots=True)
class Lack:
    """A signal in which a candidate falls short of what true partners typically reach."""

    signal: str
    value: float | None
    typical: float
    detail: Sentence


@dataclass(frozen=True, slots=True)
class Miss:
    """A candidate who is near, and what stands between."""

    rank: int
    """In the list, or for a blocked one the place without the constraint."""
    ranked: RankedPartner
    obstacle: str | None
    """Name of the hard constraint that blocks; None for one who is in the list."""
    sentence: Sentence
    lacks: tuple[Lack, ...]


def advice(model: Model, ranking: Ranking, *, strong: bool | None) -> Sentence | None:
    """What to tell the reader about the list as a whole; None if there is a strong partner."""
    if strong:
        return None
    if not ranking.scores.order:
        return NOBODY
    if strong is False:
        return NO_STRONG_PARTNER
    return NOT_CALIBRATED if model.calibration is None else TOO_FEW


def near_misses(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters,
    model: Model,
    ranking: Ranking,
) -> tuple[Miss, ...]:
    """Blocked partners who would be among the first places, then the first of `ranking`.

    `ranking` is the list for the same query under the same filters.
    """
    return (
        *_blocked(query, vector, corpus, filters, model, ranking),
        *_weak(ranking, model),
    )


def _blocked(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    filters: Filters,
    model: Model,
    ranking: Ranking,
) -> list[Miss]:
    if not ranking.blocked.keys() & NEGOTIABLE.keys():
        return []
    open_list = rank(
        query,
        vector,
        corpus,
        filters=filters,
        top=WITHIN,
        signals=model.signals,
        lifted=NEGOTIABLE.keys(),
    )
    misses = []
    for place, match in enumerate(open_list.matches, 1):
        reason = obstacle(query, match.partner, filters)
        if reason is not None:
            says = NEGOTIABLE[reason]
            sentence = Sentence(
                f"Would be in place {place}, but {says.en}.",
                f"制約がなければ{place}位ですが、{says.ja}。",
            )
            misses.append(Miss(place, match, reason, sentence, ()))
    return misses[:BLOCKED]


def _weak(ranking: Ranking, model: Model) -> list[Miss]:
    misses = []
    for place, match in enumerate(ranking.matches[:WEAK], 1):
        lacking = lacks(match, model)
        names = ", ".join(lack.signal for lack in lacking)
        sentence = Sentence(
            f"In place {place}, but weaker than true partners usually are in: {names}."
            if names
            else f"In place {place}, but no better than many others.",
            f"{place}位ですが、実際の連携相手に比べて次の指標が低めです：{names}。"
            if names
            else f"{place}位ですが、他の多くの候補と差がありません。",
        )
        misses.append(Miss(place, match, None, sentence, lacking))
    return misses


def lacks(match: RankedPartner, model: Model) -> tuple[Lack, ...]:
    """The signals that cost a candidate most against what true partners typically reach.

    Nothing without a calibration, which knows what is typical.
    """
    if model.calibration is None:
        return ()
    typical = model.calibration.typical
    neutral = {signal.name: signal.neutral for signal in model.signals}
    cost = []
    for line in match.signals:
        value = neutral[line.name] if line.value is None else line.value
        short = typical[line.name] - value
        if short > NOTICEABLE and line.weight > 0:
            cost.append((-short * line.weight, line))
    cost.sort(key=lambda pair: pair[0])
    return tuple(
        Lack(line.name, line.value, typical[line.name], line.detail) for _, line in cost[:LACKS]
    )
