"""Measures how far an encoder, and the ranking with it, treats Japanese and English alike.

Three measures, told apart by what a path holds: retrieval of translations (`data.pairs`), likeness
of sentences as people rated it (`data.pairs`), and the match lists for the same needs in both
languages (`app.jobs.list_agreement`, on a judged folder such as the sample region).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.db import Database
from app.jobs.list_agreement import QRELS, compare_lists, embed_sides
from app.jobs.steps import Steps
from app.migrations import upgrade
from data.pairs import RatedPair, read_sets
from data.translations import TRANSLATIONS
from matching.encoders import Encoder
from matching.list_agreement import ListAgreement
from matching.pair_retrieval import Retrieval, measure_retrieval
from matching.sentence_similarity import Similarity, measure_similarity
from matching.signals import SIGNALS, Signal
from matching.text import content_hash

Measured = Retrieval | Similarity | ListAgreement

VECTORS: Final = "bilingual.db"
"""In the cache: the vectors of all pairs, by their texts."""


def evaluate_bilingual(
    path: Path,
    encoder: Encoder,
    *,
    cache: Path,
    steps: Steps,
    signals: tuple[Signal, ...] = SIGNALS,
) -> dict[str, Measured]:
    """What a path holds, measured, by set name.

    `cache` holds the vectors, so that a second run embeds nothing anew. Raises UnreadableImport
    or Problem 422 if something cannot be used.
    """
    if (path / TRANSLATIONS).is_file() or (path / QRELS).is_file():
        found = compare_lists(path, encoder, cache=cache, steps=steps, signals=signals)
        return {path.resolve().name + suffix: measured for suffix, measured in found.items()}
    sets = read_sets(path)
    database = Database.at(f"sqlite:///{cache / VECTORS}")
    try:
        upgrade(database)
        pairs = {n: _retrieval(n, p, database, encoder, steps) for n, p in sets.pairs.items()}
        rated = {n: _similarity(n, p, database, encoder, steps) for n, p in sets.rated.items()}
    finally:
        database.engine.dispose()
    return {**pairs, **rated}


def _retrieval(
    name: str,
    pairs: Sequence[tuple[str, str]],
    database: Database,
    encoder: Encoder,
    steps: Steps,
) -> Retrieval:
    japanese, english = ([pair[side] for pair in pairs] for side in (0, 1))
    vectors = embed_sides(
        database, encoder, [*japanese, *english], f"{name}: embedding pairs", steps
    )
    return measure_retrieval(
        vectors[: len(pairs)],
        vectors[len(pairs) :],
        japanese_texts=[content_hash(text) for text in japanese],
        english_texts=[content_hash(text) for text in english],
    )


def _similarity(
    name: str, pairs: Sequence[RatedPair], database: Database, encoder: Encoder, steps: Steps
) -> Similarity:
    texts = [pair.one for pair in pairs] + [pair.other for pair in pairs]
    vectors = embed_sides(database, encoder, texts, f"{name}: embedding sentences", steps)
    return measure_similarity(
        vectors[: len(pairs)],
        vectors[len(pairs) :],
        texts=[(pair.one, pair.other) for pair in pairs],
        rated=[pair.score for pair in pairs],
    )
