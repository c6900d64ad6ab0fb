# NOTE from the lead: formulas/frontier.py (pareto), plots/frontier.py (Point, Budget, FrontierResult, FrontierView) and
# widgets/workshop.frontier_of are on main and do this: please drop this module and its tests.
"""The frontier: the forms of a model than which no other is both smaller and more accurate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from deployworkbook.formulas.frontier import pareto
from deployworkbook.measurement import Measurement
from deployworkbook.validation import check_choice, message

Cost = Literal["compressed_bytes", "size_bytes", "latency_p50_ms"]
COSTS: tuple[Cost, ...] = ("compressed_bytes", "size_bytes", "latency_p50_ms")


@dataclass(frozen=True)
class Point:
    """One form of the model between what it costs and what it can.

    Args:
        name: The form's.
        cost: In the unit that is looked at; less is better.
        accuracy: Share of the test images classified rightly; more is better.
        on_frontier: Whether no other form is at least as good in both, and better in one.
    """

    name: str
    cost: float
    accuracy: float
    on_frontier: bool


def frontier(
    measurements: Iterable[Measurement], *, cost: Cost = "compressed_bytes"
) -> list[Point]:
    """Find which forms are worth a choice.

    Args:
        measurements: Of the forms, each with accuracy and cost.
        cost: ``"compressed_bytes"``, ``"size_bytes"`` or ``"latency_p50_ms"``.

    Returns:
        A point for each, the cheapest first.

    Raises:
        ValueError: The cost is unknown, or a measurement lacks it or its accuracy.

    >>> def form(name, size, correct):
    ...     return Measurement(name, "litert", "2", "mnist", "", compressed_bytes=size,
    ...                        correct=correct, examples=100)
    >>> forms = frontier([form("a", 400, 98), form("b", 100, 97), form("c", 200, 96)])
    >>> [(point.name, point.on_frontier) for point in forms]
    [('b', True), ('c', False), ('a', True)]
    """
    check_choice("cost", cost, COSTS)
    known = []
    for each in measurements:
        price, accuracy = getattr(each, cost), each.accuracy
        if price is None or accuracy is None:
            expected = f"accuracy and {cost} measured"
            raise ValueError(message(each.variant, received="one without", expected=expected))
        known.append((float(price), accuracy, each.variant))
    known.sort(key=lambda one: (one[0], -one[1]))
    best = pareto([price for price, _, _ in known], [accuracy for _, accuracy, _ in known])
    return [
        Point(name, price, accuracy, bool(worthy))
        for (price, accuracy, name), worthy in zip(known, best, strict=True)
    ]
