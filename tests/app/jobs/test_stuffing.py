"""A profile cannot win by stuffing words or by volume: attacked on real texts.

Random partners are made to look like the answer to random needs, in the ways that cost nothing.
None may gain more than two places in the median. The encoder is the hashing one, whose vectors are
bags of words: stuffing pays more there than with a transformer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from app.jobs.evaluating import build_tasks
from app.jobs.steps import Steps
from data.samples import REGION
from matching import spoken
from matching.corpus import Corpus, Evidence, Query
from matching.encoders import Vectors
from matching.encoders.hashing import HashingEncoder
from matching.evaluate import JudgedQuery, Task
from matching.lexical import count_terms
from matching.ranker import rank
from matching.text import languages_of, tokens

BENCH = Path(__file__).resolve().parents[4] / "shared" / "bench"
SETS = [
    pytest.param(REGION, marks=pytest.mark.slow),
    pytest.param(BENCH / "sbir-university", marks=pytest.mark.slow),
    pytest.param(BENCH / "cordis-agri", marks=pytest.mark.slow),
]
PAIRS = 24
PLACES = 2

Attack = Callable[[str, list[Evidence]], Iterator[str]]
"""From the need's text and the partner's evidence to texts of new evidence."""


def keywords(need: str, _: list[Evidence]) -> Iterator[str]:
    """All the need's words, twenty times over."""
    yield " ".join(list(dict.fromkeys(tokens(need))) * 20)


def a_few_keywords(need: str, _: list[Evidence]) -> Iterator[str]:
    """A dozen of the need's longest words, twenty times over, with commas."""
    longest = sorted(dict.fromkeys(tokens(need)), key=lambda word: (-len(word), word))
    yield ", ".join(longest[:12] * 20)


def the_need_itself(need: str, _: list[Evidence]) -> Iterator[str]:
    """The need's own text, twenty times over."""
    yield " ".join([need] * 20)


def clones(_: str, held: list[Evidence]) -> Iterator[str]:
    """Each piece of evidence twenty times, with a number to tell them apart."""
    for piece in held:
        yield from (f"{piece.text} ({number})" for number in range(20))


@pytest.fixture(scope="module", params=SETS, ids=["region", "sbir-university", "cordis-agri"])
def task(request: pytest.FixtureRequest, vectors_kept: Path) -> Task:
    if not request.param.is_dir():
        pytest.skip("the benchmark folder is not there")
    steps = Steps(begin=lambda *_: lambda _: None)
    return build_tasks(request.param, HashingEncoder(), cache=vectors_kept, steps=steps)[0]


@dataclass(frozen=True)
class Pair:
    """A need, a partner who is in its list, and the place there."""

    judged: JudgedQuery
    partner: str
    place: int


@pytest.fixture(scope="module")
def pairs(task: Task) -> list[Pair]:
    """The same for each attack."""
    random = np.random.default_rng(0)
    found: list[Pair] = []
    while len(found) < PAIRS:
        judged = task.queries[int(random.integers(len(task.queries)))]
        partner = task.corpus.partners[int(random.integers(len(task.corpus.partners)))].id
        place = _place(task.corpus, partner, judged.query, judged.vector)
        if place is not None:
            found.append(Pair(judged, partner, place))
    return found


@pytest.fixture(scope="module", autouse=True)
def languages_known() -> Iterator[None]:
    """The corpus is the same in every attack but for the new evidence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spoken, "languages_of", lru_cache(maxsize=None)(languages_of))
        yield


@pytest.mark.parametrize("attack", [keywords, a_few_keywords, the_need_itself, clones])
def test_stuffing_gains_two_places_at_most(task: Task, pairs: list[Pair], attack: Attack) -> None:
    corpus = task.corpus
    gains: list[int] = []
    for pair in pairs:
        query, vector = pair.judged.query, pair.judged.vector
        held = [piece for piece in corpus.evidence if piece.partner == pair.partner]
        texts = list(attack(query.text, held[:5]))
        after = _place(_with(corpus, pair.partner, texts), pair.partner, query, vector)
        gains.append(pair.place - (len(corpus.partners) if after is None else after))
    assert median(gains) <= PLACES, sorted(gains)


def _place(corpus: Corpus, partner: str, query: Query, vector: Vectors) -> int | None:
    """Place in the list of all partners; None for one who is not in it."""
    ranking = rank(query, vector, corpus, candidates=len(corpus.partners))
    ids = [match.partner.id for match in ranking.matches]
    return ids.index(partner) if partner in ids else None


def _with(corpus: Corpus, partner: str, texts: list[str]) -> Corpus:
    """The corpus with more evidence of one partner."""
    added = [Evidence(f"stuffed-{i}", partner, text, "paper") for i, text in enumerate(texts)]
    evidence = [*corpus.evidence, *added]
    stored = corpus.vectors.at(np.arange(len(corpus.evidence)))
    vectors = np.vstack([stored, HashingEncoder().encode(texts)])
    terms = [_count_terms(piece.text) for piece in evidence]
    return Corpus.build(corpus.partners, evidence, vectors, terms)


_count_terms = lru_cache(maxsize=None)(count_terms)
"""The corpus is the same in every attack but for the new evidence."""
