"""Digests of partners: needs that suit them, by released versions alone.

The reason is one of four fixed sentences. What the signals say hangs on the whole text of the need:
its place and its ways of working stand in them, and by their figures a partner who edits its own
evidence could find out one word of a need after the other.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from app.emails.content import Group, Pair, Waiting
from app.services.candidates import what_speaks
from app.services.digest_evidence import best_pieces, title_line
from app.services.digest_view import LinksOf, Shown
from app.services.digest_words import STEPS, said, title_of
from matching.signals import Sentence
from models import Suggestion

REASONS: Final[Mapping[tuple[bool, bool], Sentence]] = {
    (True, True): Sentence(
        "It is about your subject, and in words that your evidence uses.",
        "ご専門の主題に関わり、業績と同じ用語が使われています。",
    ),
    (True, False): Sentence(
        "It is about a subject close to yours.", "ご専門に近い主題のニーズです。"
    ),
    (False, True): Sentence(
        "It is put in words that your evidence uses.", "業績と同じ用語が使われています。"
    ),
    (False, False): Sentence(
        "It fits in part; the coordinator can say more.",
        "一部が合致します。詳しくはコーディネーターにお尋ねください。",
    ),
}
"""By whether the meaning and the words speak for the partner: four sentences, the same for all."""


def groups_for_partner(session: Session, shown: Shown, *, links: LinksOf) -> tuple[Group, ...]:
    """All needs in one group, each by its released version, with the partner's own evidence."""
    if not shown.pairs:
        return ()
    language = shown.language
    pieces = best_pieces(session, shown.suggestions)
    pairs = tuple(
        Pair(
            who=title_of(shown.briefs[suggestion.need_id].version, suggestion.need.kind, language),
            reason=said(_reason(suggestion), language),
            evidence=title_line(pieces.get(suggestion.id), language),
            is_new=True,
            links=links(suggestion),
        )
        for suggestion in shown.suggestions
    )
    return (Group(heading="", about="", pairs=pairs),)


def waiting_for_partner(shown: Shown) -> tuple[Waiting, ...]:
    """The introductions to which the partner may consent, by the brief that it is shown."""
    return tuple(
        Waiting(
            title=title_of(each.version, each.introduction.need.kind, shown.language),
            step=said(STEPS[each.introduction.state], shown.language),
            reference=str(each.introduction.id),
        )
        for each in shown.waiting
        if each.version is not None
    )


def _reason(suggestion: Suggestion) -> Sentence:
    contributions = {each["name"]: each["contribution"] for each in suggestion.signals}
    return REASONS[what_speaks(contributions)]
