"""What is searched in a bench: real texts where a folder of them is given, else made-up ones.

Public sets hold some thousand pieces, a bench a million. Beyond their number, pieces are made of
sentences drawn at random from the real ones, so that words keep their frequencies and the words of
a sentence their company; only which sentences stand together is made up. Vectors are those of the
static encoder, of a drawn piece the mean of its sentences' vectors, which is close to what that
encoder would give.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from app.errors import invalid
from data import importers
from matching.corpus import Evidence, Partner, Query
from matching.encoders import Encoder, Vectors, make_encoder
from matching.filters import Filters
from matching.synthetic import TODAY, Request, make_region
from matching.text import sentences

PIECES_A_PARTNER: Final = 10
SENTENCES: Final = (2, 8)
"""Of a drawn piece, at least and fewer than."""
MADE_UP: Final = "made-up texts"
MADE_UP_PARTNERS: Final = 300
"""Whose sentences are drawn where none are given."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Partners, their evidence (n), its vectors (n, d) and questions."""

    source: str
    """Where the texts come from, in words."""
    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    vectors: Vectors
    requests: tuple[Request, ...]

    @property
    def size(self) -> int:
        """Pieces of evidence."""
        return len(self.evidence)

    def first(self, size: int) -> "Collection":
        """The same with the first pieces of evidence only, and the partners they belong to."""
        evidence = self.evidence[:size]
        owners = {piece.partner for piece in evidence}
        return replace(
            self,
            partners=tuple(partner for partner in self.partners if partner.id in owners),
            evidence=evidence,
            vectors=self.vectors[:size],
        )


def make_collection(size: int, requests: int, *, folder: Path | None, seed: int = 1) -> Collection:
    """`size` pieces of evidence of a tenth as many partners, and so many questions.

    With `folder` a set in the form of the public sets, or a folder of such; Problem 422 if it holds
    no evidence.
    """
    if folder is None:
        region = make_region(max(size // PIECES_A_PARTNER, 1), size, requests, seed=seed)
        return Collection(
            MADE_UP, region.partners, region.evidence, region.vectors, region.requests
        )
    encoder = make_encoder("static")
    texts, questions = _read(folder)
    random = np.random.default_rng(seed)
    drawn, vectors = _pieces(texts, size, encoder, random)
    owner = np.sort(random.integers(max(size // PIECES_A_PARTNER, 1), size=size))
    asked = [questions[i] for i in random.permutation(len(questions))[:requests]]
    return Collection(
        f"{min(len(texts), size)} real texts of {folder.name}"
        + (f", {size - len(texts)} drawn from their sentences" if size > len(texts) else ""),
        tuple(Partner(id=f"p{i:06}", kind="researcher") for i in np.unique(owner)),
        tuple(
            Evidence(id=f"e{row:07}", partner=f"p{owner[row]:06}", text=text, kind="paper")
            for row, text in enumerate(drawn)
        ),
        vectors,
        tuple(
            Request(Query(text=text, posted_on=TODAY), vector, Filters())
            for text, vector in zip(asked, encoder.encode(asked, role="query"), strict=True)
        ),
    )


def spoken_sentences(folder: Path | None, *, seed: int) -> list[str]:
    """Sentences to make texts of: of the public sets in a folder, or of a made-up region."""
    if folder is None:
        region = make_region(MADE_UP_PARTNERS, MADE_UP_PARTNERS * PIECES_A_PARTNER, 1, seed=seed)
        texts = [piece.text for piece in region.evidence]
    else:
        texts, _ = _read(folder)
    return _sentences(texts)


def read_questions(folder: Path) -> list[str]:
    """The questions of the public sets in a folder, each once."""
    return _read(folder)[1]


def _read(folder: Path) -> tuple[list[str], list[str]]:
    """Passages and questions of the sets in a folder."""
    sets = [folder] if (folder / "people.jsonl").exists() else sorted(folder.iterdir())
    texts: dict[str, None] = {}
    questions: dict[str, None] = {}
    for each in sets:
        if not (each / "people.jsonl").exists():
            continue
        for partner in importers.read(each).partners:
            texts |= dict.fromkeys(piece.passage for piece in partner.evidence)
        with (each / "queries.jsonl").open(encoding="utf-8") as lines:
            questions |= dict.fromkeys(json.loads(line)["text"] for line in lines)
    if not texts or not questions:
        raise invalid("texts", f"{folder} holds no set with people.jsonl and queries.jsonl")
    return list(texts), list(questions)


def _pieces(
    texts: Sequence[str], size: int, encoder: Encoder, random: np.random.Generator
) -> tuple[list[str], Vectors]:
    """The texts and their vectors, drawn ones after the real ones, in random order."""
    real = [texts[i] for i in random.permutation(len(texts))[:size]]
    vectors = np.zeros((size, encoder.dimension), np.float32)
    vectors[: len(real)] = encoder.encode(real)
    if size > len(real):
        spoken = _sentences(texts)
        meaning = encoder.encode(spoken)
        for row in range(len(real), size):
            chosen = random.integers(len(spoken), size=random.integers(*SENTENCES))
            real.append(" ".join(spoken[i] for i in chosen))
            vectors[row] = meaning[chosen].sum(axis=0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return real, vectors


def _sentences(texts: Sequence[str]) -> list[str]:
    return [span.text for text in texts for span in sentences(text)]
