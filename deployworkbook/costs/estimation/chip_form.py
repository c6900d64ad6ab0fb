"""A variant compiled for a microcontroller's core, as the ledger has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import Measurement


@dataclass(frozen=True)
class ChipForm:
    """A variant as a program for a core: what it takes of a chip, and how often it is right.

    It has no time of its own: that depends on a chip's clock, and is modelled.

    Args:
        variant: Variant of the model, such as ``prune97.5-int4``.
        core: Core that it was compiled for, such as ``cortex-m0plus``.
        flash_bytes: Flash that code and weights take.
        ram_bytes: RAM that it takes, its stack included.
        accuracy_share: Share of the test set that it classifies correctly.
        instructions_per_image: Mean number of instructions per image; 0 if nobody counted.
    """

    variant: str
    core: str
    flash_bytes: int
    ram_bytes: int
    accuracy_share: float
    instructions_per_image: float = 0.0

    @classmethod
    def from_measurement(cls, measurement: Measurement) -> ChipForm | None:
        """Make a form from a row of the ledger; ``None`` if the row is none of a microcontroller.

        Args:
            measurement: Row of the ledger.
        """
        flash, ram = measurement.flash_bytes, measurement.ram_bytes
        if flash is None or ram is None or measurement.accuracy is None:
            return None
        return cls(
            measurement.variant,
            measurement.runtime,
            flash,
            ram,
            measurement.accuracy,
            measurement.instructions_per_image or 0.0,
        )
