"""The folder of a trained encoder: table, tokenizer, manifest, NOTICE."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from matching.encoders.static_table import FORMAT, MANIFEST, TABLE, TOKENIZER, Table, read_manifest
from matching.encoders.training.pairs import credits_of

NOTICE: Final = "NOTICE"

_NOTICE_HEAD: Final = """\
Static encoder of Enmusubi for Japanese and English
===================================================

The table of token vectors in this folder was trained from the Japanese-English pairs of the
sources below and the vectors that all-MiniLM-L6-v2 (sentence-transformers, Apache License 2.0)
gives to their English. The pairs themselves are not in it.

"""
_NOTICE_FOOT: Final = """
As an adaptation of material under CC BY-SA 4.0 the table is offered under CC BY-SA 4.0
(https://creativecommons.org/licenses/by-sa/4.0/). The program around it has its own licence.
"""


def write_artefact(
    folder: Path,
    tokenizer: Tokenizer,
    table: Table,
    *,
    sources: Sequence[str],
    manifest: Mapping[str, Any],
) -> None:
    """Write the folder of an encoder; the manifest names the SHA-256 of table and tokenizer.

    `sources` are those of the pairs, for the NOTICE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table.save(folder / TABLE)
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    (folder / NOTICE).write_text(notice_of(sources), encoding="utf-8")
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (TABLE, TOKENIZER)
    }
    _write_manifest(folder, {"format": FORMAT, "files": files, **manifest})


def notice_of(sources: Sequence[str]) -> str:
    """The NOTICE for an encoder trained on these sources."""
    return _NOTICE_HEAD + "".join(f"- {line}\n" for line in credits_of(sources)) + _NOTICE_FOOT


def add_figures(folder: Path, figures: Mapping[str, Any]) -> None:
    """Write what was measured with an encoder into its manifest."""
    manifest = {**read_manifest(folder), "figures": figures}
    _write_manifest(folder, manifest)


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
