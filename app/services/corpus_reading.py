"""A corpus from the rows: made from all of them, or brought up to what has changed since."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from app.services.changes import State, changed_since
from app.services.corpus_rows import Rows, read_all, read_some
from app.services.corpus_vectors import (
    FoundVectors,
    ServerSearch,
    find_all_vectors,
    find_vectors,
    stored_by_now,
)
from app.services.counting import count_many
from matching.corpus import Corpus, Evidence
from matching.counted import Counted
from matching.encoders import CachedEncoder, Encoder
from matching.lexical import TermCounts, count_terms
from matching.vectors import VectorIndex

LARGE: Final = 5000
"""Pieces of evidence from which on a corpus is changed in parts and has snapshots."""
MOST: Final = 0.5
"""Share of the partners; if more have changed, the corpus is made anew at once."""
MANY: Final = 10_000
"""Texts waiting for vectors, above which it is not asked all the time which have arrived."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus and the revision of the data that it holds."""

    corpus: Corpus
    revision: int
    base: int = 0
    """The revision at which it was last made from all rows."""
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Texts, by content hash, without a vector yet, and whose they are."""

    @property
    def is_elsewhere(self) -> bool:
        """True if the vectors do not lie in this process: then there is nothing to save or map."""
        return not isinstance((self.corpus.base or self.corpus).vectors, VectorIndex)


class CorpusReader:
    """Reads corpora for one encoder. It only reads: it stores no vector that it computes."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        inline: int,
        like: "CorpusReader | None" = None,
        large: int = LARGE,
        server: ServerSearch | None = None,
        on_missing: Callable[[], None] = lambda: None,
    ) -> None:
        """`like` reads for another encoder: what does not depend on that is taken over.

        Up to `inline` new texts are embedded at once; `on_missing` is called when texts without a
        stored vector were met. Without `server` vectors are searched in this process.
        """
        self._encoder = encoder
        self._inline = inline
        self._large = large
        self._server = server
        self._terms: dict[str, TermCounts] = {} if like is None else like._terms
        self._asks_again_at = 0.0
        self._on_missing = on_missing

    def is_large(self, loaded: Loaded) -> bool:
        """True if it is changed in parts."""
        return len(loaded.corpus.evidence) >= self._large

    def build(self, session: Session, state: State) -> Loaded:
        """From all rows."""
        rows = read_all(session)
        terms = self._count(rows.evidence)
        found = find_all_vectors(session, self._encoder, rows, self._server)
        vectors, waiting = found.vectors, self._fill(found, rows)
        corpus = Corpus.build(
            rows.partners,
            rows.evidence,
            vectors,
            terms,
            pending=len(waiting),
        )
        return Loaded(corpus, state.revision, state.revision, waiting)

    def _count(self, evidence: Sequence[Evidence]) -> Sequence[TermCounts] | Counted:
        """The words of these texts; those of a small corpus are remembered."""
        if len(evidence) >= self._large > 0:
            self._terms = {}
            return count_many([piece.text for piece in evidence])
        known = self._terms
        terms = [known.get(piece.text) or count_terms(piece.text) for piece in evidence]
        self._terms = {piece.text: one for piece, one in zip(evidence, terms, strict=True)}
        return terms

    def followed(
        self, session: Session, before: Loaded, state: State, *, renew_pending: bool
    ) -> Loaded | None:
        """The corpus with what has changed since; None if it is to be made anew."""
        if state.revision < before.revision:
            return before  # rows of an older session must not come back
        if state.complete_from > before.revision:
            return None
        touched = set(map(str, changed_since(session, before.revision)))
        if renew_pending:
            touched |= self._arrived(session, before)
        if not touched:
            return replace(before, revision=state.revision)
        if not self.is_large(before) or len(touched) > MOST * len(before.corpus.partners):
            return None
        rows = read_some(session, [UUID(key) for key in sorted(touched)])
        terms = [count_terms(piece.text) for piece in rows.evidence]
        vectors, missing = find_vectors(session, self._encoder, rows.hashes)
        fresh = self._fill(FoundVectors(vectors, missing), rows)
        waiting = _without(before.waiting, touched) | fresh
        corpus = before.corpus.changed(
            rows.partners,
            rows.evidence,
            vectors,
            terms,
            gone=touched - {partner.id for partner in rows.partners},
            pending=len(waiting),
        )
        after = Loaded(corpus, state.revision, before.base, waiting)
        self.forget_sentences(before, after, of=touched)
        return after

    def _arrived(self, session: Session, before: Loaded) -> set[str]:
        """Partners of whose texts a vector is stored by now."""
        if len(before.waiting) > MANY and time.monotonic() < self._asks_again_at:
            return set()
        started = time.monotonic()
        arrived = stored_by_now(session, self._encoder, before.waiting.keys())
        self._asks_again_at = time.monotonic() + 10 * (time.monotonic() - started)
        return {owner for key in arrived for owner in before.waiting[key]}

    def _fill(self, found: FoundVectors, rows: Rows) -> dict[str, tuple[str, ...]]:
        """Embed what is missing if that is little; returns what is left to the background."""
        texts = {rows.hashes[row]: rows.evidence[row].text for row in found.missing}
        if not texts:
            return {}
        self._on_missing()
        if len(texts) <= self._inline and isinstance(found.vectors, np.ndarray):
            encoded = self._encoder.encode(list(texts.values()))
            fresh = dict(zip(texts, encoded, strict=True))
            for row in found.missing:
                found.vectors[row] = fresh[rows.hashes[row]]
            return {}
        owners: dict[str, list[str]] = defaultdict(list)
        for row in found.missing:
            owners[rows.hashes[row]].append(rows.evidence[row].partner)
        return {key: tuple(some) for key, some in owners.items()}

    def forget_sentences(
        self, before: Loaded | None, after: Loaded, of: Collection[str] | None = None
    ) -> None:
        """Of somebody who was erased, sentences may be remembered."""
        if before is None or not isinstance(self._encoder, CachedEncoder):
            return
        if _pieces(before.corpus, of) - _pieces(after.corpus, of):
            self._encoder.forget()


def _without(
    waiting: Mapping[str, tuple[str, ...]], partners: Collection[str]
) -> dict[str, tuple[str, ...]]:
    left = {
        key: tuple(owner for owner in owners if owner not in partners)
        for key, owners in waiting.items()
    }
    return {key: owners for key, owners in left.items() if owners}


def _pieces(corpus: Corpus, of: Collection[str] | None) -> set[str]:
    """Ids of the evidence, of these partners or of all."""
    if of is None:
        return {piece.id for piece in corpus.evidence}
    places = [corpus.position[key] for key in of if key in corpus.position]
    return {piece.id for place in places for piece in corpus.evidence[corpus.rows_of(place)]}
