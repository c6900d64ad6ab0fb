"""Scaling of inputs before training: to 0 … 1, or to mean 0 and deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_number, check_same_shape


def normalise(values: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Map the interval ``low … high`` to 0 … 1.

        x' = (x - low) / (high - low)

    Args:
        values: Any shape, for example pixels from 0 to 255.
        low: The value that becomes 0.
        high: The value that becomes 1; above ``low``.

    Returns:
        The shape of ``values``.

    Raises:
        ValueError: ``high`` is not above ``low``, or a value is NaN or infinite.

    >>> normalise([0, 51, 255], 0, 255)
    array([0. , 0.2, 1. ])
    """
    bottom = check_number("low", low)
    top = check_number("high", high, bottom, open_low=True)
    return (check_array("values", values) - bottom) / (top - bottom)


@dataclass(frozen=True)
class Standardisation:
    """A mean and a standard deviation per feature, learnt from one data set and applied to any.

        x' = (x - μ) / σ

    For a constant feature (σ = 0), σ is taken as 1, as in scikit-learn's ``StandardScaler``: the
    feature becomes 0.

    Args:
        mean: μ, shape ``[features]``.
        deviation: σ, of the population (divided by n), shape ``[features]``; no zeros.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def learn(cls, examples: ArrayLike) -> Standardisation:
        """Compute the mean and standard deviation of each feature.

        Args:
            examples: The training set, shape ``[n, ...]``; never the test set, which the model
                must not have seen.

        Raises:
            ValueError: There are no examples, or a value is NaN or infinite.

        >>> Standardisation.learn([[1.0, 7.0], [3.0, 7.0]])
        Standardisation(mean=array([2., 7.]), deviation=array([1., 1.]))
        """
        array = check_array("examples", examples)
        deviation = array.std(axis=0)
        return cls(array.mean(axis=0), np.where(deviation == 0.0, 1.0, deviation))

    def apply(self, examples: ArrayLike) -> NDArray[np.float64]:
        """Standardise examples by the learnt mean and standard deviation.

        Args:
            examples: Shape ``[n, ...]``, with the features of ``learn``.

        Raises:
            ValueError: The features differ in shape.

        >>> Standardisation.learn([[1.0], [3.0]]).apply([[5.0]])
        array([[3.]])
        """
        array = check_array("examples", examples)
        check_same_shape("the examples learnt from", self.mean, "examples", array[0])
        return (array - self.mean) / self.deviation
