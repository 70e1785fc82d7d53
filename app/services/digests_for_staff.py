"""Digests of coordinators: pairs by need, with names, reasons and evidence."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from app.emails.content import Group, Language, Pair, Waiting
from app.services.digest_evidence import best_pieces, full_line
from app.services.digest_view import LinksOf, Shown
from app.services.digest_words import LEVELS, NAME, STEPS, cut, either, said, title_of
from models import Need, Organisation, Partner, Suggestion

SIGNALS: Final = 2
"""Told as the reason: those that contribute most to the score."""


def groups_for_staff(session: Session, shown: Shown, *, links: LinksOf) -> tuple[Group, ...]:
    """The pairs by need, in the order in which the needs come first."""
    language = shown.language
    pieces = best_pieces(session, shown.suggestions)
    pairs: dict[Need, list[Pair]] = {}
    for each in shown.pairs:
        suggestion = each.suggestion
        pair = Pair(
            who=partner_line(suggestion.partner, language),
            reason=_reason(suggestion, language),
            evidence=full_line(pieces.get(suggestion.id), suggestion, language),
            is_new=each.is_new,
            links=links(suggestion),
            suggested_on=None if each.is_new else suggestion.suggested_on,
        )
        pairs.setdefault(suggestion.need, []).append(pair)
    return tuple(
        Group(heading_of(need, language), _about(need, language), tuple(found))
        for need, found in pairs.items()
    )


def waiting_for_staff(shown: Shown) -> tuple[Waiting, ...]:
    """The introductions that wait for the office, with both names."""
    language = shown.language
    return tuple(
        Waiting(
            title=f"{heading_of(each.introduction.need, language)} → "
            f"{partner_line(each.introduction.partner, language)}",
            step=said(STEPS[each.introduction.state], language),
            reference=str(each.introduction.id),
        )
        for each in shown.waiting
    )


def heading_of(need: Need, language: Language) -> str:
    """Its title and its company."""
    return f"{title_of(need, need.kind, language)} · {_name(need.organisation, language)}"


def _about(need: Need, language: Language) -> str:
    clusters = [either(c.name_ja, c.name_en, language) or c.slug for c in need.clusters]
    level = said(LEVELS[need.confidentiality], language)
    return " · ".join([*(cut(name, NAME) for name in clusters), level])


def _name(row: Partner | Organisation, language: Language) -> str:
    return cut(either(row.name_ja, row.name_en, language), NAME)


def partner_line(partner: Partner, language: Language) -> str:
    """Its name and its organisation, once if they are the same."""
    name = _name(partner, language)
    home = "" if partner.organisation is None else _name(partner.organisation, language)
    return name if home in ("", name) else f"{name} · {home}"


def _reason(suggestion: Suggestion, language: Language) -> str:
    """What the signals that contribute most say."""
    telling: Sequence[dict[str, Any]] = sorted(
        (signal for signal in suggestion.signals if signal["contribution"] > 0),
        key=lambda signal: -signal["contribution"],
    )
    sentences = [str(signal["detail"][language]) for signal in telling[:SIGNALS]]
    return ("" if language == "ja" else " ").join(sentences)
