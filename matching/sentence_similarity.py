"""Likeness of sentences as people rate it: the cosine alone, words alone, and both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.encoders.protocol import Vectors, has_vector
from matching.text import normalise

FloatArray = NDArray[np.float64]

CHARACTERS: Final = (1, 2)
"""Lengths of the n-grams of the lexical term, hiragana included: in everyday sentences the verbs
are written in it, and a single kanji is often a whole word (犬, 車). These come to the published
baseline of JSTS (.722 for .721, where pairs of characters alone reach .704)."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """Correlations with the human score: of the cosine, of TF-IDF, and of both together."""

    pairs: int
    spearman: float
    pearson: float
    lexical_spearman: float
    lexical_pearson: float
    fused_spearman: float
    fused_pearson: float
    unread: int
    """Pairs in which a text has no vector: their cosine counts as 0, they are not dropped."""


def measure_similarity(
    one: Vectors, other: Vectors, *, texts: Sequence[tuple[str, str]], rated: Sequence[float]
) -> Similarity:
    """How rows i of `one` (n, d) and `other` (n, d) are alike, against the score `rated[i]`.

    Both together is the sum of the z-scores of cosine and TF-IDF, in equal parts: nothing in it
    was fitted to any rating.
    """
    cosines: FloatArray = np.einsum("nd,nd->n", one, other, dtype=np.float64)
    lexical = tfidf_cosines(texts)
    fused = _z(cosines) + _z(lexical)
    human = np.array(rated, np.float64)
    return Similarity(
        len(texts),
        *_correlations(cosines, human),
        *_correlations(lexical, human),
        *_correlations(fused, human),
        unread=int((~(has_vector(one) & has_vector(other))).sum()),
    )


def tfidf_cosines(texts: Sequence[tuple[str, str]]) -> FloatArray:
    """(n,) cosine of each pair under TF-IDF of characters and pairs of characters.

    The IDF is of the sentences themselves, as in that baseline.
    """
    if not texts:
        return np.zeros(0)
    one, other = ([normalise(pair[side]) for pair in texts] for side in (0, 1))
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=CHARACTERS).fit(one + other)
    products = vectorizer.transform(one).multiply(vectorizer.transform(other))
    return np.asarray(products.sum(axis=1), np.float64).ravel()


def _z(values: FloatArray) -> FloatArray:
    """Z-scores; zeros where all values are equal."""
    spread = float(values.std()) if len(values) else 0.0
    if spread <= 1e-12:
        return np.zeros_like(values)
    scores: FloatArray = (values - values.mean()) / spread
    return scores


def _correlations(values: FloatArray, human: FloatArray) -> tuple[float, float]:
    """Spearman, with mean ranks for ties, and Pearson; 0 where one side says nothing at all."""
    if not _z(values).any() or not _z(human).any():
        return 0.0, 0.0
    return float(spearmanr(values, human).statistic), float(pearsonr(values, human).statistic)
