"""What the tests of the formulas share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import ArrayLike, NDArray

# The same examples in every run, and no time limit on any: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")

NumericGradient = Callable[
    [Callable[[NDArray[np.float64]], ArrayLike], ArrayLike], NDArray[np.float64]
]


@pytest.fixture(scope="session")
def numeric_gradient() -> NumericGradient:
    """Central differences: (L(x + h) - L(x - h)) / 2h in each number of x.

    The error is h²/6 · L''' from the formula and eps/h · L from rounding; h = 1e-5 balances them
    at about 1e-10 for a loss, its derivatives and its arguments of size 1.
    """

    def gradient(
        loss: Callable[[NDArray[np.float64]], ArrayLike], point: ArrayLike
    ) -> NDArray[np.float64]:
        center = np.asarray(point, dtype=np.float64)
        slopes = np.empty_like(center)
        for index in np.ndindex(center.shape):
            step = np.zeros_like(center)
            step[index] = 1e-5
            rise = np.asarray(loss(center + step)) - np.asarray(loss(center - step))
            slopes[index] = rise.sum() / 2e-5
        return slopes

    return gradient
