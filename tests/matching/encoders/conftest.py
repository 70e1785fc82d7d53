"""Models are loaded once per session: it takes seconds."""

from pathlib import Path

import pytest

from matching.encoders import Encoder, make_encoder
from matching.encoders.minilm import model_folder


@pytest.fixture(scope="session")
def minilm() -> Encoder:
    return make_encoder("minilm")


@pytest.fixture(scope="session")
def prompted() -> Encoder:
    """The same model by its folder, with prompts and in full precision."""
    return make_encoder(
        f"st:{model_folder()}", query_prompt="query: ", passage_prompt="passage: ", precision="fp32"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with everything but real weights, to be changed by a test."""
    copy = tmp_path / "model"
    for source in model_folder().rglob("*"):
        if source.is_file() and source.suffix in {".json", ".txt"}:
            target = copy / source.relative_to(model_folder())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (copy / "model.safetensors").write_bytes(b"not the weights")
    return copy
