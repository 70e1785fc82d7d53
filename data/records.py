"""What an importer reads from a file, before it meets the database.

Records are validated here, so that each bad row can be reported with its line and reason. Texts
without a stated language are put under the language of their script.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from matching.text import bilingual_text, is_reading, language_of, tidy_line, tidy_text
from models.enums import (
    CapabilityKind,
    Confidentiality,
    EngagementType,
    LicenceStatus,
    NeedKind,
    NeedStatus,
    OrganisationKind,
    PartnerKind,
)


def _text(most: int) -> BeforeValidator:
    """Empty cells are missing values; texts lose invisible and control characters."""
    return BeforeValidator(
        lambda value: (tidy_text(value, most) or None) if isinstance(value, str) else value
    )


def _line(most: int) -> BeforeValidator:
    """The same for names and titles, in which line breaks become spaces."""
    return BeforeValidator(
        lambda value: (tidy_line(value, most) or None) if isinstance(value, str) else value
    )


def _kana(value: str | None) -> str | None:
    if value is not None and not is_reading(value):
        raise ValueError("is no reading; write it in hiragana or katakana, such as くろき はるか")
    return value


def _identifier(value: Any) -> Any:
    return str(value).strip() if isinstance(value, str | int) else value


ORCID = r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"
Text = Annotated[Annotated[str, Field(max_length=50_000)] | None, _text(50_000)]
Name = Annotated[Annotated[str, Field(max_length=300)] | None, _line(300)]
KanaName = Annotated[Name, AfterValidator(_kana)]
Place = Annotated[Annotated[str, Field(max_length=100)] | None, _line(100)]
NeedTitle = Annotated[Annotated[str, Field(max_length=500)] | None, _line(500)]
CapabilityTitle = Annotated[Annotated[str, Field(max_length=1000)] | None, _line(1000)]
Identifier = Annotated[str, BeforeValidator(_identifier), Field(min_length=1, max_length=300)]
Year = Annotated[int, Field(ge=1000, le=2200)]


def _file_under_language(values: Any, plain: str, field: str) -> None:
    """Move `values[plain]` to `field_ja` or `field_en` unless that is given already."""
    text = values.pop(plain, None)
    if isinstance(text, str) and text.strip():
        values.setdefault(f"{field}_{language_of(text)}", text)


class Record(BaseModel):
    """Unknown fields are left aside: files from elsewhere carry more than is needed."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: Identifier


class ClusterRecord(Record):
    """`id` is the cluster's slug."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    name_ja: Name = None
    name_en: Name = None
    description_ja: Text = None
    description_en: Text = None


class OrganisationRecord(Record):
    """An organisation with its place."""

    kind: OrganisationKind
    name_ja: Name = None
    name_en: Name = None
    name_kana: KanaName = None
    prefecture: Place = None
    city: Place = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    clusters: list[str] = []

    @model_validator(mode="after")
    def _named(self) -> "OrganisationRecord":
        if not (self.name_ja or self.name_en):
            raise ValueError("an organisation needs name_ja or name_en")
        return self


class UnavailabilityRecord(BaseModel):
    """Days, both included, on which a partner takes no new work."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    start: Annotated[date, Field(alias="from")]
    end: Annotated[date | None, Field(alias="to")] = None
    reason: Name = None

    @model_validator(mode="after")
    def _ordered(self) -> "UnavailabilityRecord":
        if self.end is not None and self.end < self.start:
            raise ValueError(f"unavailable from {self.start} to {self.end} ends before it starts")
        return self


class CapabilityRecord(Record):
    """A piece of evidence; `title` and `abstract` (or `text`) may come without a language."""

    kind: CapabilityKind = CapabilityKind.PAPER
    title_ja: CapabilityTitle = None
    title_en: CapabilityTitle = None
    text_ja: Text = None
    text_en: Text = None
    year: Year | None = None
    source: Place = None
    licence_status: LicenceStatus | None = None
    variants: tuple[int, ...] = ()
    """Of reviewer-gold: the official profile variants that contain this evidence."""

    @model_validator(mode="before")
    @classmethod
    def _sort_by_language(cls, values: Any) -> Any:
        if isinstance(values, dict):
            values = dict(values)
            _file_under_language(values, "title", "title")
            _file_under_language(values, "abstract", "text")
            _file_under_language(values, "text", "text")
            if not values.get("year"):  # 0 stands for unknown in some files
                values.pop("year", None)
        return values

    @model_validator(mode="after")
    def _has_text(self) -> "CapabilityRecord":
        # Each is normalised by now, and None if nothing is left of it.
        if not (self.title_ja or self.text_ja or self.title_en or self.text_en):
            raise ValueError("a capability needs a title or a text")
        if self.licence_status is not None and self.kind is not CapabilityKind.PATENT:
            raise ValueError("only a patent has a licence_status")
        return self

    @property
    def passage(self) -> str:
        """The text that is embedded and indexed."""
        return bilingual_text(self.title_ja, self.text_ja, self.title_en, self.text_en)


class PartnerRecord(Record):
    """A partner with its evidence."""

    kind: PartnerKind = PartnerKind.RESEARCHER
    name_ja: Name = None
    name_en: Name = None
    name_kana: KanaName = None
    """How the name is read."""
    affiliation: Identifier | None = None
    """Id of an organisation in the same import or already stored."""
    orcid: Annotated[str, Field(pattern=ORCID)] | None = None
    researchmap_id: Place = None
    clusters: list[str] = []
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2}$")]] = []
    engagement_types: list[EngagementType] = []
    unavailable: list[UnavailabilityRecord] = []
    evidence: list[CapabilityRecord] = []

    @model_validator(mode="before")
    @classmethod
    def _sort_by_language(cls, values: Any) -> Any:
        if isinstance(values, dict):
            values = dict(values)
            _file_under_language(values, "name", "name")
            if not any(values.get(key) for key in ("name_ja", "name_en")):
                values["name_en"] = str(values.get("id", ""))
        return values


class NeedRecord(Record):
    """A need; `title` and `text` (or `brief`) may come without a language."""

    kind: NeedKind = NeedKind.TECHNOLOGY
    organisation: Identifier | None = None
    """Id of an organisation in the same import or already stored."""
    title_ja: NeedTitle = None
    title_en: NeedTitle = None
    brief_ja: Text = None
    brief_en: Text = None
    engagement_types: list[EngagementType] = []
    trl_from: Annotated[int, Field(ge=1, le=9)] | None = None
    trl_to: Annotated[int, Field(ge=1, le=9)] | None = None
    budget_jpy: Annotated[int, Field(ge=0, le=10**15)] | None = None
    deadline: date | None = None
    prefecture: Place = None
    city: Place = None
    clusters: list[str] = []
    confidentiality: Confidentiality = Confidentiality.STAFF_ONLY
    status: NeedStatus = NeedStatus.OPEN
    year: Year | None = None
    """Year in which the need was posted; this year if not said."""
    exclude_evidence: list[Identifier] = []
    new_partners: Annotated[
        list[Identifier],
        Field(validation_alias=AliasChoices("new_partners", "new_partners_of_first_author")),
    ] = []
    """Of judged sets: the right partners whom the asker had not worked with before. Not stored."""

    @model_validator(mode="before")
    @classmethod
    def _sort_by_language(cls, values: Any) -> Any:
        if isinstance(values, dict):
            values = dict(values)
            _file_under_language(values, "title", "title")
            _file_under_language(values, "text", "brief")
            _file_under_language(values, "brief", "brief")
        return values

    @model_validator(mode="after")
    def _has_text(self) -> "NeedRecord":
        if not self.query_text:
            raise ValueError("a need needs a title or a brief")
        if self.trl_from and self.trl_to and self.trl_from > self.trl_to:
            raise ValueError(f"trl_from {self.trl_from} is above trl_to {self.trl_to}")
        return self

    @property
    def query_text(self) -> str:
        """The text that is matched."""
        return bilingual_text(self.title_ja, self.brief_ja, self.title_en, self.brief_en)
