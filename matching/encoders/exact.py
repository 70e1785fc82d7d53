"""Arithmetic that gives the same bytes on every machine.

Sums of floats depend on their order, and the order on the processor. Sums of whole numbers do not,
and a product of matrices of small whole numbers is exact even when a BLAS library makes it in
float32, as long as no partial sum reaches 2**24.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS: Final = 20
"""Vectors are rounded to this many binary places before their length is taken."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def unit(vectors: Floats) -> Floats:
    """The rows (n, d) scaled to length 1; a row of zeros stays so.

    Entries must be below 2**5 in size: their squares are summed as whole numbers, which is exact
    in any order for d up to 2**13.
    """
    return unit_of_integers(np.rint(vectors * (1 << FRACTION_BITS)).astype(np.int64))


def unit_of_integers(vectors: Integers) -> Floats:
    """The rows (n, d) of whole numbers scaled to length 1; a row of zeros stays so.

    The sum of the squares of a row must be below 2**63.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors).astype(np.float64))[:, None]
    scaled = np.zeros(vectors.shape)
    np.divide(vectors, lengths, out=scaled, where=lengths > 0)
    return scaled


def product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """`left` (n, k) times `right` (m, k) transposed, both whole numbers of at most 127 in size.

    Exact for k up to 1,040, since 127 * 127 * 1,040 < 2**24.
    """
    result: NDArray[np.float32] = left @ right.T
    return result
