"""A full explanation as lines of text."""

from collections.abc import Iterator, Sequence
from typing import Final

from matching.counterfactual import title
from matching.explanation import Explanation
from matching.signals import Sentence
from matching.splitting import Facet
from matching.text import Language

ANSWERS: Final = Sentence("Answers", "対応できる点")
OPEN: Final = Sentence("Leaves open", "対応が見つからない点")
OTHERWISE: Final = Sentence("What would change it", "順位が変わる条件")
AHEAD: Final = Sentence("Ahead of the next by {:.3f}.", "次の候補との差は{:.3f}。")
BEHIND: Final = Sentence("Behind the one before by {:.3f}.", "一つ上の候補との差は{:.3f}。")


def explanation_lines(
    explanation: Explanation, facets: Sequence[Facet], language: Language
) -> Iterator[str]:
    """Facets covered and not covered, what would change the rank, distances in the list."""
    answered = [answer for answer in explanation.facets if answer.evidence is not None]
    if answered:
        yield f"{in_language(ANSWERS, language)}:"
    for answer in answered:
        if answer.evidence is not None:
            by = title(answer.evidence, language)
            part = facets[answer.facet].wording(language)
            yield f"   + {answer.share:.2f} {part} ← {by}"
    left = [answer for answer in explanation.facets if not answer.is_covered]
    if left:
        yield f"{in_language(OPEN, language)}:"
    for answer in left:
        yield f"   - {answer.share:.2f} {facets[answer.facet].wording(language)}"
    yield f"{in_language(OTHERWISE, language)}:"
    for change in explanation.changes:
        yield f"   · {in_language(change.detail, language)}"
    for distance, says in ((explanation.behind, BEHIND), (explanation.ahead, AHEAD)):
        if distance is not None:
            yield "   · " + in_language(says, language).format(distance)


def in_language(sentence: Sentence, language: Language) -> str:
    """The sentence in that language."""
    return sentence.ja if language == "ja" else sentence.en
