"""Units by a name's suffix, the valid range of each, and conversion constants.

A month has 730 hours (8,760 / 12). A GB on a data sheet is 10⁹ bytes; a GB on a cloud bill is a
GiB, 2³⁰ bytes, which is 7.4 % more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from deployworkbook.validation import check_integer, check_number, describe, value_error

SECONDS_PER_HOUR = 3600
HOURS_PER_MONTH = 730
SECONDS_PER_MONTH = SECONDS_PER_HOUR * HOURS_PER_MONTH
MONTHS_PER_YEAR = 12
GB = 10**9
KIB = 2**10
MIB = 2**20
GIB = 2**30

# Ranges by a name's suffix; the longest matching suffix counts. A value outside its range is most
# likely in the wrong unit (bytes for GiB, percent for shares).
RANGES: dict[str, tuple[float, float]] = {
    "_usd": (0, 1e9),
    "_usd_per_hour": (0, 1e4),
    "_usd_per_gib_s": (0, 1),
    "_usd_per_gib_month": (0, 100),
    "_usd_per_gib": (0, 100),
    "_usd_per_kwh": (0, 10),
    "_usd_per_thousand": (0, 100),
    "_usd_per_month": (0, 1e12),
    "_grams_per_kwh": (0, 2000),
    "_bytes": (0, 1e15),
    "_bytes_per_request": (0, 1e12),
    "_gib": (0, 1e9),
    "_gib_s": (0, 1e12),
    "_mib": (0, 1e7),
    "_kib_per_object": (0, 1e6),
    "_gb_per_hour": (0, 1e9),
    "_gb_per_s": (0, 1e6),
    "_mib_per_s": (0, 1e6),
    "_per_s": (0, 1e9),
    "_requests": (0, 1e12),
    "_connections": (0, 1e9),
    "_rules": (0, 1e4),
    "_zones": (0, 100),
    "_per_connection": (0, 1e9),
    "_lines_per_request": (0, 1e3),
    "_per_prediction": (0, 1e18),
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
    "_tflops": (0, 1e6),
    "_bits": (0, 64),
    "_tokens": (0, 1e9),
    "_mhz": (0, 1e5),
    "_kib": (0, 1e7),
    "_volts": (0, 1e3),
    "_ma": (0, 1e5),
    "_ua": (0, 1e7),
    "_us": (0, 1e9),
    "_per_million": (0, 1e12),
    "_usd_per_million": (0, 1e6),
    "_ms": (0, 1e7),
    "_s": (0, 1e6),
    "_hours": (0, 1e5),
    "_months": (0, 600),
    "_share": (0, 1),
    "_share_per_month": (-0.5, 1),
    "_ratio": (0, 1e6),
    "_scv": (0, 1e3),
    "_share_per_year": (0, 1),
    "_mah": (0, 1e8),
    "_mj": (0, 1e9),
    "_usd_per_mb": (0, 1e3),
}
# Quantities that must be positive. Smaller values than LEAST count as 0, since dividing by them
# could overflow.
LEAST = 1e-9
POSITIVE = {
    "latency_objective_ms",
    "latency_objective_s",
    "service_ms",
    "measured_speed_ratio",
    "speed_ratio",
    "low_ratio",
    "cores_per_vcpu_ratio",
    "large_gflops",
    "unit_new_connections_per_s",
    "unit_open_connections",
    "unit_gb_per_hour",
    "requests_per_connection",
    "function_core_mib",
    "function_mib",
    "memory_gib",
    "throughput_mib_per_s",
    "operations_per_s",
    "utilisation_limit_share",
    "memory_limit_share",
    "wages_share",
    "device_life_months",
    "logged_per_object_ratio",
    "clock_mhz",
    "flash_kib",
    "ram_kib",
    "supply_volts",
    "active_ma",
    "bits_per_s",
    "packet_bytes",
    "duty_share",
    "memory_gb_per_s",
    "dense_16bit_tflops",
    "dense_8bit_tflops",
    "dense_4bit_tflops",
    "weight_bits",
    "cache_bits",
    "accelerator_memory_share",
    "reached_compute_share",
    "tpu_reached_ratio",
    "capacity_mah",
    "cell_volts",
}
# Names that count things, and their smallest values.
COUNTS = {
    "vcpus": 1,
    "threads": 1,
    "devices": 0,
    "regions": 1,
    "nat_gateways": 0,
    "balancers": 0,
    "machine_vcpus": 1,
    "machine_servers": 1,
    "machine_devices": 0,
    "replicas": 1,
    "least_replicas": 1,
    "versions_kept": 1,
    "month": 0,
    "layers": 1,
    "width": 1,
    "heads": 1,
    "kv_heads": 1,
    "head_width": 0,
    "hidden": 1,
    "vocabulary": 1,
    "context": 1,
    "experts": 1,
    "active_experts": 1,
    "sequences": 0,
    "compute_bits": 4,
    "prompt_tokens": 1,
    "answer_tokens": 1,
}
# A machine has thousands of these at most; computing waits for a billion servers takes too long.
OF_ONE_MACHINE = {"vcpus", "machine_vcpus", "machine_servers"}


def most_of(name: str) -> int:
    """Return the largest value of a count."""
    return 10_000 if name in OF_ONE_MACHINE else 10**9


def unit_of(name: str) -> str:
    """Return the suffix of a name that gives its unit; empty if there is none.

    >>> unit_of("price_usd_per_hour")
    '_usd_per_hour'
    """
    return _longest_suffix(name)


@lru_cache(4096)
def _longest_suffix(name: str) -> str:
    found = [suffix for suffix in RANGES if name.endswith(suffix)]
    return max(found, key=len, default="")


def check_quantity(label: str, name: str, value: Any) -> float:
    """Return ``value`` if it is in the range of the unit that ``name`` ends with.

    Args:
        label: Name for the error message, such as a file and the entry in it.
        name: Name of the field, with its unit.
        value: Number; a count must be whole.

    Raises:
        TypeError: It is not a number, or a count that is not whole.
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
    return check_number(label, value, LEAST if name in POSITIVE else low, high)
