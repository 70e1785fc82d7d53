"""From match lists to what an actor may see of them."""

from collections.abc import Sequence
from uuid import UUID

from app.access import View
from app.schemas.candidate import CandidateListOut, CandidateOut
from app.schemas.explanation import (
    ChangeOut,
    Explain,
    ExplanationOut,
    FacetAnswerOut,
    FacetOut,
    SentenceOut,
)
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
    SignalOut,
    StandingOut,
)
from app.schemas.need import NeedBriefOut
from app.schemas.team import TeamFacetOut, TeamMemberOut, TeamOut
from app.services.candidates import Candidate
from app.services.matches import Match, MatchList, NearMiss
from app.services.outside import Brief
from app.services.teams import FoundMember, TeamFound
from matching.explain import Passage
from matching.explanation import Explanation, FacetAnswer
from matching.greedy import GUARANTEE
from matching.ranker import SignalValue
from matching.reverse import Standing
from matching.signals import Sentence
from matching.splitting import Facet
from matching.text import language_of


def explained(view: View, asked: Explain) -> Explain:
    """How much is worked out for that view: nothing that it may not show."""
    return asked if view is View.FULL else Explain.NONE


def match_list(need_id: UUID | None, found: MatchList) -> MatchListOut:
    """Partners for a need, for staff."""
    return MatchListOut(
        need_id=need_id,
        encoder=found.encoder_id,
        corpus_revision=found.revision,
        pending_embeddings=found.pending,
        blocked=found.blocked,
        strong=found.strong,
        strength=found.strength,
        advice=None if found.advice is None else _sentence(found.advice),
        near_misses=[_near_miss(each) for each in found.near_misses],
        facets=[_facet(facet) for facet in found.facets],
        items=[_match(match) for match in found.matches],
    )


def brief_out(brief: Brief) -> NeedBriefOut:
    """A need as a partner sees it."""
    need, version = brief.need, brief.version
    return NeedBriefOut(
        view="public" if brief.view is View.PUBLIC else "teaser",
        id=need.id,
        kind=need.kind,
        status=need.status,
        version=version.number,
        title_ja=version.title_ja,
        title_en=version.title_en,
        brief_ja=version.brief_ja,
        brief_en=version.brief_en,
    )


def candidate_list(
    need_id: UUID | None, found: MatchList, shown: Sequence[Candidate]
) -> CandidateListOut:
    """Partners for a need, for the company whose need it is."""
    return CandidateListOut(
        need_id=need_id,
        strong=found.strong,
        advice=None if found.advice is None else _sentence(found.advice),
        candidates=[
            CandidateOut(
                candidate_id=candidate.id,
                kind=candidate.kind,
                cluster=candidate.cluster,
                reason=_sentence(candidate.reason),
            )
            for candidate in shown
        ],
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


def team_out(need_id: UUID, found: TeamFound) -> TeamOut:
    """A team, for staff."""
    answer = found.answer
    ids = [UUID(member.match.partner.id) for member in answer.members]
    return TeamOut(
        need_id=need_id,
        encoder=found.encoder_id,
        corpus_revision=found.revision,
        pending_embeddings=found.pending,
        blocked=found.blocked,
        members=[
            TeamMemberOut(
                partner=_partner(each),
                rank=each.member.rank,
                score=each.member.match.score,
                gain=each.member.gain,
                facets=[_facet_answer(answer) for answer in each.member.answers],
            )
            for each in found.members
        ],
        facets=[
            TeamFacetOut(
                **_facet(facet).model_dump(),
                weight=served.weight,
                covered_by=[ids[i] for i in served.members],
                others=served.others,
            )
            for facet, served in zip(found.facets, answer.facets, strict=True)
        ],
        value=answer.team.value,
        upper_bound=answer.team.bound,
        share_of_best=answer.team.share,
        guarantee=GUARANTEE,
        says=[_sentence(sentence) for sentence in answer.says],
    )


def _match(match: Match) -> MatchOut:
    return MatchOut(
        rank=match.rank,
        score=match.ranked.score,
        probability=match.probability,
        partner=_partner(match),
        signals=[_signal(signal) for signal in match.ranked.signals],
        evidence=[_evidence(passage) for passage in match.evidence],
        explanation=_explanation(match.explanation) if match.explanation else None,
    )


def _near_miss(near: NearMiss) -> NearMissOut:
    miss = near.miss
    return NearMissOut(
        rank=miss.rank,
        score=miss.ranked.score,
        partner=_partner(near),
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


def _partner(shown: Match | NearMiss | FoundMember) -> MatchedPartnerOut:
    partner = shown.partner
    organisation = partner.organisation
    return MatchedPartnerOut(
        id=partner.id,
        external_id=partner.external_id,
        kind=partner.kind,
        name_ja=partner.name_ja,
        name_en=partner.name_en,
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


def _facet(facet: Facet) -> FacetOut:
    by_language = {language_of(wording): wording for wording in facet.wordings}
    return FacetOut(en=by_language.get("en"), ja=by_language.get("ja"))


def _facet_answer(answer: FacetAnswer) -> FacetAnswerOut:
    return FacetAnswerOut(
        facet=answer.facet,
        share=answer.share,
        is_covered=answer.is_covered,
        capability_id=None if answer.evidence is None else UUID(answer.evidence.id),
        external_id=None if answer.evidence is None else answer.evidence.external_id,
    )


def _explanation(explanation: Explanation) -> ExplanationOut:
    return ExplanationOut(
        facets=[_facet_answer(answer) for answer in explanation.facets],
        changes=[
            ChangeOut(
                kind=change.kind,
                capability_id=None if change.evidence is None else UUID(change.evidence.id),
                external_id=None if change.evidence is None else change.evidence.external_id,
                score=change.score,
                rank=change.rank,
                detail=_sentence(change.detail),
            )
            for change in explanation.changes
        ],
        ahead=explanation.ahead,
        behind=explanation.behind,
    )


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
