"""Japanese-English pairs: the file they are read from, and whom to credit for them."""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TRAINING_FILE: Final = "train.tsv.gz"

CREDITS: Final = {
    "jmdict": "JMdict, Electronic Dictionary Research and Development Group, CC BY-SA 4.0",
    "edrdg": "EDRDG technical glossaries (computing, life science, engineering), EDRDG licence",
    "ejdict": "EJDict, public domain",
    "ainotes": "AI-Knowledge-Notes, Hashimoto laboratory, CC BY 4.0",
    "small": "Tanaka corpus (small_parallel_enja), CC BY 2.0 FR",
    "pydocs": "Japanese Python documentation, translation CC0, text PSF licence",
    "tfdocs": "TensorFlow documentation, CC BY 4.0",
    "hpo": "Human Phenotype Ontology labels, HPO terms (citation: Gargano et al. 2024)",
    "wikidata": "Wikidata labels, CC0",
    "jsick": "JSICK, Yanaka and Mineshima, CC BY 4.0",
}
"""Source in the training file to the line of the NOTICE."""


class PairsError(Exception):
    """The training data cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A Japanese text, its English, and the source it comes from."""

    japanese: str
    english: str
    source: str


def read_pairs(folder: Path) -> list[Pair]:
    """The pairs of `train.tsv.gz` in a folder, in its order.

    Raises PairsError if the file is missing, damaged or empty, or a line has not three fields.
    """
    path = folder / TRAINING_FILE
    pairs: list[Pair] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                pairs.append(_pair(line, number, path))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise PairsError(
            f"{path} cannot be read after line {len(pairs)} ({error}): name a folder with a whole "
            f"{TRAINING_FILE} of lines Japanese, tab, English, tab, source."
        ) from error
    if not pairs:
        raise PairsError(
            f"{path} holds no pairs: write lines Japanese, tab, English, tab, source into it."
        )
    return pairs


def _pair(line: str, number: int, path: Path) -> Pair:
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 3 or not all(field.strip() for field in fields):
        empty = sum(not field.strip() for field in fields)
        raise PairsError(
            f"{path}, line {number}: expected Japanese, tab, English, tab, source; "
            f"found {len(fields)} fields, {empty} of them empty. Mend the line or leave it out."
        )
    return Pair(*fields)


def fingerprint(pairs: Iterable[Pair]) -> str:
    """SHA-256 (64 hexadecimal digits) over the pairs in their order."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.japanese}\t{pair.english}\t{pair.source}\n".encode())
    return digest.hexdigest()


def credits_of(sources: Sequence[str]) -> list[str]:
    """The lines of a NOTICE for these sources; an unlisted one is named as such."""
    return [CREDITS.get(source, f"{source} (credit not known)") for source in sorted(set(sources))]
