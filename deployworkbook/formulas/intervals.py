"""Confidence intervals of a measured proportion, mean, difference or quantile."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.validation import check_array, check_integer, check_number, value_error


def wilson_interval(
    successes: int, trials: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound the proportion behind ``successes`` of ``trials`` (E. B. Wilson, 1927).

        (p̂ + z²/2n ± z √(p̂(1 - p̂)/n + z²/4n²)) / (1 + z²/n),   p̂ = successes / n

    Unlike p̂ ± z √(p̂(1 - p̂)/n), it stays within 0 … 1 and has a width at p̂ = 0 and p̂ = 1.

    Args:
        successes: For example, the number of images classified correctly.
        trials: n, at least 1.
        confidence: How often such an interval contains the true proportion, in (0, 1).

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
    # With no successes or no failures, an end is exactly 0 or 1, which rounding would miss.
    low = 0.0 if successes == 0 else (centre - reach) / scale
    high = 1.0 if successes == n else (centre + reach) / scale
    return low, high


def difference_interval(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound the difference p₁ - p₂ of two independent proportions (R. G. Newcombe, 1998).

        d - √((p̂₁ - l₁)² + (u₂ - p̂₂)²)  …  d + √((u₁ - p̂₁)² + (p̂₂ - l₂)²),   d = p̂₁ - p̂₂

    l and u are the ends of Wilson's intervals. Of the eleven methods that Newcombe compared it is
    the tenth, and keeps its confidence even near 0 and 1, where d ± z √(…) does not.

    Args:
        first: Successes and trials of the first.
        second: Successes and trials of the second.
        confidence: How often such an interval contains the true difference, in (0, 1).

    Returns:
        The lower and the upper end.

    Raises:
        TypeError: A count is not a whole number.
        ValueError: There are more successes than trials, or no trials.

    >>> low, high = difference_interval((56, 70), (48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)

    Source: R. G. Newcombe, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17, 1998; the example is (a)
    of its table II.
    """
    low_1, high_1 = wilson_interval(*first, confidence=confidence)
    low_2, high_2 = wilson_interval(*second, confidence=confidence)
    share_1, share_2 = first[0] / first[1], second[0] / second[1]
    difference = share_1 - share_2
    return (
        difference - math.hypot(share_1 - low_1, high_2 - share_2),
        difference + math.hypot(high_1 - share_1, share_2 - low_2),
    )


def paired_difference_interval(
    only_first: int, only_second: int, trials: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound the difference p₁ - p₂ of two proportions of the same trials (Agresti and Min, 2005).

        d ± z √(b + c - (b - c)²/n) / n,   d = (b - c) / n,   with b + ½, c + ½ and n + 2

    Two models asked for the same images agree on most of them. Those say nothing of the difference,
    so that this interval is narrower than the one of independent proportions.

    Args:
        only_first: b, trials in which only the first succeeded.
        only_second: c, trials in which only the second did.
        trials: n, at least 1.
        confidence: How often such an interval contains the true difference, in (0, 1).

    Returns:
        The lower and the upper end.

    Raises:
        TypeError: A count is not a whole number.
        ValueError: There are more successes than trials, or no trials.

    >>> low, high = paired_difference_interval(150, 86, 1600)
    >>> round(low, 3), round(high, 3)
    (0.021, 0.059)

    Source: A. Agresti and Y. Min, "Simple improved confidence intervals for comparing matched
    proportions", Statistics in Medicine 24, 2005; the example is of A. Agresti, "Categorical data
    analysis", section 10.1.
    """
    n = check_integer("trials", trials, 1)
    b = check_integer("only_first", only_first, 0, n) + 0.5
    c = check_integer("only_second", only_second, 0, n - int(b)) + 0.5
    level = check_number("confidence", confidence, 0, 1, open_low=True, open_high=True)
    difference = (b - c) / (n + 2)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    reach = z * math.sqrt(b + c - (b - c) ** 2 / (n + 2)) / (n + 2)
    return max(-1.0, difference - reach), min(1.0, difference + reach)


def quantile_interval(
    values: ArrayLike, quantile: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Bound a quantile by two of the measured values, whatever their distribution.

        x₍ₗ₎ … x₍ᵤ₎,   B(l - 1; n, q) ≤ α/2,   B(u - 1; n, q) ≥ 1 - α/2

    B(k; n, q) is the probability of k or fewer of n values below ξ, which is binomial; l is the
    largest such rank and u the smallest, α = 1 - confidence.

    Args:
        values: x, at least one, independent of each other.
        quantile: q, in (0, 1); 0.5 is the median.
        confidence: How often, at least, such an interval contains the quantile, in (0, 1).

    Returns:
        The lower and the upper end; infinite where there are too few values: it takes 368 to bound
        a 99th percentile from above.

    Raises:
        ValueError: There are no values, or a number is out of range.

    >>> quantile_interval(range(1, 11), 0.5)
    (2.0, 9.0)
    """
    x = np.sort(check_array("values", values, ndim=1))
    q = check_number("quantile", quantile, 0, 1, open_low=True, open_high=True)
    level = check_number("confidence", confidence, 0, 1, open_low=True, open_high=True)
    n = len(x)
    k = np.arange(1, n + 1)
    # Sum the logarithms of neighbours' ratios, because (1 - q)ⁿ underflows.
    steps = np.log((n - k + 1) / k) + math.log(q / (1 - q))
    below = np.cumsum(np.exp(n * math.log1p(-q) + np.r_[0.0, np.cumsum(steps)]))
    low = int(np.searchsorted(below, (1 - level) / 2, side="right"))
    high = int(np.searchsorted(below[:n], (1 + level) / 2, side="left")) + 1
    return (
        float(x[low - 1]) if low >= 1 else -math.inf,
        float(x[high - 1]) if high <= n else math.inf,
    )


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the mean behind a few measured values (Student, 1908).

        x̄ ± t s / √n,   s² = Σ (x_i - x̄)² / (n - 1),   P(|T| ≤ t) = confidence

    T has Student's distribution with n - 1 degrees of freedom. To compare two methods under the
    same conditions, such as two trainings from one seed, pass their differences as values: the
    variation that both share cancels.

    Args:
        values: x, at least two.
        confidence: How often such an interval contains the mean, in (0, 1), for normally
            distributed values.

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
        raise value_error(
            "values", received=str(n), expected="two or more, since one has no spread"
        )
    reach = _student_t(level, n - 1) * float(x.std(ddof=1)) / math.sqrt(n)
    centre = float(x.mean())
    return centre - reach, centre + reach


def _student_t(level: float, degrees: int) -> float:
    """Return the t with P(|T| ≤ t) = level, by bisection over the angle in t = √ν tan θ."""
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
    """Return P(|T| ≤ √ν tan θ), a finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    is_odd = degrees % 2
    exponents = np.arange(is_odd, degrees - 1, 2)
    # Even ν: 1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + …; odd ν: cos θ + 2/3 cos³ θ + …
    factors = np.r_[1.0, (exponents + 1) / (exponents + 2)][: len(exponents)]
    total = math.sin(angle) * float(np.cumprod(factors) @ math.cos(angle) ** exponents)
    return (angle + total) * 2 / math.pi if is_odd else total
