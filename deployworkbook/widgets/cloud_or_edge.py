"""The cloud-or-edge explorer: from which request rate on do boards in the field pay off?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from deployworkbook.costs.estimation.curves import break_even, cost_along, total_along
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.plots.cloud_or_edge import CloudOrEdgeResult, CloudOrEdgeView
from deployworkbook.validation import value_error
from deployworkbook.widgets import cost_controls
from deployworkbook.widgets.controls import Choice, Stops
from deployworkbook.widgets.explorer import Explorer

RATES_PER_S = np.geomspace(cost_controls.RATE_LOW_PER_S, cost_controls.RATE_HIGH_PER_S, 121)
# Fine enough between two neighbouring rates that no second scan is needed.
SCAN = 129
# Range in which the limit of a single board is searched.
LEAST_PER_S, MOST_PER_S = 1e-3, 1e9
DEVICES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def compute_cloud_or_edge(
    workload: Workload,
    cloud: Deployment,
    catalog: Catalog,
    *,
    requests_per_s: float,
    devices: int,
    board: str,
    response_kb: float,
    updates_per_month: int,
    wage_usd_per_hour: float,
) -> CloudOrEdgeResult:
    """Compare a deployment in the cloud with boards in the field, at all request rates.

    Args:
        workload: Workload; the controls override its values.
        cloud: Deployment in the cloud; its profile runs on the boards too.
        catalog: Prices and assumptions.
        requests_per_s: Mean request rate of all boards together, over the week.
        devices: Number of boards.
        board: Catalogue name of the edge board.
        response_kb: Payload of a response, in units of 1,000 bytes; the cloud charges for it.
        updates_per_month: Number of versions rolled out.
        wage_usd_per_hour: Wage of an engineer.
    """
    work = replace(
        workload,
        requests_per_s=requests_per_s,
        response_bytes=cost_controls.KB * response_kb,
        updates_per_month=updates_per_month,
    )
    edge = replace(cloud, machine=board, devices=devices, replicas=None, spot_share=0.0)
    rates = np.append(RATES_PER_S, requests_per_s)
    others = {cost_controls.WAGE: wage_usd_per_hour}
    cloud_usd, edge_usd = (
        cost_along("requests_per_s", rates, work, each, catalog, others=others)
        for each in (cloud, edge)
    )
    by_cloud, by_edge = (np.sum(list(each.values()), axis=0) for each in (cloud_usd, edge_usd))
    cheaper = np.flatnonzero(by_edge[:-1] < by_cloud[:-1])
    even = float(RATES_PER_S[cheaper[0]]) if len(cheaper) else None
    if even is not None and cheaper[0]:
        low = float(RATES_PER_S[cheaper[0] - 1])
        even = break_even(
            work, cloud, edge, catalog, low=low, high=even, points=SCAN, others=others
        )
    return CloudOrEdgeResult(
        requests_per_s=requests_per_s,
        devices=devices,
        board=board,
        cloud_usd={kind: float(costs[-1]) for kind, costs in cloud_usd.items()},
        edge_usd={kind: float(costs[-1]) for kind, costs in edge_usd.items()},
        rates_per_s=RATES_PER_S,
        cloud_by_rate_usd=by_cloud[:-1],
        edge_by_rate_usd=by_edge[:-1],
        break_even_per_s=even,
        most_of_boards_per_s=_most_of_boards_per_s(work, edge, catalog),
    )


def _most_of_boards_per_s(work: Workload, edge: Deployment, catalog: Catalog) -> float:
    """Return the largest rate that the boards can serve, to a thousandth, even beyond the plot."""
    # Each board gets an equal share of the requests, so scale the limit of a single board.
    one = replace(edge, devices=1)
    low, high = LEAST_PER_S, MOST_PER_S
    if not np.isfinite(total_along("requests_per_s", [low], work, one, catalog)[0]):
        return 0.0
    while high > 1.001 * low:
        tried = np.geomspace(low, high, SCAN)
        able = np.isfinite(total_along("requests_per_s", tried, work, one, catalog))
        if able.all():
            return float("inf")
        first = int(np.argmin(able))
        low, high = float(tried[first - 1]), float(tried[first])
    return low * edge.devices


def cloud_or_edge_explorer(
    workload: Workload, cloud: Deployment, catalog: Catalog | None = None
) -> Explorer[CloudOrEdgeResult]:
    """Make the cloud-or-edge explorer.

    Args:
        workload: Initial traffic, payload and updates, each clipped to its slider's range.
        cloud: Deployment in the cloud; its profile runs on the boards too.
        catalog: Prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: The catalogue has no edge board.
    """
    book = load_catalog() if catalog is None else catalog
    boards = tuple(each.name for each in book.machines.values() if each.kind == "edge")
    if not boards:
        expected = "at least one machine of the kind edge"
        raise value_error("catalog", received="no edge board", expected=expected)
    board = "raspberry-pi-5-4gb" if "raspberry-pi-5-4gb" in boards else boards[0]
    controls = [
        cost_controls.rate_slider(workload),
        Stops("devices", "number of boards", DEVICES, 100),
        Choice("board", "board", boards, board),
        cost_controls.size_slider("response_kb", "response size", workload.response_bytes),
        cost_controls.updates_slider(workload),
        cost_controls.wage_slider(book),
    ]
    return Explorer(
        controls,
        partial(compute_cloud_or_edge, workload, cloud, book),
        CloudOrEdgeView(RATES_PER_S, price_note(book, machine=cloud.machine)),
    )
