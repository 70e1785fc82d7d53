"""Topical fit: how near the partner's best evidence is to the need in meaning."""

import numpy as np

from matching.aggregate import best_mean
from matching.signals.protocol import Context, FloatArray, Reading, Sentence

BEST = 3


def read(context: Context) -> Reading:
    """Mean cosine of the query with the partner's three nearest pieces of evidence, as its standing
    above chance.
    """
    cosines, chance = best_cosines(context, best=BEST), context.cosine_chance
    if chance is None:
        return Reading(cosines, _no_query_vector)

    def detail(i: int) -> Sentence:
        if np.isnan(cosines[i]):
            return Sentence(
                "Not known: the encoder cannot read this partner's evidence.",
                "不明：この候補の根拠の文章をエンコーダーが読めません。",
            )
        return Sentence(
            f"In meaning, the best evidence lies {cosines[i]:.0%} of the way to the need "
            f"(a random piece: {chance.mean:.0%}).",
            f"意味の近さ：最も近い業績は{cosines[i]:.0%}（無作為の業績では{chance.mean:.0%}）。",
        )

    return Reading(chance.standing(cosines), detail)


def best_cosines(context: Context, *, best: int) -> FloatArray:
    """(c,) mean cosine of the query with each candidate's `best` nearest pieces; NaN where the
    query or all of the pieces have no vector.
    """
    if context.similarity is None:
        return np.full(len(context.candidates), np.nan)
    return best_mean(
        context.similarity[context.rows],
        group=context.owner,
        groups=len(context.candidates),
        allowed=context.corpus.has_vector[context.rows],
        best=best,
    )


def _no_query_vector(_: int) -> Sentence:
    return Sentence(
        "Not known: the encoder cannot read the language of the need; its words are compared.",
        "不明：ニーズの言語をエンコーダーが読めないため、語句だけを比べました。",
    )
