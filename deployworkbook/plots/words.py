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


def duration(seconds: float) -> str:
    """Format a time from milliseconds to years, in the largest unit of which there are two.

    >>> duration(0.0268), duration(45.0), duration(7200.0), duration(86_400.0 * 800)
    ('26.8 ms', '45 s', '2 hours', '2.19 years')
    """
    units = ((31_557_600.0, "years"), (86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
    for unit, name in units:
        if seconds >= 2 * unit:
            return f"{short(seconds / unit)} {name}"
    return f"{short(seconds)} s" if seconds >= 1 else f"{short(1000 * seconds)} ms"


def byte_size(size_bytes: float) -> str:
    """Format a number of bytes, in units of 1,000.

    >>> byte_size(812.0), byte_size(5812.0), byte_size(2.5e9)
    ('812 bytes', '5.81 kB', '2.5 GB')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{short(size_bytes / unit)} {name}"
    return counted(size_bytes, "byte")


def kibibytes(size_bytes: float) -> str:
    """Format a memory's size, in units of 1,024 bytes as data sheets count them.

    >>> kibibytes(812.0), kibibytes(65_536.0), kibibytes(4_194_304.0)
    ('0.793 KiB', '64 KiB', '4,096 KiB')
    """
    return f"{short(size_bytes / 1024)} KiB"
