"""What a training does, in numbers: written into the manifest, and part of no other state."""

from dataclasses import dataclass
from typing import Final

TEACHER: Final = "minilm"
LARGEST_HIDDEN: Final = 1040
"""With more, a product of whole numbers could pass 2**24 and would not be exact (`exact`)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults are those of the shipped encoder; the trials are in decision 10."""

    vocabulary: int = 64_000
    """Tokens of both languages."""
    minimum_count: int = 3
    """Rarer tokens are left unknown."""
    hidden: int = 1024
    """Units of the hidden layer; at most 1,040, so that its sums stay exact."""
    templates: int = 150_000
    """Pairs of terms in templates."""
    joined: int = 60_000
    """Pairs of several sentences."""
    sense_share: float = 0.25
    """Share of the single senses that an epoch reads: there are as many as pairs."""
    english_share: float = 0.35
    """Share of the English texts, each with its own vector as the target, that an epoch reads."""
    penalty: float = 0.6
    """Of the ridge start."""
    iterations: int = 12
    """Of its conjugate gradient."""
    epochs: int = 5
    batch: int = 1024
    negatives: int = 4096
    """Targets of other texts, drawn for each batch, that no text of it may be near to."""
    table_rate: float = 2e-3
    """Learning rate of the table, falling to nothing in a straight line."""
    hidden_rate: float = 1e-3
    temperature: float = 0.05
    pull: float = 3.0
    """Weight of 1 - cosine to the teacher's vector beside the contrast."""
    drop: float = 0.1
    """Share of the tokens left out of a text each time it is read."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.hidden <= LARGEST_HIDDEN:
            raise ValueError(f"{self.hidden} hidden units: give 1 to {LARGEST_HIDDEN}.")
