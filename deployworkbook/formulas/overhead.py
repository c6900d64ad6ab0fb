"""Time per batch: a fixed time per call, plus a time per image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.whole_numbers import rounded_down
from deployworkbook.validation import check_array, check_number, check_same_shape, value_error


@dataclass(frozen=True)
class Overhead:
    """A line through the times of batches: t(n) = a + b n.

    Args:
        fixed: a, the time per call, in any unit of time, at least 0.
        per_image: b, the time per image, in the same unit, at least 0.

    Raises:
        TypeError: A value is not a number.
        ValueError: A value is negative or not finite.

    Source: R. W. Hockney and C. R. Jesshope, "Parallel Computers", 1981, describe vector computers
    by 1 / b and a / b.

    >>> line = Overhead(fixed=6.0, per_image=2.0)
    >>> float(line.time(5)), line.half_batch
    (16.0, 3.0)
    """

    fixed: float
    per_image: float

    def __post_init__(self) -> None:
        check_number("fixed", self.fixed, 0)
        check_number("per_image", self.per_image, 0)

    def time(self, batch_sizes: ArrayLike) -> NDArray[np.float64]:
        """Return the time of a batch, t(n) = a + b n.

        Args:
            batch_sizes: n, any shape.

        >>> Overhead(6.0, 2.0).time([1, 10])
        array([ 8., 26.])
        """
        return np.asarray(self.fixed + self.per_image * check_array("batch_sizes", batch_sizes))

    def throughput(self, batch_sizes: ArrayLike) -> NDArray[np.float64]:
        """Return images per unit of time, n / t(n): below 1 / b for every n.

        Args:
            batch_sizes: n, any shape.

        >>> Overhead(6.0, 2.0).throughput([3, 1000])  # half of 1/2, and nearly 1/2
        array([0.25      , 0.49850449])
        """
        return np.asarray(check_array("batch_sizes", batch_sizes) / self.time(batch_sizes))

    @property
    def half_batch(self) -> float:
        """Batch size a / b, which reaches half the throughput 1 / b: half of its time is overhead.

        Infinite if b is 0.

        >>> Overhead(1.0, 0.0).half_batch
        inf
        """
        return self.fixed / self.per_image if self.per_image else math.inf

    def largest_batch(self, deadline: float) -> float:
        """Return ⌊(deadline - a) / b⌋, the largest batch that is done in time; 0 if none is.

        Infinite if b is 0 and a call is done in time.

        Args:
            deadline: Deadline in the unit of a and b, at least 0.

        Raises:
            ValueError: The deadline is negative or infinite.

        >>> Overhead(6.0, 2.0).largest_batch(20.0), Overhead(6.0, 2.0).largest_batch(5.0)
        (7.0, 0.0)
        """
        left = check_number("deadline", deadline, 0) - self.fixed
        if left < 0:
            return 0.0
        if self.per_image == 0:
            return math.inf
        return float(rounded_down(left / self.per_image))


def fit_overhead(batch_sizes: ArrayLike, times: ArrayLike) -> Overhead:
    """Fit t(n) = a + b n to measured times by least squares of the relative errors.

        min Σ_i ((a + b n_i - t_i) / t_i)²,  a ≥ 0, b ≥ 0

    With w_i = 1 / t_i² that is, where neither is negative, the solution of

        a Σ w   + b Σ w n  = Σ w t
        a Σ w n + b Σ w n² = Σ w n t

    Batch times differ by powers of ten, and a measured time's error is proportional to the time:
    without weights, the largest batches alone would determine the fit.

    Args:
        batch_sizes: n, above 0, shape ``[k]``, at least two of them different.
        times: t, above 0, shape ``[k]``.

    Returns:
        a and b in the unit of ``times``.

    Raises:
        ValueError: Shapes differ, a number is not above 0, or all sizes are alike.

    >>> fit_overhead([1, 10, 100], [8.0, 26.0, 206.0])
    Overhead(fixed=6.0, per_image=2.0)
    """
    n = check_array("batch_sizes", batch_sizes, ndim=1)
    t = check_array("times", times, ndim=1)
    check_same_shape("batch_sizes", n, "times", t)
    for name, values in (("batch_sizes", n), ("times", t)):
        if values.min() <= 0:
            received = f"{values.min():g} among them"
            raise value_error(name, received=received, expected="numbers above 0")
    if n.min() == n.max():
        expected = "two sizes that differ"
        raise value_error("batch_sizes", received=f"{n.min():g} only", expected=expected)
    # Divide each equation by its time: the errors become relative, and all weights 1.
    ones, shares = 1 / t, n / t
    gram = np.array([[ones @ ones, ones @ shares], [ones @ shares, shares @ shares]])
    moments = np.array([ones.sum(), shares.sum()])
    fixed, per_image = np.linalg.solve(gram, moments)
    if fixed < 0:
        fixed, per_image = 0.0, moments[1] / gram[1, 1]
    elif per_image < 0:
        fixed, per_image = moments[0] / gram[0, 0], 0.0
    # Beyond ten digits there is only rounding error.
    return Overhead(float(f"{fixed:.10g}"), float(f"{per_image:.10g}"))
