"""Bulk embedding: the shipped encoders beside a plain `SentenceTransformer.encode`."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import numpy as np

from app.bench.timing import Measured, Rows, timed
from data import importers
from data.samples import REGION
from matching.encoders import Encoder, make_encoder
from matching.encoders.minilm import model_folder
from matching.text import language_of

TASK: Final = "bulk embedding"
PEER: Final = "plain model.encode"
OURS: Final = "enmusubi"


def embedding(texts: Sequence[str], *, rounds: int, ours: Encoder | None = None) -> Rows:
    """Texts embedded a second by MiniLM, ours and plain in turn; English texts of mixed length."""
    # Loaded here: the comparison is the only place that needs it, and torch takes seconds.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    plain = SentenceTransformer(str(model_folder()), device="cpu")
    encoder = ours or make_encoder("minilm")
    plain.encode(list(texts[:32]))
    encoder.encode(list(texts[:32]))
    seconds: dict[str, list[float]] = {OURS: [], PEER: []}
    for _ in range(rounds):
        spent, expected = timed(lambda: plain.encode(list(texts), show_progress_bar=False))
        seconds[PEER].append(spent)
        spent, vectors = timed(lambda: encoder.encode(list(texts)))
        seconds[OURS].append(spent)
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    difference = float(1 - (unit * vectors).sum(axis=1).min())
    return [
        Measured(
            TASK,
            name,
            len(texts),
            "per second",
            len(texts) / median(some),
            note=f"largest cosine difference {difference:.1e}" if name == OURS else "",
        )
        for name, some in seconds.items()
    ]


def static_rate(texts: Sequence[str]) -> Rows:
    """Texts a second of the static encoder, which needs no torch."""
    encoder = make_encoder("static")
    encoder.encode(list(texts[:32]))
    spent, _ = timed(lambda: encoder.encode(list(texts)))
    return [Measured(TASK, "enmusubi, static", len(texts), "per second", len(texts) / spent)]


def mixed_texts(number: int) -> list[str]:
    """English texts of the sample region of mixed lengths: titles, passages, profiles."""
    read = importers.read(REGION)
    found: list[str] = []
    for partner in read.partners:
        passages = [piece.passage for piece in partner.evidence]
        english = [passage for passage in passages if language_of(passage) == "en"]
        found += [passage.partition("\n")[0] for passage in english]
        found += english
        if english:
            found.append("\n".join(english))
    return (found * (number // len(found) + 1))[:number]
