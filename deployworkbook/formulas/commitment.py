"""Machines that are paid for a year whether they run or not, at a discount.

Amazon calls this savings plans or reserved instances, Google committed use. With a discount d, a
committed machine costs 1 - d all the time, and one on demand costs 1 for the share of the hours
that it runs: committing pays from a share of 1 - d on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array


def uncommitted_machines(
    machines: ArrayLike, shares: ArrayLike, committed: ArrayLike
) -> NDArray[np.float64]:
    """Return how many machines run beyond the committed ones, on average over the hours.

        Σ_h w_h max(N_h - N_c, 0)

    The committed machines cost N_c (1 - d), used or not; those beyond them the full price.

    Args:
        machines: N_h, machines in each kind of hour, on the last axis.
        shares: w_h, share of the hours of each kind, shape ``[hours]``; they sum to 1.
        committed: N_c, machines that are committed to, at least 0; without the axis of hours.

    Raises:
        ValueError: A number is negative.

    >>> float(uncommitted_machines([2, 6], [0.75, 0.25], 3))  # 3 more in a quarter of the hours
    0.75
    """
    running = check_array("machines", machines, low=0)
    weights = check_array("shares", shares, ndim=1, low=0)
    kept = check_array("committed", committed, low=0)
    return np.asarray(np.maximum(running - kept[..., None], 0.0) @ weights)
