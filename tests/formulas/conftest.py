"""What the tests of the formulas share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.backpropagation import central_differences

# The same examples in every run, and no time limit on any: a slow machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")

NumericGradient = Callable[
    [Callable[[NDArray[np.float64]], ArrayLike], ArrayLike], NDArray[np.float64]
]


@pytest.fixture(scope="session")
def numeric_gradient() -> NumericGradient:
    """Central differences of one array's loss, or of the sum of its losses."""

    def gradient(
        loss: Callable[[NDArray[np.float64]], ArrayLike], point: ArrayLike
    ) -> NDArray[np.float64]:
        def total(arrays: list[NDArray[np.float64]]) -> float:
            return float(np.sum(loss(arrays[0])))

        return central_differences(total, [point])[0]

    return gradient
