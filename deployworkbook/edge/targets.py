"""Processors that a model can be compiled for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A processor, as the compiler knows it.

    Args:
        name: Our name of it.
        triple: Architecture, system and binary interface; empty for this computer.
        cpu: The compiler's name of the core.
        suffix: Suffix of what is made for it.
        standard: The C that it is compiled as.
    """

    name: str
    triple: str
    cpu: str = ""
    suffix: str = ".elf"
    standard: str = "c99"

    @property
    def options(self) -> list[str]:
        """Options that choose it."""
        triple = ["-target", self.triple] if self.triple else []
        return [*triple, *([f"-mcpu={self.cpu}"] if self.cpu else [])]

    @property
    def is_bare(self) -> bool:
        """Whether it is a microcontroller: flash and RAM, and no operating system."""
        return self.suffix in {".elf", ".o"}

    @property
    def has_floats(self) -> bool:
        """Whether it is a microcontroller with a circuit for floating point."""
        return self.triple.endswith("hf")

    @property
    def is_linked(self) -> bool:
        """Whether a program is made, rather than an object file alone."""
        return self.suffix != ".o"


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("cortex-m0plus", "thumb-freestanding-eabi", "cortex_m0plus"),
        Target("cortex-m4", "thumb-freestanding-eabihf", "cortex_m4"),
        Target("cortex-m7", "thumb-freestanding-eabihf", "cortex_m7"),
        Target("riscv32", "riscv32-freestanding-none", "generic_rv32+m+c"),
        # Arduino's Uno. The compiler lacks AVR's library of arithmetic, without which nothing is
        # linked; __flash, the memory of tables, is GNU C.
        Target("avr", "avr-freestanding-none", "atmega328p", suffix=".o", standard="gnu99"),
        Target("wasm32", "wasm32-freestanding", suffix=".wasm"),
        Target("host", "", suffix=""),
    )
}
