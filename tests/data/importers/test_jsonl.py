"""JSON lines, clean and dirty."""

import json
from pathlib import Path
from typing import Any

import pytest

from data import importers
from data.importers import Problem, ReadResult

EVIDENCE = {"id": "e1", "title": "Koji enzymes", "year": 2020}


def written(folder: Path, name: str, *lines: Any) -> Path:
    path = folder / name
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return path


def read(folder: Path, name: str, *lines: Any) -> ReadResult:
    return importers.read(written(folder, name, *lines))


def only_problem(result: ReadResult) -> Problem:
    (problem,) = result.problems
    return problem


class TestKinds:
    @pytest.mark.parametrize("name", ["people.jsonl", "partners.jsonl", "People-2026.JSONL"])
    def test_partners(self, tmp_path: Path, name: str) -> None:
        result = read(tmp_path, name, {"id": "p1", "name": "森 花子", "evidence": [EVIDENCE]})
        (partner,) = result.partners
        assert (partner.id, partner.name_ja) == ("p1", "森 花子")
        assert [item.title_en for item in partner.evidence] == ["Koji enzymes"]
        assert result.problems == []

    @pytest.mark.parametrize("name", ["queries.jsonl", "needs.jsonl"])
    def test_needs(self, tmp_path: Path, name: str) -> None:
        (need,) = read(tmp_path, name, {"id": 7, "text": "廃液を減らしたい"}).needs
        assert (need.id, need.brief_ja) == ("7", "廃液を減らしたい")

    def test_a_document_is_a_partner_with_one_piece_of_evidence(self, tmp_path: Path) -> None:
        result = read(tmp_path, "docs.jsonl", {"id": "d1", "title": "Tea", "text": "Green leaves"})
        (partner,) = result.partners
        assert partner.id == "d1"
        assert [(item.id, item.passage) for item in partner.evidence] == [
            ("d1", "Tea\nGreen leaves")
        ]

    def test_clusters_and_organisations(self, tmp_path: Path) -> None:
        written(tmp_path, "clusters.jsonl", {"id": "food", "name": "食品"})
        written(tmp_path, "organisations.jsonl", {"id": "o", "kind": "大学", "name": "Hyuga"})
        result = importers.read(tmp_path)
        assert [cluster.name_ja for cluster in result.clusters] == ["食品"]
        assert [item.name_en for item in result.organisations] == ["Hyuga"]

    def test_a_capability_without_its_partner_is_loose(self, tmp_path: Path) -> None:
        result = read(tmp_path, "capabilities.jsonl", {"partner": "p9", **EVIDENCE})
        assert [(partner, item.id) for partner, item in result.loose_capabilities] == [("p9", "e1")]


class TestDirtyLines:
    def test_blank_lines_bom_and_crlf_do_no_harm(self, tmp_path: Path) -> None:
        first = b'\xef\xbb\xbf{"id": "a", "text": "x"}\r'
        result = read(tmp_path, "needs.jsonl", first, b"", b"  \r", {"id": "b", "text": "y"})
        assert [need.id for need in result.needs] == ["a", "b"]
        assert result.problems == []

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (b'{"id": "b", ', "not valid JSON at character"),
            (b"[1]", "one object in braces"),
            (b"null", "one object in braces"),
            (b'{"id": "\xff"}', "byte 9 of the line is not UTF-8"),
            (b'{"id": ' + b"9" * 5000 + b"}", "too many digits"),
            (b"[" * 100_000, "too many brackets"),
            (b'{"id": "b", "text": "half \\ud83d"}', "'text': holds half of a character"),
            (b'{"id": "b\\udc00", "text": "x"}', "'id': holds half of a character"),
            (b'{"text": "x"}', "id: is missing"),
            (b'{"id": "  ", "text": "x"}', "id: is missing"),
            (b'{"id": "b"}', "needs a title or a brief"),
            (b'{"id": "b", "text": ["x"]}', "brief_en: a list is not a text"),
            (b'{"id": "b", "text": "x", "kind": "x"}', "kind: 'x' is not one of technology, "),
            (b'{"id": "b", "text": "x", "year": 12}', "year: '12' is too small"),
            (b'{"id": "b", "text": "x", "trl_to": 10}', "largest allowed is 9"),
            (b'{"id": "b", "text": "x", "year": "soon"}', "year: 'soon' is not a whole number"),
            (b'{"id": "b", "text": "x", "deadline": 46113}', "'46113 (a number)' is not a date"),
            (b'{"id": "b", "text": "x", "deadline": "2026-02-30"}', "year-month-day"),
            (b'{"id": "b", "text": "x", "clusters": "food"}', "clusters: 'food' is not a list"),
            (b'{"id": "b", "text": "x", "clusters": [1]}', "clusters (number 1): '1'"),
            (b'{"id": "b", "text": "x", "trl_from": 5, "trl_to": 2}', "5 is above trl_to 2"),
        ],
    )
    def test_a_bad_line_is_named_and_the_others_kept(
        self, tmp_path: Path, line: bytes, words: str
    ) -> None:
        good = {"id": "a", "text": "x"}, {"id": "c", "text": "z"}
        result = read(tmp_path, "needs.jsonl", good[0], line, good[1])
        assert [need.id for need in result.needs] == ["a", "c"]
        problem = only_problem(result)
        assert (problem.file, problem.line) == ("needs.jsonl", 2)
        assert words in problem.reason

    def test_every_fault_of_a_line_is_named(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.jsonl", {"id": "a", "text": "x", "kind": "?", "trl_to": 0})
        assert [problem.reason.split(":")[0] for problem in result.problems] == ["kind", "trl_to"]

    def test_a_repeated_id_names_the_first_line(self, tmp_path: Path) -> None:
        lines = ({"id": "a", "text": "x"}, {"id": "b", "text": "y"}, {"id": "ａ", "text": "z"})
        result = read(tmp_path, "needs.jsonl", *lines)
        assert [need.brief_en for need in result.needs] == ["x", "y"]
        problem = only_problem(result)
        assert problem.line == 3
        assert "'a' was already given in line 1" in problem.reason

    def test_a_bad_line_does_not_take_its_id(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.jsonl", {"id": "a"}, {"id": "a", "text": "x"})
        assert [need.id for need in result.needs] == ["a"]
        assert only_problem(result).line == 1

    def test_utf_16_is_one_problem(self, tmp_path: Path) -> None:
        path = tmp_path / "needs.jsonl"
        path.write_text('{"id": "a", "text": "x"}\n' * 5, encoding="utf-16")
        assert "UTF-16" in only_problem(importers.read(path)).reason

    def test_reasons_are_short_and_printable(self, tmp_path: Path) -> None:
        kind = "\x1b[31m\u202e" + "x" * 5000
        reason = only_problem(
            read(tmp_path, "needs.jsonl", {"id": "a", "text": "x", "kind": kind})
        ).reason
        assert len(reason) < 300
        assert reason.isprintable()


class TestEvidence:
    @pytest.mark.parametrize(
        ("item", "words"),
        [
            ({"id": "e2"}, "evidence 'e2': a capability needs a title or a text"),
            ({"title": "x"}, "evidence number 2: id: is missing"),
            ("x", "evidence number 2: 'x' is not an object"),
            (EVIDENCE, "evidence 'e1': the id is in this list twice"),
            ({"id": "e2", "title": "x", "kind": "blog"}, "'blog' is not one of paper, patent"),
            ({"id": "e2", "title": "x", "licence_status": "expired"}, "only a patent"),
        ],
    )
    def test_a_bad_item_does_not_lose_the_partner(
        self, tmp_path: Path, item: Any, words: str
    ) -> None:
        evidence = [EVIDENCE, item, {"id": "e3", "title": "Miso"}]
        result = read(tmp_path, "people.jsonl", b"", {"id": "p", "evidence": evidence})
        (partner,) = result.partners
        assert [piece.id for piece in partner.evidence] == ["e1", "e3"]
        problem = only_problem(result)
        assert problem.line == 2
        assert words in problem.reason

    def test_evidence_that_is_no_list_does_not_lose_the_partner(self, tmp_path: Path) -> None:
        result = read(tmp_path, "people.jsonl", {"id": "p", "evidence": "Koji"})
        assert [partner.evidence for partner in result.partners] == [[]]
        assert "the partner is kept" in only_problem(result).reason

    def test_null_values_are_missing_values(self, tmp_path: Path) -> None:
        partner = {"id": "p", "kind": None, "name": "\u200b", "evidence": None, "clusters": None}
        result = read(tmp_path, "people.jsonl", partner)
        assert [(item.kind, item.name_en) for item in result.partners] == [("researcher", "p")]

    def test_unavailable_days_in_any_way_of_writing(self, tmp_path: Path) -> None:
        days = [{"from": "2026/4/1", "to": "令和8年9月30日"}]
        (partner,) = read(tmp_path, "people.jsonl", {"id": "p", "unavailable": days}).partners
        (span,) = partner.unavailable
        assert (str(span.start), str(span.end)) == ("2026-04-01", "2026-09-30")
