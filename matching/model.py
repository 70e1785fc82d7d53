"""What a ranking is made with, as one value: signals, their weights, and the calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.calibrate import Calibration, Verdict, judge
from matching.ranker import Scores
from matching.signals import SIGNALS, Signal


@dataclass(frozen=True, slots=True)
class Model:
    """By default the visible weights, and no calibration."""

    signals: tuple[Signal, ...] = SIGNALS
    calibration: Calibration | None = None

    @property
    def weights(self) -> NDArray[np.float64]:
        """(signals,)."""
        return np.array([signal.weight for signal in self.signals], np.float64)

    def judge(self, scores: Scores) -> Verdict | None:
        """What the calibration says of a list; None without one, or with too few candidates."""
        if self.calibration is None:
            return None
        return judge(scores, self.weights, self.calibration)
