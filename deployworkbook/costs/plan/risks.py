"""What may go wrong with a plan, and what it assumes without a measurement, in sentences."""

from __future__ import annotations

from deployworkbook.costs.capacity.check import CORRELATED
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.words import phrase_of, value_of
from deployworkbook.formulas.replay import lag_one_correlation


def risks_of(plan: DeploymentPlan) -> tuple[str, ...]:
    """Return what may go wrong, one sentence each."""
    ways = (_runs, _unable, _queue, _swing, _growth)
    return tuple(said for said in (way(plan) for way in ways) if said)


def unmeasured_in(plan: DeploymentPlan) -> tuple[str, ...]:
    """Return what the plan assumes where nothing was measured; first the p99's inputs."""
    profile, catalog = plan.choice.profile, plan.advice.catalog
    processor = plan.choice.machine.processor
    speed = value_of("speed_ratio", processor.low_ratio, processor.high_ratio)
    said = [
        f"The speed of {plan.choice.machine.name}: assumed, {processor.speed_ratio:g} ({speed}) "
        "times that of a reference core.",
    ]
    if plan.capacity is not None:
        if profile.served:
            load = f" under {profile.service_load_per_s:,.0f} requests/s"
            load = load if profile.service_load_per_s else ", one request at a time"
            said.insert(
                0,
                f"Of the p99's inputs, the service times are measured, at {profile.server}{load}; "
                "arrivals at random are assumed.",
            )
        else:
            low, value, high = _server_ms(plan)
            said.insert(
                0,
                f"Of the p99's inputs, the prediction's time is {profile.kind}; the server's own "
                f"work, {value_of('server_overhead_ms', value)}"
                + (f" ({value_of('server_overhead_ms', low, high)})" if low < high else "")
                + ", its variation and arrivals at random are assumed.",
            )
    share = catalog.value("utilisation_limit_share")
    if plan.capacity is not None:
        said.append(f"Bursts within an hour: machines are kept at most {share:.0%} busy for them.")
    return tuple(said)


def _server_ms(plan: DeploymentPlan) -> tuple[float, float, float]:
    given = plan.deployment.server_overhead_ms
    if given is not None:
        return given, given, given
    each = plan.advice.catalog.assumptions["server_overhead_ms"]
    return each.low, each.value, each.high


def correlation_of(plan: DeploymentPlan) -> float:
    """Return how much a service time says about the next; 0 where none were measured."""
    times = plan.choice.profile.service_times_ms
    return lag_one_correlation(times) if len(times) > 1 else 0.0


def _runs(plan: DeploymentPlan) -> str:
    found = correlation_of(plan)
    # Functions have no queue, so it doesn't matter in which order slow requests come.
    if found <= CORRELATED or plan.deployment.serving == "serverless":
        return ""
    return (
        f"Slow requests came in runs (correlation {found:.2f} of one with the next): the modelled "
        "p99 takes them as independent, so it is a lower bound."
    )


def _unable(plan: DeploymentPlan) -> str:
    unable = plan.spread.unable_share
    return f"In {unable:.0%} of the draws these machines cannot hold the latency." if unable else ""


def _queue(plan: DeploymentPlan) -> str:
    here, other = plan.capacity, plan.other_queue
    if here is None or other is None:
        return ""
    objective = plan.advice.workload.latency_objective_ms
    ways = {
        "shared": "each request goes to the first free core (one queue for all)",
        "per replica": "a balancer picks a machine at random",
    }
    queue = plan.deployment.queue
    (against,) = set(ways) - {queue}
    verdict = "within" if other.response_s * 1e3 <= objective else "beyond"
    return (
        f"The p99 of {here.response_s * 1e3:,.2f} ms holds if {ways[queue]}. If {ways[against]}, "
        f"it is {other.response_s * 1e3:,.2f} ms, {verdict} the objective."
    )


def _swing(plan: DeploymentPlan) -> str:
    if not plan.swings:
        return ""
    top, cost = plan.swings[0], float(plan.cost.total_usd_per_month)
    ends = ((top.range.low, top.cost_at_low_usd), (top.range.high, top.cost_at_high_usd))
    at, worst = max(ends, key=lambda each: each[1])
    name = f"{phrase_of(top.name)[0].upper()}{phrase_of(top.name)[1:]}"
    if worst == float("inf"):
        return f"{name}: at {value_of(top.name, at)} this choice cannot serve."
    return f"{name}: at {value_of(top.name, at)} the month costs {worst - cost:,.0f} USD more."


def _growth(plan: DeploymentPlan) -> str:
    if plan.later is None and plan.advice.workload.growth_share_per_month:
        return f"Growth: within {plan.months} months this choice can't serve the requests."
    return ""
