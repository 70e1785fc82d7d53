"""Words across languages: what stands in for them where they cannot be compared.

A Japanese need shares no words with English evidence, however well the two fit. That is missing
data and not a bad fit: where a partner's evidence is in another language than the need, its
nearness in meaning stands in for its words.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from matching.signals import topic
from matching.signals.protocol import Context, FloatArray, Reading, Sentence

WORTH: Final = 0.5
"""What a standing in meaning counts for as a standing in words: about what partners who fit have.

Set on the sample region with each partner cut to one language: with .4 the list leans to the
language of the need by 18 points, with .6 to the other by 28 (decision 10)."""
WHOLE: Final = 3
"""The words are trusted by this power of the share of the evidence that they can be compared with:
half of it does not tell half of the story, since it is chance which half speaks of the need."""


def across_languages(
    read: Callable[[Context], Reading],
) -> Callable[[Context], Reading]:
    """The signal of words `read`, with nearness in meaning where words cannot be compared."""

    def wrapped(context: Context) -> Reading:
        reading = read(context)
        if np.all(context.comparable == 1) or context.similarity is None:
            return reading
        return _with_meaning(context, reading)

    wrapped.__doc__ = read.__doc__
    return wrapped


def _with_meaning(context: Context, reading: Reading) -> Reading:
    meaning: FloatArray = WORTH * topic.read(context).values
    trusted = context.comparable**WHOLE
    values = trusted * reading.values + (1 - trusted) * meaning
    values = np.where(np.isnan(meaning), reading.values, values)

    def detail(i: int) -> Sentence:
        sentence = reading.detail(i)
        if context.comparable[i] == 1 or np.isnan(meaning[i]):
            return sentence
        share = 1 - context.comparable[i]
        return Sentence(
            f"{sentence.en} {share:.0%} of the evidence is in another language than the need, "
            "where nearness in meaning stands in for words.",
            f"{sentence.ja}業績の{share:.0%}はニーズと別の言語のため、語句の代わりに意味の近さで"
            "補いました。",
        )

    return replace(reading, values=values, detail=detail)
