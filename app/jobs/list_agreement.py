"""The match lists for the same needs asked in Japanese and in English, on a judged folder.

The needs are asked twice of the same engine, once by their Japanese text and once by their
English one, and the two lists are compared (`matching.list_agreement`): as the folder is, and with
each partner's evidence cut to one language, so that there are partners whom only a reader of
Japanese, or only one of English, can know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from app.db import Database
from app.errors import invalid
from app.jobs.embedding import embed_texts
from app.jobs.evaluating import StoredSet, part_of, store_set
from app.jobs.steps import Steps
from data import importers
from data.importers import ReadResult, read_qrels
from data.translations import needs_in_both
from matching.corpus import Corpus
from matching.encoders import Encoder, Vectors
from matching.list_agreement import ListAgreement, measure_agreement
from matching.metrics import Gains
from matching.ranker import rank
from matching.signals import SIGNALS, Signal
from matching.text import Language, content_hash

QRELS: Final = "qrels.tsv"
LANGUAGES: Final[tuple[Language, Language]] = ("ja", "en")
WHOLE: Final = ""
CUT: Final = "-cut"
"""Follows the folder's name where each partner's evidence is cut to one language."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The needs of a folder in both languages, and what is right for them."""

    stored: StoredSet
    texts: dict[Language, dict[str, str]]
    vectors: dict[Language, dict[str, Vectors]]
    judgements: dict[str, dict[str, float]]
    languages: dict[tuple[str, str], frozenset[Language]]
    """Of each piece of evidence, by its partner's id and its own."""
    stated: dict[str, frozenset[str]]
    """The languages in which each partner says that it works."""


def compare_lists(
    folder: Path,
    encoder: Encoder,
    *,
    cache: Path,
    steps: Steps,
    signals: tuple[Signal, ...] = SIGNALS,
) -> dict[str, ListAgreement]:
    """How the lists agree: under `WHOLE` on the folder as it is, under `CUT` with each partner
    cut to one language.

    Cut are the even partners to Japanese and the odd ones to English, and in a second view the
    other way round, so that no difference between the halves counts; the figures are over the
    lists of both views. Problem 422 or UnreadableImport if something cannot be used: unlike in an
    evaluation of the ranking, a need that is missing would not score 0 but vanish.
    """
    read = importers.read(folder)
    if read.problems:
        first = read.problems[0]
        raise invalid(str(folder), f"{first.file}, line {first.line}: {first.reason}")
    if not read.needs:
        raise invalid(str(folder), "holds no needs: add queries.jsonl")
    asked = _ask(folder, read, encoder, cache, steps)
    corpus = asked.stored.corpus
    cuts = [part_of(corpus, _rows(asked, parity)) for parity in (0, 1)]
    return {
        WHOLE: _agreement(asked, [corpus], signals, steps),
        CUT: _agreement(asked, cuts, signals, steps),
    }


def embed_sides(
    database: Database, encoder: Encoder, texts: Sequence[str], title: str, steps: Steps
) -> Vectors:
    """Vectors (n, d), zeros for a text without one.

    All in one role, that of queries: neither side of a pair is the document of the other.
    """
    by_hash = {content_hash(text): text for text in texts}
    found = embed_texts(
        database, encoder, by_hash, role="query", progress=steps.begin(title, len(by_hash))
    )
    return np.stack([found[content_hash(text)] for text in texts])


def _ask(folder: Path, read: ReadResult, encoder: Encoder, cache: Path, steps: Steps) -> _Asked:
    both = needs_in_both(folder, read.needs)
    texts: dict[Language, dict[str, str]] = {
        language: {need: getattr(text, language) for need, text in both.items()}
        for language in LANGUAGES
    }
    stored = store_set(folder, read, encoder, cache=cache, steps=steps)
    vectors = {}
    for language, asked in texts.items():
        title = f"embedding needs ({language})"
        rows = embed_sides(stored.database, encoder, list(asked.values()), title, steps)
        vectors[language] = dict(zip(asked, rows, strict=True))
    file = folder / QRELS
    return _Asked(
        stored,
        texts,
        vectors,
        read_qrels(file) if file.is_file() else {},
        _languages(read),
        {partner.id: frozenset(partner.languages) for partner in read.partners},
    )


def _languages(read: ReadResult) -> dict[tuple[str, str], frozenset[Language]]:
    found: dict[tuple[str, str], frozenset[Language]] = {}
    for partner in read.partners:
        for piece in partner.evidence:
            given = {"ja": piece.title_ja or piece.text_ja, "en": piece.title_en or piece.text_en}
            found[partner.id, piece.id] = frozenset(
                language for language in LANGUAGES if given[language]
            )
    return found


def _by_partner(asked: _Asked, corpus: Corpus) -> dict[str, list[tuple[int, frozenset[Language]]]]:
    """Rows of the evidence with their languages, by the partner's public id."""
    found: dict[str, list[tuple[int, frozenset[Language]]]] = {}
    for row, piece in enumerate(corpus.evidence):
        name = asked.stored.names[piece.partner]
        languages = asked.languages.get((name, piece.external_id or ""), frozenset())
        found.setdefault(name, []).append((row, languages))
    return found


def _rows(asked: _Asked, parity: int) -> list[int]:
    """The evidence that is left when each partner keeps the pieces in one language alone.

    A partner without such pieces keeps all.
    """
    kept: list[int] = []
    pieces = _by_partner(asked, asked.stored.corpus)
    for number, name in enumerate(sorted(pieces)):
        language = LANGUAGES[(number + parity) % 2]
        alone = [row for row, languages in pieces[name] if languages == {language}]
        kept += alone or [row for row, _ in pieces[name]]
    return sorted(kept)


def _agreement(
    asked: _Asked, views: Sequence[Corpus], signals: tuple[Signal, ...], steps: Steps
) -> ListAgreement:
    """Over the lists of all views; needs and partners of different views are different ones."""
    lists: dict[Language, dict[str, list[str]]] = {language: {} for language in LANGUAGES}
    only: dict[Language, set[str]] = {language: set() for language in LANGUAGES}
    judgements: dict[str, Gains] = {}
    needs = len(asked.texts["ja"])
    advance = steps.begin("ranking in both languages", len(views) * len(LANGUAGES) * needs)
    for number, corpus in enumerate(views):
        for language in LANGUAGES:
            for need, ranked in _lists(asked, corpus, language, signals).items():
                lists[language][f"{number}/{need}"] = [f"{number}/{name}" for name in ranked]
            advance(needs)
        for name, pieces in _by_partner(asked, corpus).items():
            written = frozenset[str]().union(*(of_piece for _, of_piece in pieces))
            for language in LANGUAGES:
                # By its evidence; with evidence in both languages, by what the partner states.
                if {language} in (written, asked.stated[name] if len(written) > 1 else written):
                    only[language].add(f"{number}/{name}")
        for need, gains in asked.judgements.items():
            judgements[f"{number}/{need}"] = {f"{number}/{k}": v for k, v in gains.items()}
    return measure_agreement(lists["ja"], lists["en"], only=only, judgements=judgements)


def _lists(
    asked: _Asked, corpus: Corpus, language: Language, signals: tuple[Signal, ...]
) -> Mapping[str, list[str]]:
    """By need, the public ids of its partners, the need asked in one language alone."""
    found = {}
    for need, text in asked.texts[language].items():
        # The need's facts stay, so that the same hard constraints hold in both languages.
        query = replace(asked.stored.queries[need], text=text)
        ranking = rank(query, asked.vectors[language][need], corpus, signals=signals)
        found[need] = [asked.stored.names[match.partner.id] for match in ranking.matches]
    return found
