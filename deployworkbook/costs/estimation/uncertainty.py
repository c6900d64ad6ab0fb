"""The uncertainty of a cost: inputs drawn from ranges many times, and which inputs matter most.

Assumptions have ranges in the catalogue. Each value counts as the median: the truth is as likely
above it as below, rarely near the range's ends and never beyond. Inputs are drawn independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import NUMERIC, Inputs, changed, check_input, gather
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.validation import check_integer, check_number, type_error, value_error

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """The range of an input.

    Args:
        low: Smallest value.
        middle: Median: higher values are as likely as lower ones.
        high: Largest value.

    Raises:
        ValueError: The three do not rise, or are not finite.
    """

    low: float
    middle: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "middle", "high"):
            check_number(name, getattr(self, name))
        if not self.low <= self.middle <= self.high:
            received = f"{self.low:g}, {self.middle:g}, {self.high:g}"
            raise value_error("range", received=received, expected="low ≤ middle ≤ high")

    def draw(self, generator: np.random.Generator, samples: int) -> Array:
        """Draw ``[samples]`` values; the density in each half falls linearly to 0 at its end.

        x = middle + (end - middle) (1 - √(1 - u)),   u uniform in 0 … 1, both ends equally likely
        """
        ends = np.where(generator.random(samples) < 0.5, self.low, self.high)
        distance = 1.0 - np.sqrt(1.0 - generator.random(samples))
        return np.asarray(self.middle + (ends - self.middle) * distance)


@dataclass(frozen=True)
class Spread:
    """The distribution of a month's cost.

    Args:
        ranges: Ranges of the inputs.
        costs_usd: Cost of each draw, shape ``[samples]``; infinite where it could not serve.
        by_input: Drawn values by input, each of shape ``[samples]``.
    """

    ranges: Mapping[str, Range]
    costs_usd: Array = field(repr=False)
    by_input: Mapping[str, Array] = field(repr=False)

    def interval_usd(self, share: float = 0.9) -> tuple[float, float]:
        """Return the central interval that contains a share of the draws.

        Its ends are drawn costs; the upper end is infinite if too many draws could not serve.
        """
        check_number("share", share, 0, 1, open_low=True, open_high=True)
        ends = [(1 - share) / 2, (1 + share) / 2]
        low, high = np.quantile(self.costs_usd, ends, method="inverted_cdf")
        return float(low), float(high)

    @property
    def median_usd(self) -> float:
        """Median cost of the draws."""
        return float(np.quantile(self.costs_usd, 0.5, method="inverted_cdf"))

    @property
    def unable_share(self) -> float:
        """Share of the draws that cannot meet the objective."""
        return float(np.isinf(self.costs_usd).mean())


@dataclass(frozen=True)
class Swing:
    """The effect of one input moved through its range, with all others fixed.

    Args:
        name: Name of the input.
        range: Its range.
        cost_at_low_usd: Month's cost at the range's low end.
        cost_at_high_usd: Month's cost at its high end; infinite where it cannot serve.
    """

    name: str
    range: Range
    cost_at_low_usd: float
    cost_at_high_usd: float

    @property
    def width_usd(self) -> float:
        """Difference between the costs at both ends."""
        return abs(self.cost_at_high_usd - self.cost_at_low_usd)


def assumed_ranges(deployment: Deployment, catalog: Catalog | None = None) -> dict[str, Range]:
    """Return the catalogue's ranges of a deployment's assumptions.

    They include the speed of the machine's processor.

    Args:
        deployment: Deployment.
        catalog: Prices and assumptions; by default the shipped catalogue.
    """
    book = load_catalog() if catalog is None else catalog
    processor = book.machine(deployment.machine).processor
    found = {"speed_ratio": Range(processor.low_ratio, processor.speed_ratio, processor.high_ratio)}
    for name, each in book.assumptions.items():
        if name in NUMERIC:
            found[name] = Range(each.low, each.value, each.high)
    overhead = book.assumptions.get("server_overhead_ms")
    served = deployment.profile.served or deployment.devices
    if overhead and not served and deployment.server_overhead_ms is None:
        low, middle, high = (ms / 1e3 for ms in (overhead.low, overhead.value, overhead.high))
        found["server_overhead_s"] = Range(low, middle, high)
    return found


def simulate(
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog | None = None,
    *,
    ranges: Mapping[str, Range] | None = None,
    samples: int = 4000,
    seed: int = 0,
) -> Spread:
    """Draw inputs from their ranges many times, and compute the month's cost of each draw.

    Args:
        workload: Workload.
        deployment: Deployment that serves it.
        catalog: Prices and assumptions; by default the shipped catalogue.
        ranges: Ranges by input; by default ``assumed_ranges``.
        samples: Number of draws.
        seed: Seed of the draws.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: There is no such input, or a range exceeds the input's limits.
    """
    book = load_catalog() if catalog is None else catalog
    chosen = assumed_ranges(deployment, book) if ranges is None else dict(ranges)
    inputs = gather(workload, deployment, book)
    _check_ranges(chosen)
    count = check_integer("samples", samples, 1, 10**7)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    drawn = {name: each.draw(generator, count) for name, each in chosen.items()}
    costs = np.broadcast_to(month_of(changed(inputs, drawn)).cost_usd, (count,))
    return Spread(chosen, costs, drawn)


def tornado(
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog | None = None,
    *,
    ranges: Mapping[str, Range] | None = None,
) -> list[Swing]:
    """Move one input at a time through its range; return those with the largest effect first.

    Args:
        workload: Workload.
        deployment: Deployment that serves it.
        catalog: Prices and assumptions; by default the shipped catalogue.
        ranges: Ranges by input; by default ``assumed_ranges``.

    Raises:
        ValueError: There is no such input, or a range exceeds the input's limits.
    """
    book = load_catalog() if catalog is None else catalog
    chosen = assumed_ranges(deployment, book) if ranges is None else dict(ranges)
    _check_ranges(chosen)
    inputs = gather(workload, deployment, book)
    costs = month_of(changed(inputs, _one_at_a_time(inputs, chosen))).cost_usd
    pairs = np.broadcast_to(costs, (2 * len(chosen),)).reshape(-1, 2).tolist()
    swings = [Swing(name, chosen[name], *pair) for name, pair in zip(chosen, pairs, strict=True)]
    return sorted(swings, key=lambda swing: -np.nan_to_num(swing.width_usd, nan=0.0))


def _one_at_a_time(inputs: Inputs, ranges: Mapping[str, Range]) -> dict[str, Array]:
    """Return arrays in which each input has its low and high end once, and else its value."""
    moved = {}
    for place, (name, each) in enumerate(ranges.items()):
        values = np.full(2 * len(ranges), float(np.asarray(getattr(inputs, name))))
        values[2 * place : 2 * place + 2] = each.low, each.high
        moved[name] = values
    return moved


def _check_ranges(ranges: Mapping[str, Range]) -> None:
    if not ranges:
        raise value_error("ranges", received="none", expected="at least one")
    for name, each in ranges.items():
        if not isinstance(each, Range):
            raise type_error(name, received=type(each).__name__, expected="a Range")
        for end in (each.low, each.high):
            check_input(name, end)
