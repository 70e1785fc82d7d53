"""What the encoders must reach: the file, its errors, and today's figures against it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from app.errors import Problem
from app.jobs.bilingual import Measured, evaluate_bilingual
from app.jobs.floors import bounds_for, breaches, read_floors
from app.jobs.steps import Steps
from app.settings import Settings
from data.samples import REGION
from data.trained import FLOORS
from matching.encoders import CHOICES, make_encoder
from matching.pair_retrieval import Retrieval

SHARED = Path(__file__).resolve().parents[4] / "shared"
ELSEWHERE = (SHARED / "encoder-data" / "dev-pairs.json.gz", SHARED / "bench" / "jsts")
QUIET = Steps(lambda _title, _total: lambda _amount: None)
MEASURED: dict[str, Measured] = {"news": Retrieval(100, 0.5, 0.9, 0.4, 0.8, 3, 0)}


def encoders() -> list[Any]:
    """Those with floors; each takes a while."""
    return [pytest.param(name, marks=pytest.mark.slow) for name in json.loads(FLOORS.read_text())]


@pytest.mark.parametrize("name", encoders())
@pytest.mark.parametrize("path", [REGION, *ELSEWHERE], ids=lambda path: path.name)
def test_the_floors_hold(name: str, path: Path, tmp_path: Path) -> None:
    assert name in CHOICES
    if not path.exists():
        pytest.skip(f"{path} is not there: it lies beside the project")

    measured = evaluate_bilingual(path, make_encoder(name), cache=tmp_path, steps=QUIET)

    bounds = bounds_for(name, read_floors(FLOORS))
    assert breaches(measured, bounds) == [], {k: asdict(v) for k, v in measured.items()}


def test_the_default_encoder_has_floors() -> None:
    default = Settings.model_fields["encoder"].default
    assert bounds_for(default, read_floors(FLOORS)).keys() >= {"region", "region-cut", "jsts"}


def floors(folder: Path, content: object) -> Path:
    file = folder / "floors.json"
    file.write_text(json.dumps(content))
    return file


def judged(folder: Path, bounds: object) -> list[str]:
    return breaches(MEASURED, bounds_for("x", read_floors(floors(folder, {"x": bounds}))))


def test_a_figure_beyond_its_bound_is_named(tmp_path: Path) -> None:
    bounds = {
        "news": {
            "ja_en_at_1": {"at_least": 0.5},
            "en_ja_at_1": {"at_least": 0.45},
            "ja_unread": {"at_most": 2},
        },
        "not-measured": {"anything": {"at_least": 1}},
    }

    assert judged(tmp_path, bounds) == [
        "news: en_ja_at_1 0.4000 is below 0.45",
        "news: ja_unread 3.0000 is above 2",
    ]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"news": {"ja_en_at_5": {"at_least": 0.5}}}, "no figure ja_en_at_5; it has pairs"),
        ({"news": {"ja_en_at_1": {}}}, "ja_en_at_1.*give at_least"),
        ({"news": {"ja_en_at_1": {"atleast": 1}}}, "ja_en_at_1 / atleast"),
        ({"news": {"ja_en_at_1": 0.5}}, "ja_en_at_1"),
        ({"news": {"ja_en_at_1": {"at_least": "much"}}}, "at_least"),
    ],
)
def test_a_file_that_checks_nothing_is_refused(tmp_path: Path, bounds: object, said: str) -> None:
    with pytest.raises(Problem, match=said):
        judged(tmp_path, bounds)


def test_an_encoder_without_floors_is_refused(tmp_path: Path) -> None:
    stated = read_floors(floors(tmp_path, {"x": {}}))

    with pytest.raises(Problem, match="no floor for the encoder y; there are ones for x"):
        bounds_for("y", stated)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        read_floors(tmp_path / "gone.json")
    (tmp_path / "floors.json").write_text("[")
    with pytest.raises(Problem, match=r"floors\.json"):
        read_floors(tmp_path / "floors.json")
