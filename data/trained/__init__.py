"""What was measured: the model that comes with the program, and the floors under its figures."""

from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).resolve().parent / "default.json"
"""Calibration of the default weights under the default encoder; `make train` makes it anew."""
FLOORS: Final = SHIPPED.with_name("floors.json")
"""By encoder, what the figures of `enmusubi evaluate bilingual` must reach."""
