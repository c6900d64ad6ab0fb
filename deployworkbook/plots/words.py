"""Figures in the words of a picture: few digits, and one of a thing in the singular."""

from __future__ import annotations


def short(value: float) -> str:
    """Write a number in three digits, or whole where it has more; never as a power of ten.

    >>> short(12_345.6), short(0.4567), short(1000.0), short(4e-5)
    ('12,346', '0.457', '1,000', 'under 0.001')
    """
    if 0 < value < 0.001:
        return "under 0.001"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def counted(number: float, thing: str) -> str:
    """Write a number of things.

    >>> counted(1, "board"), counted(2500, "board"), counted(0.25, "request")
    ('1 board', '2,500 boards', '0.25 requests')
    """
    return f"{short(number)} {thing}{'' if short(number) == '1' else 's'}"
