"""The teacher's vectors of English texts, kept on disk.

A chunk of texts is one file, named by a hash over the teacher and the texts: a run that was
interrupted, or one with more texts, reads what is there.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Encoder
from matching.encoders.training.steps import Steps

CHUNK: Final = 8192

HalfVectors = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Targets:
    """Vectors (m, d) of m different texts, and the place of each text in them."""

    vectors: HalfVectors
    places: dict[str, int]


def teacher_vectors(texts: Iterable[str], teacher: Encoder, cache: Path, steps: Steps) -> Targets:
    """The teacher's vectors of the different texts among these."""
    # By length, so that hardly anything is padded, and in one order whatever came first.
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    cache.mkdir(parents=True, exist_ok=True)
    chunks = []
    with steps("Teacher's vectors", len(ordered)) as advance:
        for start in range(0, len(ordered), CHUNK):
            some = ordered[start : start + CHUNK]
            chunks.append(_chunk(some, teacher, cache))
            advance(len(some))
    vectors = np.concatenate(chunks) if chunks else np.zeros((0, teacher.dimension), np.float16)
    return Targets(vectors, {text: place for place, text in enumerate(ordered)})


def _chunk(texts: list[str], teacher: Encoder, cache: Path) -> HalfVectors:
    key = hashlib.sha256("\n".join([teacher.id, *texts]).encode()).hexdigest()[:32]
    path = cache / f"{key}.npy"
    if path.exists():
        stored: HalfVectors = np.load(path, allow_pickle=False)
        return stored
    vectors = teacher.encode(texts).astype(np.float16)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    unfinished.rename(path)  # whole or not at all
    return vectors
