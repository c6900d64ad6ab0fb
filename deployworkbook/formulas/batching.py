"""Batching at a server: how large batches get at a request rate."""

from __future__ import annotations

from deployworkbook.formulas.erlang import check_stable
from deployworkbook.formulas.overhead import Overhead
from deployworkbook.validation import check_number


def fluid_size(arrival_rate_per_s: float, line: Overhead) -> float:
    """Return the batch size that sustains itself: the requests that arrive while one batch runs.

        b = λ t(b)   ⟹   b = λ α / (1 - λ β)

    A server that takes all waiting requests finds this size by itself: more traffic, larger
    batches. This ignores randomness.

    Args:
        arrival_rate_per_s: λ, at least 0.
        line: Time per batch, seconds.

    Returns:
        Requests per batch, at least 1.

    Raises:
        ValueError: λ β is 1 or more, so that no batch size can keep up.

    >>> round(fluid_size(500.0, Overhead(0.004, 0.001)), 9)  # 500 · 0.004 / (1 - 0.5)
    4.0
    """
    rate = check_number("arrival_rate_per_s", arrival_rate_per_s, 0)
    check_stable(rate * line.per_image)
    return max(1.0, rate * line.fixed / (1.0 - rate * line.per_image))
