"""Everyday words of English; see the README beside."""

from pathlib import Path
from typing import Final

ENGLISH: Final = Path(__file__).with_name("english.txt")
"""From frequent to rare, with spaces between them."""
