"""Cost as a function of one input, and where one deployment becomes cheaper than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.estimation.breakdown import KINDS, Kind
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import changed, gather
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]

# Points per finer scan: computing all of them at once takes hardly longer than computing one.
FINER = 33


def cost_along(
    name: str,
    values: ArrayLike,
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog | None = None,
    *,
    others: Mapping[str, Any] | None = None,
) -> dict[Kind, Array]:
    """Return the month's cost of each kind, for many values of one input.

    Args:
        name: Name of an input, such as ``requests_per_s``.
        values: Values of the input, shape ``[n]``.
        workload: Workload.
        deployment: Deployment that serves it.
        catalog: Prices and assumptions; by default the shipped catalogue.
        others: Other inputs to replace, by name.

    Returns:
        Costs by kind, each of shape ``[n]``, unrounded; infinite where it cannot serve.

    Raises:
        TypeError: A value is not a number.
        ValueError: There is no such input, or a value is out of range.
    """
    book = load_catalog() if catalog is None else catalog
    along = check_array(name, values, ndim=1)
    inputs = changed(gather(workload, deployment, book), {**(others or {}), name: along})
    found = month_of(inputs)
    return {kind: np.broadcast_to(found.cost_of(kind), along.shape) for kind in KINDS}


def total_along(
    name: str,
    values: ArrayLike,
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog | None = None,
    *,
    others: Mapping[str, Any] | None = None,
) -> Array:
    """Return the sum of ``cost_along``'s kinds, shape ``[n]``."""
    costs = cost_along(name, values, workload, deployment, catalog, others=others)
    return np.asarray(np.sum([costs[kind] for kind in KINDS], axis=0))


def break_even(
    workload: Workload,
    first: Deployment,
    second: Deployment,
    catalog: Catalog | None = None,
    *,
    name: str = "requests_per_s",
    low: float = 0.1,
    high: float = 1e5,
    points: int = 500,
    others: Mapping[str, Any] | None = None,
) -> float | None:
    """Return the smallest value of an input at which the second deployment is cheaper.

    Scan the range in steps of equal ratio, then the step where it changes in finer ones, until its
    ends differ by a thousandth.

    Args:
        workload: Workload.
        first: One deployment, for example in the cloud.
        second: The other, for example on the edge.
        catalog: Prices and assumptions; by default the shipped catalogue.
        name: Name of the input.
        low: Start of the range, more than 0.
        high: End of the range.
        points: Number of points in the scan.
        others: Other inputs to replace, by name, for both deployments.

    Returns:
        ``None`` if the second is nowhere cheaper in the range; ``low`` if it always is.

    Raises:
        TypeError: An argument is not a number.
        ValueError: There is no such input, or the range does not rise.
    """
    check_number("low", low, 0, open_low=True)
    if check_number("high", high, 0) <= low:
        raise value_error("high", received=f"{high:g}", expected=f"more than low, {low:g}")
    grid = np.geomspace(low, high, check_integer("points", points, 2))

    def cheaper(values: Array) -> NDArray[np.bool_]:
        costs = [
            total_along(name, values, workload, each, catalog, others=others)
            for each in (first, second)
        ]
        return np.asarray(costs[1] < costs[0])

    found = np.flatnonzero(cheaper(grid))
    if not len(found):
        return None
    if found[0] == 0:
        return low
    below, above = float(grid[found[0] - 1]), float(grid[found[0]])
    while above > below * 1.001:
        finer = np.geomspace(below, above, FINER)
        first_found = int(np.flatnonzero(cheaper(finer[1:]))[0])
        below, above = float(finer[first_found]), float(finer[first_found + 1])
    return above
