"""Shared words over the whole profile: does the partner's work as a whole speak of the need?"""

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """Square root of the BM25 share of all the partner's evidence, read as one text."""
    shares = context.profile_words[context.candidates]
    values = np.sqrt(shares)

    def detail(i: int) -> Sentence:
        return Sentence(
            f"All evidence together takes up {shares[i]:.0%} of the need's telling words.",
            f"特徴的な語句の{shares[i]:.0%}が、業績全体に現れます。",
        )

    return Reading(values, detail)
