"""Flash: how many bytes weights take on a microcontroller, dense or as sparse rows.

Flash holds the weights as constants, and a network fits or it doesn't. So these formulas say how
many bytes a layer takes before anything is trained or built.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_choice, check_integer, value_error

Array = NDArray[np.float64]

# A gap is a byte. Two weights of four bits share a byte, so that they are stored in pairs.
LONGEST_GAP = 255
ENTRY_BYTES, PAIR_BYTES = 2, 3
# A counter of a row's entries, or pairs, is a byte up to this many.
MOST_OF_A_BYTE = 255


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


def sparse_row_entries(inputs: int, sparsity: ArrayLike) -> Array:
    """Return how many entries a sparse row takes on average, if zeros fall at random.

        E[k] = n d + d Σ_j (n - 255 j) (1 - d)^(255 j),  d = 1 - s,  j = 1, 2, … while 255 j < n

    Each nonzero weight is stored after the gap that leads to it, which is a byte. A longer gap is
    cut by weights of 0: the sum counts those.

    Args:
        inputs: n, length of the row, at least 1.
        sparsity: s, share of the weights that are 0, from 0 to 1; any shape.

    Returns:
        Entries, in the shape of ``sparsity``.

    Raises:
        TypeError: ``inputs`` isn't whole.
        ValueError: A number is out of range.

    >>> sparse_row_entries(784, [0.0, 0.5, 0.975, 0.995]).round(2).tolist()
    [784.0, 392.0, 19.62, 4.77]
    """
    n = check_integer("inputs", inputs, 1)
    s = check_array("sparsity", sparsity, low=0)
    if (s > 1).any():
        raise value_error("sparsity", received=f"{s.max():g}", expected="at most 1")
    entries = n * (1 - s)
    for reach in range(LONGEST_GAP, n, LONGEST_GAP):
        entries = entries + (1 - s) * (n - reach) * s**reach
    return np.asarray(entries)


def sparse_row_pairs(inputs: int, sparsity: ArrayLike) -> Array:
    """Return how many pairs of entries a sparse row takes on average, if zeros fall at random.

        E[⌈k / 2⌉] = E[k] / 2 + (1 - (1 - 2 d)ⁿ) / 4,  d = 1 - s

    An odd entry costs a whole pair; (1 - (1 - 2 d)ⁿ) / 2 is the chance that n weights have an odd
    number of nonzeros.

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
    entries = sparse_row_entries(inputs, sparsity)
    odd = (1 - (2 * np.asarray(sparsity, np.float64) - 1) ** inputs) / 2
    return np.asarray(entries / 2 + odd / 2)


def sparse_bytes_in_flash(
    inputs: int, outputs: int, *, sparsity: ArrayLike, bits: int = 4
) -> Array:
    """Return the bytes of a layer's weights as sparse rows, on average.

        m (2 E[k] + 1) for 8 bits,  m (3 E[⌈k / 2⌉] + 1) for 4

    Args:
        inputs: n, at least 1.
        outputs: m rows, at least 1. Each has a counter, of a byte up to 255 entries (or pairs), and
            of two beyond.
        sparsity: s, share of the weights that are 0, from 0 to 1; any shape.
        bits: Bits per weight: 4 or 8.

    Returns:
        Bytes, in the shape of ``sparsity``. In 8 bits they pay below a half of nonzero weights,
        since a gap doubles the bytes of each; in 4 bits below a third.

    Raises:
        TypeError: A number isn't whole.
        ValueError: A number is out of range.

    >>> [round(float(sparse_bytes_in_flash(784, 104, sparsity=0.975, bits=b))) for b in (4, 8)]
    [3243, 4185]
    """
    rows = check_integer("outputs", outputs, 1)
    if check_choice("bits", bits, (4, 8)) == 4:
        counted, each = sparse_row_pairs(inputs, sparsity), PAIR_BYTES
    else:
        counted, each = sparse_row_entries(inputs, sparsity), ENTRY_BYTES
    counter = np.where(counted > MOST_OF_A_BYTE, 2, 1)
    return np.asarray(rows * (each * counted + counter))
