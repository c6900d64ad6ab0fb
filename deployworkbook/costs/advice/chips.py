"""Which microcontrollers a compiled variant fits, and the cheapest of them.

The search for a deployment compares machines that serve requests. A microcontroller serves nobody
but its own sensor, so that it has no replicas, queue or bill per month: what counts is whether its
flash and RAM suffice, and what it costs once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployworkbook.costs.estimation.chip_form import ChipForm
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.microcontroller import RUNS_ON, Microcontroller
from deployworkbook.validation import check_number


@dataclass(frozen=True)
class ChipChoice:
    """A compiled variant, and the cheapest chip that it fits.

    Args:
        form: The variant.
        chip: Cheapest chip that it fits; ``None`` if there is none, or it isn't accurate enough.
        fits: All chips that it fits, the cheapest first.
        reason: Why there is no chip; empty if there is one.
    """

    form: ChipForm
    chip: Microcontroller | None
    fits: tuple[Microcontroller, ...]
    reason: str = ""

    @property
    def price_usd(self) -> float:
        """Price of the chip; infinite if there is none."""
        return self.chip.price_usd if self.chip else float("inf")


def choose_chips(
    forms: Sequence[ChipForm], catalog: Catalog | None = None, *, accuracy_share: float = 0.0
) -> list[ChipChoice]:
    """Find the cheapest chip for each compiled variant, from all of the catalogue.

    Args:
        forms: Compiled variants, such as ``measured_in(entries).chip_forms``.
        catalog: Microcontrollers; by default the shipped catalogue's.
        accuracy_share: Accuracy objective, from 0 to 1.

    Returns:
        One choice per form: the cheapest chip first, of two on the same chip the smaller form, and
        those without a chip last.

    Raises:
        ValueError: ``accuracy_share`` is out of range.

    >>> dense = ChipForm("int8", "cortex-m0plus", 103_500, 2_900, 0.978)
    >>> sparse = ChipForm("prune97.5-int4", "cortex-m0plus", 5_000, 1_400, 0.9804)
    >>> [choice.chip.name for choice in choose_chips([dense, sparse])]
    ['RP2040', 'RP2040']
    """
    book = load_catalog() if catalog is None else catalog
    check_number("accuracy_share", accuracy_share, 0, 1)
    choices = [_choose(form, book, accuracy_share) for form in forms]
    return sorted(
        choices,
        key=lambda each: (
            each.chip.price_usd if each.chip else float("inf"),
            each.form.flash_bytes,
        ),
    )


def _choose(form: ChipForm, book: Catalog, accuracy_share: float) -> ChipChoice:
    cores = RUNS_ON.get(form.core, ())
    there = [chip for chip in book.microcontrollers.values() if chip.core in cores]
    fits = sorted(
        (
            chip
            for chip in there
            if form.flash_bytes <= chip.flash_bytes and form.ram_bytes <= chip.ram_bytes
        ),
        key=lambda chip: (chip.price_usd, chip.name),
    )
    reason = ""
    if form.accuracy_share < accuracy_share:
        reason = f"accuracy {form.accuracy_share:.2%} of {accuracy_share:.2%}"
    elif not there:
        reason = f"no chip of the catalogue runs programs for {form.core}"
    elif not fits:
        reason = (
            f"{form.flash_bytes:,} bytes of flash and {form.ram_bytes:,} of RAM: no chip has both"
        )
    return ChipChoice(form, None if reason else fits[0], tuple(fits), reason)
