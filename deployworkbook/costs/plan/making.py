"""A deployment plan on a page and an annex: what to run, its cost, why, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from deployworkbook.costs.advice.chips import ChipChoice, choose_chips
from deployworkbook.costs.advice.result import Advice, Candidate
from deployworkbook.costs.capacity.result import PERCENTILE, QUEUES, Capacity, capacity_of
from deployworkbook.costs.estimation.breakdown import CostBreakdown
from deployworkbook.costs.estimation.chip_form import ChipForm
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import gather
from deployworkbook.costs.estimation.machines import service_s, shape_of, workers
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.uncertainty import Spread, Swing, simulate, tornado
from deployworkbook.validation import check_integer, value_error


@dataclass(frozen=True)
class DeploymentPlan:
    """The contents of a plan, before it is formatted.

    Args:
        advice: All compared combinations.
        choice: Recommended combination.
        deployment: Its deployment.
        cost: Its monthly cost.
        spread: Uncertainty of the cost.
        swings: Effects of the assumptions, largest first.
        capacity: Performance of its machines in the busiest hour; ``None`` on the edge.
        other_queue: The same with the other queue: if a balancer picks machines at random, where
            ``capacity`` has one queue for all, and the other way round; ``None`` on the edge, and
            where that queue grows without bound.
        reference: Cheapest combination of the uncompressed variant; ``None`` if there is none.
        reference_usd_per_month: Monthly cost of the reference, to the cent.
        later: Monthly cost after some months of growth; ``None`` if it cannot serve by then.
        months: Number of those months.
        made_on: Date of the plan.
        measured_on: Machine and data set of the measurements.
        doubts: Measurements that look wrong, in words.
        chips: Variants compiled for microcontrollers, and the cheapest chip of each.
    """

    advice: Advice
    choice: Candidate
    deployment: Deployment
    cost: CostBreakdown
    spread: Spread
    swings: tuple[Swing, ...]
    capacity: Capacity | None
    other_queue: Capacity | None
    reference: Candidate | None
    reference_usd_per_month: Decimal | None
    later: CostBreakdown | None
    months: int
    made_on: date
    measured_on: str
    doubts: tuple[str, ...] = ()
    chips: tuple[ChipChoice, ...] = ()


def make_plan(
    advice: Advice,
    *,
    reference: str = "float32",
    months: int = 12,
    seed: int = 0,
    measured_on: str = "",
    doubts: Sequence[str] = (),
    chip_forms: Sequence[ChipForm] = (),
    today: date | None = None,
) -> DeploymentPlan:
    """Make a plan for the best choice of an advice.

    Args:
        advice: Advice with at least one choice that meets all objectives.
        reference: Variant to compare the choice with.
        months: Months of growth in the outlook.
        seed: Seed of the draws from the assumptions' ranges.
        measured_on: Machine and data set of the measurements, in words.
        doubts: Measurements that look wrong, in words.
        chip_forms: Variants compiled for microcontrollers, to name the chips that they fit.
        today: Date of the plan; by default today's.

    Raises:
        ValueError: No choice meets all objectives; the message lists the nearest misses.
    """
    best = advice.best
    if best is None:
        near = advice.choices()[:3]
        missed = "; ".join(
            f"{each.profile.name} on {each.machine.name}: {each.reason}" for each in near
        )
        raise value_error(
            "objectives",
            received=f"none of {advice.costs_usd_per_month.size} combinations meets them",
            expected="objectives that at least one can meet",
            remedy=f"Nearest: {missed}.",
        )
    check_integer("months", months, 1, 120)
    deployment = advice.deployment(best)
    workload, catalog = advice.workload, advice.catalog
    other = advice.cheapest_of(variant=reference)
    later: CostBreakdown | None
    try:
        later = estimate(workload, deployment, catalog, month=months)
    except ValueError:
        later = None  # the load outgrows this choice, and the page says so
    return DeploymentPlan(
        advice=advice,
        choice=best,
        deployment=deployment,
        cost=estimate(workload, deployment, catalog),
        spread=simulate(workload, deployment, catalog, seed=seed),
        swings=tuple(tornado(workload, deployment, catalog)),
        capacity=_capacity(advice, deployment, deployment.queue),
        other_queue=_capacity(
            advice, deployment, next(each for each in QUEUES if each != deployment.queue)
        ),
        reference=other,
        reference_usd_per_month=None
        if other is None
        else estimate(workload, advice.deployment(other), catalog).total_usd_per_month,
        later=later,
        months=months,
        made_on=date.today() if today is None else today,
        measured_on=measured_on,
        doubts=tuple(doubts),
        chips=tuple(
            choose_chips(chip_forms, catalog, accuracy_share=advice.accuracy_objective_share)
        ),
    )


def _capacity(advice: Advice, deployment: Deployment, queue: str) -> Capacity | None:
    if deployment.devices or deployment.serving == "serverless":
        return None
    inputs = gather(advice.workload, deployment, advice.catalog)
    peak = estimate(advice.workload, deployment, advice.catalog).replicas_at_peak
    regions = deployment.regions
    return capacity_of(
        max(1, peak // regions),
        advice.workload.rate_per_s() * advice.workload.peak_ratio / regions,
        float(service_s(inputs)),
        shape=shape_of(inputs),
        queue=queue,
        percentile=PERCENTILE,
        workers=int(workers(inputs)),
    )
