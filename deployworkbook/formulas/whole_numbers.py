"""Rounding quotients up or down without letting a float's last bit decide about a whole machine.

    420 · 0.01 / (1 · 0.6) = 7.000000000000001 in binary fractions, and 7 in exact arithmetic

A quotient of a few products has a relative error of about 10⁻¹⁵. A value within 10⁻¹² of a whole
number counts as that number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TOLERANCE = 1e-12


def rounded_up(values: ArrayLike) -> NDArray[np.float64]:
    """Return the smallest whole numbers that are not below some quotients.

        ⌈x (1 - 10⁻¹²)⌉,  for x ≥ 0

    Args:
        values: x, any shape, at least 0; infinite ones stay so.

    >>> float(rounded_up(420 * 0.01 / 0.6)), float(rounded_up(7.001))
    (7.0, 8.0)
    """
    return np.asarray(np.ceil(np.asarray(values, np.float64) * (1.0 - TOLERANCE)))


def rounded_down(values: ArrayLike) -> NDArray[np.float64]:
    """Return the largest whole numbers that are not above some quotients.

        ⌊x (1 + 10⁻¹²)⌋,  for x ≥ 0

    Args:
        values: x, any shape, at least 0; infinite ones stay so.

    >>> float(rounded_down(0.3 / 0.1)), float(rounded_down(2.999))
    (3.0, 2.0)
    """
    return np.asarray(np.floor(np.asarray(values, np.float64) * (1.0 + TOLERANCE)))
