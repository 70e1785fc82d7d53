"""The same need in two languages, on small regions whose answer is known."""

import json
from pathlib import Path

import pytest

from app.errors import Problem
from app.jobs.bilingual import evaluate_bilingual
from app.jobs.evaluating import evaluate_folder
from app.jobs.list_agreement import CUT, WHOLE, compare_lists
from app.jobs.steps import Steps
from data.importers import UnreadableImport
from data.samples import REGION
from matching.encoders import make_encoder
from matching.list_agreement import ListAgreement

QUIET = Steps(lambda _title, _total: lambda _amount: None)
NEED = {
    "id": "n",
    "title_ja": "焼酎粕の乾燥",
    "title_en": "Drying of shochu residue",
}


def region(folder: Path, *needs: dict[str, str]) -> Path:
    """Two partners with a right piece in each language, two with one language alone."""
    folder.mkdir()
    right = [
        {"id": "ja", "title_ja": "焼酎粕の乾燥技術"},
        {"id": "en", "title_en": "Residue drying for shochu makers"},
    ]
    people = [
        {"id": "a", "evidence": [{**piece, "id": f"a-{piece['id']}"} for piece in right]},
        {"id": "b", "evidence": [{**piece, "id": f"b-{piece['id']}"} for piece in right]},
        {"id": "j", "evidence": [{"id": "j1", "title_ja": "焼酎粕の乾燥試験"}]},
        {"id": "e", "evidence": [{"id": "e1", "title_en": "Shochu residue drying trials"}]},
    ]
    (folder / "people.jsonl").write_text("\n".join(map(json.dumps, people)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, needs)))
    return folder


def compared(folder: Path, cache: Path) -> dict[str, ListAgreement]:
    return compare_lists(folder, make_encoder("hashing"), cache=cache, steps=QUIET)


def test_partners_of_one_language_are_told_from_those_of_both(tmp_path: Path) -> None:
    found = compared(region(tmp_path / "small", NEED), tmp_path)

    whole, cut = found[WHOLE], found[CUT]
    assert whole.lists == 1
    assert cut.lists == 2  # two views
    assert whole.shared_of_10 == 4  # nobody is ruled out, ten places for four
    assert whole.ja_only_for_ja == whole.ja_only_for_en == pytest.approx(1 / 4)
    # In either view a and b have one language each, and e and j keep the one they have.
    assert cut.ja_only_for_ja == pytest.approx(1 / 2)
    assert cut.en_only_for_en == pytest.approx(1 / 2)
    assert (whole.judged, whole.ndcg_ja) == (0, None)


def test_judgements_count_in_each_view(tmp_path: Path) -> None:
    folder = region(tmp_path / "small", NEED)
    (folder / "qrels.tsv").write_text("query_id\tdoc_id\tscore\nn\tj\t1\n")

    found = compared(folder, tmp_path)

    assert (found[WHOLE].judged, found[CUT].judged) == (1, 2)
    assert found[WHOLE].ndcg_ja is not None
    assert found[WHOLE].ndcg_en is not None
    assert 0 < found[WHOLE].ndcg_en <= found[WHOLE].ndcg_ja <= 1


def test_a_need_in_one_language_is_an_error_and_is_not_left_out(tmp_path: Path) -> None:
    folder = region(tmp_path / "small", NEED, {"id": "m", "title_ja": "果汁の変色"})

    with pytest.raises(UnreadableImport, match="m has no title_en"):
        compared(folder, tmp_path)


def test_a_need_that_cannot_be_used_stops_the_evaluation(tmp_path: Path) -> None:
    folder = region(tmp_path / "small", NEED, {"id": "m", "title_ja": ""})

    with pytest.raises(Problem, match=r"queries\.jsonl, line 2"):
        compared(folder, tmp_path)


def test_a_folder_without_needs(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no needs"):
        compared(region(tmp_path / "small"), tmp_path)


def japanese_part_of_the_region(folder: Path) -> Path:
    """The sample with only those needs that its companies wrote in Japanese alone."""
    folder.mkdir()
    for name in ("people.jsonl", "organisations.jsonl", "clusters.jsonl"):
        (folder / name).write_bytes((REGION / name).read_bytes())
    needs = [json.loads(line) for line in (REGION / "queries.jsonl").read_text().splitlines()]
    kept = {need["id"] for need in needs if "title_en" not in need}
    for name in ("queries.jsonl", "translations.jsonl"):
        lines = (REGION / name).read_text().splitlines()
        (folder / name).write_text("\n".join(x for x in lines if json.loads(x)["id"] in kept))
    header, *rows = (REGION / "qrels.tsv").read_text().splitlines()
    (folder / "qrels.tsv").write_text(
        "\n".join([header, *(row for row in rows if row.split("\t")[0] in kept)])
    )
    return folder


@pytest.mark.slow
def test_the_filters_and_the_engine_are_those_of_evaluate(tmp_path: Path) -> None:
    """Needs in Japanese alone have the same lists here as there."""
    folder = japanese_part_of_the_region(tmp_path / "japanese")
    encoder = make_encoder("hashing")

    found = evaluate_bilingual(folder, encoder, cache=tmp_path, steps=QUIET)["japanese"]
    ranked = evaluate_folder(folder, encoder, cache=tmp_path, steps=QUIET)

    assert isinstance(found, ListAgreement)
    assert found.ndcg_ja == pytest.approx(ranked["enmusubi"]["nDCG@10"].value)
    assert found.ndcg_ja != found.ndcg_en
