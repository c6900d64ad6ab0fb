"""Inputs brought to one scale before training: normalised to 0 … 1, or standardised."""

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
        low: What becomes 0.
        high: What becomes 1; above ``low``.

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
    """A mean and a spread per feature, learnt from one set and applied to any.

        x' = (x - μ) / σ

    A feature that never changes (σ = 0) becomes 0 for the set it was learnt from, as in
    scikit-learn's ``StandardScaler``: its σ is taken as 1.

    Args:
        mean: μ, shape ``[features]``.
        deviation: σ, the population's (divided by n), shape ``[features]``; no zeros.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def learn(cls, examples: ArrayLike) -> Standardisation:
        """Compute the mean and spread of each feature.

        Args:
            examples: Shape ``[n, ...]``; the training set, never the test set, whose mean the
                model may not know.

        Raises:
            ValueError: There are no examples, or a value is NaN or infinite.

        >>> Standardisation.learn([[1.0, 7.0], [3.0, 7.0]])
        Standardisation(mean=array([2., 7.]), deviation=array([1., 1.]))
        """
        array = check_array("examples", examples)
        deviation = array.std(axis=0)
        return cls(array.mean(axis=0), np.where(deviation == 0.0, 1.0, deviation))

    def apply(self, examples: ArrayLike) -> NDArray[np.float64]:
        """Bring examples to mean 0 and spread 1, as far as they resemble those learnt from.

        Args:
            examples: Shape ``[n, ...]``, with the features of :meth:`learn`.

        Raises:
            ValueError: The features differ in shape.

        >>> Standardisation.learn([[1.0], [3.0]]).apply([[5.0]])
        array([[3.]])
        """
        array = check_array("examples", examples)
        check_same_shape("the examples learnt from", self.mean, "examples", array[0])
        return (array - self.mean) / self.deviation
