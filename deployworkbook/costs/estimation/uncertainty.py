"""How sure a cost is: inputs as ranges, many months drawn from them, and what matters most.

Assumptions have ranges in the catalogue. Each value is read as the median: what is true lies above
it as often as below, seldom near the range's ends and never beyond. Inputs are drawn independently.
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
    """What an input may be.

    Args:
        low: At the least.
        middle: The median: half of what it may be lies above.
        high: At the most.

    Raises:
        ValueError: They do not rise, or are not finite.
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
        """Draw ``[samples]`` values, in each half with a weight that falls linearly to its end.

        x = middle + (end - middle) (1 - √(1 - u)),   u uniform in 0 … 1, either end as often
        """
        ends = np.where(generator.random(samples) < 0.5, self.low, self.high)
        distance = 1.0 - np.sqrt(1.0 - generator.random(samples))
        return np.asarray(self.middle + (ends - self.middle) * distance)


@dataclass(frozen=True)
class Spread:
    """What a month may cost.

    Args:
        ranges: What was drawn from.
        costs_usd: Of each draw, shape ``[samples]``; infinite where it could not serve.
        by_input: What was drawn, each of shape ``[samples]``.
    """

    ranges: Mapping[str, Range]
    costs_usd: Array = field(repr=False)
    by_input: Mapping[str, Array] = field(repr=False)

    def interval_usd(self, share: float = 0.9) -> tuple[float, float]:
        """Return the interval that holds a share of the draws, with equal shares beside it.

        Its ends are costs that were drawn; the upper is infinite where too many could not serve.
        """
        check_number("share", share, 0, 1, open_low=True, open_high=True)
        ends = [(1 - share) / 2, (1 + share) / 2]
        low, high = np.quantile(self.costs_usd, ends, method="inverted_cdf")
        return float(low), float(high)

    @property
    def median_usd(self) -> float:
        """Half of the draws cost no more."""
        return float(np.quantile(self.costs_usd, 0.5, method="inverted_cdf"))

    @property
    def unable_share(self) -> float:
        """Share of the draws in which the objective cannot be held."""
        return float(np.isinf(self.costs_usd).mean())


@dataclass(frozen=True)
class Swing:
    """One input moved through its range, all others at their values.

    Args:
        name: The input's.
        range: From where to where.
        cost_at_low_usd: Of the month, at the range's low end.
        cost_at_high_usd: At its high end; infinite where it cannot serve.
    """

    name: str
    range: Range
    cost_at_low_usd: float
    cost_at_high_usd: float

    @property
    def width_usd(self) -> float:
        """By how much it moves the cost."""
        return abs(self.cost_at_high_usd - self.cost_at_low_usd)


def assumed_ranges(deployment: Deployment, catalog: Catalog | None = None) -> dict[str, Range]:
    """Return the catalogue's ranges of what is assumed about a deployment.

    The speed of the machine's processor is one of them.

    Args:
        deployment: What serves.
        catalog: Whose assumptions; by default the shipped ones.
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
        workload: The work.
        deployment: What serves it.
        catalog: What things cost; by default the shipped catalogue.
        ranges: By name of an input; by default :func:`assumed_ranges`.
        samples: How many draws.
        seed: Of the generator: the same draws for the same seed.

    Raises:
        TypeError: An argument is of another type.
        ValueError: There is no such input, or a range is out of the input's own.
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
    """Move one input at a time through its range; the one that moves the cost most comes first.

    Args:
        workload: The work.
        deployment: What serves it.
        catalog: What things cost; by default the shipped catalogue.
        ranges: By name of an input; by default :func:`assumed_ranges`.

    Raises:
        ValueError: There is no such input, or a range is out of the input's own.
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
    """Give each input its own value everywhere but in its pair: low end, high end."""
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
