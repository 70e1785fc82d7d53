"""Counting the words of one text."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from matching.phrases import phrase_keys
from matching.text import bare_run_words, normalise, sentences, tokens


@dataclass(frozen=True, slots=True)
class TermCounts:
    """The words of one passage: distinct terms and how often each occurs."""

    terms: tuple[str, ...]
    counts: tuple[int, ...]
    phrases: bytes = b""
    """Keys of its phrases, as `phrase_keys` makes them."""
    listed: tuple[str, ...] = ()
    """Distinct terms of its bare lists of words, if it has any (`matching.echoes`)."""

    @property
    def length(self) -> int:
        """Number of words, repeats counted."""
        return sum(self.counts)


def count_terms(text: str) -> TermCounts:
    """Counts of the words of `text`, in order of first occurrence.

    What is repeated word for word, a sentence or three words in a row, counts once: repeating it
    wins nothing.
    """
    text = normalise(text)
    distinct = dict.fromkeys(sentence.text for sentence in sentences(text))
    # The same few words occur in all texts of a corpus: each is held in memory once.
    worded = [list(map(sys.intern, tokens(sentence))) for sentence in distinct]
    counted = Counter(_said_once(worded))
    return TermCounts(
        tuple(counted),
        tuple(counted.values()),
        phrase_keys(worded),
        tuple(dict.fromkeys(map(sys.intern, bare_run_words(text)))),
    )


def _said_once(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    """The words of sentences but those that end three words in a row met before."""
    threes = [
        three for words in sentences for three in zip(words, words[1:], words[2:], strict=False)
    ]
    if len(set(threes)) == len(threes):
        return chain.from_iterable(sentences)
    return _without_repeats(sentences)


def _without_repeats(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    met: set[tuple[str, str, str]] = set()
    for words in sentences:
        yield from words[:2]
        for three in zip(words, words[1:], words[2:], strict=False):
            if three not in met:
                met.add(three)
                yield three[2]
