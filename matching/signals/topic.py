"""Topical fit: how near the partner's best evidence is to the need in meaning."""

import numpy as np

from matching.aggregate import best_mean
from matching.signals.protocol import Context, Reading, Sentence

BEST = 3


def read(context: Context) -> Reading:
    """Mean cosine of the query with the partner's three nearest pieces of evidence, at least 0."""
    if context.similarity is None:
        return Reading(np.full(len(context.candidates), np.nan), _no_query_vector)
    values = best_mean(
        context.similarity[context.rows],
        group=context.owner,
        groups=len(context.candidates),
        allowed=context.corpus.has_vector[context.rows],
        best=BEST,
    )
    values = np.clip(values, 0, 1)

    def detail(i: int) -> Sentence:
        if np.isnan(values[i]):
            return Sentence(
                "Not known: the encoder cannot read this partner's evidence.",
                "不明：この候補の根拠の文章をエンコーダーが読めません。",
            )
        return Sentence(
            f"In meaning, the best evidence lies {values[i]:.0%} of the way to the need "
            "(unrelated texts reach about 10%).",
            f"意味の近さ：最も近い業績は{values[i]:.0%}（無関係な文章どうしは約10%）。",
        )

    return Reading(values, detail)


def read_nearest(context: Context) -> Reading:
    """Cosine of the single nearest piece of evidence: a baseline, not part of the ranking."""
    if context.similarity is None:
        return Reading(np.full(len(context.candidates), np.nan), _no_query_vector)
    nearest = best_mean(
        context.similarity[context.rows],
        group=context.owner,
        groups=len(context.candidates),
        allowed=context.corpus.has_vector[context.rows],
        best=1,
    )
    detail = Sentence("Nearest evidence.", "最も近い業績。")
    return Reading(np.clip(nearest, 0, 1), lambda _: detail)


def _no_query_vector(_: int) -> Sentence:
    return Sentence(
        "Not known: the encoder cannot read the language of the need; its words are compared.",
        "不明：ニーズの言語をエンコーダーが読めないため、語句だけを比べました。",
    )
