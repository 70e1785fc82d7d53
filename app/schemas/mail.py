"""Mail: consents, preferences and the kill switch in requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from app.schemas.common import Input, Output
from models import ConsentMeans, DigestFrequency


class MyMailIn(Input):
    """How often one wants digests, and whether one consents to be mailed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"frequency": "weekly", "consent": True}]}
    )

    frequency: DigestFrequency
    consent: Annotated[
        bool, Field(description="A change of it is recorded, with its time, as self_service.")
    ]


class MyMailOut(Output):
    """How often one gets digests, and whether they may be sent."""

    frequency: DigestFrequency
    consent: bool
    consent_needed: Annotated[
        bool, Field(description="False for staff, who are mailed without a consent.")
    ]
    means: Annotated[
        ConsentMeans | None,
        Field(description="How the consent was given or withdrawn; null if neither was."),
    ]
    at: Annotated[datetime | None, Field(description="When.")]


class ConsentIn(Input):
    """What the office was told: that somebody consents to be mailed, or withdraws that."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"given": True, "means": "written", "at": "2026-04-01T09:00:00+09:00"}]
        }
    )

    given: bool
    means: Annotated[
        ConsentMeans,
        Field(
            description="written, spoken, e_mail, web_form or business_card; the others are "
            "recorded by the service itself."
        ),
    ]
    at: Annotated[AwareDatetime, Field(description="When it was given or withdrawn.")]


class ConsentOut(Output):
    """The record of a consent or of its withdrawal; that of the latest `at` counts."""

    id: UUID
    given: bool
    means: ConsentMeans
    at: datetime
    recorded_by: Annotated[
        UUID | None, Field(description="Null: by the service itself, or at the terminal.")
    ]
    recorded_at: datetime


class SwitchIn(Input):
    """Whether mail may leave."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"allowed": False}]})

    allowed: bool


class SwitchOut(Output):
    """Whether mail may leave, and since when not."""

    allowed: bool
    halted_at: datetime | None
