"""Small corpora for the tests of the engine, built in one line, and random ones for hypothesis."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from matching.corpus import Corpus, Evidence, Partner, Query
from matching.encoders.hashing import HashingEncoder
from matching.encoders.protocol import Encoder, Vectors
from matching.lexical import count_terms
from matching.ranker import RankedPartner, Ranking, rank
from matching.signals import SIGNALS, Context, Reading

TODAY: Final = date(2026, 4, 1)

repeatable: Final = settings(deadline=None, derandomize=True, database=None, max_examples=30)
"""Same examples in every run, and no time limit per example: test machines are shared."""

WORDS: Final = (
    "surimi",
    "gel",
    "robot",
    "sensor",
    "koji",
    "brewing",
    "魚肉",
    "発酵",
    "焼酎",
    "制御",
)
KINDS: Final = ("paper", "patent", "project", "equipment", "service", "statement")


def make_partner(name: str, **fields: Any) -> Partner:
    """A laboratory, unless said otherwise."""
    return Partner(id=name, **{"kind": "laboratory", **fields})


def make_evidence(name: str, partner: str, text: str, **fields: Any) -> Evidence:
    """A paper whose external id is its id, unless said otherwise."""
    return Evidence(
        id=name, partner=partner, text=text, **{"kind": "paper", "external_id": name, **fields}
    )


def make_query(text: str, **fields: Any) -> Query:
    """A query of today, unless said otherwise."""
    return Query(text=text, **{"posted_on": TODAY, **fields})


def make_corpus(
    partners: Sequence[Partner],
    evidence: Sequence[Evidence],
    *,
    encoder: Encoder | None = None,
    vectors: Vectors | None = None,
) -> Corpus:
    """A corpus with the vectors of the hashing encoder, unless others are given."""
    texts = [piece.text for piece in evidence]
    if vectors is None:
        vectors = (encoder or HashingEncoder()).encode(texts)
    return Corpus.build(partners, evidence, vectors, [count_terms(text) for text in texts])


def corpus_of(texts: Mapping[str, Sequence[str]], **fields: Mapping[str, Any]) -> Corpus:
    """A corpus from the texts of each partner; `fields` are the partner's by partner id.

    The evidence of partner `a` is called `a0`, `a1` and so on.
    """
    return make_corpus(
        [make_partner(name, **fields.get(name, {})) for name in texts],
        [
            make_evidence(f"{name}{number}", name, text)
            for name, pieces in texts.items()
            for number, text in enumerate(pieces)
        ],
    )


def vector_of(text: str) -> Vectors:
    """The hashing encoder's vector (256,) of a text."""
    vector: Vectors = HashingEncoder().encode([text], role="query")[0]
    return vector


def ask(corpus: Corpus, query: Query | str, **options: Any) -> Ranking:
    """The ranking for a query, by words and by the hashing encoder's vectors."""
    if isinstance(query, str):
        query = make_query(query)
    return rank(query, vector_of(query.text), corpus, **options)


def ids(ranking: Ranking) -> list[str]:
    """Partner ids in the order of the list."""
    return [match.partner.id for match in ranking.matches]


def match_of(ranking: Ranking, partner: str) -> RankedPartner:
    """A partner's line of the list."""
    return next(match for match in ranking.matches if match.partner.id == partner)


def score_of(ranking: Ranking, partner: str) -> float:
    """A partner's score."""
    return match_of(ranking, partner).score


def read_signal(name: str, context: Context) -> tuple[dict[str, float], Reading]:
    """The signal's values by partner id, and the reading they come from."""
    signal = next(signal for signal in SIGNALS if signal.name == name)
    reading = signal.read(context)
    partners = (partner.id for partner in context.partners())
    return dict(zip(partners, map(float, reading.values), strict=True)), reading


def unit(*values: float) -> Vectors:
    """A vector of length 1 in the direction of `values`."""
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


texts: Final = st.lists(st.sampled_from((*WORDS, "。", "the")), max_size=8).map(" ".join)
_places: Final = st.sampled_from([(None, None), ("Nagano", "Chino"), ("Miyazaki", None)])
_clusters: Final = st.frozensets(st.sampled_from(["food", "it"]), max_size=2)
_engagement: Final = st.frozensets(st.sampled_from(["licence", "testing", "consulting"]))


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    """Up to five partners with up to ten pieces of evidence, some empty, some undated."""
    partners = []
    for number in range(draw(st.integers(0, 5))):
        prefecture, city = draw(_places)
        partners.append(
            make_partner(
                f"p{number}",
                organisation=draw(st.sampled_from([None, "o1", "o2"])),
                prefecture=prefecture,
                city=city,
                clusters=draw(_clusters),
                engagement_types=draw(_engagement),
            )
        )
    evidence = [
        make_evidence(
            f"e{number}",
            draw(st.sampled_from(partners)).id,
            draw(texts),
            kind=draw(st.sampled_from(KINDS)),
            year=draw(st.none() | st.integers(1980, 2030)),
        )
        for number in range(draw(st.integers(0, 10)) if partners else 0)
    ]
    return make_corpus(partners, evidence)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """A query with or without place, clusters, engagement types and excluded evidence."""
    prefecture, city = draw(_places)
    return make_query(
        draw(texts),
        prefecture=prefecture,
        city=city,
        clusters=draw(_clusters),
        engagement_types=draw(_engagement),
        organisation=draw(st.sampled_from([None, "o1"])),
        excluded_evidence=draw(st.frozensets(st.sampled_from(["e0", "e1", "e2"]))),
    )
