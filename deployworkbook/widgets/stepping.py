"""The values at which a slider stops, and their formatting for a readout.

A slider with a step of its own moves to the nearest step as soon as a browser shows it, and reports
that value back. Here the steps are values, and the value that a caller gives is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from itertools import count

from deployworkbook.validation import check_choice

# Renard's series R40 of round numbers, about equally far apart on a logarithmic scale. Every second
# one makes the series R20, and every fourth R10.
# fmt: off
R40 = (
    1.00, 1.06, 1.12, 1.18, 1.25, 1.32, 1.40, 1.50, 1.60, 1.70, 1.80, 1.90, 2.00, 2.12, 2.24, 2.36,
    2.50, 2.65, 2.80, 3.00, 3.15, 3.35, 3.55, 3.75, 4.00, 4.25, 4.50, 4.75, 5.00, 5.30, 5.60, 6.00,
    6.30, 6.70, 7.10, 7.50, 8.00, 8.50, 9.00, 9.50,
)
# fmt: on

# Digits of a value between two steps.
DIGITS = 6


def even_steps(low: float, high: float, step: float) -> list[float]:
    """Return values from one end to the other at a constant step, including the other end.

    The steps are counted in decimals, so that no binary rounding adds up.

    Args:
        low: First value.
        high: Last value, above ``low``.
        step: Step between values, above 0.

    >>> even_steps(0.0, 0.35, 0.1)
    [0.0, 0.1, 0.2, 0.3, 0.35]
    """
    first, last, each = (Decimal(str(number)) for number in (low, high, step))
    whole = int((last - first) / each)
    steps = (float(first + k * each) for k in range(whole + 1))
    return sorted({*steps, float(low), float(high)})


def preferred_numbers(low: float, high: float, per_decade: int) -> list[float]:
    """Return the preferred numbers from one value to another, including both.

    Args:
        low: First value, above 0.
        high: Last value, above ``low``.
        per_decade: Numbers per decade: 5, 10, 20 or 40.

    Raises:
        ValueError: There is no series with that many.

    Source: ISO 3, *Preferred numbers: Series of preferred numbers*.

    >>> preferred_numbers(1, 20, 10)
    [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0]
    """
    check_choice("per_decade", per_decade, [5, 10, 20, 40])
    series = R40[:: len(R40) // per_decade]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = (float(f"{digits}e{decade}") for decade in decades for digits in series)
    within = (number for number in numbers if low < number < high)
    return sorted({*within, float(low), float(high)})


def labelled(
    steps: Iterable[float], *given: float, decimals: int | None = None
) -> list[tuple[str, float]]:
    """Add given values to the steps, and format all of them for a readout, without duplicates.

    Args:
        steps: Steps in order.
        *given: Values to include.
        decimals: See ``figures``.

    >>> labelled([1.0, 2000.0], 1234.5678)
    [('1.0', 1.0), ('1,234.57', 1234.5678), ('2,000', 2000.0)]
    """
    values = sorted({*steps, *given})
    for digits in count(DIGITS):
        labels = [figures(value, decimals=decimals, digits=digits) for value in values]
        if len(set(labels)) == len(values):
            break
    return list(zip(labels, values, strict=True))


def figures(value: float, *, decimals: int | None = None, digits: int = DIGITS) -> str:
    """Format a number without an exponent, and with no more digits than it has.

    Args:
        value: Finite number.
        decimals: Fewest decimals; ``None`` for at least one if the number is below 10.
        digits: Most significant digits, unless more are before the point or in ``decimals``.

    >>> [figures(value) for value in (5.0, 2000.0, 0.00012, 300e6 / 7)]
    ['5.0', '2,000', '0.00012', '42,857,143']
    >>> [figures(value, decimals=2) for value in (0.5, 1 / 3, -97.0)]
    ['0.50', '0.333333', '−97.00']
    """
    size = abs(value)
    if decimals is None:
        decimals = 1 if size < 10 else 0
    leading = math.floor(math.log10(size)) if size else 0
    whole, _, fraction = f"{size:,.{max(decimals, digits - 1 - leading)}f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def decimals_of(*numbers: float) -> int:
    """Return the number of decimals that some numbers need.

    >>> decimals_of(80.0, 0.25), decimals_of(1, 5)
    (2, 0)
    """
    exponents = (Decimal(str(number)).normalize().as_tuple().exponent for number in numbers)
    return max(0, *(-exponent for exponent in exponents if isinstance(exponent, int)))
