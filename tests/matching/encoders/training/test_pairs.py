"""The training file, and what is said of one that is wrong."""

import gzip
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders.training.pairs import (
    CREDITS,
    TRAINING_FILE,
    Pair,
    PairsError,
    credits_of,
    fingerprint,
    read_pairs,
)
from tests.matching.factories import repeatable
from tests.tiny_encoder import made_pairs, write_pairs

ONE = Pair("焼酎粕", "shochu residue", "jmdict")


def write(folder: Path, content: bytes) -> None:
    (folder / TRAINING_FILE).write_bytes(gzip.compress(content))


def test_pairs_come_back_in_their_order(tmp_path: Path) -> None:
    assert read_pairs(write_pairs(tmp_path, made_pairs())) == made_pairs()


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_line_endings_do_not_matter(tmp_path: Path, ending: str) -> None:
    write(tmp_path, f"焼酎粕\tshochu residue\tjmdict{ending}".encode())
    assert read_pairs(tmp_path) == [ONE]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("焼酎粕\tshochu residue", "2 fields, 0 of them empty"),
        ("焼酎粕\tshochu residue\tjmdict\tx", "4 fields, 0 of them empty"),
        ("焼酎粕\t\tjmdict", "3 fields, 1 of them empty"),
        ("\u3000\t \tjmdict", "3 fields, 2 of them empty"),
        ("", "1 fields, 1 of them empty"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, found: str) -> None:
    write(tmp_path, f"焼酎粕\tshochu residue\tjmdict\n{line}\n".encode())
    with pytest.raises(PairsError, match=rf"{TRAINING_FILE}, line 2: .*found {found}.*Mend"):
        read_pairs(tmp_path)


def test_an_empty_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, b"")
    with pytest.raises(PairsError, match="holds no pairs: write lines Japanese, tab"):
        read_pairs(tmp_path)


def test_a_missing_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match=rf"name a folder with a whole {TRAINING_FILE}"):
        read_pairs(tmp_path)


def test_letters_that_are_not_utf8_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, "焼酎粕\tshochu\tjmdict\n".encode("euc-jp"))
    with pytest.raises(PairsError, match="cannot be read after line 0"):
        read_pairs(tmp_path)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
@repeatable
def test_a_damaged_archive_is_an_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, cut: bool
) -> None:
    folder = write_pairs(tmp_path_factory.mktemp("pairs"), made_pairs())
    content = bytearray((folder / TRAINING_FILE).read_bytes())
    place %= len(content)
    if cut:
        del content[place:]
    else:
        content[place] ^= 1 << bit
    (folder / TRAINING_FILE).write_bytes(content)
    found = []
    with suppress(PairsError):
        found = read_pairs(folder)
    assert found in ([], made_pairs())


def test_the_fingerprint_tells_order_texts_and_sources_apart() -> None:
    other = Pair("椿油", "camellia oil", "jmdict")
    variants = [[], [ONE], [other], [ONE, other], [other, ONE], [Pair("焼酎粕", ONE.english, "x")]]
    assert len({fingerprint(pairs) for pairs in variants}) == len(variants)
    assert fingerprint([ONE]) == fingerprint(iter([ONE]))


def test_each_source_is_credited_once_and_an_unknown_one_is_named() -> None:
    assert credits_of(["jsick", "jmdict", "jsick"]) == [CREDITS["jmdict"], CREDITS["jsick"]]
    assert credits_of(["elsewhere"]) == ["elsewhere (credit not known)"]
