"""The shipped encoder: a table of token vectors, their sum, and one small hidden layer.

A text is the sum of the vectors of its tokens, scaled to length 1, plus what one hidden layer
(a deep averaging network, Iyyer et al. 2015) adds for tokens that stand together. NumPy, SciPy
and `tokenizers` are all it needs; all sums are of whole numbers, so that the vectors are the same
bytes on every machine (`exact`).
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from tokenizers import Tokenizer

from matching.encoders import exact
from matching.encoders.protocol import EncoderError, Progress, Role, Vectors, ignore_progress
from matching.text import TEXT_PREPARATION_VERSION, normalise

FORMAT: Final = 1
TABLE: Final = "table.npz"
TOKENIZER: Final = "tokenizer.json"
MANIFEST: Final = "manifest.json"
UNKNOWN: Final = 0
"""Id of the token for what the table does not know."""
MAXIMUM_TOKENS: Final = 512
"""A text is read up to here: some 1,000 Japanese letters."""
ACTIVATION: Final = 508
"""Entries of a unit vector are rounded to 1/508 for the hidden layer, and cut at 127/508."""
LARGEST: Final = 127
LARGEST_SCALE: Final = 1023
"""So that 512 rows of int8 times their scale, squared and summed, stay below 2**63."""
BATCH: Final = 512
"""Texts at once. A row of the table is held once for all that have its token: 100 MB if all do."""
DAMAGE: Final = (
    *(OSError, EOFError, ValueError, TypeError, KeyError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What NumPy raises for a file that is not a table."""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of an encoder. V tokens, d dimensions, h hidden units (h may be 0)."""

    rows: NDArray[np.int8]
    """Token vectors (V, d), each to be multiplied by its scale."""
    scales: NDArray[np.int16]
    """(V,), 1 to 1023, in units that do not matter since the sum is scaled to length 1."""
    hidden: NDArray[np.int8]
    """Weights (h, d) into the hidden layer."""
    hidden_scales: NDArray[np.float32]
    """(h,): units of hidden activation per unit of the whole-number product."""
    hidden_bias: NDArray[np.float32]
    """(h,) in units of hidden activation."""
    output: NDArray[np.int8]
    """Weights (d, h) out of the hidden layer."""
    output_scales: NDArray[np.float32]
    """(d,): what one unit of the whole-number product adds to the vector."""
    means: NDArray[np.float32]
    """(3, d): mean unit vector of many texts: Japanese by the table, English by the table, English
    by the teacher."""

    def save(self, path: Path) -> None:
        """Write as a compressed npz without pickled objects."""
        np.savez_compressed(path, **{name: getattr(self, name) for name in self.__slots__})

    def check(self) -> None:
        """Raise ValueError unless shapes and kinds of the numbers fit each other."""
        (tokens, dimension), hidden = self.rows.shape, len(self.hidden)
        expected = {
            "rows": ((tokens, dimension), np.int8),
            "scales": ((tokens,), np.int16),
            "hidden": ((hidden, dimension), np.int8),
            "hidden_scales": ((hidden,), np.float32),
            "hidden_bias": ((hidden,), np.float32),
            "output": ((dimension, hidden), np.int8),
            "output_scales": ((dimension,), np.float32),
            "means": ((3, dimension), np.float32),
        }
        for name, (shape, kind) in expected.items():
            numbers = getattr(self, name)
            if (numbers.shape, numbers.dtype) != (shape, np.dtype(kind)):
                raise ValueError(f"{name} is {numbers.dtype} {numbers.shape}")

    @classmethod
    def load(cls, path: Path) -> "Table":
        """Read what `save` wrote; EncoderError if it is not that."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                table = cls(**{name: stored[name] for name in cls.__slots__})
            table.check()
        except DAMAGE as error:
            raise EncoderError(
                f"{path} is not a table of token vectors ({error}): install the package again, or "
                "train the encoder with `enmusubi encoder train`."
            ) from error
        return table


@dataclass(frozen=True, slots=True)
class Means:
    """Mean unit vectors (d,) of many texts, towards which all texts of a language lean."""

    japanese: Vectors
    english: Vectors
    teacher: Vectors
    """Of English texts as the teacher reads them."""


class StaticEncoder:
    """Reads a folder that `enmusubi encoder train` wrote; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Raises EncoderError if the folder lacks a file or one is not what its manifest says."""
        self.manifest = read_manifest(folder)
        for name, expected in self.manifest["files"].items():
            if _sha256(folder / name) != expected:
                raise EncoderError(
                    f"{folder / name} is not the file that {MANIFEST} names (its SHA-256 differs): "
                    "install the package again, or train the encoder with `enmusubi encoder train`."
                )
        self._table = Table.load(folder / TABLE)
        self._tokenizer = _tokenizer(folder / TOKENIZER, len(self._table.rows))
        self._hidden = self._table.hidden.astype(np.float32)
        self._output = self._table.output.astype(np.float32)
        digest = "".join(self.manifest["files"].values())
        self._fingerprint = hashlib.sha256(digest.encode()).hexdigest()[:12]

    @property
    def id(self) -> str:
        return f"table:{self._fingerprint}:v{TEXT_PREPARATION_VERSION}"

    @property
    def dimension(self) -> int:
        return int(self._table.rows.shape[1])

    @property
    def means(self) -> Means:
        """Mean vectors of each language."""
        return Means(*self._table.means)

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        del role  # queries and passages are read alike
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            vectors[start : start + len(some)] = self._encode(some)
            (progress or ignore_progress)(len(some))
        return vectors

    def _encode(self, texts: Sequence[str]) -> exact.Floats:
        encodings = self._tokenizer.encode_batch_fast([_readable(text) for text in texts])
        ids = [_known(encoding.ids) for encoding in encodings]
        vectors = np.zeros((len(texts), self.dimension))
        filled = [row for row, known in enumerate(ids) if len(known)]
        if filled:
            sums = self._sums([ids[row] for row in filled])
            vectors[filled] = self._through_hidden(exact.unit_of_integers(sums))
        return vectors

    def _sums(self, ids: Sequence[NDArray[np.int64]]) -> exact.Integers:
        """Sums (n, d) of the scaled rows of each list of tokens; no list is empty.

        512 tokens of 127 times 1,023 stay below 2**31.
        """
        tokens, places = np.unique(np.concatenate(ids), return_inverse=True)
        starts = np.cumsum([0, *(len(some) for some in ids)])
        # A matrix of texts by tokens times that of the tokens' rows touches no entry twice, unlike
        # a copy of a row for each place where its token stands.
        scales = self._table.scales[tokens].astype(np.int32)[places]
        counts = csr_array((scales, places, starts), shape=(len(ids), len(tokens)))
        sums: exact.Integers = (counts @ self._table.rows[tokens].astype(np.int32)).astype(np.int64)
        return sums

    def _through_hidden(self, units: exact.Floats) -> exact.Floats:
        """Unit vectors (n, d) with what the hidden layer adds, of length 1 again."""
        if not len(self._hidden):
            return units
        table = self._table
        entries = np.clip(np.rint(units * ACTIVATION), -LARGEST, LARGEST).astype(np.float32)
        hidden = exact.product(entries, self._hidden) * table.hidden_scales
        hidden = np.clip(np.rint(hidden + table.hidden_bias), 0, LARGEST)
        added = exact.product(hidden, self._output) * table.output_scales
        return exact.unit(units + added)


def prepare(text: str) -> str:
    """What the tokenizer is given: normalised, in lower case, on one line."""
    return normalise(text).lower().replace("\n", " ")


def _readable(text: str) -> str:
    """The prepared text; empty if it holds signs alone, which say nothing."""
    prepared = prepare(text)
    return prepared if any(letter.isalnum() for letter in prepared) else ""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an encoder's folder.

    Raises EncoderError if there is none or it is of another format.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{folder} holds no encoder ({error}): name a folder that "
            "`enmusubi encoder train` wrote."
        ) from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise EncoderError(
            f"{path} has format {found}, but this version reads {FORMAT}: "
            "train the encoder again with `enmusubi encoder train`."
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or files.keys() != {TABLE, TOKENIZER}:
        raise EncoderError(
            f"{path} does not name the SHA-256 of {TABLE} and {TOKENIZER}: install the package "
            "again, or train the encoder with `enmusubi encoder train`."
        )
    return manifest


def _tokenizer(path: Path, tokens: int) -> Tokenizer:
    """The tokenizer of a table with so many tokens."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # `tokenizers` raises nothing narrower
        raise EncoderError(
            f"{path} is not a tokenizer ({error}): install the package again."
        ) from error
    found = tokenizer.get_vocab_size()
    if found != tokens:
        raise EncoderError(
            f"{path} has {found} tokens, but the table beside it has {tokens}: "
            "train the encoder again with `enmusubi encoder train`."
        )
    return tokenizer


def _known(ids: Sequence[int]) -> NDArray[np.int64]:
    """The tokens to read: none if the table knows fewer than half of them."""
    tokens = np.asarray(ids[:MAXIMUM_TOKENS], np.int64)
    known: NDArray[np.int64] = tokens[tokens != UNKNOWN]
    return known if 2 * len(known) >= len(tokens) else known[:0]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(
            f"{path} cannot be read ({error}): install the package again."
        ) from error
