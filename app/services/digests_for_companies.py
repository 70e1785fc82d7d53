"""Digests of companies: anonymous candidates for their own needs, by the policy's coarse view."""

from typing import Final
from uuid import UUID

from app.emails.content import Group, Language, Pair, Waiting
from app.services.candidates import Candidate, candidate_id, candidate_of
from app.services.digest_view import LinksOf, Shown
from app.services.digest_words import (
    ANY_PARTNER,
    CANDIDATE,
    NAME,
    PARTNER_KINDS,
    STEPS,
    cut,
    either,
    in_brackets,
    said,
)
from app.services.digests_for_staff import title_of
from app.services.needs import query_of
from models import Need, Suggestion

ID_SIGNS: Final = 8
"""Of a candidate's id, the beginning is shown: enough to tell those of one need apart."""


def groups_for_company(shown: Shown, *, links: LinksOf) -> tuple[Group, ...]:
    """The candidates by need. No evidence: whoever reads a title finds its author."""
    language = shown.language
    pairs: dict[Need, list[Pair]] = {}
    for each in shown.pairs:
        candidate = _candidate(each.suggestion, shown)
        pair = Pair(
            who=_who(candidate, each.suggestion, language),
            reason=said(candidate.reason, language),
            evidence="",
            is_new=each.is_new,
            links=links(each.suggestion),
        )
        pairs.setdefault(each.suggestion.need, []).append(pair)
    return tuple(Group(title_of(need, language), "", tuple(found)) for need, found in pairs.items())


def waiting_for_company(shown: Shown) -> tuple[Waiting, ...]:
    """The introductions to which the company may consent, by the title of its own need."""
    return tuple(
        Waiting(
            title=title_of(each.introduction.need, shown.language),
            step=said(STEPS[each.introduction.state], shown.language),
            reference=str(each.introduction.id),
        )
        for each in shown.waiting
    )


def _candidate(suggestion: Suggestion, shown: Shown) -> Candidate:
    return candidate_of(
        suggestion.partner,
        query_of(suggestion.need),
        need_id=suggestion.need_id,
        groups=shown.groups,
        contributions={each["name"]: each["contribution"] for each in suggestion.signals},
    )


def _who(candidate: Candidate, suggestion: Suggestion, language: Language) -> str:
    """`Candidate 3f2a91bc: a researcher (Food and Health)`; the id is that of the need's list."""
    kind = ANY_PARTNER if candidate.kind is None else PARTNER_KINDS[candidate.kind]
    cluster = next((c for c in suggestion.partner.clusters if c.slug == candidate.cluster), None)
    name = "" if cluster is None else either(cluster.name_ja, cluster.name_en, language)
    words = said(kind, language) + in_brackets(cut(name, NAME), language)
    label = _label(candidate.id, language)
    return f"{label}：{words}" if language == "ja" else f"{label}: {words}"


def label_of(suggestion: Suggestion, language: Language) -> str:
    """`Candidate 3f2a91bc`, as the company knows the partner of a suggestion."""
    query = query_of(suggestion.need)
    key = candidate_id(query, need_id=suggestion.need_id, partner_id=suggestion.partner_id)
    return _label(key, language)


def _label(candidate: UUID, language: Language) -> str:
    return f"{said(CANDIDATE, language)} {candidate.hex[:ID_SIGNS]}"
