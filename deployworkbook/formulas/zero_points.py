"""Where 0 lies on an asymmetric grid: how many of its steps are below and above 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Shares of a grid's steps below zero. Fifteenths include every share of a grid of 2 to 4 bits; at
# one half the grid contains every number of the symmetric grid of the same scale.
SHARES = (*(place / 15 for place in range(16)), 0.5)


class ClippingErrors:
    """Squared errors of many grids over the same values, by sums over the sorted values.

    Args:
        rows: Values, shape ``[rows, n]``; each row has its own grid.
    """

    def __init__(self, rows: Array) -> None:
        self._sorted = np.sort(rows, axis=1)
        self._sums = _running(self._sorted)
        self._squares = _running(self._sorted**2)
        # Rounding error of the sums: a smaller difference between two of them means nothing.
        self._noise = 1e-12 * self._squares[:, -1:] / rows.shape[1]

    def at_least(self, scale: Array, steps: Array, *, stride: int = 1) -> Array:
        """Return lower bounds on the mean squared errors of some grids.

            Σ_{x < -ns} (x + ns)² + Σ_{-ns ≤ x ≤ ms} (x - s round(x/s))² + Σ_{x > ms} (x - ms)²

        All grids have the same scale per row, and differ in how many steps lie on each side of 0.

        Args:
            scale: s, shape ``[rows, 1]``.
            steps: n and m, numbers of steps below and above zero, shape ``[grids, 2, rows, 1]``.
            stride: Use every stride-th value for the rounding error: faster, but a looser bound.

        Returns:
            Shape ``[grids, rows, 1]``.
        """
        count = self._sorted.shape[1]
        values = self._sorted[:, ::stride]
        left_over = values / scale
        left_over -= np.rint(left_over)
        left_over *= scale
        rounding = _running(np.square(left_over, out=left_over))
        found = np.empty((len(steps), len(values), 1))
        for row, ordered in enumerate(self._sorted):
            low, high = steps[:, 0, row, 0] * scale[row, 0], steps[:, 1, row, 0] * scale[row, 0]
            first = np.searchsorted(ordered, -low)
            last = np.searchsorted(ordered, high, side="right")
            sums, squares = self._sums[row], self._squares[row]
            left = squares[first] + 2 * low * sums[first] + first * low**2
            right = squares[-1] - squares[last] - 2 * high * (sums[-1] - sums[last])
            right += (count - last) * high**2
            between = rounding[row, -(-last // stride)] - rounding[row, -(-first // stride)]
            found[:, row, 0] = (left + between + right) / count
        return np.asarray(found * (1 - 1e-6) - self._noise)


def _running(values: Array) -> Array:
    """Return the sums of the first 0, 1, 2, … values of each row."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
