"""The catalogue's entry for a microcontroller: a chip that runs one program, and no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deployworkbook.costs.prices.entries import Source
from deployworkbook.costs.units import KIB

Core = Literal["cortex-m0plus", "cortex-m4", "riscv32", "avr"]

# The catalogue's cores that run a core's programs.
RUNS_ON: Mapping[str, tuple[Core, ...]] = {
    "cortex-m0plus": ("cortex-m0plus", "cortex-m4"),
    "cortex-m4": ("cortex-m4",),
    "riscv32": ("riscv32",),
}


@dataclass(frozen=True)
class Microcontroller:
    """A chip with a small core and its own memories, bought once.

    Its memories count in KiB of 1024 bytes, as data sheets do.

    Args:
        name: Part number.
        core: Instruction set and core, such as ``cortex-m0plus``.
        clock_mhz: Clock at which it draws ``active_ma``.
        flash_kib: Flash for code and constants.
        ram_kib: RAM.
        supply_volts: Supply voltage of the currents.
        active_ma: Current while the core computes, from flash, with its peripherals off.
        sleep_ua: Current of the deepest sleep that keeps its RAM or restarts by a timer.
        price_usd: Price of a chip, by the hundred.
        source: Source of its price.
        device_source: Source of memories, clock and currents.
    """

    name: str
    core: Core
    clock_mhz: float
    flash_kib: float
    ram_kib: float
    supply_volts: float
    active_ma: float
    sleep_ua: float
    price_usd: float
    source: Source
    device_source: Source

    @property
    def flash_bytes(self) -> int:
        """Flash in bytes."""
        return round(self.flash_kib * KIB)

    @property
    def ram_bytes(self) -> int:
        """RAM in bytes."""
        return round(self.ram_kib * KIB)
