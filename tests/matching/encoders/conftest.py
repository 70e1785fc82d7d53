"""Models are loaded once per session: it takes seconds."""

import shutil
from pathlib import Path

import pytest

from matching.encoders import Encoder, make_encoder
from matching.encoders.bilingual import BilingualEncoder
from matching.encoders.hashing import HashingEncoder
from matching.encoders.minilm import model_folder
from matching.encoders.static_table import StaticEncoder


@pytest.fixture(scope="session")
def minilm() -> Encoder:
    return make_encoder("minilm")


@pytest.fixture(scope="session")
def prompted() -> Encoder:
    """The same model by its folder, with prompts and in full precision."""
    return make_encoder(
        f"st:{model_folder()}", query_prompt="query: ", passage_prompt="passage: ", precision="fp32"
    )


@pytest.fixture(scope="session")
def table(tiny_table: Path) -> StaticEncoder:
    """The bare table of the tiny encoder."""
    return StaticEncoder(tiny_table)


@pytest.fixture(scope="session")
def static(tiny_table: Path) -> Encoder:
    """Both languages by the tiny table."""
    return make_encoder("static", table=tiny_table)


@pytest.fixture(scope="session")
def bilingual(table: StaticEncoder) -> BilingualEncoder:
    """Japanese by the tiny table, English by its teacher."""
    return BilingualEncoder(
        table,
        HashingEncoder(),
        japanese_mean=table.means.japanese,
        english_mean=table.means.teacher,
    )


@pytest.fixture
def table_copy(tiny_table: Path, tmp_path: Path) -> Path:
    """The folder of the tiny encoder, to be changed by a test."""
    copied: Path = shutil.copytree(tiny_table, tmp_path / "table")
    return copied


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
