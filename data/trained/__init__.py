"""The model that comes with the program: `make train` makes it anew."""

from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).resolve().parent / "default.json"
"""Calibration of the default weights under the default encoder."""
