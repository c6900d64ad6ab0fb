"""Units: what a name's suffix says, which values make sense in it, and the constants between them.

A month has 730 hours (8,760 / 12). A GB of a data sheet is 10⁹ bytes, a GB on a cloud's bill is a
GiB, 2³⁰ bytes: 7.4 % more.
"""

from __future__ import annotations

from typing import Any

from deployworkbook.validation import check_integer, check_number, describe, value_error

SECONDS_PER_HOUR = 3600
HOURS_PER_MONTH = 730
SECONDS_PER_MONTH = SECONDS_PER_HOUR * HOURS_PER_MONTH
HOURS_PER_WEEK = 168
MONTHS_PER_YEAR = 12
GB = 10**9
GIB = 2**30

# The suffix of a name, and what its values may be; the longest suffix that fits counts. What is
# beyond these is a slip of the unit (bytes for GiB, percent for shares) rather than a wish.
RANGES: dict[str, tuple[float, float]] = {
    "_usd": (0, 1e9),
    "_usd_per_hour": (0, 1e4),
    "_usd_per_gib_month": (0, 100),
    "_usd_per_gib": (0, 100),
    "_usd_per_kwh": (0, 10),
    "_usd_per_thousand": (0, 100),
    "_usd_per_month": (0, 1e12),
    "_grams_per_kwh": (0, 2000),
    "_bytes": (0, 1e15),
    "_bytes_per_request": (0, 1e12),
    "_gib": (0, 1e9),
    "_mib_per_s": (0, 1e6),
    "_per_s": (0, 1e9),
    "_per_month": (0, 1e6),
    "_per_update": (0, 1e4),
    "_per_retraining": (0, 1e4),
    "_per_incident": (0, 1e4),
    "_per_device_visit": (0, 1e4),
    "_hours_per_month": (0, 1e6),
    "_watts_per_vcpu": (0, 1e3),
    "_watts": (0, 1e5),
    "_kwh": (0, 1e12),
    "_gflops": (0, 1e9),
    "_per_million": (0, 1e12),
    "_ms": (0, 1e7),
    "_s": (0, 1e6),
    "_hours": (0, 1e5),
    "_months": (0, 600),
    "_share": (0, 1),
    "_share_per_month": (-0.5, 1),
    "_ratio": (0, 1e6),
    "_scv": (0, 1e3),
}
# What is divided by, or makes no sense as nothing. Less than the least is nothing, too: a quotient
# of it would be infinite.
LEAST = 1e-9
NEVER_ZERO = {
    "latency_objective_ms",
    "latency_objective_s",
    "service_ms",
    "measured_speed_ratio",
    "speed_ratio",
    "low_ratio",
    "cores_per_vcpu_ratio",
    "large_gflops",
    "memory_gib",
    "throughput_mib_per_s",
    "operations_per_s",
    "utilisation_limit_share",
    "memory_limit_share",
    "wages_share",
    "device_life_months",
    "logged_per_object_ratio",
}
# Names that count things, and how many there may be at the least.
COUNTS = {
    "vcpus": 1,
    "threads": 1,
    "devices": 0,
    "regions": 1,
    "machine_vcpus": 1,
    "machine_servers": 1,
    "machine_devices": 0,
    "replicas": 1,
    "least_replicas": 1,
    "versions_kept": 1,
    "month": 0,
}
# Of these a machine has thousands at the most; waits for a billion servers would take for ever.
OF_ONE_MACHINE = {"vcpus", "machine_vcpus", "machine_servers"}


def most_of(name: str) -> int:
    """Return how many of what a name counts there may be."""
    return 10_000 if name in OF_ONE_MACHINE else 10**9


def unit_of(name: str) -> str:
    """Return the suffix of a name that says its unit; empty where there is none.

    >>> unit_of("price_usd_per_hour")
    '_usd_per_hour'
    """
    found = [suffix for suffix in RANGES if name.endswith(suffix)]
    return max(found, key=len, default="")


def check_quantity(label: str, name: str, value: Any) -> float:
    """Return ``value`` if it makes sense in the unit that ``name`` ends with.

    Args:
        label: What the message calls it, such as a file and the entry in it.
        name: The field's name, with its unit.
        value: A number; a count must be whole.

    Raises:
        TypeError: It is no number, or a count that is not whole.
        ValueError: It is NaN, infinite or out of the unit's range.

    >>> check_quantity("spot_share", "spot_share", 0.3)
    0.3
    """
    if name in COUNTS:
        return check_integer(label, value, COUNTS[name], most_of(name))
    suffix = unit_of(name)
    if not suffix:
        raise value_error(label, received=describe(name), expected="a name with a unit")
    low, high = RANGES[suffix]
    return check_number(label, value, LEAST if name in NEVER_ZERO else low, high)
