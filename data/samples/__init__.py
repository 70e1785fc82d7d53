"""The sample region: fictional organisations and people, technically true to such a region."""

from pathlib import Path
from typing import Final

REGION: Final = Path(__file__).resolve().parent / "region"
"""Folder in the form of `data.importers`, with qrels.tsv."""
