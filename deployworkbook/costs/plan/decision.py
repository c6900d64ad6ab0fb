"""The sections for whoever decides: what to run, what it costs, and the next step."""

from __future__ import annotations

from decimal import Decimal

from deployworkbook.costs.advice.result import Candidate
from deployworkbook.costs.money import as_usd
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.section import Section
from deployworkbook.costs.plan.serving import serving_commands

# Only so many of the deployments that cost the same are named.
TIES = 4


def decision(plan: DeploymentPlan) -> Section:
    """Say what to run, what it costs, and what else costs the same."""
    cost, choice = plan.cost, plan.choice
    what = "boards" if plan.deployment.devices else "machines"
    what = what[:-1] if cost.replicas_at_peak == 1 else what
    count = f"{cost.replicas_at_peak:,} {what} of the kind {choice.machine.name}"
    million = cost.usd_per_million_predictions
    each = "" if million is None else f", {million:,.2f} USD per million predictions"
    said = [
        f"Serve {choice.profile.variant} with {choice.profile.runtime} on {count}"
        f"{_arranged(plan)}. Decided on {plan.made_on:%Y-%m-%d}.",
        f"Modelled cost: {as_usd(cost.total_usd_per_month)} per month of 730 hours{each}. "
        f"With the assumptions drawn from their ranges, {_spread(plan)}.",
    ]
    if plan.advice.ties:
        said.append(_tied(plan.advice.ties))
    missed = plan.advice.missed
    if missed is not None:
        less = choice.cost_usd_per_month - missed.cost_usd_per_month
        said.append(
            f"Not recommended, because no server takes it yet: {missed.profile.name} on "
            f"{missed.machine.name}, which would cost {less:,.2f} USD per month less (modelled)."
        )
    return Section("Decision", tuple(said))


def _tied(ties: list[Candidate]) -> str:
    names = [f"{each.profile.name} on {each.machine.name}" for each in ties[:TIES]]
    more = f" and {len(ties) - TIES:,} others" if len(ties) > TIES else ""
    return (
        f"A tie, to the cent, with {', '.join(names)}{more}. Of these the one with the smallest "
        "file was taken."
    )


def _arranged(plan: DeploymentPlan) -> str:
    """Describe the deployment beyond the number of machines."""
    deployment = plan.deployment
    if deployment.devices:
        return ""
    said = []
    if deployment.regions > 1:
        said.append(f"in {deployment.regions:,} regions")
    if deployment.autoscaling:
        said.append(f"scaled with the load ({plan.cost.replicas_mean:,.1f} on average)")
    if deployment.spot_share:
        said.append(f"{deployment.spot_share:.0%} of their hours on the spot market")
    return "".join(f", {each}" for each in said)


def _spread(plan: DeploymentPlan) -> str:
    low, high = plan.spread.interval_usd()
    if high < float("inf"):
        half = f"half of the draws cost more than {plan.spread.median_usd:,.0f} USD"
        return f"{half}, and nine of ten draws cost {low:,.0f} to {high:,.0f} USD"
    unable = f"{plan.spread.unable_share:.0%} of the draws cannot serve at all"
    return f"{unable}, and the cheapest twentieth costs up to {low:,.0f} USD"


def costs(plan: DeploymentPlan) -> Section:
    """List the month's cost by kind, and what growth does to it."""
    total = plan.cost.total_usd_per_month
    rows: list[tuple[str, ...]] = [
        (kind, f"{cost:,.2f}", _share(cost, total), _largest(plan, kind))
        for kind, cost in plan.cost.by_kind_usd.items()
    ]
    rows.append(("total", f"{total:,.2f}", _share(total, total), ""))
    growth_share = plan.advice.workload.growth_share_per_month
    if not growth_share:
        growth = "The request rate is assumed to stay constant."
    elif plan.later is None:
        growth = f"In {plan.months} months the requests outgrow what this choice can serve."
    else:
        growth = (
            f"After {plan.months} months with {growth_share:.0%} growth per month: "
            f"{as_usd(plan.later.total_usd_per_month)} per month."
        )
    carbon = (
        f"Energy: {plan.cost.energy_kwh_per_month:,.0f} kWh per month, "
        f"{plan.cost.carbon_kg_per_month:,.0f} kg of CO2."
    )
    head = ("cost, modelled", "USD per month", "share", "most of it")
    return Section("Costs", (f"{growth} {carbon}",), head, tuple(rows))


def _share(cost: Decimal, total: Decimal) -> str:
    """Format a share; a small one is "under 1%" rather than 0%."""
    if not cost:
        return ""
    return f"{cost / total:.0%}" if cost / total >= Decimal("0.005") else "under 1%"


def _largest(plan: DeploymentPlan, kind: str) -> str:
    parts = [part for part in plan.cost.parts if part.kind == kind and part.cost_usd]
    if not parts:
        return ""
    part = max(parts, key=lambda each: each.cost_usd)
    return f"{part.name}: {part.quantity:,.4g} {part.unit}".rstrip()


def next_step(plan: DeploymentPlan) -> Section:
    """Give the commands that carry the plan out, or say why there are none."""
    commands = serving_commands(plan)
    runtime = plan.choice.profile.runtime
    if plan.deployment.devices:
        said = f"Load the form with {runtime} in the program on each board: it needs no server."
    elif commands:
        said = "In your workspace's folder: publish this form, serve it here, and write the files "
        said += "that serve it elsewhere (a container, Compose, Kubernetes)."
    else:
        said = f"There is no server for {runtime} yet: this plan can't be carried out as it is."
    return Section("Next step", (said,), commands=commands)
