"""Any sentence-transformers model, fast on CPU.

Three things make it faster than a plain `model.encode` at the same vectors (cosine difference
below 1e-3, measured by `enmusubi bench encoder`): weights in bf16, batches that hold a constant
number of tokens rather than of texts, and texts sorted by their number of tokens so that almost
nothing is padding. Where the extra `openvino` is installed, the model is compiled by it, which is
faster again.
"""

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from matching.encoders import openvino_model
from matching.encoders.protocol import EncoderError, Progress, Role, Vectors, ignore_progress
from matching.text import (
    TEXT_PREPARATION_VERSION,
    count_latin_words,
    has_japanese,
    normalise,
    without_japanese,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Precision = Literal["auto", "bf16", "fp32"]

TOKENS_PER_BATCH: Final = 1024
"""Fills two cores; larger batches fall out of their caches."""
MINIMUM_LATIN_WORDS: Final = 8
"""Fewer English words than this inside a Japanese text do not stand for what it says."""


@dataclass(frozen=True, slots=True)
class Model:
    """Which model, how it is prompted, and what it can read."""

    name: str
    """Name on a model hub, or a folder."""
    fingerprint: str
    """Identifies the weights in the encoder id."""
    query_prompt: str = ""
    passage_prompt: str = ""
    reads_japanese: bool = True
    """If false, kana and kanji are left out, and a text with hardly anything else has no vector:
    an English model gives nearly the same vector to all Japanese texts."""
    precision: Precision = "auto"


class SentenceTransformerEncoder:
    """Loads its model at the first `encode`; safe to share between threads."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loaded: SentenceTransformer | None = None
        self._compiled: openvino_model.Forward | None = None
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        prompts = self._model.query_prompt, self._model.passage_prompt
        digest = hashlib.sha256(repr(prompts).encode()).hexdigest()[:12]
        prompted = f":prompts-{digest}" if any(prompts) else ""
        reads = "" if self._model.reads_japanese else ":latin"
        # Precision is left out: bf16 and fp32 differ by less than 1e-3 in cosine.
        return f"st:{self._model.fingerprint}:v{TEXT_PREPARATION_VERSION}{reads}{prompted}"

    @property
    def dimension(self) -> int:
        dimension = self._load().get_embedding_dimension()
        if dimension is None:
            raise EncoderError(f"The model {self._model.name} does not state its dimension.")
        return dimension

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        progress = progress or ignore_progress
        model = self._load()
        readable = [self._readable(text) for text in texts]
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        empty = sum(not text for text in readable)
        if empty:
            progress(empty)
        prompt = self._model.query_prompt if role == "query" else self._model.passage_prompt
        filled = [i for i, text in enumerate(readable) if text]
        with self._lock:  # a tokenizer is not safe to share between threads
            tokens = _tokenise(model, [prompt + readable[i] for i in filled])
        for batch in _batches([len(ids) for ids in tokens]):
            with self._lock:  # for each batch, so that a query need not wait for a long import
                ids, mask = _padded(model, [tokens[place] for place in batch])
                encoded = _unit((self._compiled or _by_torch(model))(ids, mask))
            vectors[[filled[place] for place in batch]] = encoded
            progress(len(batch))
        return vectors

    def _readable(self, text: str) -> str:
        text = normalise(text)
        if self._model.reads_japanese:
            return text
        if not has_japanese(text):
            return text if any(character.isalnum() for character in text) else ""
        latin = without_japanese(text)
        return latin if count_latin_words(latin) >= MINIMUM_LATIN_WORDS else ""

    def _uses_bf16(self) -> bool:
        import torch

        if self._model.precision == "auto":
            return bool(torch.cpu._is_avx512_bf16_supported())  # no public call tells
        return self._model.precision == "bf16"

    def _load(self) -> "SentenceTransformer":
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read_model()
            return self._loaded

    def _read_model(self) -> "SentenceTransformer":
        # Imported here, not above: torch takes seconds, and /healthz must answer before that.
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = Path(self._model.name).is_dir()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        try:
            model = SentenceTransformer(self._model.name, device="cpu", local_files_only=folder)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise EncoderError(
                f"The model {self._model.name} cannot be loaded ({error}): name a folder that "
                "holds a sentence-transformers model, or a model on a hub that can be reached."
            ) from error
        if openvino_model.is_installed():
            self._compiled = openvino_model.compiled(model, bf16=self._uses_bf16())
        # Cast once: autocast would cast all weights anew for every batch.
        return model.bfloat16() if self._uses_bf16() else model


def _tokenise(model: "SentenceTransformer", texts: list[str]) -> list[list[int]]:
    """Token ids of each text, cut at the model's length."""
    if not texts:
        return []
    encoded = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions in batches of about equal numbers of tokens, the longest texts first."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    start = 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // max(lengths[order[start]], 1))
        yield order[start : start + size]
        start += size


def _padded(
    model: "SentenceTransformer", tokens: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids (n, t) of texts, and a mask that is 0 where they are padded."""
    size = len(tokens), max(map(len, tokens))
    ids = np.full(size, model.tokenizer.pad_token_id or 0, np.int64)
    mask = np.zeros(size, np.int64)
    for row, some in enumerate(tokens):
        ids[row, : len(some)] = some
        mask[row, : len(some)] = 1
    return ids, mask


def _by_torch(model: "SentenceTransformer") -> openvino_model.Forward:
    """The model itself. Not `model.encode`, which would tokenise the texts a second time."""
    import torch

    def forward(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            vectors: Vectors = model(features)["sentence_embedding"].float().numpy()
        return vectors

    return forward


def _unit(vectors: Vectors) -> Vectors:
    """Vectors (n, d) scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.float32(1e-12))
    return unit
