"""More pairs out of the given ones.

The given pairs are dictionary entries and sentences. What the product reads lies between and
beyond: a technical term inside a title, a need of five sentences. Four kinds of pairs are made:

- single senses of an entry ("to peel, to skin" becomes two pairs), without their remarks;
- terms in templates such as {A}を用いた{B}, "{b} using {a}";
- parts of sentences, where both sides have the same number of parts;
- several sentences joined into one text.
"""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from matching.encoders.training.pairs import Pair
from matching.encoders.training.templates import TEMPLATES

DICTIONARIES: Final = frozenset({"jmdict", "edrdg", "ejdict", "wikidata", "hpo"})
GLOSSARIES: Final = frozenset({"edrdg", "hpo", "wikidata"})
PROSE: Final = {"pydocs": 2.0, "tfdocs": 2.0, "ainotes": 3.0, "small": 1.5, "jsick": 0.5}
"""Sources of sentences, with their weight when sentences are joined."""
IN_SEQUENCE: Final = frozenset({"pydocs", "tfdocs", "ainotes"})
"""Sources whose neighbouring lines belong together."""
IN_PARTS: Final = frozenset({"ainotes", "pydocs", "tfdocs", "small"})
GLOSSARY_WEIGHT: Final = 3.0
"""How much likelier a technical term is to fill a template than a word of the dictionary."""
LONGEST_JOINED: Final = 160

_REMARK: Final = re.compile(r"\([^()]*\)")
_SPACES: Final = re.compile(r"\s+")
_KATAKANA_OR_KANJI: Final = re.compile("[\u30a1-\u30ff\u3400-\u9fff々]+")
_JAPANESE_BREAK: Final = re.compile(r"[、。:;!?()「」—|]\s*")
_ENGLISH_BREAK: Final = re.compile(r"(?:[,:;!?()\"—|]\s*|\.\s+|\.$)")


def derive(pairs: Sequence[Pair], *, templates: int, joined: int, seed: int) -> list[Pair]:
    """The derived pairs, none twice: all senses and parts, and so many of the drawn kinds."""
    draw = random.Random(seed)  # noqa: S311 -- draws, not secrets
    made = [
        *senses(pairs),
        *in_templates(pairs, templates, draw),
        *parts(pairs),
        *join(pairs, joined, draw),
    ]
    return list(dict.fromkeys(made))


def senses(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Each sense of a dictionary entry of several, and each without its remarks in brackets."""
    for pair in pairs:
        if pair.source not in DICTIONARIES:
            continue
        for sense in _split_senses(pair.english):
            for text in dict.fromkeys((sense, _without_remarks(sense))):
                if text != pair.english and _has_letter(text):
                    yield Pair(pair.japanese, text, "sense")


def in_templates(pairs: Sequence[Pair], number: int, draw: random.Random) -> Iterator[Pair]:
    """Terms drawn from the glossaries and the dictionary, in drawn templates."""
    terms = [term for pair in pairs if (term := _term(pair)) is not None]
    if not terms:
        return
    weights = list(
        accumulate(GLOSSARY_WEIGHT if term.source in GLOSSARIES else 1.0 for term in terms)
    )
    for _ in range(number):
        first, second = draw.choices(terms, cum_weights=weights, k=2)
        japanese, english = draw.choice(TEMPLATES)
        yield Pair(
            japanese.format(A=first.japanese, B=second.japanese),
            english.format(A=first.english, B=second.english),
            "template",
        )


def parts(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Parts between punctuation, where both sides have the same two to five of them."""
    for pair in pairs:
        if pair.source not in IN_PARTS:
            continue
        japanese = [part.strip() for part in _JAPANESE_BREAK.split(pair.japanese) if part.strip()]
        english = [part.strip() for part in _ENGLISH_BREAK.split(pair.english) if part.strip()]
        if not 2 <= len(japanese) == len(english) <= 5:
            continue
        for left, right in zip(japanese, english, strict=True):
            # Lengths that differ too much show that the parts do not belong together.
            is_likely = len(left) >= 2 and len(right) >= 3 and 0.15 <= len(left) / len(right) <= 1.2
            if is_likely and _has_letter(right):
                yield Pair(left, right, "part")


def join(pairs: Sequence[Pair], number: int, draw: random.Random) -> Iterator[Pair]:
    """Two to four sentences of one source in one text, neighbours where the source has such."""
    by_source: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.source in PROSE and len(pair.japanese) < LONGEST_JOINED:
            by_source.setdefault(pair.source, []).append(pair)
    sources = [source for source in PROSE if len(by_source.get(source, ())) > 4]
    if not sources:
        return
    weights = [PROSE[source] for source in sources]
    for _ in range(number):
        (source,) = draw.choices(sources, weights)
        size, lines = draw.choice((2, 2, 3, 4)), by_source[source]
        if source in IN_SEQUENCE:
            start = draw.randrange(len(lines) - size)
            some = lines[start : start + size]
        else:
            some = draw.sample(lines, size)
        yield Pair(
            "".join(_ended(pair.japanese, "。") for pair in some),
            " ".join(_ended(pair.english, ".") for pair in some),
            "joined",
        )


def _term(pair: Pair) -> Pair | None:
    """The pair as a noun with one sense, if it looks like one that can fill a template."""
    is_glossary = pair.source in GLOSSARIES
    is_noun = _KATAKANA_OR_KANJI.fullmatch(pair.japanese) is not None
    if not (is_glossary or (pair.source in {"jmdict", "ainotes"} and is_noun)):
        return None
    longest = 8 if pair.source == "jmdict" else 14
    english = next((_without_remarks(sense) for sense in _split_senses(pair.english)), "")
    fits = 2 <= len(pair.japanese) <= longest and len(english.split()) <= 4
    if not fits or not _has_letter(english) or english.startswith("to "):
        return None
    if "{" in pair.japanese + english or "}" in pair.japanese + english:
        return None
    return Pair(pair.japanese, english, pair.source)


def _split_senses(english: str) -> list[str]:
    """Pieces between commas and semicolons outside brackets."""
    pieces, depth, start = [], 0, 0
    for place, letter in enumerate(english):
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth = max(0, depth - 1)
        elif letter in ",;" and depth == 0:
            pieces.append(english[start:place].strip())
            start = place + 1
    pieces.append(english[start:].strip())
    return [piece for piece in pieces if piece]


def _without_remarks(text: str) -> str:
    return _SPACES.sub(" ", _REMARK.sub(" ", text)).strip()


def _has_letter(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


def _ended(text: str, stop: str) -> str:
    return text if text.endswith(("。", ".", "!", "?", "！", "？")) else text + stop
