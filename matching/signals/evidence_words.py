"""Shared words, piece by piece: how much of the need one piece of evidence takes up."""

import numpy as np

from matching.aggregate import best_mean
from matching.signals.protocol import Context, Reading, Sentence

BEST = 3


def read(context: Context) -> Reading:
    """Square root of the mean BM25 share of the partner's three best pieces of evidence.

    The root brings shares, which are small for long needs, to the scale of the other signals.
    """
    shares = best_mean(
        context.passage_words[context.rows],
        group=context.owner,
        groups=len(context.candidates),
        allowed=np.ones(len(context.rows), bool),
        best=BEST,
    )
    values = np.sqrt(shares)

    def detail(i: int) -> Sentence:
        if np.isnan(values[i]):
            return Sentence("No evidence may be used here.", "使える根拠がありません。")
        return Sentence(
            f"The best pieces of evidence take up {shares[i]:.0%} each of the telling words.",
            f"各業績に特徴語の{shares[i]:.0%}が現れます。",
        )

    return Reading(values, detail)
