"""Words across languages: what stands in for them where they cannot be compared.

A Japanese need shares no words with English evidence, however well the two fit. That is missing
data and not a bad fit: for the share of a partner's evidence that is in another language than the
need, its nearness in meaning stands in for its words. It can only raise a value, never lower it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from matching.signals import topic
from matching.signals.protocol import Context, FloatArray, Reading, Sentence

WORTH: Final = 1.0
"""What a standing in meaning counts for as a standing in words."""


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
    meaning: FloatArray = WORTH * np.nan_to_num(topic.read(context).values)
    missing = (1 - context.comparable) * np.clip(meaning - reading.values, 0, None)

    def detail(i: int) -> Sentence:
        sentence = reading.detail(i)
        if not missing[i] > 0:
            return sentence
        share = 1 - context.comparable[i]
        return Sentence(
            f"{sentence.en} {share:.0%} of the evidence is in another language than the need: "
            "there nearness in meaning stands in for words.",
            f"{sentence.ja}業績の{share:.0%}はニーズと別の言語のため、語句の代わりに意味の近さで"
            "補いました。",
        )

    return replace(reading, values=reading.values + missing, detail=detail)
