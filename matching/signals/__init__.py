"""The signals of the ranking and their default weights, the whole list in one place.

The four topical signals decide; the others order partners who fit about equally well: their weights
are about a fifteenth of a topical one, so that nearness never outweighs competence.
"""

from typing import Final

from matching.signals import (
    depth,
    engagement,
    evidence_words,
    facet_coverage,
    phrases,
    place,
    profile_words,
    readiness,
    recency,
    topic,
)
from matching.signals.across import across_languages
from matching.signals.protocol import Context, Reading, Sentence, Signal, Words

__all__ = ["SIGNALS", "Context", "Reading", "Sentence", "Signal", "Words"]

SIGNALS: Final[tuple[Signal, ...]] = (
    Signal("topic", topic.read, weight=0.33, neutral=0.20),
    Signal("evidence_words", across_languages(evidence_words.read), weight=0.185, neutral=0.0),
    Signal("profile_words", across_languages(profile_words.read), weight=0.24, neutral=0.0),
    Signal("phrases", across_languages(phrases.read), weight=0.17, neutral=0.0),
    Signal("facet_coverage", facet_coverage.read, weight=0.01, neutral=0.2),
    Signal("depth", depth.read, weight=0.01, neutral=0.5),
    Signal("recency", recency.read, weight=0.01, neutral=0.5),
    Signal("readiness", readiness.read, weight=0.015, neutral=0.5),
    Signal("engagement", engagement.read, weight=0.015, neutral=0.5),
    Signal("place", place.read, weight=0.015, neutral=0.5),
)
