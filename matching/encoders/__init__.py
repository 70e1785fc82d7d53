"""Encoders by name: `make_encoder` is the list of them."""

import hashlib
from pathlib import Path
from typing import Final

from matching.encoders import minilm
from matching.encoders.cached import CachedEncoder
from matching.encoders.hashing import HashingEncoder
from matching.encoders.nothing import WORDS_ONLY, NoEncoder
from matching.encoders.protocol import (
    Encoder,
    EncoderError,
    Progress,
    Role,
    Vectors,
    has_vector,
)
from matching.encoders.sentence_transformer import Model, Precision, SentenceTransformerEncoder

__all__ = [
    "CHOICES",
    "WORDS_ONLY",
    "CachedEncoder",
    "Encoder",
    "EncoderError",
    "NoEncoder",
    "Progress",
    "Role",
    "Vectors",
    "has_vector",
    "make_encoder",
]

WEIGHTS: Final = frozenset({".safetensors", ".bin"})
MODEL_FILES: Final = WEIGHTS | {".json", ".txt", ".model"}
"""What a vector depends on: weights, configuration, vocabulary."""
CHOICES: Final = ("minilm", "hashing", "st:NAME_OR_FOLDER")


def make_encoder(
    name: str,
    *,
    query_prompt: str = "",
    passage_prompt: str = "",
    precision: Precision = "auto",
) -> Encoder:
    """The encoder called `name`; its weights are checked now and loaded at the first use.

    `minilm` is all-MiniLM-L6-v2 from its package, `hashing` a toy for tests, and `st:` before a
    hub name or a folder any other sentence-transformers model, with its prompts.
    Raises EncoderError for an unknown name, a missing model or a wrong hash.
    """
    if name == "hashing":
        return HashingEncoder()
    if name == "minilm":
        folder = minilm.model_folder()
        minilm.verify(folder)
        return SentenceTransformerEncoder(
            Model(
                name=str(folder),
                fingerprint=f"all-MiniLM-L6-v2:{minilm.WEIGHTS_SHA256[:12]}",
                reads_japanese=False,
                precision=precision,
            )
        )
    if name.startswith("st:") and len(name) > len("st:"):
        source = name.removeprefix("st:")
        return SentenceTransformerEncoder(
            Model(
                name=source,
                fingerprint=_fingerprint(source),
                query_prompt=query_prompt,
                passage_prompt=passage_prompt,
                precision=precision,
            )
        )
    raise EncoderError(f"Unknown encoder {name!r}; the choices are {', '.join(CHOICES)}.")


def _fingerprint(source: str) -> str:
    """Of a folder: hash over its weights, tokenizer and configuration; of a hub name: the name."""
    folder = Path(source)
    if not folder.is_dir():
        return source
    digest = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.suffix in MODEL_FILES)
    if not any(path.suffix in WEIGHTS for path in files):
        raise EncoderError(f"{folder} holds no model weights (*.safetensors or *.bin).")
    for path in files:
        digest.update(f"{path.relative_to(folder)} {minilm.sha256_of(path)}".encode())
    return f"{folder.name}:{digest.hexdigest()[:12]}"
