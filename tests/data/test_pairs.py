"""Pairs and rated pairs in the forms they come in, and what is said of those that are wrong."""

import gzip
import json
from pathlib import Path

import pytest

from data.importers import UnreadableImport
from data.pairs import RatedPair, read_sets

PAIRS = [("焼酎粕", "shochu residue"), ("椿油", "camellia oil")]
AS_LISTS = [list(pair) for pair in PAIRS]
AS_OBJECTS = [{"ja": ja, "en": en, "source": "x"} for ja, en in PAIRS]
RATED = [{"id": "0", "a": "猫", "b": "犬", "score": 1}, {"a": "猫", "b": "ねこ", "score": 4.5}]


def lines(items: list[object]) -> str:
    return "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("news.json", json.dumps({"news": AS_LISTS})),
        ("news.json", json.dumps(AS_LISTS)),
        ("news.json", json.dumps(AS_OBJECTS)),
        ("news.jsonl", lines([*AS_LISTS])),
        ("news.jsonl", "\ufeff" + lines([*AS_OBJECTS])),
        ("news.tsv", "焼酎粕\tshochu residue\n\n椿油\tcamellia oil\tjmdict\n"),
        ("news.tsv", "Japanese\tEnglish\r\n焼酎粕\tshochu residue\r\n椿油\tcamellia oil\r\n"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(tmp_path: Path, name: str, content: str, packed: bool) -> None:
    file = tmp_path / (name + ".gz" * packed)
    file.write_bytes(gzip.compress(content.encode()) if packed else content.encode())

    found = read_sets(file)

    assert found.pairs == {"news": PAIRS}
    assert found.rated == {}


def test_rated_pairs(tmp_path: Path) -> None:
    (tmp_path / "valid.jsonl").write_text(lines([*RATED]))

    assert read_sets(tmp_path / "valid.jsonl").rated == {
        "valid": [RatedPair("猫", "犬", 1.0), RatedPair("猫", "ねこ", 4.5)]
    }


def test_jglue_names_its_fields_otherwise(tmp_path: Path) -> None:
    item = {"sentence1": "猫", "sentence2": "犬", "label": 1.0, "yjcaptions_id": "7"}
    (tmp_path / "valid.jsonl").write_text(lines([item]))

    assert read_sets(tmp_path / "valid.jsonl").rated == {"valid": [RatedPair("猫", "犬", 1.0)]}


def test_a_folder_gives_its_name_to_its_only_file(tmp_path: Path) -> None:
    folder = tmp_path / "jsts"
    folder.mkdir()
    (folder / "valid.jsonl").write_text(lines([*RATED]))
    (folder / "README.md").write_text("about")

    assert list(read_sets(folder).rated) == ["jsts"]

    (folder / "news.tsv").write_text("焼酎粕\tshochu residue\n")
    found = read_sets(folder)
    assert (list(found.rated), list(found.pairs)) == (["valid"], ["news"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"news": [["焼酎粕"]]}', "a.json, news, item 1: expected two texts"),
        ("a.json", '{"news": [["焼酎粕", "  "]]}', "item 1"),
        ("a.json", '{"news": "焼酎粕"}', "expected a list"),
        ("a.json", '{"news": []}', "news is empty"),
        ("a.json", "{}", "holds no set"),
        ("a.json", "[", "not valid JSON"),
        ("a.jsonl", '["a", "b"]\n["a", 7]\n', "line 2: expected two texts"),
        ("a.jsonl", lines([RATED[0], {"a": "x", "b": "y", "score": None}]), "line 2: expected"),
        ("a.jsonl", '{"a": "x", "b": "y", "score": NaN}\n', "line 1"),
        ("a.jsonl", lines([RATED[0], ["a", "b"]]), "line 2"),
        ("a.tsv", "焼酎粕\n", "line 1"),
        ("a.txt", "焼酎粕", "not a file of pairs"),
        ("a.json.gz", "not packed", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(UnreadableImport, match=said):
        read_sets(tmp_path / name)


def test_other_errors(tmp_path: Path) -> None:
    (tmp_path / "sjis.tsv").write_bytes("焼酎粕\tresidue".encode("shift_jis"))
    with pytest.raises(UnreadableImport, match="not UTF-8"):
        read_sets(tmp_path / "sjis.tsv")
    with pytest.raises(UnreadableImport, match="does not exist"):
        read_sets(tmp_path / "gone.json")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UnreadableImport, match="holds no file of pairs"):
        read_sets(empty)
    for name in ("a", "b"):
        (empty / f"{name}.json").write_text(json.dumps({"news": AS_LISTS}))
    with pytest.raises(UnreadableImport, match="a set called news"):
        read_sets(empty)
