"""Shared words, piece by piece: how much of the need one piece of evidence takes up."""

import numpy as np

from matching.aggregate import best_mean
from matching.signals.protocol import Context, Reading, Sentence

BEST = 3


def read(context: Context) -> Reading:
    """Mean BM25 share of the partner's three best pieces of evidence."""
    values = best_mean(
        context.passage_words,
        group=context.corpus.partner_of,
        groups=len(context.corpus.partners),
        allowed=context.allowed,
        best=BEST,
    )[context.candidates]

    def detail(i: int) -> Sentence:
        if np.isnan(values[i]):
            return Sentence("No evidence may be used here.", "使える根拠がありません。")
        return Sentence(
            f"The best pieces of evidence each take up {values[i]:.0%} of the need's telling words.",
            f"最も近い各業績に特徴語の{values[i]:.0%}が現れます。",
        )

    return Reading(values, detail)
