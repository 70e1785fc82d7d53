"""How much evidence a partner has. A baseline to measure against, never part of the ranking."""

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence


def read(context: Context) -> Reading:
    """Number of allowed pieces over the largest such number."""
    corpus = context.corpus
    number = np.bincount(corpus.partner_of[context.allowed], minlength=len(corpus.partners))
    values = number[context.candidates] / max(int(number.max(initial=0)), 1)
    detail = Sentence("Amount of evidence.", "業績の数。")
    return Reading(values, lambda _: detail)
