"""Encoders by name: `make_encoder` is the list of them."""

import hashlib
from pathlib import Path
from typing import Final

from matching.encoders import minilm
from matching.encoders.bilingual import BilingualEncoder
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
from matching.encoders.static_table import StaticEncoder

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
SHIPPED_TABLE: Final = Path(__file__).resolve().parents[2] / "data" / "encoders" / "table"
"""Folder of the static encoder that comes with the program."""
MINILM: Final = f"all-MiniLM-L6-v2:{minilm.WEIGHTS_SHA256[:12]}"
CHOICES: Final = ("bilingual", "static", "table", "minilm", "hashing", "st:NAME_OR_FOLDER")


def make_encoder(
    name: str,
    *,
    query_prompt: str = "",
    passage_prompt: str = "",
    precision: Precision = "auto",
    table: Path = SHIPPED_TABLE,
) -> Encoder:
    """The encoder called `name`; its weights are checked now and loaded at the first use.

    `bilingual` reads Japanese by the static table and English by all-MiniLM-L6-v2; `static` reads
    both by the table, without torch; `table` is the bare table, `minilm` the bare model, `hashing`
    a toy for tests, and `st:` before a hub name or a folder any other sentence-transformers model,
    with its prompts. `table` is a folder that `enmusubi encoder train` wrote.
    Raises EncoderError for an unknown name, a missing model or a wrong hash.
    """
    if name == "hashing":
        return HashingEncoder()
    if name == "minilm":
        return _minilm(precision)
    if name == "table":
        return StaticEncoder(table)
    if name == "static":
        both = StaticEncoder(table)
        means = both.means
        return BilingualEncoder(
            both, both, japanese_mean=means.japanese, english_mean=means.english
        )
    if name == "bilingual":
        japanese, english = StaticEncoder(table), _minilm(precision)
        _check_teacher(japanese, table)
        means = japanese.means
        return BilingualEncoder(
            japanese,
            english,
            japanese_mean=means.japanese,
            english_mean=means.teacher,
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


def _check_teacher(encoder: StaticEncoder, folder: Path) -> None:
    """Vectors of two spaces must never meet."""
    teacher = encoder.manifest.get("teacher")
    if MINILM not in str(teacher):
        raise EncoderError(
            f"The table in {folder} was taught by {teacher}, not by {MINILM}, so their vectors "
            "cannot be compared: choose the encoder `static`, or train the table anew with "
            "`enmusubi encoder train`."
        )


def _minilm(precision: Precision) -> Encoder:
    folder = minilm.model_folder()
    minilm.verify(folder)
    return SentenceTransformerEncoder(
        Model(
            name=str(folder),
            fingerprint=MINILM,
            reads_japanese=False,
            precision=precision,
        )
    )


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
