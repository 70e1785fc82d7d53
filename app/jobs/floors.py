"""Floors under the figures of the bilingual evaluation, by encoder, so that none slips unseen."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from app.errors import invalid
from app.jobs.bilingual import Measured


class Bound(BaseModel):
    """What a figure must reach, or must not pass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: Annotated[float | None, Field(allow_inf_nan=False)] = None
    at_most: Annotated[float | None, Field(allow_inf_nan=False)] = None

    @model_validator(mode="after")
    def _says_something(self) -> "Bound":
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self

    def breach(self, value: float) -> str | None:
        """What is wrong with a value, in words."""
        if self.at_least is not None and value < self.at_least:
            return f"{value:.4f} is below {self.at_least:g}"
        if self.at_most is not None and value > self.at_most:
            return f"{value:.4f} is above {self.at_most:g}"
        return None


Bounds = dict[str, dict[str, Bound]]
"""By set and figure."""


class Floors(RootModel[dict[str, Bounds]]):
    """The file: by encoder (as ENMUSUBI_ENCODER names it), set and figure."""


def read_floors(path: Path) -> dict[str, Bounds]:
    """The floors in a JSON file. Problem 422 with the place of what cannot be used."""
    try:
        return Floors.model_validate_json(path.read_bytes()).root
    except OSError as error:
        raise invalid("--floor", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = " / ".join(str(part) for part in fault["loc"])
        raise invalid("--floor", f"{path}: {place}: {fault['msg']}") from error


def bounds_for(encoder: str, floors: Mapping[str, Bounds]) -> Bounds:
    """The bounds of an encoder. Problem 422 if there are none: a check that holds nothing passes
    whatever happens.
    """
    if encoder not in floors:
        stated = ", ".join(floors) or "none"
        raise invalid("--floor", f"no floor for the encoder {encoder}; there are ones for {stated}")
    return floors[encoder]


def breaches(measured: Mapping[str, Measured], bounds: Bounds) -> list[str]:
    """A sentence for each figure beyond its bound; sets that were not measured are left out.

    Problem 422 for a figure that its set does not have.
    """
    found = []
    for name in (name for name in bounds if name in measured):
        figures = asdict(measured[name])
        for figure, bound in bounds[name].items():
            if figures.get(figure) is None:
                has = ", ".join(key for key, value in figures.items() if value is not None)
                raise invalid("--floor", f"{name} has no figure {figure}; it has {has}")
            if wrong := bound.breach(figures[figure]):
                found.append(f"{name}: {figure} {wrong}")
    return found
