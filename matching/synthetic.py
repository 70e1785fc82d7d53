"""A made-up region of any size, to measure speed on: nothing in it means anything.

What decides speed is like the real thing: words by Zipf's law over a general and a topical
vocabulary, so that a need of a hundred words meets about as many postings per passage (8.6 in the
median, 11.5 at the 95th percentile) as on public sets of abstracts (acl-people: 8.4 and 11.2);
partners with a few or with hundreds of pieces of evidence; Japanese, English and bilingual texts;
vectors around the centres of topics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Evidence, Partner, Period, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters
from matching.text import ENGLISH_STOPWORDS

TODAY: Final = date(2026, 4, 1)
DIMENSION: Final = 384
TOPICS: Final = 300
GENERAL_WORDS: Final = 1500
TOPICAL_WORDS: Final = 200
CLUSTERS: Final = tuple(f"cluster-{number}" for number in range(6))
PREFECTURES: Final = tuple(f"prefecture-{number}" for number in range(8))
ENGAGEMENT_TYPES: Final = ("joint_research", "licence", "consulting", "testing", "equipment")
PARTNER_KINDS: Final = ("researcher", "laboratory", "institute", "support", "company")
EVIDENCE_KINDS: Final = ("paper", "paper", "paper", "patent", "project", "equipment", "service")

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Request:
    """A question as the engine gets it, the query's vector given."""

    query: Query
    vector: Vectors
    filters: Filters


@dataclass(frozen=True, slots=True)
class Region:
    """Partners, their evidence with its vectors (n, 384), and questions."""

    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    vectors: Vectors
    requests: tuple[Request, ...]


def make_region(partners: int, capabilities: int, requests: int, *, seed: int) -> Region:
    """The same region for the same numbers and seed; `partners` is at least 1."""
    random = np.random.default_rng(seed)
    english = _Language(_english_words(random), TOPICS, random, glue=sorted(ENGLISH_STOPWORDS))
    japanese = _Language(_japanese_words(random), TOPICS, random, glue=list("のをにでとがはも"))
    centres = _unit(random.normal(size=(TOPICS, DIMENSION)))
    volume = random.lognormal(sigma=1.0, size=partners)
    owner = np.sort(random.choice(partners, capabilities, p=volume / volume.sum()))
    interests = random.integers(TOPICS, size=(partners, 3))
    topics = interests[owner, random.integers(3, size=capabilities)]
    evidence = tuple(
        Evidence(
            id=f"e{row:07}",
            partner=f"p{owner[row]:05}",
            text=_passage(english, japanese, int(topics[row]), random),
            kind=EVIDENCE_KINDS[random.integers(len(EVIDENCE_KINDS))],
            external_id=f"x{row:07}",
            year=None if random.random() < 0.05 else int(random.integers(2000, 2027)),
        )
        for row in range(capabilities)
    )
    asked = random.integers(TOPICS, size=requests)
    return Region(
        partners=tuple(_partner(number, random) for number in range(partners)),
        evidence=evidence,
        vectors=_around(centres, topics, random),
        requests=tuple(
            _request(_passage(english, japanese, int(topic), random), vector, evidence, random)
            for topic, vector in zip(asked, _around(centres, asked, random), strict=True)
        ),
    )


class _Language:
    """Draws words: four of five from a general vocabulary, the others from the topic's own."""

    def __init__(
        self, words: Sequence[str], topics: int, random: np.random.Generator, *, glue: Sequence[str]
    ) -> None:
        self._words = np.array(words, object)
        self._general = _zipf(GENERAL_WORDS, offset=8.0)
        self._topical = _zipf(TOPICAL_WORDS, offset=3.0)
        # A topic's words come from all but the commonest.
        self._of_topic = random.integers(100, len(words), size=(topics, TOPICAL_WORDS))
        self._glue = np.array(glue, object)

    def draw(self, topic: int, number: int, random: np.random.Generator) -> list[str]:
        """So many words in a row, two of five of them function words."""
        general = np.searchsorted(self._general, random.random(number))
        topical = self._of_topic[topic, np.searchsorted(self._topical, random.random(number))]
        words = self._words[np.where(random.random(number) < 0.8, general, topical)]
        glue = self._glue[random.integers(len(self._glue), size=number)]
        drawn: list[str] = np.where(random.random(number) < 0.4, glue, words).tolist()
        return drawn


def _zipf(size: int, *, offset: float) -> NDArray[np.float64]:
    """Cumulative probabilities (size,) by the law of Zipf and Mandelbrot."""
    mass = 1 / (np.arange(1, size + 1) + offset)
    cumulative: NDArray[np.float64] = np.cumsum(mass) / mass.sum()
    return cumulative


def _english_words(random: np.random.Generator, number: int = 40_000) -> list[str]:
    """Distinct made-up words of two to four syllables."""
    syllables = [first + vowel for first in "bcdfghjklmnprstvz" for vowel in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < number:
        parts = random.integers(len(syllables), size=random.integers(2, 5))
        found["".join(syllables[part] for part in parts) + "n"] = None
    return list(found)


def _japanese_words(random: np.random.Generator, number: int = 10_000) -> list[str]:
    """Distinct pairs of a thousand kanji."""
    pairs = random.choice(1_000_000, number, replace=False)
    return [chr(0x4E00 + int(pair) // 1000) + chr(0x4E00 + int(pair) % 1000) for pair in pairs]


def _passage(
    english: _Language, japanese: _Language, topic: int, random: np.random.Generator
) -> str:
    """A title and about five sentences: 70% in English, 10% in Japanese, 20% in both."""
    share = random.random()
    lines = []
    if share < 0.9:
        lines += _sentences(english.draw(topic, int(random.integers(90, 180)), random), " ", ". ")
    if share >= 0.7:
        lines += _sentences(japanese.draw(topic, int(random.integers(40, 80)), random), "", "。")
    return "\n".join(lines)


def _sentences(words: Sequence[str], space: str, stop: str) -> list[str]:
    """The words as a title and a text of sentences of 22 words."""
    ends = [0, 10, *range(32, len(words), 22), len(words)]
    found = [space.join(words[start:end]).capitalize() for start, end in pairwise(ends)]
    return [found[0], stop.join(found[1:]) + stop.strip()]


def _partner(number: int, random: np.random.Generator) -> Partner:
    away: tuple[Period, ...] = ()
    if random.random() < 0.1:
        start = TODAY + timedelta(days=int(random.integers(-400, 200)))
        away = (Period(start, start + timedelta(days=int(random.integers(30, 400)))),)
    where = int(random.integers(len(PREFECTURES)))
    return Partner(
        id=f"p{number:05}",
        kind=PARTNER_KINDS[random.integers(len(PARTNER_KINDS))],
        organisation=None if random.random() < 0.05 else f"o{random.integers(800)}",
        clusters=_some(CLUSTERS, 0.2, random),
        prefecture=None if random.random() < 0.1 else PREFECTURES[where],
        city=f"city-{where}-{random.integers(10)}",
        engagement_types=_some(ENGAGEMENT_TYPES, 0.4, random),
        unavailable=away,
    )


def _request(
    text: str, vector: Vectors, evidence: Sequence[Evidence], random: np.random.Generator
) -> Request:
    """A need; a fifth excludes evidence, a third sets filters, most look at availability."""
    hidden = random.integers(len(evidence), size=5) if evidence and random.random() < 0.2 else ()
    where = int(random.integers(len(PREFECTURES)))
    filtered = random.random() < 0.33
    query = Query(
        text=text,
        posted_on=TODAY,
        clusters=_some(CLUSTERS, 0.2, random),
        prefecture=PREFECTURES[where],
        city=f"city-{where}-{random.integers(10)}",
        engagement_types=_some(ENGAGEMENT_TYPES, 0.3, random),
        organisation=f"o{random.integers(800)}",
        excluded_evidence=frozenset(str(evidence[row].external_id) for row in hidden),
    )
    filters = Filters(
        clusters=_some(CLUSTERS, 0.4, random) if filtered else frozenset(),
        partner_kinds=_some(PARTNER_KINDS, 0.5, random) if filtered else frozenset(),
        excluded_organisations=frozenset({"o1", "o2"}) if filtered else frozenset(),
        available_on=TODAY if random.random() < 0.8 else None,
    )
    return Request(query, vector, filters)


def _some(names: Sequence[str], share: float, random: np.random.Generator) -> frozenset[str]:
    drawn = random.random(len(names)) < share
    return frozenset(name for name, is_in in zip(names, drawn, strict=True) if is_in)


def _around(centres: Vectors, topics: IntArray, random: np.random.Generator) -> Vectors:
    """Unit vectors (t, 384) whose cosine with their topic's centre is about .6."""
    noise = random.standard_normal((len(topics), DIMENSION), np.float32)
    noise *= np.float32(1.33 / DIMENSION**0.5)
    return _unit(noise + centres[topics])


def _unit(rows: NDArray[Any]) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, np.float32)
