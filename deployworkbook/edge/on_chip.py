"""What an emulated model would take of a real chip: memory for sure, time and energy by a model."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.costs.prices.microcontroller import RUNS_ON, Microcontroller
from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.emulation import Emulation
from deployworkbook.edge.targets import TARGETS
from deployworkbook.formulas.battery import task_energy_mj
from deployworkbook.formulas.cycles import TIMINGS


@dataclass(frozen=True)
class Range:
    """A modelled figure.

    Args:
        low: With the fewest cycles that the published timings allow.
        high: With the most.
    """

    low: float
    high: float

    def __str__(self) -> str:
        low, high = (f"{float(f'{end:.2g}'):,g}" for end in (self.low, self.high))
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class ChipReading:
    """A model on a chip of the catalogue.

    Args:
        chip: The chip.
        fits: Whether flash and RAM suffice.
        flash_share: Share of the flash that the model takes; above 1 if it doesn't fit.
        ram_share: Share of the RAM.
        runs: Whether the chip would run the program that was emulated. If not, because it is of
            another kind or could compute floats in hardware, the bytes are those of a program
            compiled for its own core, with the emulated core's stack.
        time_ms: Modelled time per image; ``None`` where no timings of the core are published.
        energy_uj: Modelled energy per image, without what the chip draws while it sleeps.
    """

    chip: Microcontroller
    fits: bool
    flash_share: float
    ram_share: float
    runs: bool
    time_ms: Range | None
    energy_uj: Range | None

    def images_per_battery(self, battery_mj: float) -> Range | None:
        """Return how many images a battery's energy suffices for, if nothing else takes any.

        Args:
            battery_mj: Energy of the battery, see ``formulas.battery.battery_energy_mj``.
        """
        if self.energy_uj is None:
            return None
        return Range(*(1000 * battery_mj / uj for uj in (self.energy_uj.high, self.energy_uj.low)))


def read_on_chip(emulation: Emulation, chip: Microcontroller) -> ChipReading:
    """Compare a model's memory with a chip's, and model its time and energy per image.

        t = C / f,  E = U I t

    C are the modelled cycles, f, U and I the chip's clock, voltage and current.

    Args:
        emulation: The model on an emulated core.
        chip: A chip, such as ``load_catalog().microcontroller("RP2040")``. If it would run another
            program than the one emulated, the model is compiled for it.

    Raises:
        UnavailableError: There is no compiler for the chip's core.
    """
    runs = chip.core in RUNS_ON.get(emulation.core, ())
    if emulation.project.arithmetic == "float32":
        # Nobody calls a library for floats on a core that has a circuit for them.
        runs = runs and TARGETS[chip.core].has_floats == TARGETS[emulation.core].has_floats
    flash_bytes, ram_bytes = emulation.flash_bytes, emulation.ram_bytes
    # AVR's compiler takes no table beyond 32 KB, so its code stays uncounted where the tables alone
    # are too large.
    if not runs and emulation.project.table_bytes > chip.flash_bytes:
        flash_bytes = emulation.project.table_bytes
    elif not runs:
        own = compile_c(emulation.project, chip.core)
        flash_bytes = own.flash_bytes or 0
        ram_bytes += (own.ram_bytes or 0) - (emulation.build.ram_bytes or 0)
    flash, ram = flash_bytes / chip.flash_bytes, ram_bytes / chip.ram_bytes
    time_ms = energy_uj = None
    if runs and chip.core in TIMINGS and emulation.kinds:
        cycles = emulation.cycles(chip.core)
        seconds = [count / (1e6 * chip.clock_mhz) for count in (cycles.low, cycles.high)]
        joules = task_energy_mj(
            seconds, active_ma=chip.active_ma, supply_volts=chip.supply_volts
        ).tolist()
        time_ms = Range(*(1000 * second for second in seconds))
        energy_uj = Range(*(1000 * each for each in joules))
    return ChipReading(chip, max(flash, ram) <= 1, flash, ram, runs, time_ms, energy_uj)
