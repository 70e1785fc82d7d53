"""Match lists."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.common import DistinctList, Input, Output, Place, RequiredText, Slugs, Title
from app.schemas.explanation import (
    EXPLAINED,
    Explain,
    ExplainLevel,
    ExplanationOut,
    FacetOut,
    SentenceOut,
)
from models import CapabilityKind, EngagementType, NeedKind, PartnerKind


class SignalOut(Output):
    """One line of a score; the contributions of all lines add up to the score."""

    name: str = Field(examples=["topic"])
    value: float | None = Field(
        description="In [0, 1]; null where the data is missing and a neutral value was counted."
    )
    weight: float
    contribution: float
    detail: SentenceOut


class BestSentenceOut(Output):
    """The sentence that answers the need most: `text[start:end]` of the passage."""

    start: int
    end: int
    text: str


class EvidenceOut(Output):
    """A piece of evidence that carried the match."""

    capability_id: UUID
    external_id: str | None
    kind: CapabilityKind
    year: int | None
    text: str
    best_sentence: BestSentenceOut
    fit: float = Field(description="In [0, 1]; comparable within one list.")


class MatchedPartnerOut(Output):
    """The partner of a match."""

    id: UUID
    external_id: str | None
    kind: PartnerKind
    name_ja: str | None
    name_en: str | None
    organisation_id: UUID | None
    organisation_ja: str | None
    organisation_en: str | None
    clusters: list[str]
    engagement_types: list[str]
    languages: list[str]


class MatchOut(Output):
    """A place in the list."""

    rank: int
    score: float = Field(description="In [0, 1].")
    probability: float | None = Field(
        description="That this partner is a true one, as far as judged lists tell: they know who "
        "did work together, so other good partners count as wrong and the figure is low rather "
        "than high. Null where the ranking is not calibrated."
    )
    partner: MatchedPartnerOut
    signals: list[SignalOut]
    evidence: list[EvidenceOut]
    explanation: ExplanationOut | None = Field(description="With `explain=full`.")


class LackOut(Output):
    """A signal in which a candidate falls short of what true partners typically reach."""

    signal: str
    value: float | None = Field(description="Null where the data is missing.")
    typical: float
    detail: SentenceOut


class NearMissOut(Output):
    """Who is near but no strong partner, and what blocks or lacks."""

    rank: int = Field(description="In the list; of a blocked partner, without the constraint.")
    score: float
    partner: MatchedPartnerOut
    obstacle: str | None = Field(
        description="The hard constraint that blocks; null for a partner who is in the list.",
        examples=["engagement_refused"],
    )
    sentence: SentenceOut
    lacks: list[LackOut]


class MatchListOut(Output):
    """Partners for a need, the best first."""

    need_id: UUID | None = Field(description="Null for a text that is not stored.")
    encoder: str
    corpus_revision: int = Field(description="Of the data the list was made from.")
    pending_embeddings: int = Field(
        description="Pieces of evidence that are still being embedded and were compared by words."
    )
    blocked: dict[str, int] = Field(
        description="How many partners each hard constraint ruled out.",
        examples=[{"unavailable": 3, "engagement_refused": 12}],
    )
    strong: bool | None = Field(
        description="Whether a strong partner is known; null where that cannot be said."
    )
    strength: float | None = Field(
        description="Probability that a true partner is among the first ten, if every other need "
        "had none; null where the ranking is not calibrated."
    )
    advice: SentenceOut | None = Field(
        description="What to make of the list; null where a strong partner is known."
    )
    near_misses: list[NearMissOut] = Field(
        description="Where no strong partner is known: who is nearest, and what blocks or lacks."
    )
    facets: list[FacetOut] = Field(description="The sub-problems of the need, with `explain=full`.")
    items: list[MatchOut]


class MatchedNeedOut(Output):
    """A need in a partner's list."""

    id: UUID
    external_id: str | None
    kind: NeedKind
    title_ja: str | None
    title_en: str | None
    organisation_id: UUID
    clusters: list[str]


class StandingOut(Output):
    """How the partner stands among all partners for a need."""

    place: int | None = Field(
        description="Of the partner in the need's own list; null if it is not listed there."
    )
    eligible: int = Field(
        description="Partners with evidence whom no hard constraint of the need rules out."
    )
    appeal: float = Field(description="Mean of the need's ten highest scores.")
    margin: float = Field(description="Score less 0.75 of the appeal; the list is ordered by it.")
    reason: SentenceOut


class NeedMatchOut(Output):
    """An open need that fits the partner."""

    rank: int
    score: float = Field(description="Of the pair, as in the need's own list.")
    standing: StandingOut
    need: MatchedNeedOut
    signals: list[SignalOut]
    evidence: list[EvidenceOut]


class NeedMatchListOut(Output):
    """Open needs for a partner, those first for which the partner stands out most."""

    partner_id: UUID
    encoder: str
    corpus_revision: int
    pending_embeddings: int
    blocked: dict[str, int] = Field(description="How many needs each hard constraint ruled out.")
    items: list[NeedMatchOut]


class MatchTextIn(Input):
    """A text to find partners for; nothing of it is stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Our juice turns brown after two months in plastic bottles.",
                    "top": 5,
                    "clusters": ["food-health"],
                }
            ]
        }
    )

    title: Title = None
    text: Annotated[RequiredText, Field(examples=["Our juice turns brown after two months."])]
    top: Annotated[int, Field(ge=1, le=200)] = 10
    explain: Annotated[ExplainLevel, Field(description=EXPLAINED)] = Explain.BRIEF
    clusters: Slugs = Field(default=[], description="Only partners of one of these clusters.")
    partner_kinds: Annotated[list[PartnerKind], DistinctList] = []
    engagement_types: Annotated[list[EngagementType], DistinctList] = []
    excluded_organisations: Annotated[list[UUID], Field(max_length=200), DistinctList] = []
    include_unavailable: bool = False
    prefecture: Place = Field(default=None, description="Where the work would be done.")
    city: Place = None
