"""Flash: how many bytes weights take on a microcontroller, dense or as sparse rows.

Flash holds the weights as constants, and a network fits or it doesn't. So these formulas say how
many bytes a layer takes before anything is trained or built.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_choice, check_integer, value_error

Array = NDArray[np.float64]

# A gap is a byte, a weight half a byte.
LONGEST_GAP = 255
PAIR_BYTES = 3


def dense_bytes(inputs: int, outputs: int, *, bits: int) -> int:
    """Return the bytes of a layer's weights if each has its place, zero or not.

        n ⌈m b / 8⌉

    Args:
        inputs: n, at least 1.
        outputs: m, at least 1; a row of them begins at a whole byte.
        bits: b, bits per weight: 4, 8 or 32.

    Raises:
        TypeError: A number isn't whole.
        ValueError: A number is out of range.

    >>> [dense_bytes(784, 128, bits=bits) for bits in (32, 8, 4)]
    [401408, 100352, 50176]
    """
    n, m = check_integer("inputs", inputs, 1), check_integer("outputs", outputs, 1)
    return n * -(-m * check_choice("bits", bits, (4, 8, 32)) // 8)


def sparse_row_pairs(inputs: int, sparsity: ArrayLike) -> Array:
    """Return how many pairs of weights a sparse row takes on average, if zeros fall at random.

        E[⌈k / 2⌉] = n d / 2 + (1 - (1 - 2 d)ⁿ) / 4 + c / 2,  d = 1 - s
        c = d Σ_j (n - 255 j) (1 - d)^(255 j)

    Each nonzero weight is stored in four bits after the gap that leads to it, one byte. Two of them
    make a pair of three bytes, and an odd one costs a whole pair. A gap above 255 is cut by weights
    of 0, of which there are c.

    Args:
        inputs: n, length of the row, at least 1.
        sparsity: s, share of the weights that are 0, from 0 to 1; any shape.

    Returns:
        Pairs, in the shape of ``sparsity``.

    Raises:
        TypeError: ``inputs`` isn't whole.
        ValueError: A number is out of range.

    >>> sparse_row_pairs(784, [0.0, 0.5, 0.975]).round(2).tolist()
    [392.0, 196.25, 10.06]
    """
    n = check_integer("inputs", inputs, 1)
    s = check_array("sparsity", sparsity, low=0)
    if (s > 1).any():
        raise value_error("sparsity", received=f"{s.max():g}", expected="at most 1")
    density = 1 - s
    cuts = np.zeros_like(density)
    for reach in range(LONGEST_GAP, n, LONGEST_GAP):
        cuts = cuts + density * (n - reach) * (1 - density) ** reach
    return np.asarray(n * density / 2 + (1 - (1 - 2 * density) ** n) / 4 + cuts / 2)


def sparse_bytes_in_flash(inputs: int, outputs: int, *, sparsity: ArrayLike) -> Array:
    """Return the bytes of a layer's weights as sparse rows, on average.

        m (3 E[pairs] + 1)

    Args:
        inputs: n, at least 1.
        outputs: m rows, at least 1; each has a byte that counts its pairs (up to 255).
        sparsity: s, share of the weights that are 0, from 0 to 1; any shape.

    Returns:
        Bytes, in the shape of ``sparsity``. They pay below a third of nonzero weights: a weight
        with its gap takes a byte and a half, and a dense one half a byte.

    Raises:
        TypeError: A number isn't whole.
        ValueError: A number is out of range.

    >>> round(float(sparse_bytes_in_flash(784, 104, sparsity=0.975)))
    3243
    """
    rows = check_integer("outputs", outputs, 1)
    return np.asarray(rows * (PAIR_BYTES * sparse_row_pairs(inputs, sparsity) + 1))
