"""What differential privacy leaves to attacks: no attack, known or not, finds more members."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, value_error

Array = NDArray[np.float64]


def most_true_positives(
    false_positive_rate: ArrayLike, *, epsilon: float, delta: float = 0.0
) -> Array:
    """Return the largest share of the members that any attack can find.

        TPR ≤ min(e^ε FPR + δ,  1 - e^(-ε) (1 - δ - FPR)),  at most 1

    The first part is the definition of differential privacy; the second says the same of an attack
    that accuses whom the first one acquits.

    Args:
        false_positive_rate: FPR, share of the others that the attack accuses, from 0 to 1, any
            shape.
        epsilon: ε of the training, at least 0.
        delta: δ of the training, from 0 to below 1.

    Returns:
        TPR from 0 to 1, the shape of ``false_positive_rate``.

    Raises:
        ValueError: A number is out of range.

    Source: P. Kairouz, S. Oh and P. Viswanath, "The composition theorem for differential privacy",
    ICML 2015.

    >>> most_true_positives([0.01, 0.5, 1.0], epsilon=np.log(4)).round(3)
    array([0.04 , 0.875, 1.   ])
    """
    accused = check_array("false_positive_rate", false_positive_rate, low=0)
    if np.any(accused > 1):
        received = f"{accused.max():g}"
        raise value_error("false_positive_rate", received=received, expected="shares from 0 to 1")
    bound = check_number("epsilon", epsilon, 0)
    chance = check_number("delta", delta, 0, 1, open_high=True)
    # Beyond this, e^ε is larger than any share could make up for.
    factor = np.exp(min(bound, 700.0))
    first = factor * accused + chance
    second = 1.0 - (1.0 - chance - accused) / factor
    return np.asarray(np.clip(np.minimum(first, second), 0.0, 1.0))
