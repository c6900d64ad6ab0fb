"""Machines that are paid for a year whether they run or not, at a discount.

Amazon calls this savings plans or reserved instances, Google committed use. Committing to a machine
pays if it runs for more than the share 1 - d of the hours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]


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
    running = check_array("machines", machines)
    weights = check_array("shares", shares, ndim=1)
    kept = check_array("committed", committed)
    for name, values in (("machines", running), ("shares", weights), ("committed", kept)):
        if (values < 0).any():
            raise value_error(name, received=f"{values.min():g}", expected="at least 0")
    return np.asarray(np.maximum(running - kept[..., None], 0.0) @ weights)


def least_use_to_commit(discount_share: ArrayLike) -> Array:
    """Return the share of the hours from which on committing to a machine is cheaper.

    Committed, it costs 1 - d all the time; on demand, 1 for the share u of the hours that it runs:

        u = 1 - d

    Args:
        discount_share: d, from 0 to 1.

    Raises:
        ValueError: A discount is out of range.

    >>> float(least_use_to_commit(0.375))
    0.625
    """
    discount = check_array("discount_share", discount_share)
    if not ((discount >= 0) & (discount <= 1)).all():
        received = f"{discount.min():g} to {discount.max():g}"
        raise value_error("discount_share", received=received, expected="from 0 to 1")
    return np.asarray(1.0 - discount)
