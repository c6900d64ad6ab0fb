"""Formatting in pictures: numbers of few digits, singular or plural nouns, and lists."""

from __future__ import annotations

from collections.abc import Sequence


def short(value: float) -> str:
    """Format a number with three digits, or as a whole number if larger; never as a power of ten.

    >>> short(12_345.6), short(0.4567), short(1000.0), short(4e-5)
    ('12,346', '0.457', '1,000', 'under 0.001')
    """
    if 0 < value < 0.001:
        return "under 0.001"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def counted(number: float, thing: str) -> str:
    """Format a number of things.

    >>> counted(1, "board"), counted(2500, "board"), counted(0.25, "request")
    ('1 board', '2,500 boards', '0.25 requests')
    """
    return f"{short(number)} {thing}{'' if short(number) == '1' else 's'}"


def listed(parts: Sequence[str]) -> str:
    """Join the parts of a sentence by commas and a last "and".

    >>> listed(["one"]), listed(["one", "two", "three"])
    ('one', 'one, two and three')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
