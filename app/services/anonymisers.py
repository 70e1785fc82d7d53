"""What is known when a need is made anonymous: every name in the database, and the region."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, func, select, true, union_all
from sqlalchemy.orm import Session

from app.services.corpus import Engine
from data.everyday import ENGLISH
from matching.anonymise import (
    PLACES,
    Anonymiser,
    Kind,
    KnownNames,
    Name,
    Region,
    Vocabulary,
    names_of,
)
from matching.encoders import SHIPPED_TABLE
from models import (
    Confidentiality,
    Need,
    Organisation,
    OrganisationKind,
    Partner,
    PartnerAlias,
    PartnerKind,
)

Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Names as they were when the database had that stamp."""

    stamp: Stamp
    known: KnownNames


_kept: _Kept | None = None


def anonymiser_for(session: Session, engine: Engine) -> Anonymiser:
    """Of the database as it is now: the names are read again only when one has changed.

    Terms are counted in partners' evidence alone: no need has a share in what is rare.
    """
    global _kept  # noqa: PLW0603 - one for the process: making it takes seconds in a large region
    places = _places(session)
    stamp = (*_stamp(session), places)
    kept = _kept  # read once: another thread may replace it at any time
    if kept is None or kept.stamp != stamp:
        names = [*_names(session), *names_of(places, Kind.PLACE)]
        known = KnownNames.of(names, _vocabulary(), like=None if kept is None else kept.known)
        kept = _kept = _Kept(stamp, known)
    region = Region.of(engine.corpora.current(session).corpus)
    return Anonymiser(kept.known, region, _vocabulary())


def _stamp(session: Session) -> Iterator[object]:
    """Another one as soon as a name has changed."""
    yield str(session.get_bind().engine.url)
    for table in (Organisation, Partner, PartnerAlias):
        row = session.execute(select(func.count(), func.max(table.updated_at))).one()
        yield tuple(row)


@cache
def _vocabulary() -> Vocabulary:
    return Vocabulary.read(SHIPPED_TABLE / "tokenizer.json", ENGLISH)


def _names(session: Session) -> Iterator[Name]:
    organisations = select(
        Organisation.kind, Organisation.name_ja, Organisation.name_en, Organisation.name_kana
    )
    for row in session.execute(organisations):
        company = row.kind is OrganisationKind.COMPANY
        yield from names_of(row[1:], Kind.COMPANY if company else Kind.INSTITUTION)
    partners = select(Partner.kind, Partner.name_ja, Partner.name_en, Partner.name_kana)
    for partner in session.execute(partners):
        person = partner.kind is PartnerKind.RESEARCHER
        # A laboratory is called by its field: only the whole name is a name.
        kind = Kind.PERSON if person else Kind.INSTITUTION
        yield from names_of(partner[1:], kind, whole=True)
    aliases = select(PartnerAlias.name_ja, PartnerAlias.name_en, PartnerAlias.name_kana)
    for alias in session.execute(aliases):
        yield from names_of(tuple(alias), Kind.PERSON)


def _places(session: Session) -> tuple[str, ...]:
    # What is taken out of one need's draft must not tell where a hidden need is at home.
    known = Need.confidentiality != Confidentiality.NAMED_STAFF
    columns: list[tuple[ColumnElement[str | None], ColumnElement[bool]]] = [
        (Organisation.prefecture.expression, true()),
        (Organisation.city.expression, true()),
        (Need.prefecture.expression, known),
        (Need.city.expression, known),
    ]
    statement = union_all(
        *(select(c).where(c.is_not(None), shown).distinct() for c, shown in columns)
    )
    return (*PLACES, *sorted({str(row[0]) for row in session.execute(statement)}))
