"""From match lists to what an actor may see of them."""

from typing import Literal
from uuid import UUID

from app.schemas.match import (
    BestSentenceOut,
    EvidenceOut,
    LackOut,
    MatchedNeedOut,
    MatchedPartnerOut,
    MatchListOut,
    MatchOut,
    NearMissOut,
    NeedMatchListOut,
    NeedMatchOut,
    SentenceOut,
    SignalOut,
    StandingOut,
)
from app.services.matches import Match, MatchList, NearMiss
from matching.explain import Passage
from matching.ranker import SignalValue
from matching.reverse import Standing
from matching.signals import Sentence

View = Literal["full", "coarse"]


def match_list(need_id: UUID | None, found: MatchList, *, view: View) -> MatchListOut:
    """Partners for a need, as that view shows them."""
    full = view == "full"
    return MatchListOut(
        need_id=need_id,
        encoder=found.encoder_id,
        corpus_revision=found.revision,
        pending_embeddings=found.pending,
        blocked=found.blocked if full else {},
        strong=found.strong,
        strength=found.strength if full else None,
        advice=None if found.advice is None else _sentence(found.advice),
        near_misses=[_near_miss(each) for each in found.near_misses] if full else [],
        items=[_match(match, full=full) for match in found.matches],
    )


def need_match_list(partner_id: UUID, found: MatchList) -> NeedMatchListOut:
    """Open needs for a partner, for staff."""
    return NeedMatchListOut(
        partner_id=partner_id,
        encoder=found.encoder_id,
        corpus_revision=found.revision,
        pending_embeddings=found.pending,
        blocked=found.blocked,
        items=[_need_match(match) for match in found.matches],
    )


def _match(match: Match, *, full: bool) -> MatchOut:
    return MatchOut(
        rank=match.rank,
        score=match.ranked.score if full else None,
        probability=match.probability if full else None,
        partner=_partner(match, full=full),
        signals=[_signal(signal) for signal in match.ranked.signals] if full else [],
        evidence=[_evidence(passage) for passage in match.evidence] if full else [],
    )


def _near_miss(near: NearMiss) -> NearMissOut:
    miss = near.miss
    return NearMissOut(
        rank=miss.rank,
        score=miss.ranked.score,
        partner=_partner(near, full=True),
        obstacle=miss.obstacle,
        sentence=_sentence(miss.sentence),
        lacks=[
            LackOut(
                signal=lack.signal,
                value=lack.value,
                typical=lack.typical,
                detail=_sentence(lack.detail),
            )
            for lack in miss.lacks
        ],
    )


def _partner(shown: Match | NearMiss, *, full: bool) -> MatchedPartnerOut:
    partner = shown.partner
    organisation = partner.organisation if full else None
    return MatchedPartnerOut(
        id=partner.id if full else None,
        external_id=partner.external_id if full else None,
        kind=partner.kind,
        name_ja=partner.name_ja if full else None,
        name_en=partner.name_en if full else None,
        organisation_id=None if organisation is None else organisation.id,
        organisation_ja=None if organisation is None else organisation.name_ja,
        organisation_en=None if organisation is None else organisation.name_en,
        clusters=[cluster.slug for cluster in partner.clusters],
        engagement_types=partner.engagement_types,
        languages=partner.languages,
    )


def _need_match(match: Match) -> NeedMatchOut:
    if match.standing is None:
        raise ValueError("a partner's list says how the partner stands for each need")
    return NeedMatchOut(
        rank=match.rank,
        score=match.ranked.score,
        standing=_standing(match.standing),
        need=_need(match),
        signals=[_signal(signal) for signal in match.ranked.signals],
        evidence=[_evidence(passage) for passage in match.evidence],
    )


def _standing(standing: Standing) -> StandingOut:
    return StandingOut(
        place=standing.place,
        eligible=standing.eligible,
        appeal=standing.appeal,
        margin=standing.margin,
        reason=SentenceOut(en=standing.reason.en, ja=standing.reason.ja),
    )


def _need(match: Match) -> MatchedNeedOut:
    need = match.need
    if need is None:
        raise ValueError("a partner's list is made of needs")
    return MatchedNeedOut(
        id=need.id,
        external_id=need.external_id,
        kind=need.kind,
        title_ja=need.title_ja,
        title_en=need.title_en,
        organisation_id=need.organisation_id,
        clusters=[cluster.slug for cluster in need.clusters],
    )


def _signal(signal: SignalValue) -> SignalOut:
    return SignalOut(
        name=signal.name,
        value=signal.value,
        weight=signal.weight,
        contribution=signal.contribution,
        detail=_sentence(signal.detail),
    )


def _sentence(sentence: Sentence) -> SentenceOut:
    return SentenceOut(en=sentence.en, ja=sentence.ja)


def _evidence(passage: Passage) -> EvidenceOut:
    evidence = passage.evidence
    return EvidenceOut.model_validate(
        {
            "capability_id": evidence.id,
            "external_id": evidence.external_id,
            "kind": evidence.kind,
            "year": evidence.year,
            "text": evidence.text,
            "best_sentence": BestSentenceOut(
                start=passage.best.start, end=passage.best.end, text=passage.best.text
            ),
            "fit": passage.fit,
        }
    )
