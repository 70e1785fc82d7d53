"""The start: the table whose sums come nearest to the teacher's vectors."""

import warnings
from typing import Final

import numpy as np
import torch
from scipy.sparse import csr_matrix

from matching.encoders.training.bags import Bags
from matching.encoders.training.steps import Advance, no_advance

PENALTY: Final = 0.6
ITERATIONS: Final = 12


def ridge_table(
    bags: Bags,
    targets: torch.Tensor,
    tokens: int,
    *,
    penalty: float = PENALTY,
    iterations: int = ITERATIONS,
    advance: Advance = no_advance,
) -> torch.Tensor:
    """Table (V, d) that minimises |X W - Y|^2 + penalty |W|^2, by conjugate gradient.

    X (n, V) holds 1/sqrt(length) for each token of a text, Y (n, d) are the `targets`; each of
    the d columns is a system of its own (Hestenes and Stiefel 1952), all solved side by side.
    """
    design, transposed = _design(bags, tokens)
    right = transposed @ targets
    table = torch.zeros_like(right)
    residual, direction = right.clone(), right.clone()
    squared = (residual * residual).sum(0)
    for _ in range(iterations):
        image = transposed @ (design @ direction) + penalty * direction
        step = squared / (direction * image).sum(0).clamp_min(1e-12)
        table += step * direction
        residual -= step * image
        renewed = (residual * residual).sum(0)
        direction = residual + (renewed / squared.clamp_min(1e-12)) * direction
        squared = renewed
        advance(1)
    return table


def _design(bags: Bags, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """X (n, V) and its transpose, sparse."""
    lengths = bags.lengths
    entries = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32)
    # SciPy transposes by counting; torch would sort.
    design = csr_matrix((entries, bags.tokens, bags.bounds), (len(bags), tokens))
    return _sparse(design), _sparse(design.T.tocsr())


def _sparse(matrix: csr_matrix) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data),
            matrix.shape,
            check_invariants=False,  # SciPy has made it
        )
