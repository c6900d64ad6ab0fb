"""Inputs and assumptions in a manager's words, with their values and ranges."""

from __future__ import annotations

from deployworkbook.costs.prices.entries import Assumption
from deployworkbook.costs.units import unit_of

PHRASES = {
    "accelerator_memory_share": "part of an accelerator's memory for weights and caches",
    "balancer_zones": "zones that a balancer is in",
    "carbon_grams_per_kwh": "CO2 per kWh",
    "cellular_usd_per_mb": "price of mobile data",
    "connection_s": "time that a connection stays open",
    "cross_zone_share": "traffic that crosses zones",
    "device_failures_per_year_share": "boards that fail per year",
    "device_hours_per_month": "supervision of a board",
    "device_idle_share": "power of an idle device, of its full power",
    "device_life_months": "life of a board",
    "electricity_usd_per_kwh": "price of electricity",
    "failed_updates_share": "devices that an update leaves unreachable",
    "function_cold_share": "requests that start a function anew",
    "function_start_s": "start of a function",
    "function_warm_s": "time that a function waits for another request",
    "hours_per_device_visit": "work for a visit to a board",
    "hours_per_incident": "work for an incident",
    "hours_per_retraining": "work for a retraining",
    "hours_per_update": "work for an update",
    "image_capture_mj": "energy to take an image",
    "incidents_per_month": "incidents",
    "layer_call_us": "start of a layer's kernels",
    "layer_exchange_us": "exchange of a layer's parts between devices",
    "log_line_bytes": "size of a log line",
    "log_store_months": "time that log lines are kept",
    "logged_per_object_ratio": "logged requests per stored object",
    "machine_watts_per_vcpu": "power of a machine's core",
    "managed_upkeep_share": "upkeep of a managed service, of that of machines",
    "memory_limit_share": "part of the memory that may be used",
    "outdated_devices_share": "devices that missed the update before",
    "protocol_bytes_per_request": "headers of a request",
    "reached_bandwidth_share": "part of a device's memory bandwidth that is reached",
    "reached_compute_share": "part of a device's arithmetic that is reached",
    "region_hours_per_month": "upkeep of a further region",
    "requests_per_connection": "requests per connection",
    "routing_rules": "routing rules",
    "server_overhead_ms": "the server's own work on a request",
    "server_overhead_s": "the server's own work on a request",
    "server_overhead_scv": "variation of the server's own work",
    "speed_ratio": "speed of the machine's core against the one that was measured",
    "spot_discount_share": "discount on the spot market",
    "spot_overhead_share": "extra hours for interruptions on the spot market",
    "tpu_reached_ratio": "what is reached on a TPU, relative to GPUs",
    "unpublished_tpu_watts": "power of a TPU",
    "upkeep_hours_per_month": "upkeep of the service",
    "utilisation_limit_share": "how busy a machine may be",
}
UNITS = {
    "_share": "%",
    "_ms": "ms",
    "_us": "µs",
    # Below a second; from there on, in seconds.
    "_s": "ms",
    "_seconds": "s",
    "_hours": "h",
    "_months": "months",
    "_watts": "W",
    "_watts_per_vcpu": "W",
    "_hours_per_month": "h per month",
    "_per_month": "per month",
    "_bytes": "bytes",
    "_bytes_per_request": "bytes",
    "_grams_per_kwh": "g",
    "_usd_per_kwh": "USD per kWh",
}
SCALES = {"_share": 100.0, "_s": 1000.0}


def phrase_of(name: str) -> str:
    """Return what an input is, in words.

    >>> phrase_of("utilisation_limit_share"), phrase_of("cold_start_s")
    ('how busy a machine may be', 'cold start')
    """
    return PHRASES.get(name, name.removesuffix(unit_of(name)).replace("_", " "))


def value_of(name: str, *values: float) -> str:
    """Return one value or more with the unit of the input's name.

    >>> value_of("utilisation_limit_share", 0.4, 0.8), value_of("server_overhead_ms", 0.5)
    ('40 to 80 %', '0.5 ms')
    >>> value_of("connection_s", 60), value_of("server_overhead_s", 5e-4)
    ('60 s', '0.5 ms')
    """
    suffix = unit_of(name)
    if suffix == "_s" and min(values) >= 1:
        suffix = "_seconds"
    unit = "h" if name.startswith("hours_per") else UNITS.get(suffix, "")
    scale = SCALES.get(suffix, 1.0)
    scaled = [value * scale for value in values]
    said = " to ".join(f"{each:,.0f}" if each >= 1000 else f"{each:.4g}" for each in scaled)
    return f"{said} {unit}" if unit else said


def assumption_in_words(each: Assumption) -> str:
    """Return an assumption with its value, range and reason, without its name in the catalogue."""
    said = f"{phrase_of(each.name)}: {value_of(each.name, each.value)}"
    return f"{said} ({value_of(each.name, each.low, each.high)}); {each.reason}"
