"""Who was erased must not come back by an import: keyed digests of what he or she is known by.

Only digests are kept, so that nobody without the installation's secret can ask the table whether
a name is in it. Identifiers decide alone. A name decides together with the organisation, and with
its kanji where both records have them; somebody with an ORCID iD that was not erased is another
person than an erased one who had an iD too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.errors import conflict
from app.keyring import digest
from matching.names import name_keys
from matching.names.words import words
from matching.text import normalise
from models import Organisation, Partner, PartnerAlias, Suppression

NAME: Final = "name"
NAME_AND_ORCID: Final = "name_orcid"
"""Of somebody who also had an ORCID iD."""
STRONG: Final = ("email", "orcid", "researchmap", "external_id")
"""Kinds of identifiers that decide alone."""
AT_ONCE: Final = 500

REFUSAL: Final = (
    "This person asked to be erased and must not be entered again. If he or she has come back with "
    "consent, an administrator runs `enmusubi person unsuppress` first."
)

Digests = dict[str, str]
"""Digest to kind."""


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in its spellings, with the names of the organisation that it is borne at."""

    ja: str | None = None
    kana: str | None = None
    en: str | None = None
    organisation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What somebody is known by."""

    email: frozenset[str] = frozenset()
    orcid: frozenset[str] = frozenset()
    researchmap: frozenset[str] = frozenset()
    external_id: frozenset[str] = frozenset()
    names: tuple[PersonName, ...] = ()

    def __or__(self, other: "Identifiers") -> "Identifiers":
        """What either knows."""
        sets = {kind: getattr(self, kind) | getattr(other, kind) for kind in STRONG}
        return Identifiers(**sets, names=(*self.names, *other.names))

    @property
    def strong(self) -> "Identifiers":
        """Without the names."""
        return replace(self, names=())


def some(*values: str | None) -> frozenset[str]:
    """Those that are said."""
    return frozenset(value for value in values if value)


def names_of(organisation: Organisation | None) -> tuple[str, ...]:
    """The names of an organisation; none of no organisation."""
    if organisation is None:
        return ()
    return tuple(name for name in (organisation.name_ja, organisation.name_en) if name)


def identifiers_of(partner: Partner, aliases: Sequence[PartnerAlias] = ()) -> Identifiers:
    """What a partner is known by, and what records merged into it were known by."""
    home = names_of(partner.organisation)
    named: tuple[Partner | PartnerAlias, ...] = (partner, *aliases)
    return Identifiers(
        orcid=some(partner.orcid),
        researchmap=some(partner.researchmap_id),
        external_id=some(*(row.external_id for row in named)),
        names=tuple(PersonName(r.name_ja, r.name_kana, r.name_en, home) for r in named),
    )


def digests_to_keep(identifiers: Identifiers) -> Digests:
    """The digests by which somebody who is erased is known again."""
    kind = NAME_AND_ORCID if identifiers.orcid else NAME
    names = {
        _digest(NAME, *form): kind for name in identifiers.names for form in _forms(name, kept=True)
    }
    return _strong_digests(identifiers) | names


def digests_of(identifiers: Identifiers) -> set[str]:
    """Every digest under which the bearer may be kept."""
    return digests_to_keep(identifiers).keys() | _digests_to_ask(identifiers)


def suppressed_by(session: Session, candidates: Sequence[Identifiers]) -> list[frozenset[str]]:
    """For each the digests of erased persons that it bears; empty where it may be stored."""
    if not session.scalar(select(exists().select_from(Suppression))):
        return [frozenset()] * len(candidates)
    asked = [_digests_to_ask(candidate) for candidate in candidates]
    known = _known(session, {key for digests in asked for key in digests})
    return [
        frozenset(_judged(candidate, {key: known[key] for key in digests if key in known}))
        for candidate, digests in zip(candidates, asked, strict=True)
    ]


def require_admitted(
    session: Session, identifiers: Identifiers, *, before: Identifiers | None = None
) -> None:
    """Problem 409 if they are those of an erased person.

    `before` is what the stored row is known by already: a namesake of an erased person who was
    there before can be edited.
    """
    found, held = suppressed_by(session, [identifiers, before or Identifiers()])
    if found - held:
        raise conflict(REFUSAL)


def require_admitted_email(session: Session, email: str) -> None:
    """Problem 409 if it is the e-mail address of an erased person."""
    require_admitted(session, Identifiers(email=some(email)))


def keep(session: Session, digests: Digests) -> None:
    """Store what is not stored yet."""
    known = _known(session, digests)
    rows = [Suppression(digest=d, kind=kind) for d, kind in digests.items() if d not in known]
    session.add_all(rows)
    session.flush()


def stored(session: Session, digests: Iterable[str]) -> set[str]:
    """Those of these that are stored."""
    return set(_known(session, digests))


def kept_besides(session: Session, digests: Iterable[str]) -> Digests:
    """What is stored besides these."""
    without = set(digests)
    rows = session.execute(select(Suppression.digest, Suppression.kind))
    return {row.digest: row.kind for row in rows if row.digest not in without}


def forget(session: Session, digests: Iterable[str]) -> int:
    """Let their bearers in again; returns how many were stored."""
    found = 0
    for some_digests in _batched(digests):
        statement = select(Suppression).where(Suppression.digest.in_(some_digests))
        for row in session.scalars(statement):
            session.delete(row)
            found += 1
    session.flush()
    return found


def _judged(candidate: Identifiers, found: Digests) -> Iterator[str]:
    """Of the digests that were found those that speak against the candidate."""
    strong = any(kind in STRONG for kind in found.values())
    for key, kind in found.items():
        if kind == NAME_AND_ORCID and candidate.orcid and not strong:
            continue  # two persons of one name, each with an iD of her own
        yield key


def _digests_to_ask(identifiers: Identifiers) -> set[str]:
    names = {_digest(NAME, *f) for name in identifiers.names for f in _forms(name, kept=False)}
    return _strong_digests(identifiers).keys() | names


def _strong_digests(identifiers: Identifiers) -> Digests:
    return {
        _digest(kind, normalise(value).casefold()): kind
        for kind in STRONG
        for value in getattr(identifiers, kind)
    }


def _digest(*parts: str) -> str:
    return digest("suppressions", *parts)


def _forms(name: PersonName, *, kept: bool) -> set[tuple[str, str, str]]:
    """(how, name, organisation) of a name that is kept, or of one that is asked for.

    Who reads alike but writes other kanji is another person; whoever writes no kanji can only be
    compared by the sound.
    """
    keys = name_keys(name.ja, name.kana, name.en)
    written, sounds = keys.written, keys.sounds
    if not written and not sounds:
        written = frozenset(filter(None, (_folded(text) for text in (name.ja, name.en))))
    how: set[tuple[str, str]] = {("written", key) for key in written}
    if kept:
        how |= {("sound" if written else "only_sound", key) for key in sounds}
    else:
        how |= {("only_sound", key) for key in sounds}
        how |= set() if written else {("sound", key) for key in sounds}
    homes = {_folded(home) for home in name.organisation} or {""}
    return {(*form, home) for form in how for home in homes}


def _folded(name: str | None) -> str:
    return "".join(word.written for word in words(name))


def _known(session: Session, digests: Iterable[str]) -> Digests:
    found: Digests = {}
    for some_digests in _batched(digests):
        statement = select(Suppression.digest, Suppression.kind).where(
            Suppression.digest.in_(some_digests)
        )
        found |= {row.digest: row.kind for row in session.execute(statement)}
    return found


def _batched(items: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(items)
    while some_items := list(islice(remaining, AT_ONCE)):
        yield some_items
