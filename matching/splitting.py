"""A need's text split into its facets: the sub-problems it holds.

A facet is a sentence, an item of a list, or a half of a very long sentence. A need that says the
same in Japanese and in English has each facet once, with both wordings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.text import language_of, normalise, sentences, tokens

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MOST: Final = 12
"""Facets of one need; of a longer one those with the most telling words are kept."""
CONSIDERED: Final = 200
"""Facets that are compared with each other; a need of a page has 30."""
LONG: Final = 45
"""Telling words from which a sentence is split at a strong conjunction."""
SAME: Final = 0.8
"""Share of common words (Jaccard) from which two facets are one."""
RESTATED: Final = 0.5
"""Share of a heading's words in the rest from which it adds nothing."""
TIMES: Final = 2
"""Two languages hold one brief only if neither has more than this many times the sentences."""

_BULLET: Final = re.compile(
    r"^(?:[-–—*•・◦●○■□◆▪‣◎]+\s*|\(?\d{1,2}[.)]\s+|\(\d{1,2}\)\s*|\(?[a-z]\)\s+)"
)
# Between items of a list within a line; " 2) " only where "1)" came before it.
_ITEM_END: Final = re.compile(r";\s*|\s*[•●■◆▪‣]\s*|(?<=[\s,:])\(?(?:[ivx]{1,4}|\d{1,2})\)\s+")
_CONJUNCTION: Final = re.compile(
    r",\s+(?=(?:and|but|while|whereas|although|so)\s)|(?<=[がしり])、|、(?=また|かつ|一方|さらに)"
)
_HEADING_END: Final = re.compile(r"[。.!?！？]$")
_NUMBER: Final = re.compile(r"\d+")

_COURTESIES: Final = """
Hello, dear sir or madam, good morning. Thank you very much, many thanks in advance. Please help us.
Please contact us or get in touch by e-mail or phone for details and further information. We would
like to ask for your support, advice or consultation. Looking forward to hearing from you. Your
reply would be welcome and appreciated. Kind, best and warm regards, yours sincerely, faithfully.
We are a company. We have a problem, question or request. Can anybody or someone help?
はじめまして。平素よりお世話になっております。何卒よろしくお願い申し上げます。宜しくお願い致します。
ありがとうございます。ご検討ください。ご連絡をお待ちしております。お問い合わせください。御社。
ご相談させてください。ご協力をお願いします。ご支援、ご助言、ご教示、ご返信、ご回答。
困っています。助けてください。当社、弊社、私共は会社です。詳細は別途ご説明します。質問と要望。
拝啓、敬具、貴社ますますご清栄のこととお慶び申し上げます。初めて連絡いたします。
"""


@dataclass(frozen=True, slots=True)
class Facet:
    """One sub-problem, in one wording or in one a language."""

    wordings: tuple[str, ...]

    def wording(self, language: str) -> str:
        """The wording in that language, or the one there is."""
        return next((w for w in self.wordings if language_of(w) == language), self.wordings[0])


def split(text: str) -> tuple[Facet, ...]:
    """The facets of a need's text in their order, at most `MOST`; none only if it has no word.

    Lines of one language after lines of the other are taken as the same brief twice: headings are
    paired, then sentences one to one, or by their place in the text where their numbers differ a
    little; where one language says much more, it alone is taken. Left out are sentences without a
    telling word, a repeated one, and a heading that the rest restates.
    """
    lines = normalise(text).split("\n")
    blocks = [list(block) for _, block in groupby(lines, key=language_of)]
    if len(blocks) == 2:
        heading, found = _paired(*blocks)
    else:
        heading, found = _heading(lines), [Facet((piece,)) for piece in _pieces(_body(lines))]
    found = [part for facet in found for part in _halves(facet)]
    kept: list[Facet] = []
    for facet in _considered(found):
        if _telling(facet) and not any(_same(facet, other) for other in kept):
            kept.append(facet)
    if heading is not None and _telling(heading) and not _restated(heading, kept):
        kept.insert(0, heading)
    if not kept and tokens(text):
        return (Facet((" ".join(lines),)),)
    return _most_telling(kept)


def wordings(facets: Sequence[Facet]) -> list[str]:
    """All wordings of all facets, in order: what is encoded for `coverage`."""
    return [wording for facet in facets for wording in facet.wordings]


@lru_cache(maxsize=20_000)
def telling_words(text: str) -> tuple[str, ...]:
    """Distinct words of a text for the lexical index, but numbers and courtesies."""
    return tuple(
        word
        for word in dict.fromkeys(tokens(text))
        if word not in _courteous() and not _NUMBER.fullmatch(word)
    )


@cache
def _courteous() -> frozenset[str]:
    """Words of greetings and requests: a sentence of these alone tells nothing of the need.

    Made when first needed, since the process chooses at its start how words are made.
    """
    return frozenset(tokens(_COURTESIES))


def _paired(first: list[str], second: list[str]) -> tuple[Facet | None, list[Facet]]:
    """Heading and facets of a need in two languages."""
    blocks = (first, second)
    # Where one language has a heading, a lone line of the other is its translation.
    least = 1 if any(_heading(block) for block in blocks) else 2
    headings = [h.wordings[0] for block in blocks if (h := _heading(block, least))]
    heading = Facet(tuple(headings)) if headings else None
    bodies = [_pieces(_body(block, least)) for block in blocks]
    fine, coarse = sorted(bodies, key=len, reverse=True)
    if not coarse or len(fine) > TIMES * len(coarse):
        return heading, [Facet((piece,)) for piece in fine]
    if len(fine) == len(coarse):
        return heading, [Facet(pair) for pair in zip(*bodies, strict=True)]
    groups: list[list[str]] = [[] for _ in coarse]
    for piece, place in zip(fine, _aligned(fine, coarse), strict=True):
        groups[place].append(piece)
    return heading, [
        Facet((piece, " ".join(group)) if group else (piece,))
        for piece, group in zip(coarse, groups, strict=True)
    ]


def _aligned(fine: Sequence[str], coarse: Sequence[str]) -> IntArray:
    """For each fine piece the coarse one that stands where its middle stands, by length."""
    sizes = np.array([len(piece) for piece in fine], np.float64)
    middles = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    ends = np.cumsum([len(piece) for piece in coarse]) / sum(map(len, coarse))
    places: IntArray = np.minimum(np.searchsorted(ends, middles), len(coarse) - 1)
    return places


def _heading(lines: Sequence[str], least: int = 2) -> Facet | None:
    """The first of at least so many lines if it is no sentence."""
    if len(lines) < least or _HEADING_END.search(lines[0]) or _BULLET.match(lines[0]):
        return None
    return Facet((lines[0],))


def _body(lines: Sequence[str], least: int = 2) -> list[str]:
    return list(lines if _heading(lines, least) is None else lines[1:])


def _pieces(lines: Sequence[str]) -> list[str]:
    """Sentences and list items that hold a telling word."""
    pieces = [
        piece
        for line in lines
        for sentence in sentences(_BULLET.sub("", line))
        for piece in _ITEM_END.split(sentence.text)
    ]
    cleared = (_BULLET.sub("", piece.strip()).strip() for piece in pieces)
    return [piece for piece in cleared if telling_words(piece)]


def _halves(facet: Facet) -> list[Facet]:
    """A very long facet in one language, cut at the strong conjunction nearest to its middle."""
    text = facet.wordings[0]
    if len(facet.wordings) > 1 or len(telling_words(text)) < LONG:
        return [facet]
    cuts = list(_CONJUNCTION.finditer(text))
    if not cuts:
        return [facet]
    cut = min(cuts, key=lambda c: abs(c.start() - len(text) / 2))
    return [Facet((text[: cut.start()],)), Facet((text[cut.end() :],))]


def _telling(facet: Facet) -> bool:
    return any(telling_words(wording) for wording in facet.wordings)


def _same(one: Facet, other: Facet) -> bool:
    for a, b in zip(one.wordings, other.wordings, strict=False):
        left, right = set(telling_words(a)), set(telling_words(b))
        if left and len(left & right) >= SAME * len(left | right):
            return True
    return False


def _restated(heading: Facet, rest: Sequence[Facet]) -> bool:
    """True if the rest holds at least `RESTATED` of the heading's words in each language."""
    said = {word for facet in rest for wording in facet.wordings for word in telling_words(wording)}
    words = [telling_words(wording) for wording in heading.wordings]
    return all(sum(word in said for word in some) >= RESTATED * len(some) for some in words)


def _considered(facets: Sequence[Facet]) -> Sequence[Facet]:
    """Those to compare with each other: a text of ten thousand sentences would take a minute."""
    if len(facets) <= CONSIDERED:
        return facets
    distinct = {tuple(map(telling_words, facet.wordings)): facet for facet in reversed(facets)}
    return _most_telling(list(reversed(distinct.values())), CONSIDERED)


def _most_telling(facets: Sequence[Facet], most: int = MOST) -> tuple[Facet, ...]:
    if len(facets) <= most:
        return tuple(facets)
    size = [sum(len(telling_words(wording)) for wording in f.wordings) for f in facets]
    chosen = sorted(range(len(facets)), key=lambda i: (-size[i], i))[:most]
    return tuple(facets[i] for i in sorted(chosen))
