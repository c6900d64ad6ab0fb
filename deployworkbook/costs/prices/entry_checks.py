"""Checks of an entry as a whole: conditions that involve more than one of its fields."""

from __future__ import annotations

from typing import Any

from deployworkbook.costs.prices.entries import Assumption, MachineType, Processor, Transfer
from deployworkbook.costs.prices.token_entries import LanguageModel
from deployworkbook.validation import value_error


def check_whole(label: str, entry: Any) -> None:
    """Check conditions that involve more than one field of an entry.

    Args:
        label: File, section and entry, for the error message.
        entry: The entry.

    Raises:
        ValueError: Its fields contradict each other; the message names one of them.
    """
    if isinstance(entry, MachineType):
        paid, other = ("price_usd", "price_usd_per_hour")[:: 1 if entry.kind == "edge" else -1]
        if not getattr(entry, paid) or getattr(entry, other):
            expected = f"above 0 for the kind {entry.kind}, and no {other}"
            received = f"{getattr(entry, paid):g}, and {other} {getattr(entry, other):g}"
            raise value_error(f"{label}.{paid}", received=received, expected=expected)
        if entry.kind == "edge" and not entry.power_watts:
            raise value_error(f"{label}.power_watts", received="0", expected="above 0")
        if bool(entry.devices) != (entry.kind in {"gpu", "tpu"}):
            expected = "at least 1 for gpu and tpu, 0 for others"
            received = f"{entry.devices} for {entry.kind}"
            raise value_error(f"{label}.devices", received=received, expected=expected)
        if entry.devices and not entry.device_memory_gib:
            expected = "the memory of each device, above 0"
            raise value_error(f"{label}.device_memory_gib", received="0", expected=expected)
        for idle, full in (
            ("idle_watts", "power_watts"),
            ("device_idle_watts", "device_power_watts"),
        ):
            if getattr(entry, idle) > getattr(entry, full):
                received = f"{getattr(entry, idle):g}, and {full} {getattr(entry, full):g}"
                expected = f"at most {full}"
                raise value_error(f"{label}.{idle}", received=received, expected=expected)
    if isinstance(entry, Transfer) and entry.name != "internet" and len(entry.tiers) > 1:
        received = f"{len(entry.tiers)} tiers"
        raise value_error(
            f"{label}.tiers", received=received, expected="one tier: only internet has more"
        )
    if isinstance(entry, LanguageModel):
        try:
            _ = entry.shape
        except ValueError as error:
            raise ValueError(f"{label}.{error}") from error
    if isinstance(entry, Processor):
        _check_range(label, "speed_ratio", entry.low_ratio, entry.speed_ratio, entry.high_ratio)
    if isinstance(entry, Assumption):
        _check_range(label, "value", entry.low, entry.value, entry.high)


def _check_range(label: str, key: str, low: float, value: float, high: float) -> None:
    if not low <= value <= high:
        received = f"{value:g} outside {low:g} to {high:g}"
        raise value_error(
            f"{label}.{key}", received=received, expected="a value within its own range"
        )
