"""What would change a partner's place: its score made anew without some evidence, or with a fact
that is missing today.

Every partner is scored by itself, so that what one loses moves no other, and one scoring answers
the same question for all matches at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Evidence
from matching.missing import MISSING, Missing
from matching.ranker import RankedPartner, Ranking, restricted, score
from matching.signals import Context, Sentence
from matching.text import Language, language_of

FloatArray = NDArray[np.float64]

DIGITS: Final = 6
"""As in the ranker: scores that differ later than this are equal."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be otherwise, and what it would make of the match."""

    kind: str
    """`without_passage`, `without_cited`, a signal whose data is missing, or `unreadable`."""
    evidence: Evidence | None
    score: float | None
    """None if no evidence would be left, or if it cannot be known."""
    rank: int | None
    detail: Sentence


def scores_without(
    ranking: Ranking, matches: Sequence[RankedPartner], rows: Sequence[Sequence[int]]
) -> FloatArray:
    """(matches,) score of each match without its `rows` of evidence; NaN where none is left."""
    context = ranking.context
    corpus = context.corpus
    positions = np.array([match.position for match in matches], np.int64)
    allowed = context.allowed & np.isin(corpus.partner_of, positions)
    allowed[[row for some in rows for row in some]] = False
    left = np.bincount(corpus.partner_of[allowed], minlength=len(corpus.partners))[positions]
    candidates = np.unique(positions)
    values = _scored(ranking, restricted(context, allowed, candidates))
    return np.where(left > 0, values[np.searchsorted(candidates, positions)], np.nan)


def removals(
    ranking: Ranking, matches: Sequence[RankedPartner], cited: Sequence[Sequence[int]]
) -> list[list[Change]]:
    """For each match what it would be without each cited piece, and without all of them."""
    evidence = ranking.context.corpus.evidence
    most = max((len(rows) for rows in cited), default=0)
    found: list[list[Change]] = [[] for _ in matches]
    for k in range(most):
        values = scores_without(ranking, matches, [rows[k : k + 1] for rows in cited])
        for match, rows, changes, value in zip(matches, cited, found, values, strict=True):
            if k < len(rows):
                piece = evidence[rows[k]]
                changes.append(_change(ranking, match, value, "without_passage", piece))
    for match, rows, changes, value in zip(
        matches, cited, found, scores_without(ranking, matches, cited), strict=True
    ):
        if len(rows) > 1:
            changes.append(_change(ranking, match, value, "without_cited", None))
    return found


def additions(ranking: Ranking, matches: Sequence[RankedPartner]) -> list[list[Change]]:
    """For each match what a fact would make of it that is missing today; no fact is invented: the
    most that it could bring is supposed.
    """
    found: list[list[Change]] = [[] for _ in matches]
    query = ranking.context.query
    for missing in MISSING:
        if not missing.asked(query):
            continue
        concerned = [i for i, match in enumerate(matches) if _lacks(match, missing.signal)]
        if not concerned:
            continue
        some = [matches[i] for i in concerned]
        context = _supposed(ranking.context, some, missing)
        values = _scored(ranking, context)
        for i in concerned:
            value = values[np.searchsorted(context.candidates, matches[i].position)]
            place = place_of(ranking, matches[i], value)
            told = _told(matches[i], rank_of(ranking, matches[i]), value, place)
            said = missing.says(query)
            detail = Sentence(f"{said.en} {told.en}", f"{said.ja}、{told.ja}")
            found[i].append(Change(missing.signal, None, float(value), place, detail))
    for match, changes in zip(matches, found, strict=True):
        changes.extend(_unreadable(ranking.context, match))
    return found


def rank_of(ranking: Ranking, match: RankedPartner) -> int:
    """The match's place among all candidates, from 1."""
    return place_of(ranking, match, match.score)


def place_of(ranking: Ranking, match: RankedPartner, value: float) -> int:
    """The place from 1 that the match would have with that score, all others as they are."""
    values = np.round(ranking.scores.values, DIGITS)
    own = round(float(value), DIGITS)
    ids = [partner.id for partner in ranking.context.partners()]
    before = (other < match.partner.id for other in ids)
    equal = (values == own) & np.fromiter(before, bool, len(ids))
    higher = (values > own) & (ranking.context.candidates != match.position)
    return 1 + int((higher | equal).sum())


def _scored(ranking: Ranking, context: Context) -> FloatArray:
    return score(context, ranking.rule).values


def _supposed(context: Context, matches: Sequence[RankedPartner], missing: Missing) -> Context:
    """The context in which these partners have the missing fact."""
    corpus, query = context.corpus, context.query
    partners = {match.position: missing.supposed(query, match.partner) for match in matches}
    undated = [corpus.rows_of(match.position) for match in matches] if missing.dated else []
    return replace(
        context,
        corpus=corpus.supposing(partners, undated, query.posted_on.year),
        candidates=np.unique([match.position for match in matches]),
    )


def _lacks(match: RankedPartner, name: str) -> bool:
    return any(signal.name == name and signal.value is None for signal in match.signals)


def _unreadable(context: Context, match: RankedPartner) -> list[Change]:
    """Evidence that the encoder cannot read, while it reads the need: its effect is not known."""
    rows = context.corpus.rows_of(match.position)
    allowed = context.allowed[rows]
    number = int((allowed & ~context.corpus.has_vector[rows]).sum())
    if context.similarity is None or not number:
        return []
    detail = Sentence(
        f"The encoder cannot read {number} of its {int(allowed.sum())} pieces of evidence: "
        "what their meaning would add is not known.",
        f"根拠{int(allowed.sum())}件のうち{number}件はエンコーダーが読めないため、"
        "意味の近さがどれだけ加わるかは分かりません。",
    )
    return [Change("unreadable", None, None, None, detail)]


def _change(
    ranking: Ranking, match: RankedPartner, value: float, kind: str, piece: Evidence | None
) -> Change:
    en = "Without the passages cited," if piece is None else f"Without “{title(piece, 'en')}”,"
    ja = "挙げた根拠がすべてなければ" if piece is None else f"「{title(piece, 'ja')}」がなければ"
    if np.isnan(value):
        detail = Sentence(
            f"{en} no evidence would be left, and the partner would not be in the list.",
            f"{ja}、根拠が一つも残らず、候補から外れます。",
        )
        return Change(kind, piece, None, None, detail)
    place = place_of(ranking, match, value)
    told = _told(match, rank_of(ranking, match), value, place)
    detail = Sentence(f"{en} {told.en}", f"{ja}、{told.ja}")
    return Change(kind, piece, float(value), place, detail)


def _told(match: RankedPartner, rank: int, value: float, place: int) -> Sentence:
    old, new = f"{match.score:.3f}", f"{value:.3f}"
    if old == new:
        return Sentence(f"the score would stay at {old}.", f"スコアは{old}のままです。")
    way_en, way_ja = ("rise", "上がり") if value > match.score else ("fall", "下がり")
    if place == rank:
        rank_en, rank_ja = f"the rank would stay {rank}", f"順位は{rank}位のままです"
    else:
        rank_en = f"the rank go from {rank} to {place}"
        rank_ja = f"順位は{rank}位から{place}位になります"
    return Sentence(
        f"the score would {way_en} from {old} to {new} and {rank_en}.",
        f"スコアは{old}から{new}に{way_ja}、{rank_ja}。",
    )


def title(piece: Evidence, language: Language) -> str:
    """The first line of a text in that language, or its first line."""
    lines = piece.text.split("\n")
    return next((line for line in lines if language_of(line) == language), lines[0])
