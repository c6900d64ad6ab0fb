"""Arrival times of requests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.whole_numbers import rounded_up
from deployworkbook.validation import check_choice, check_integer, check_number

POISSON, CONSTANT = "poisson", "constant"


def arrival_times(
    rate_per_s: float,
    seconds: float,
    *,
    pattern: str = POISSON,
    seed: int = 0,
    max_requests: int = 100_000,
) -> NDArray[np.float64]:
    """Draw the arrival times of an open loop, in seconds from its start.

        constant: tᵢ = i / λ          poisson: tᵢ = Σ gaps, gaps exponential of mean 1 / λ

    Many independent users arrive as a Poisson process. It is burstier than a constant rate, so a
    server that can just handle the constant rate falls behind.

    Args:
        rate_per_s: λ, the mean number of requests per second; positive.
        seconds: Duration in seconds; positive.
        pattern: ``poisson`` or ``constant``.
        seed: Random seed.
        max_requests: Maximum number of arrivals; later ones are left out.

    Returns:
        Times in ascending order, from 0 up to ``seconds``.

    Raises:
        TypeError: An argument isn't a number.
        ValueError: A number is out of range, or the pattern is unknown.

    >>> arrival_times(4, 1, pattern="constant")
    array([0.  , 0.25, 0.5 , 0.75])
    """
    rate = check_number("rate_per_s", rate_per_s, 0, open_low=True)
    length = check_number("seconds", seconds, 0, open_low=True)
    most = check_integer("max_requests", max_requests, 1)
    if check_choice("pattern", pattern, (POISSON, CONSTANT)) == CONSTANT:
        count = min(most, int(rounded_up(rate * length)))
        return np.arange(count) / rate
    generator = np.random.default_rng(seed)
    # The mean number plus six standard deviations: one draw in 10⁹ would need more.
    count = min(most, int(rate * length + 6 * np.sqrt(rate * length) + 10))
    times = np.cumsum(generator.exponential(1 / rate, count))
    return times[times < length]
