"""The bench measures what it says: right answers of all engines, honest ratios, real texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from app.bench.collection import make_collection
from app.bench.dense import _recall_of_partners, dense, dense_partners
from app.bench.lexical import spelled
from app.bench.limits import MachineLimits
from app.bench.plot import plot
from app.bench.timing import OURS, Measured, Missing, in_turn, ratios
from app.cli import app
from app.errors import Problem
from matching.counted import Counted
from matching.term_counts import count_terms

LIMITS = MachineLimits(1e10, 1e11, 2e11)


def row(engine: str, p50: float, *, unit: str = "ms", size: int = 100) -> Measured:
    return Measured("t", engine, size, unit, p50)


def test_a_ratio_is_above_one_where_ours_is_faster() -> None:
    assert ratios([row(OURS, 2.0), row("peer", 6.0)]) == {("t", 100, "peer"): 3.0}
    rates = [row(OURS, 60.0, unit="per second"), row("peer", 20.0, unit="per second")]
    assert ratios(rates) == {("t", 100, "peer"): 3.0}
    # Never across sizes, and never with what was not measured.
    assert not ratios([row(OURS, 2.0, size=1), row("peer", 6.0), Missing("t", "other", "is away")])


def test_the_engines_take_turns() -> None:
    said: list[tuple[str, int]] = []
    engines = {name: (lambda q, n=name: said.append((n, q))) for name in "ab"}
    times, _ = in_turn(engines, [1, 2])
    assert said == [("a", 1), ("b", 1), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert {name: len(some) for name, some in times.items()} == {"a": 2, "b": 2}


def test_exact_engines_find_the_same() -> None:
    made = make_collection(2500, 6, folder=None)
    asked = np.stack([request.vector for request in made.requests])
    rows = dense(made, np.concatenate([asked, asked]), LIMITS) + dense_partners(made, asked)
    found = {r.engine: r.recall for r in rows if isinstance(r, Measured)}
    exact = {OURS, "NumPy product", "faiss flat", "sklearn brute force", "usearch exact"}
    assert {name: found[name] for name in exact} == dict.fromkeys(exact, 1.0)
    grouped = [r for r in rows if isinstance(r, Measured) and "partners" in r.task]
    assert [r.recall for r in grouped] == [1.0, 1.0]


def test_a_partner_who_counts_less_is_not_found() -> None:
    worth = np.linspace(1, 0, 400)
    worth[200] = worth[199] - 4e-6  # the same in five decimals
    assert _recall_of_partners([np.arange(200)], [worth]) == 1
    assert _recall_of_partners([np.r_[np.arange(199), 200]], [worth]) == 1
    assert _recall_of_partners([np.r_[np.arange(199), 201]], [worth]) == 199 / 200


def test_bm25s_gets_the_words_as_often_as_they_occur() -> None:
    counted = Counted.of([count_terms("koji yeast. koji"), count_terms(""), count_terms("yeast")])
    assert [sorted(words) for words in spelled(counted)] == [
        ["koji", "koji", "yeast"],
        [],
        ["yeast"],
    ]


class TestRealTexts:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        pieces = [
            {"id": f"e{i}", "title": f"Work {i}", "abstract": f"Koji {i}. Yeast {i} ferments."}
            for i in range(6)
        ]
        people = [{"id": "p1", "name": "p1", "evidence": pieces}]
        (tmp_path / "people.jsonl").write_text("\n".join(map(json.dumps, people)), "utf-8")
        queries = [{"id": "q1", "text": "Who ferments koji?"}]
        (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), "utf-8")
        (tmp_path / "qrels.tsv").write_text("query\tperson\tscore\nq1\tp1\t1\n", "utf-8")
        return tmp_path

    def test_come_first_and_then_their_sentences(self, folder: Path) -> None:
        made = make_collection(40, 3, folder=folder)
        texts = [piece.text for piece in made.evidence]
        assert sum(text.startswith("Work") and "\n" in text for text in texts[:6]) == 6
        sentences = {f"{said} {i}" for said in ("Koji", "Yeast", "Work") for i in range(6)}
        assert any(sentence in texts[20] for sentence in sentences)
        assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-5)
        assert "6 real texts" in made.source
        assert "34 drawn" in made.source
        assert [request.query.text for request in made.requests] == ["Who ferments koji?"]

    def test_the_first_of_a_collection_is_a_whole_one(self, folder: Path) -> None:
        part = make_collection(40, 1, folder=folder).first(15)
        assert part.size == len(part.vectors) == 15
        assert {piece.partner for piece in part.evidence} == {p.id for p in part.partners}

    def test_a_folder_without_texts_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="holds no set"):
            make_collection(10, 1, folder=tmp_path)


@pytest.mark.slow
def test_the_picture_needs_two_sizes(tmp_path: Path) -> None:
    file = tmp_path / "docs" / "cost.png"
    with pytest.raises(Problem, match="two sizes"):
        plot([row(OURS, 1.0)], file)
    plot([row(OURS, 1.0), row(OURS, 5.0, size=1000), row("peer", 2.0)], file)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_command_reports_every_task_as_json() -> None:
    tasks = [part for task in ("lexical", "hybrid", "nightly") for part in ("--only", task)]
    done = CliRunner().invoke(
        app,
        ["bench", "--size", "300", "--questions", "4", *tasks, "--json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["limits"]["gemm_gflops_one_thread"] > 0
    found = {(r["task"], r["engine"]) for r in report["rows"]}
    assert {("lexical, 50 texts", OURS), ("lexical, 50 texts", "bm25s")} <= found
    assert ("hybrid, ten partners", "NumPy and bm25s") in found
    assert ("nightly, all signals", OURS) in found
    peer = next(r for r in report["rows"] if r["engine"] == "bm25s")
    assert peer["times_as_fast"] > 0


def test_an_unknown_task_is_named_with_those_there_are() -> None:
    done = CliRunner().invoke(app, ["bench", "--only", "sorting"])
    assert isinstance(done.exception, Problem)
    assert "dense, lexical, hybrid, nightly, embedding, http" in str(done.exception)
