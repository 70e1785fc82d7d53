"""Any sentence-transformers model, fast on CPU.

Three things make it faster than a plain `model.encode` at the same vectors (cosine difference
below 1e-3, measured by `enmusubi bench-encoder`): bf16 autocast with the linear layers' weights
cast once instead of per batch, batches that hold a constant number of tokens rather than of texts,
and texts sorted by their number of tokens so that almost nothing is padding.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from matching.encoders.protocol import EncoderError, Progress, Role, Vectors, ignore_progress
from matching.text import (
    TEXT_PREPARATION_VERSION,
    count_latin_words,
    has_japanese,
    normalise,
    without_japanese,
)

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Precision = Literal["auto", "bf16", "fp32"]

TOKENS_PER_BATCH: Final = 4096
"""Fills the cores of a small machine; larger batches fall out of its caches."""
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
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        prompts = self._model.query_prompt, self._model.passage_prompt
        prompted = f":prompts={prompts!r}" if any(prompts) else ""
        reads = "" if self._model.reads_japanese else ":latin"
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
        for batch in self._batches(model, readable):
            with self._lock:  # for each batch, so that a query need not wait for a long import
                vectors[batch] = self._encode_batch(model, [readable[i] for i in batch], prompt)
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

    @staticmethod
    def _batches(model: "SentenceTransformer", texts: Sequence[str]) -> Iterator[list[int]]:
        """Positions of the texts that are not empty, longest first, about equal in tokens."""
        filled = [i for i, text in enumerate(texts) if text]
        if not filled:
            return
        encoded = model.tokenizer([texts[i] for i in filled], truncation=True)["input_ids"]
        lengths = {i: len(ids) for i, ids in zip(filled, encoded, strict=True)}
        filled.sort(key=lambda i: (-lengths[i], i))
        start = 0
        while start < len(filled):
            size = max(1, TOKENS_PER_BATCH // lengths[filled[start]])
            yield filled[start : start + size]
            start += size

    def _encode_batch(self, model: "SentenceTransformer", texts: list[str], prompt: str) -> Vectors:
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self._uses_bf16()):
            encoded = model.encode(
                texts, prompt=prompt, batch_size=len(texts), show_progress_bar=False
            )
        vectors = np.asarray(encoded, np.float32)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

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
        import torch
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
        if self._uses_bf16():
            _cast_linear_layers(model, torch.bfloat16)
        return model


def _cast_linear_layers(model: "SentenceTransformer", kind: "torch.dtype") -> None:
    """Autocast would cast these weights anew for every batch."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.to(kind)
