"""From trained floats to the whole numbers of the shipped table."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from matching.encoders.static_table import ACTIVATION, LARGEST, LARGEST_SCALE, Table
from matching.encoders.training.bags import Bags
from matching.encoders.training.contrastive import Student

SAMPLE: Final = 20_000
"""Texts on which the range of the hidden activations is measured."""
HIGHEST: Final = 0.9999
"""Quantile of an activation that the largest whole number stands for."""

Floats = NDArray[np.float64]


def quantise(student: Student, bags: Bags, means: NDArray[np.float32], seed: int) -> Table:
    """The table of a trained student; `bags` are texts to measure activations on."""
    rows, scales = _rows(student.table.detach().double().numpy())
    inward = student.inward.weight.detach().double().numpy()
    entries, weights = _by_row(inward)
    ranges = _activations(student, bags, seed) / LARGEST
    outward = student.outward.weight.detach().double().numpy() * ranges
    output, output_scales = _by_row(outward)
    bias = student.inward.bias.detach().double().numpy()
    return Table(
        rows=rows,
        scales=scales,
        hidden=entries,
        hidden_scales=(weights / ACTIVATION / ranges).astype(np.float32),
        hidden_bias=(bias / ranges).astype(np.float32),
        output=output,
        output_scales=output_scales.astype(np.float32),
        means=means,
    )


def _rows(table: Floats) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Rows as int8 and their scales as whole numbers from 1 to 1023."""
    largest = np.abs(table).max(axis=1)
    unit = largest.max() / LARGEST / LARGEST_SCALE
    # Rounded up, so that no entry exceeds 127.
    scales = np.clip(np.ceil(largest / LARGEST / unit), 1, LARGEST_SCALE)
    rows = np.clip(np.rint(table / (scales * unit)[:, None]), -LARGEST, LARGEST)
    return rows.astype(np.int8), scales.astype(np.int16)


def _by_row(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Weights (m, k) as int8 and the scale (m,) of each row."""
    scales = np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-12) / LARGEST
    return np.rint(weights / scales[:, None]).astype(np.int8), scales


def _activations(student: Student, bags: Bags, seed: int) -> Floats:
    """High quantile (h,) of each hidden activation over a sample of texts."""
    filled = np.flatnonzero(bags.lengths)
    draw = np.random.default_rng(seed)
    rows = draw.choice(filled, min(SAMPLE, len(filled)), replace=False)
    batch = bags.batch(rows)
    with torch.inference_mode():
        sums = torch.nn.functional.embedding_bag(
            torch.from_numpy(batch.tokens),
            student.table,
            torch.from_numpy(batch.starts),
            mode="sum",
        )
        units = torch.nn.functional.normalize(sums, dim=1)
        hidden = torch.relu(student.inward(units)).double().numpy()
    highest: Floats = np.maximum(np.quantile(hidden, HIGHEST, axis=0), 1e-6)
    return highest
