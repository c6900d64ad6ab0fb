"""When requests are meant to arrive."""

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
    """Draw the moments of arrival of an open loop, in seconds from its start.

        constant: tᵢ = i / λ          poisson: tᵢ = Σ gaps, gaps exponential of mean 1 / λ

    Many users who know nothing of each other arrive as a Poisson process; it is burstier than the
    constant one, and a server that just holds a constant rate does not hold it.

    Args:
        rate_per_s: λ, above 0.
        seconds: How long, above 0.
        pattern: ``poisson`` or ``constant``.
        seed: Of the draw.
        max_requests: The most; later ones are left out.

    Returns:
        Times in ascending order, from 0 up to ``seconds``.

    Raises:
        TypeError: A number is none.
        ValueError: A number is out of range, or the pattern unknown.

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
    # Six standard deviations more than the mean number; more than that would be drawn once in 10⁹.
    count = min(most, int(rate * length + 6 * np.sqrt(rate * length) + 10))
    times = np.cumsum(generator.exponential(1 / rate, count))
    return times[times < length]
