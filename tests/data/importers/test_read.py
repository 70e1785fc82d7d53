"""The one entry: folders and files."""

import contextlib
import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data import importers
from data.importers import UnreadableImport, import_size, read_qrels
from tests.matching.factories import repeatable

ROOT: Final = Path(__file__).parents[3]
BENCH: Final = ROOT.parent / "shared" / "bench"
REGION: Final = ROOT / "data" / "samples" / "region"

SETS: Final = {
    "acl-people": (700, 400),
    "cordis-agri": (233, 161),
    "jsquad": (1145, 4442),
    "kaken-institution": (534, 773),
    "reviewer-gold": (58, 463),
    "sbir-university": (171, 339),
}
"""Partners and needs, as the benchmark's README counts them."""


def test_a_folder_may_mix_formats(tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text("id,name\np1,Mori\n", encoding="utf-8")
    (tmp_path / "people.jsonl").write_text('{"id": "p1"}\n{"id": "p2"}\n', encoding="utf-8")
    (tmp_path / "capabilities.tsv").write_text("id\tpartner\ttitle\nc\tp2\tKoji\n")
    result = importers.read(tmp_path)
    assert [(partner.id, len(partner.evidence)) for partner in result.partners] == [
        ("p1", 0),
        ("p2", 1),
    ]
    (problem,) = result.problems
    assert (problem.file, problem.line) == ("people.jsonl", 1)
    assert "already given in partners.csv, line 2" in problem.reason


def test_a_capability_that_the_partner_has_already(tmp_path: Path) -> None:
    partner = '{"id": "p", "evidence": [{"id": "c", "title": "Koji"}]}\n'
    (tmp_path / "people.jsonl").write_text(partner)
    (tmp_path / "capabilities.csv").write_text("id,partner,title\nc,p,Koji\nd,p,Miso\n")
    result = importers.read(tmp_path)
    assert [item.id for item in result.partners[0].evidence] == ["c", "d"]
    (problem,) = result.problems
    assert (problem.file, problem.line) == ("capabilities.csv", 2)


def test_files_that_look_like_data_are_named_and_others_lie_by(tmp_path: Path) -> None:
    for name in ("README.md", "qrels.tsv", "valid.jsonl", "needs.xlsx", ".~lock.csv", "~$a.csv"):
        (tmp_path / name).touch()
    (tmp_path / "needs.csv").write_text("id,title\nn,x\n")
    result = importers.read(tmp_path)
    assert len(result.needs) == 1
    assert [problem.file for problem in result.problems] == ["needs.xlsx", "valid.jsonl"]


@pytest.mark.parametrize("name", ["valid.jsonl", "needs.xlsx", "notes.txt", "partner_needs.jsonl"])
def test_one_file_of_unknown_form(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(UnreadableImport, match=r"known names|workbook|expected a folder"):
        importers.read(path)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImport, match=r"holds no file to import; expected.*needs\.csv"):
        importers.read(tmp_path)
    with pytest.raises(UnreadableImport, match=r"does not exist; expected.*clusters\.jsonl"):
        importers.read(tmp_path / "missing")
    with pytest.raises(UnreadableImport):
        import_size(tmp_path)


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    line = '{"id": "n%d", "text": "' + "x" * 1000 + '"}\n'
    (tmp_path / "needs.jsonl").write_text("".join(line % number for number in range(200)))
    (tmp_path / "partners.jsonl").write_text('{"id": "p"}\n' * 9000, encoding="utf-16")
    (tmp_path / "partners.csv").write_text("id\np\n")
    steps: list[int] = []
    importers.read(tmp_path, progress=steps.append)
    assert sum(steps) == import_size(tmp_path)
    assert len(steps) > 4


def test_the_sample_region_is_clean() -> None:
    result = importers.read(REGION)
    assert result.problems == []
    assert result.partners
    judged = read_qrels(REGION / "qrels.tsv")
    assert judged.keys() <= {need.id for need in result.needs}


@pytest.mark.skipif(not BENCH.is_dir(), reason="the benchmark is not on this machine")
@pytest.mark.parametrize("name", SETS)
def test_real_sets(name: str) -> None:
    result = importers.read(BENCH / name)
    assert result.problems == []
    assert (len(result.partners), len(result.needs)) == SETS[name]
    judged = read_qrels(BENCH / name / "qrels.tsv")
    assert judged.keys() <= {need.id for need in result.needs}
    partners = {partner.id for partner in result.partners}
    assert {answer for scores in judged.values() for answer in scores} <= partners


LINES: Final = st.sampled_from(
    [b"id,title\n", b"id,partner,title,year\n", b'{"id": "a", "text": ', b"a,b\n", b'"', b"}\n"]
)


@given(
    st.binary() | st.lists(LINES | st.binary(max_size=8)).map(b"".join),
    st.sampled_from(["needs.csv", "capabilities.csv", "x.tsv", "people.jsonl", "docs.jsonl"]),
)
@example(b"\xff\xfe\x00", "needs.csv")
@example(b"\xef\xbb\xbf", "people.jsonl")
@example(b'id,title\n1,"' + b"x" * 200_000, "needs.csv")
@example(b"id,title\n\x00,\x00\n", "needs.csv")
@repeatable
def test_no_input_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)
    with contextlib.suppress(UnreadableImport):
        result = importers.read(path)
        assert all(problem.line >= 1 and problem.reason for problem in result.problems)


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS: Final = st.sampled_from(
    [
        "id",
        "kind",
        "name",
        "title",
        "text",
        "year",
        "evidence",
        "unavailable",
        "clusters",
        "orcid",
        "partner",
        "deadline",
        "latitude",
        "languages",
        "affiliation",
        "trl_from",
        "variants",
    ]
)


@given(
    st.dictionaries(FIELDS, VALUES),
    st.sampled_from(["needs", "capabilities", "people", "docs", "organisations", "clusters"]),
)
@repeatable
def test_no_object_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object], name: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"{name}.jsonl"
    path.write_text(json.dumps(values) + "\n", encoding="utf-8")
    result = importers.read(path)
    assert all(problem.reason.isprintable() for problem in result.problems)
