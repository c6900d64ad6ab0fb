"""The price-change explorer: a month's cost if prices rise or fall."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from deployworkbook.costs.estimation.breakdown import Kind
from deployworkbook.costs.estimation.curves import cost_along
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.plots.price_stress import StressResult, StressView
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.cost_controls import rate_slider
from deployworkbook.widgets.explorer import Explorer

# Input that multiplies the prices of each kind.
RATIOS: dict[Kind, str] = {
    "compute": "compute_price_ratio",
    "storage": "storage_price_ratio",
    "network": "network_price_ratio",
    "maintenance": "wage_ratio",
}
MOST = 4.0
# Cost is linear in a price, so two ends determine the line.
LINE_FACTORS = np.array([0.0, MOST])


def compute_stress(
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog,
    *,
    requests_per_s: float,
    compute: float,
    storage: float,
    network: float,
    maintenance: float,
) -> StressResult:
    """Compute a month's cost at today's prices, at changed ones, and with a single price changed.

    Args:
        workload: Workload; its rate is replaced.
        deployment: Deployment that serves it.
        catalog: Today's prices.
        requests_per_s: Mean request rate over the week.
        compute: Factor on the prices of machines.
        storage: Factor on the prices of storage.
        network: Factor on the prices of transfer.
        maintenance: Factor on wages.
    """
    work = replace(workload, requests_per_s=requests_per_s)
    factors = dict(zip(RATIOS, (compute, storage, network, maintenance), strict=True))
    # All months in one call: today, then, and each price alone at both ends of its line.
    ones, months = np.ones(2), 2 + 2 * len(RATIOS)
    ratios = {
        RATIOS[kind]: np.concatenate(
            [[1.0, factor], *(LINE_FACTORS if other == kind else ones for other in RATIOS)]
        )
        for kind, factor in factors.items()
    }
    costs = cost_along(
        "requests_per_s", [requests_per_s] * months, work, deployment, catalog, others=ratios
    )
    totals = np.sum(list(costs.values()), axis=0)
    return StressResult(
        requests_per_s=requests_per_s,
        factors=factors,
        today_usd={kind: float(cost[0]) for kind, cost in costs.items()},
        then_usd={kind: float(cost[1]) for kind, cost in costs.items()},
        line_factors=LINE_FACTORS,
        lines=dict(zip(RATIOS, totals[2:].reshape(-1, 2) / totals[0], strict=True)),
    )


def stress_explorer(
    workload: Workload, deployment: Deployment, catalog: Catalog | None = None
) -> Explorer[StressResult]:
    """Make the price-change explorer.

    Args:
        workload: Initial traffic, clipped to its slider's range.
        deployment: Deployment that serves it, in the cloud or on the edge.
        catalog: Today's prices; by default the shipped catalogue.
    """
    book = load_catalog() if catalog is None else catalog
    labels = zip(RATIOS, ("machines", "storage", "transfer", "wages"), strict=True)
    controls = [
        rate_slider(workload),
        *(Slider(kind, label, 0.0, MOST, 0.05, 1.0, "× today's") for kind, label in labels),
    ]
    note = price_note(book, machine=deployment.machine, storage=deployment.storage)
    return Explorer(
        controls,
        partial(compute_stress, workload, deployment, book),
        StressView(LINE_FACTORS, note),
    )
