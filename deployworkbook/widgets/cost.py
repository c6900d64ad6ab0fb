"""The cost explorer: traffic, payload, replicas, spot share, storage, updates and wages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from deployworkbook.costs.estimation.curves import cost_along
from deployworkbook.costs.estimation.deployment import KINDS, NO_BALANCER, Deployment, Serving
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.plots.cost_explorer import CostResult, CostView
from deployworkbook.widgets import cost_controls
from deployworkbook.widgets.controls import Choice, Slider
from deployworkbook.widgets.explorer import Explorer

RATES_PER_S = np.geomspace(cost_controls.RATE_LOW_PER_S, cost_controls.RATE_HIGH_PER_S, 37)
MOST_REPLICAS = 60


def compute_cost(
    workload: Workload,
    deployment: Deployment,
    catalog: Catalog,
    *,
    requests_per_s: float,
    request_kb: float,
    response_kb: float,
    replicas: int,
    spot_share: float,
    storage: str,
    updates_per_month: int,
    wage_usd_per_hour: float,
    serving: Serving,
    balancer: str,
    committed_share: float,
) -> CostResult:
    """Estimate a month's cost at the given and at all other request rates.

    Args:
        workload: Workload; the controls override its values.
        deployment: Deployment; likewise.
        catalog: Prices and assumptions.
        requests_per_s: Mean request rate over the week.
        request_kb: Payload of a request, in units of 1,000 bytes.
        response_kb: Payload of a response, likewise.
        replicas: Machines per region; 0 for as many as the latency objective needs.
        spot_share: Share of the machine hours bought on the spot market.
        storage: Catalogue name of the storage.
        updates_per_month: Number of versions rolled out.
        wage_usd_per_hour: Wage of an engineer.
        serving: Machines of one's own, managed ones, or serverless functions.
        balancer: Catalogue name of the load balancer, or ``none``.
        committed_share: Share of the machines that are committed to for a year; what is left of
            the hours may be bought on the spot market.

    Raises:
        ValueError: The deployment cannot meet the latency objective.
    """
    work = replace(
        workload,
        requests_per_s=requests_per_s,
        request_bytes=cost_controls.KB * request_kb,
        response_bytes=cost_controls.KB * response_kb,
        updates_per_month=updates_per_month,
    )
    has_hours, owns = serving != "serverless", serving == "machines"
    committed = committed_share if has_hours else 0.0
    how = replace(
        deployment,
        replicas=(replicas or None) if has_hours else None,
        spot_share=min(spot_share, 1.0 - committed) if owns else 0.0,
        storage=storage,
        serving=serving,
        balancer=balancer,
        committed_share=committed,
    )
    others = {cost_controls.WAGE: wage_usd_per_hour}
    return CostResult(
        bill=estimate(work, how, catalog, values=others),
        rates_per_s=RATES_PER_S,
        by_kind_usd=cost_along("requests_per_s", RATES_PER_S, work, how, catalog, others=others),
    )


def cost_explorer(
    workload: Workload, deployment: Deployment, catalog: Catalog | None = None
) -> Explorer[CostResult]:
    """Make the explorer of a month's cost in the cloud.

    Args:
        workload: Initial traffic, payloads and updates, each clipped to its slider's range.
        deployment: Initial replicas, spot share and storage; its machine serves.
        catalog: Prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: The deployment cannot meet the latency objective.
    """
    book = load_catalog() if catalog is None else catalog
    replicas = min(deployment.replicas or 0, MOST_REPLICAS)
    controls = [
        cost_controls.rate_slider(workload),
        cost_controls.size_slider("request_kb", "request size", workload.request_bytes),
        cost_controls.size_slider("response_kb", "response size", workload.response_bytes),
        Slider("replicas", "replicas (0: as needed)", 0, MOST_REPLICAS, 1, replicas),
        Slider("spot_share", "spot share", 0.0, 1.0, 0.05, deployment.spot_share),
        Choice("storage", "storage", tuple(book.storage), deployment.storage),
        cost_controls.updates_slider(workload),
        cost_controls.wage_slider(book),
        Choice("serving", "served by", _ways(book, deployment), deployment.serving),
        Choice("balancer", "balancer", (*book.balancers, NO_BALANCER), deployment.balancer),
        Slider("committed_share", "committed", 0.0, 1.0, 0.05, deployment.committed_share),
    ]
    note = price_note(book, machine=deployment.machine, storage=deployment.storage)
    return Explorer(
        controls,
        partial(compute_cost, workload, deployment, book),
        CostView(RATES_PER_S, note),
        applies=_applies,
    )


def _ways(book: Catalog, deployment: Deployment) -> tuple[str, ...]:
    """Return what can serve with the deployment's kind of machine."""
    kind = book.machine(deployment.machine).kind
    return tuple(serving for serving, kinds in KINDS.items() if kind in kinds)


def _applies(*, serving: str, **others: object) -> set[str]:
    """Return the controls that matter to what serves."""
    without = {
        "managed": {"spot_share", "balancer"},
        "serverless": {"spot_share", "balancer", "committed_share", "replicas"},
    }
    return {"serving", *others} - without.get(serving, set())
