"""Cycles of a program from how often each kind of instruction runs: a model, not a measurement.

ARM publishes how many cycles each instruction of its small cores takes if memory never makes them
wait. On a chip whose flash is slower than its core, a program takes longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deployworkbook.validation import check_choice, check_number

# Kinds of instructions. A transfer is one register of a load or store of several.
KINDS = (
    *("other", "load", "store", "multiple", "transfer", "branch", "not_taken", "call", "return"),
    *("divide", "float", "float_accumulate", "float_divide"),
)


@dataclass(frozen=True)
class Timing:
    """Cycles of each kind of instruction on one core, from the fewest to the most.

    Args:
        cycles: Fewest and most cycles, by kind.
        source: Where they are published.
    """

    cycles: Mapping[str, tuple[float, float]]
    source: str


@dataclass(frozen=True)
class Cycles:
    """Modelled cycles of a program, from the fewest to the most.

    Args:
        low: The fewest that the published timings allow.
        high: The most that they allow, as long as memory never makes the core wait.
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The mean of both ends."""
        return (self.low + self.high) / 2


_M0PLUS = {
    "other": (1, 1),
    "load": (2, 2),
    "store": (2, 2),
    "multiple": (1, 1),
    "transfer": (1, 1),
    "branch": (2, 2),
    "not_taken": (1, 1),
    "call": (3, 3),
    "return": (3, 3),
}
# A taken branch refills the pipeline in 1 to 3 cycles. Loads and stores take 2 cycles, or 1 next to
# another one.
_M4 = {
    "other": (1, 1),
    "load": (1, 2),
    "store": (1, 2),
    "multiple": (1, 1),
    "transfer": (1, 1),
    "branch": (2, 4),
    "not_taken": (1, 1),
    "call": (2, 4),
    "return": (2, 4),
    "divide": (2, 12),
    "float": (1, 1),
    "float_accumulate": (3, 3),
    "float_divide": (14, 14),
}
# Two instructions a cycle at best. Its own timings are not published, so the M4's are its most.
_M7 = {kind: (low / 2, high) for kind, (low, high) in _M4.items()}

# By the cores' names. Multiplication takes one cycle on all of them. A Cortex-M0+ may also be built
# with a small multiplier that takes 32, which the catalogue's chips don't have.
TIMINGS: Mapping[str, Timing] = MappingProxyType(
    {
        "cortex-m0plus": Timing(
            MappingProxyType(_M0PLUS),
            "ARM, Cortex-M0+ Technical Reference Manual (DDI 0484C), table 3.1",
        ),
        "cortex-m4": Timing(
            MappingProxyType(_M4),
            "ARM, Cortex-M4 Processor Technical Reference Manual (100166), tables 3-1 and 7-1",
        ),
        "cortex-m7": Timing(
            MappingProxyType(_M7),
            "assumed from the Cortex-M4's: ARM publishes no timings of the Cortex-M7",
        ),
    }
)


def cycles_of(counts: Mapping[str, float], *, core: str) -> Cycles:
    """Return the cycles that instructions take on a core whose memory never makes it wait.

        C = Σ_k n_k c_k,  from the fewest c_k to the most

    Args:
        counts: n_k, how often each kind of ``KINDS`` runs; those left out run never.
        core: One of ``TIMINGS``.

    Raises:
        ValueError: The core, or a kind, is unknown; the core has no such instruction; or a number
            is negative.

    Source: as ``TIMINGS`` names it.

    >>> # A loop of a load, an addition and a branch back, ten times: 2 + 1 + 2 cycles each, but the
    >>> # last branch is not taken.
    >>> counts = {"load": 10, "other": 10, "branch": 9, "not_taken": 1}
    >>> cycles_of(counts, core="cortex-m0plus")
    Cycles(low=49.0, high=49.0)
    >>> cycles_of(counts, core="cortex-m4")  # 10 + 10 + 18 + 1 to 20 + 10 + 36 + 1
    Cycles(low=39.0, high=67.0)
    """
    timing = TIMINGS[check_choice("core", core, TIMINGS)]
    low = high = 0.0
    for kind, count in counts.items():
        number = check_number(check_choice("kind", kind, KINDS), count, 0)
        if number:
            fewest, most = timing.cycles[
                check_choice(f"kind of instruction of {core}", kind, timing.cycles)
            ]
            low, high = low + number * fewest, high + number * most
    return Cycles(low, high)
