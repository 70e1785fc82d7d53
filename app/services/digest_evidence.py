"""The evidence line of a suggestion, from the partner's rows as they now are."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.emails.content import Language
from app.services.capabilities import passage_of
from app.services.digest_words import (
    CAPABILITY_KINDS,
    SENTENCE,
    TITLE,
    cut,
    either,
    in_brackets,
    said,
)
from matching.text import normalise, sentences
from models import Capability, Suggestion


def best_pieces(session: Session, suggestions: Sequence[Suggestion]) -> dict[UUID, Capability]:
    """By suggestion: the piece of evidence that speaks most for it, if the partner still has it."""
    wanted = {
        each.id: UUID(each.evidence[0]["capability_id"]) for each in suggestions if each.evidence
    }
    if not wanted:
        return {}
    statement = select(Capability).where(Capability.id.in_(set(wanted.values())))
    stored = {piece.id: piece for piece in session.scalars(statement)}
    return {
        each.id: piece
        for each in suggestions
        if (piece := stored.get(wanted[each.id]) if each.id in wanted else None) is not None
        and piece.partner_id == each.partner_id
    }


def title_line(piece: Capability | None, language: Language) -> str:
    """Title, kind and year: `Browning of citrus juice (paper, 2024)`; empty without a title."""
    title = "" if piece is None else either(piece.title_ja, piece.title_en, language)
    if piece is None or not title:
        return ""
    kind = said(CAPABILITY_KINDS[piece.kind], language)
    year = "" if piece.year is None else f"{piece.year}年" if language == "ja" else str(piece.year)
    comma = "、" if language == "ja" else ", "
    return cut(title, TITLE) + in_brackets(comma.join(filter(None, (kind, year))), language)


def full_line(piece: Capability | None, suggestion: Suggestion, language: Language) -> str:
    """The title line, and the best sentence if it is short and not the title itself."""
    title, sentence = title_line(piece, language), _best_sentence(piece, suggestion)
    if not sentence or not title:
        return title or (f"“{sentence}”" if sentence and language == "en" else sentence)
    return f"{title}「{sentence}」" if language == "ja" else f"{title}: “{sentence}”"


def _best_sentence(piece: Capability | None, suggestion: Suggestion) -> str:
    """The sentence at the stored place; empty if there is none there any more.

    The row may have been edited since: what is no whole sentence now is not quoted.
    """
    if piece is None:
        return ""
    start, end = suggestion.evidence[0].get("start"), suggestion.evidence[0].get("end")
    text = passage_of(piece)
    found = next((s.text for s in sentences(text) if (s.start, s.end) == (start, end)), "")
    titles = {normalise(title) for title in (piece.title_ja, piece.title_en) if title}
    return "" if found in titles or len(found) > SENTENCE else " ".join(found.split())
