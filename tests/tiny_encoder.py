"""A static encoder trained in seconds on made pairs, for whatever tests need one."""

import gzip
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

from matching.encoders.hashing import HashingEncoder
from matching.encoders.protocol import Encoder, Progress, Role, Vectors
from matching.encoders.training.pairs import TRAINING_FILE, Pair
from matching.encoders.training.recipe import Recipe
from matching.encoders.training.steps import Advance, Steps, silent_steps
from matching.encoders.training.train import train_encoder

THINGS: Final = {
    "焼酎粕": "shochu residue",
    "冷凍すり身": "frozen surimi",
    "椿油": "camellia oil",
    "温室": "greenhouse",
    "牛肉": "beef",
    "酵母": "yeast",
    "イチゴ": "strawberry",
    "半導体": "semiconductor",
    "歯車": "gear",
    "地熱": "geothermal heat",
    "木材": "timber",
    "真珠": "pearl",
}
WORK: Final = {
    "強度": "strength",
    "発酵": "fermentation",
    "検査": "inspection",
    "乾燥": "drying",
    "販売": "sale",
    "輸送": "transport",
    "センサー": "sensor",
    "ロボット": "robot",
}
SENTENCES: Final = {
    "冷凍すり身のゲルの強度": "gel strength of frozen surimi",
    "温室のロボットがイチゴを傷つけずに収穫する。": (
        "A robot arm picks strawberries in a greenhouse without bruising them."
    ),
    "酵母": "yeast",
    "麹による甘藷の発酵": "Fermentation of sweet potato with koji.",
    "AIカメラが冷蔵庫で毎秒4メートルの魚を数える。": (
        "An AI camera counts fish on a belt at four metres per second in the cold store."
    ),
    "中小企業の税法": "Tax law for small firms",
    "一行目": "Line one",
    "二行目": "line two",
    "すり身のゲル": "surimi gel",
    "ゲルの強度": "gel strength",
    "企業の税": "tax of firms",
    "カメラ": "camera",
}

RECIPE: Final = Recipe(
    vocabulary=300,
    minimum_count=1,
    hidden=16,
    templates=60,
    joined=20,
    epochs=2,
    batch=32,
    negatives=64,
    hidden_rate=1e-2,
    table_rate=1e-2,
)


def made_pairs() -> list[Pair]:
    """Some 200 pairs of several sources."""
    sources = ("ainotes", "jmdict", "wikidata", "small", "pydocs")
    return [
        *(
            Pair(f"{thing}の{work}", f"{WORK[work]} of {THINGS[thing]}", sources[number % 5])
            for number, (thing, work) in enumerate(product(THINGS, WORK))
        ),
        *(Pair(japanese, english, "jmdict") for japanese, english in (THINGS | WORK).items()),
        *(Pair(japanese, english, "ainotes") for japanese, english in SENTENCES.items()),
        *(
            Pair(f"{one}、{other}。", f"{THINGS[one]}, {THINGS[other]}.", "small")
            for one, other in product(list(THINGS)[:8], list(THINGS)[4:])
            if one != other
        ),
        Pair("乾燥機", "dryer (machine), drier; drying oven", "jmdict"),
    ]


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> Path:
    """The folder, made, with these pairs as its training file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (f"{pair.japanese}\t{pair.english}\t{pair.source}\n" for pair in pairs)
    (folder / TRAINING_FILE).write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return folder


def train_tiny(
    folder: Path,
    *,
    name: str = "out",
    pairs: Sequence[Pair] | None = None,
    teacher: Encoder | None = None,
    steps: Steps = silent_steps,
    **changes: float,
) -> Path:
    """Train on made pairs in `folder`, or go on there; returns the folder of the encoder.

    `changes` are to the tiny recipe.
    """
    train_encoder(
        write_pairs(folder / "data", made_pairs() if pairs is None else pairs),
        folder / name,
        teacher=teacher or HashingEncoder(),
        work=folder / "work",
        recipe=replace(RECIPE, **changes),  # type: ignore[arg-type]  # of any field
        steps=steps,
    )
    return folder / name


class SpyTeacher:
    """The hashing encoder; keeps what it was asked."""

    def __init__(self, name: str = "spy") -> None:
        self.asked: list[str] = []
        self._name = name
        self._encoder = HashingEncoder()

    @property
    def id(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        self.asked += texts
        return self._encoder.encode(texts, role=role, progress=progress)


class Interrupted(Exception):
    """Stands for a kill."""


class RecordedSteps:
    """Progress that is kept by title; raises Interrupted once `stop_at` of `stop_in` are done."""

    def __init__(self, *, stop_in: str = "", stop_at: int = 0) -> None:
        self.totals: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self._stop = stop_in, stop_at

    def __call__(self, title: str, total: int) -> AbstractContextManager[Advance]:
        self.totals[title] = total
        self.done[title] = 0
        return _Counted(self, title)

    def advance(self, title: str, number: int) -> None:
        self.done[title] += number
        if title == self._stop[0] and self.done[title] >= self._stop[1]:
            raise Interrupted


class _Counted(AbstractContextManager[Advance]):
    def __init__(self, steps: RecordedSteps, title: str) -> None:
        self._steps, self._title = steps, title

    def __enter__(self) -> Advance:
        return lambda number: self._steps.advance(self._title, number)

    def __exit__(self, *_: object) -> None:
        pass
