"""The whole training, from pairs to a folder that `StaticEncoder` reads."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from matching.encoders.protocol import Encoder
from matching.encoders.static_table import prepare
from matching.encoders.training.artefact import write_artefact
from matching.encoders.training.bags import Bags
from matching.encoders.training.contrastive import Student, train_student
from matching.encoders.training.derive import derive
from matching.encoders.training.lessons import Lessons, make_lessons
from matching.encoders.training.pairs import Pair, fingerprint, read_pairs
from matching.encoders.training.quantise import quantise
from matching.encoders.training.recipe import Recipe
from matching.encoders.training.ridge import ridge_table
from matching.encoders.training.steps import Steps
from matching.encoders.training.teacher import Targets, teacher_vectors
from matching.encoders.training.vocabulary import train_vocabulary, without_rare_tokens
from matching.text import normalise

TOKENIZER_FILE: Final = "tokenizer.json"
START_FILE: Final = "start.npy"
CHECKPOINT_FILE: Final = "checkpoint.pt"
CENTRED_BY: Final = frozenset({"ainotes", "edrdg", "joined", "template"})
"""Sources whose texts are like those that the product reads: the means are taken over them, or over
everything where there are none."""
MEAN_SAMPLE: Final = 20_000


def train_encoder(
    data: Path,
    out: Path,
    *,
    teacher: Encoder,
    work: Path,
    recipe: Recipe,
    steps: Steps,
    teacher_sha256: str | None = None,
) -> None:
    """Train on the pairs in `data` and write the encoder to the folder `out`.

    What takes long is kept in `work`, under a name that depends on data, teacher and recipe: the
    same call again goes on where it was interrupted.
    `teacher_sha256` is that of the teacher's weights, for the manifest.
    Raises PairsError if the pairs cannot be read.
    """
    pairs = read_pairs(data)
    derived = derive(pairs, templates=recipe.templates, joined=recipe.joined, seed=recipe.seed)
    targets = teacher_vectors(
        (normalise(pair.english) for pair in [*pairs, *derived]), teacher, work / "teacher", steps
    )
    lessons = make_lessons(pairs, derived, targets, recipe)
    folder = work / _key(pairs, teacher, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(folder / TOKENIZER_FILE, lessons, recipe, steps)
    with steps("Reading the texts", len(lessons.texts)) as advance:
        bags = Bags.of(tokenizer, lessons.texts, advance)
    student = train_student(
        _start(folder / START_FILE, bags, lessons, tokenizer.get_vocab_size(), recipe, steps),
        bags,
        lessons,
        recipe,
        checkpoint=folder / CHECKPOINT_FILE,
        steps=steps,
    )
    means = _means(student, tokenizer, [*pairs, *derived], targets, recipe)
    write_artefact(
        out,
        tokenizer,
        quantise(student, bags, means, recipe.seed),
        sources=[pair.source for pair in pairs],
        manifest={
            "data": {"pairs": len(pairs), "derived": len(derived), "sha256": fingerprint(pairs)},
            "teacher": teacher.id,
            "teacher_sha256": teacher_sha256,
            "recipe": asdict(recipe),
        },
    )


def _key(pairs: Sequence[Pair], teacher: Encoder, recipe: Recipe) -> str:
    whole = json.dumps([fingerprint(pairs), teacher.id, asdict(recipe)])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _tokenizer(path: Path, lessons: Lessons, recipe: Recipe, steps: Steps) -> Tokenizer:
    if path.exists():
        return Tokenizer.from_file(str(path))
    with steps("Vocabulary", 2) as advance:
        trained = train_vocabulary(lessons.texts, recipe.vocabulary)
        advance(1)
        tokenizer = without_rare_tokens(trained, lessons.texts, recipe.minimum_count)
        advance(1)
    unfinished = path.with_suffix(".part")
    tokenizer.save(str(unfinished))
    unfinished.replace(path)  # whole or not at all
    return tokenizer


def _start(
    path: Path, bags: Bags, lessons: Lessons, tokens: int, recipe: Recipe, steps: Steps
) -> torch.Tensor:
    if path.exists():
        return torch.from_numpy(np.load(path, allow_pickle=False))
    with steps("Ridge start", recipe.iterations) as advance:
        table = ridge_table(
            bags,
            torch.from_numpy(lessons.targets[lessons.places].astype(np.float32)),
            tokens,
            penalty=recipe.penalty,
            iterations=recipe.iterations,
            advance=advance,
        )
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, table.numpy(), allow_pickle=False)
    unfinished.replace(path)  # whole or not at all
    return table


def _means(
    student: Student,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    targets: Targets,
    recipe: Recipe,
) -> NDArray[np.float32]:
    """Mean unit vectors (3, d) over the same pairs: Japanese, English, English by the teacher."""
    fitting = [pair for pair in pairs if pair.source in CENTRED_BY] or pairs
    drawn = random.Random(recipe.seed).sample(fitting, min(len(fitting), MEAN_SAMPLE))  # noqa: S311 -- draws, not secrets
    japanese = Bags.of(tokenizer, [prepare(pair.japanese) for pair in drawn])
    english = Bags.of(tokenizer, [prepare(pair.english) for pair in drawn])
    taught = targets.vectors[[targets.places[normalise(pair.english)] for pair in drawn]]
    everything = np.arange(len(drawn))
    with torch.inference_mode():
        means = [student.read(bags.batch(everything)).mean(0) for bags in (japanese, english)]
    return np.stack([*(mean.numpy() for mean in means), taught.astype(np.float32).mean(0)])
