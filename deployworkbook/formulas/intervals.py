"""How sure a measured proportion is."""

from __future__ import annotations

import math
from statistics import NormalDist

from deployworkbook.validation import check_integer, check_number


def wilson_interval(
    successes: int, trials: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound the proportion behind ``successes`` of ``trials`` (E. B. Wilson, 1927).

        (p̂ + z²/2n ± z √(p̂(1 - p̂)/n + z²/4n²)) / (1 + z²/n),   p̂ = successes / n

    Unlike p̂ ± z √(p̂(1 - p̂)/n), it stays within 0 … 1 and has a width at p̂ = 0 and p̂ = 1.

    Args:
        successes: For example, images classified rightly.
        trials: n, at least 1.
        confidence: How often such an interval holds the true proportion, in (0, 1).

    Returns:
        The lower and the upper end.

    Raises:
        TypeError: A count is not a whole number.
        ValueError: There are more successes than trials, or no trials.

    >>> low, high = wilson_interval(9774, 10000)
    >>> round(low, 4), round(high, 4)
    (0.9743, 0.9801)
    """
    n = check_integer("trials", trials, 1)
    share = check_integer("successes", successes, 0, n) / n
    level = check_number("confidence", confidence, 0, 1, open_low=True, open_high=True)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = share + z**2 / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # With no successes, or nothing else, an end is 0 or 1 exactly; rounding would miss it.
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == n else (centre + reach) / scale
    return low, high
