"""The training itself: a text's vector must be nearest to that of its own English.

Symmetric InfoNCE (van den Oord et al. 2018) over the texts of a batch, against the teacher's fixed
vectors, plus the distance to the teacher's vector.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from matching.encoders.training.bags import Bags, Batch
from matching.encoders.training.lessons import Lessons
from matching.encoders.training.recipe import Recipe
from matching.encoders.training.steps import Steps


class Student(torch.nn.Module):
    """The table (V, d) and the hidden layer, before they are rounded to whole numbers."""

    def __init__(self, table: torch.Tensor, hidden: int) -> None:
        super().__init__()
        dimension = table.shape[1]
        self.table = torch.nn.Parameter(table.clone())
        self.inward = torch.nn.Linear(dimension, hidden)
        self.outward = torch.nn.Linear(hidden, dimension, bias=False)
        torch.nn.init.zeros_(self.outward.weight)  # begins as the ridge solution

    def forward(self, tokens: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Unit vectors (n, d) of n bags of tokens."""
        sums = functional.embedding_bag(tokens, self.table, starts, mode="sum", sparse=True)
        units = functional.normalize(sums, dim=1)
        added = self.outward(functional.relu(self.inward(units)))
        return functional.normalize(units + added, dim=1)

    def read(self, batch: Batch) -> torch.Tensor:
        """Unit vectors of a batch, on the device of the table."""
        device = self.table.device
        return self.forward(
            torch.from_numpy(batch.tokens).to(device), torch.from_numpy(batch.starts).to(device)
        )


def loss_of(
    vectors: torch.Tensor,
    targets: torch.Tensor,
    places: torch.Tensor,
    negatives: torch.Tensor,
    recipe: Recipe,
) -> torch.Tensor:
    """Symmetric InfoNCE plus `pull` times 1 - cosine.

    `vectors` and `targets` are unit rows (n, d); texts with one target (equal `places`) are not
    held against each other. `negatives` (k, d) are further targets that are not the texts' own.
    """
    likeness = vectors @ targets.T / recipe.temperature
    same = places[:, None] == places[None, :]
    same.fill_diagonal_(fill_value=False)
    likeness = likeness.masked_fill(same, -1e4)
    own = torch.arange(len(places), device=places.device)
    others = vectors @ negatives.T / recipe.temperature
    contrast = functional.cross_entropy(torch.cat([likeness, others], dim=1), own)
    contrast = contrast + functional.cross_entropy(likeness.T, own)
    distance = (1 - (vectors * targets).sum(1)).mean()
    return contrast / 2 + recipe.pull * distance


def train_student(
    table: torch.Tensor,
    bags: Bags,
    lessons: Lessons,
    recipe: Recipe,
    *,
    checkpoint: Path,
    steps: Steps,
) -> Student:
    """Train from a start table (V, d); `bags` hold the tokens of the lessons' texts.

    Each epoch is kept in `checkpoint`; a run that was interrupted goes on after the last one, with
    the same draws as if it had not been.
    """
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = Student(table, recipe.hidden).to(device)
    optimisers = _Optimisers(student, recipe)
    vectors = torch.from_numpy(lessons.targets).to(device)
    done = _restore(checkpoint, student, optimisers, recipe)
    batches = max(1, int(lessons.shares.sum()) // recipe.batch)
    with steps("Contrastive training", recipe.epochs * batches) as advance:
        advance(done * batches)
        for epoch in range(done, recipe.epochs):
            random = np.random.default_rng([recipe.seed, epoch])
            order = random.permutation(np.flatnonzero(random.random(len(bags)) < lessons.shares))
            for number, rows in enumerate(np.array_split(order, batches)):
                passed = (epoch + number / batches) / recipe.epochs
                own = torch.from_numpy(lessons.places[rows]).to(device)
                read = student.read(bags.batch(rows, drop=recipe.drop, random=random))
                drawn = torch.from_numpy(random.integers(0, len(vectors), recipe.negatives))
                target, others = (
                    functional.normalize(vectors[places].float(), dim=1)
                    for places in (own, drawn.to(device))
                )
                optimisers.step(loss_of(read, target, own, others, recipe), 1 - passed)
                advance(1)
            _keep(checkpoint, student, optimisers, recipe, epoch + 1)
    return student.cpu()


class _Optimisers:
    """Adam for the table, of which a batch meets few rows, and Adam for the hidden layer."""

    def __init__(self, student: Student, recipe: Recipe) -> None:
        layer = [*student.inward.parameters(), *student.outward.parameters()]
        self.rates = recipe.table_rate, recipe.hidden_rate
        self.all = (
            torch.optim.SparseAdam([student.table], lr=recipe.table_rate),
            torch.optim.Adam(layer, lr=recipe.hidden_rate),
        )

    def step(self, loss: torch.Tensor, share_of_rate: float) -> None:
        for optimiser, rate in zip(self.all, self.rates, strict=True):
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = rate * share_of_rate
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser in self.all:
            optimiser.step()  # type: ignore[no-untyped-call]


def _keep(
    path: Path, student: Student, optimisers: _Optimisers, recipe: Recipe, epochs: int
) -> None:
    unfinished = path.with_suffix(".part")
    states = [optimiser.state_dict() for optimiser in optimisers.all]
    state = {"recipe": asdict(recipe), "epochs": epochs, "student": student.state_dict()}
    torch.save(state | {"optimisers": states}, unfinished)
    unfinished.replace(path)  # whole or not at all


def _restore(path: Path, student: Student, optimisers: _Optimisers, recipe: Recipe) -> int:
    """Go back to the kept epoch, if one of this recipe is kept; returns how many are done."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != asdict(recipe):
        return 0
    student.load_state_dict(state["student"])
    for optimiser, kept in zip(optimisers.all, state["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    return int(state["epochs"])
