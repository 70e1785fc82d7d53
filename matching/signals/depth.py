"""Depth against breadth: is the need's subject what the partner works on, or met once?"""

from typing import Final

import numpy as np

from matching.signals.protocol import Context, Reading, Sentence

ABOVE: Final = 2.0
"""Standard deviations above chance from which a piece of evidence is on the subject."""
HALF: Final = 2.0
"""Pieces on the subject that count a half: the tenth adds next to nothing."""


def read(context: Context) -> Reading:
    """``k / (k + 2)`` for k distinct pieces of evidence on the subject, by words or by meaning."""
    words = context.words.passages
    fits = words.shares[context.rows] >= words.chance.mean + ABOVE * words.chance.deviation
    if context.similarity is not None and context.cosine_chance is not None:
        chance = context.cosine_chance
        fits |= context.similarity[context.rows] >= chance.mean + ABOVE * chance.deviation
    number = len(context.candidates)
    held = np.bincount(context.owner, minlength=number)
    found = np.bincount(context.owner[fits], minlength=number)

    def detail(i: int) -> Sentence:
        return Sentence(
            f"On this subject: {found[i]} of {held[i]} pieces of evidence.",
            f"この主題に関する業績：{held[i]}件中{found[i]}件。",
        )

    return Reading(found / (found + HALF), detail)
