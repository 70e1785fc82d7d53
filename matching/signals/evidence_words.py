"""Shared words, piece by piece: how much of the need one piece of evidence takes up."""

import numpy as np

from matching.aggregate import best_mean
from matching.signals.protocol import Context, FloatArray, Reading, Sentence

BEST = 3


def read(context: Context) -> Reading:
    """Mean BM25 share of the partner's three best pieces of evidence, as its standing above
    chance.
    """
    shares = best_shares(context)
    chance = context.words.passages.chance

    def detail(i: int) -> Sentence:
        if np.isnan(shares[i]):
            return Sentence("No evidence may be used here.", "使える根拠がありません。")
        return Sentence(
            f"The best pieces of evidence take up {shares[i]:.0%} each of the telling words "
            f"(a random piece: {chance.mean:.0%}).",
            f"各業績に特徴語の{shares[i]:.0%}が現れます（無作為の業績では{chance.mean:.0%}）。",
        )

    return Reading(chance.standing(shares), detail)


def best_shares(context: Context) -> FloatArray:
    """(c,) mean BM25 share of each candidate's three best pieces; NaN without any."""
    return best_mean(
        context.passage_words[context.rows],
        group=context.owner,
        groups=len(context.candidates),
        allowed=np.ones(len(context.rows), bool),
        best=BEST,
    )
