"""How sure a measured proportion or mean is."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.validation import check_array, check_integer, check_number, message


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


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the mean behind a few measured values (Student, 1908).

        x̄ ± t s / √n,   s² = Σ (x_i - x̄)² / (n - 1),   P(|T| ≤ t) = confidence

    T has Student's distribution of n - 1 degrees of freedom. For two ways of doing the same under
    the same conditions, such as two trainings from one seed, take the differences as values: what
    both share cancels.

    Args:
        values: x, at least two.
        confidence: How often such an interval holds the mean, in (0, 1), for values that spread
            as a normal distribution does.

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: There are fewer than two values.

    >>> low, high = mean_interval([1.0, 2.0, 3.0])  # 2 ± 4.303 · 1 / √3
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    x = check_array("values", values, ndim=1)
    level = check_number("confidence", confidence, 0, 1, open_low=True, open_high=True)
    n = len(x)
    if n < 2:
        raise ValueError(
            message("values", received=str(n), expected="two or more, since one has no spread")
        )
    reach = _student_t(level, n - 1) * float(x.std(ddof=1)) / math.sqrt(n)
    centre = float(x.mean())
    return centre - reach, centre + reach


def _student_t(level: float, degrees: int) -> float:
    """The t that |T| stays below with a probability, by halving the angle in t = √ν tan θ."""
    low, high = 0.0, math.pi / 2
    # Each halving gains a bit, and float64 has 53.
    for _ in range(60):
        angle = (low + high) / 2
        if _student_share(angle, degrees) < level:
            low = angle
        else:
            high = angle
    return math.sqrt(degrees) * math.tan(low)


def _student_share(angle: float, degrees: int) -> float:
    """P(|T| ≤ √ν tan θ), a finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    is_odd = degrees % 2
    exponents = np.arange(is_odd, degrees - 1, 2)
    # Even ν: 1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …; odd ν: cos θ + 2/3 cos³ θ + …
    factors = np.r_[1.0, (exponents + 1) / (exponents + 2)][: len(exponents)]
    total = math.sin(angle) * float(np.cumprod(factors) @ math.cos(angle) ** exponents)
    return (angle + total) * 2 / math.pi if is_odd else total
