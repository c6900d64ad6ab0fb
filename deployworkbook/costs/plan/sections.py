"""The wording of a plan's page: its sections, the decision first.

Each figure says whether it was measured or modelled.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from deployworkbook.costs.advice.result import Verdict
from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.money import as_usd
from deployworkbook.costs.plan.making import DeploymentPlan

# Keep the page short: only the largest effects and the next best choices.
SWINGS, RUNNERS_UP = 5, 3


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, a table, a list."""

    title: str
    text: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    items: tuple[str, ...] = ()

    def is_number(self, column: int) -> bool:
        """Say whether a column of the table holds numbers, which are aligned to the right."""
        return self.head[column].startswith("USD") or self.head[column] == "share"


def title_of(plan: DeploymentPlan) -> str:
    """Return the plan's title."""
    return f"Deployment plan: {plan.choice.profile.variant} on {plan.choice.machine.name}"


def sections_of(plan: DeploymentPlan) -> list[Section]:
    """Return the page's sections, the decision first."""
    return [
        _decision(plan),
        _objectives(plan),
        _costs(plan),
        _saved(plan),
        _compared(plan),
        _sureness(plan),
        _basis(plan),
    ]


def _decision(plan: DeploymentPlan) -> Section:
    cost, choice = plan.cost, plan.choice
    what = "boards" if plan.deployment.devices else "machines"
    what = what[:-1] if cost.replicas_at_peak == 1 else what
    count = f"{cost.replicas_at_peak:,} {what} of the kind {choice.machine.name}"
    million = cost.usd_per_million_predictions
    each = "" if million is None else f", {million:,.2f} USD per million predictions"
    return Section(
        "Decision",
        (
            f"Serve {choice.profile.variant} with {choice.profile.runtime} on {count}"
            f"{_arranged(plan)}.",
            f"Modelled cost: {as_usd(cost.total_usd_per_month)} a month of 730 hours{each}. "
            f"With the assumptions drawn from their ranges, {_spread(plan)}.",
        ),
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
        return f"nine of ten draws cost {low:,.0f} to {high:,.0f} USD"
    unable = f"{plan.spread.unable_share:.0%} of the draws cannot serve at all"
    return f"{unable}, and the cheapest twentieth costs up to {low:,.0f} USD"


def _objectives(plan: DeploymentPlan) -> Section:
    advice, profile, workload = plan.advice, plan.choice.profile, plan.advice.workload
    asked = advice.memory_objective_bytes
    memory = "none" if asked == float("inf") else f"at most {asked / 1e6:,.0f} MB"
    latency = "met by each board alone"
    if plan.capacity is not None:
        latency = f"{plan.capacity.response_s * 1e3:,.2f} ms, {plan.capacity.utilisation:.0%} busy"
    peak = workload.rate_per_s() * workload.peak_ratio
    rows = (
        ("p99 latency", f"at most {workload.latency_objective_ms:g} ms", latency, "modelled"),
        (
            "accuracy",
            f"at least {advice.accuracy_objective_share:.2%}",
            f"{profile.accuracy_share:.2%}",
            profile.kind,
        ),
        ("memory per process", memory, f"{profile.memory_bytes / 1e6:,.0f} MB", profile.kind),
        ("time per prediction", "", f"{profile.service_ms:.3g} ms", profile.kind),
        ("model on disk", "", f"{profile.model_bytes / 1e3:,.0f} kB", profile.kind),
    )
    text = f"{workload.requests_per_s:,.4g} requests/s on average, {peak:,.4g} in the busiest hour."
    return Section("Objectives", (text,), ("", "objective", "this plan", "basis"), rows)


def _costs(plan: DeploymentPlan) -> Section:
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
            f"After {plan.months} months with {growth_share:.0%} growth a month: "
            f"{as_usd(plan.later.total_usd_per_month)} a month."
        )
    carbon = (
        f"Energy: {plan.cost.energy_kwh_per_month:,.0f} kWh a month, "
        f"{plan.cost.carbon_kg_per_month:,.0f} kg of CO2."
    )
    head = ("cost, modelled", "USD a month", "share", "most of it")
    return Section("Costs", (growth, carbon), head, tuple(rows))


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


def _saved(plan: DeploymentPlan) -> Section:
    reference, choice = plan.reference, plan.choice
    form = choice.profile.variant
    others = {profile.variant for profile in plan.advice.profiles} - {form}
    if reference is None and others:
        text = "Not known: the variant to compare with was not measured, or cannot serve."
        return Section("What compression saves", (text,))
    if reference is None or not others:
        text = "No other variant of the model was measured."
        return Section("What compression saves", (text,))
    if reference.profile.variant == form:
        text = f"Nothing: no other variant that meets the objectives costs less than {form}."
        return Section("What compression saves", (text,))
    there = plan.reference_usd_per_month or 0
    saved = there - plan.cost.total_usd_per_month
    verdict = f"saves {as_usd(saved)} a month" if saved > 0 else "costs the same"
    if saved < 0:
        verdict = f"costs {as_usd(-saved)} a month more"
    ratio = max(reference.profile.model_bytes, 1.0) / max(choice.profile.model_bytes, 1.0)
    size = f"{ratio:.1f} times smaller" if ratio >= 1 else f"{1 / ratio:.1f} times larger"
    # Adding 0 turns -0 into 0.
    points = round((choice.profile.accuracy_share - reference.profile.accuracy_share) * 100, 2) + 0
    return Section(
        "What compression saves",
        (
            f"The cheapest deployment of {reference.profile.name}, on {reference.machine.name}, "
            f"costs {as_usd(there)} a month (modelled): this plan {verdict}. Its file is {size} "
            f"and its accuracy {points:+.2f} percentage points (both {choice.profile.kind}).",
        ),
    )


def _compared(plan: DeploymentPlan) -> Section:
    choices = plan.advice.choices()
    lost = Counter(verdict for each in choices for verdict in each.lost_by)
    reasons: tuple[Verdict, ...] = ("price", "latency", "accuracy", "memory")
    said = ", ".join(f"{each} {lost[each]:,}" for each in reasons if lost[each])
    rows = tuple(
        (each.profile.name, each.machine.name, each.reason) for each in choices[1 : 1 + RUNNERS_UP]
    )
    text = f"All {len(choices):,} combinations were computed. Why the others lost: {said}."
    if len(choices) == 1:
        text = "There was only one combination."
    head = ("next best", "machine", "why it lost")
    return Section("What was compared", (text,), head if rows else (), rows)


def _sureness(plan: DeploymentPlan) -> Section:
    rows = tuple(
        (
            swing.name.replace("_", " "),
            f"{swing.range.low:g} to {swing.range.high:g}",
            _end(swing.cost_at_low_usd),
            _end(swing.cost_at_high_usd),
        )
        for swing in plan.swings[:SWINGS]
    )
    text = "One assumption at a time moves through its range; all others keep their values."
    head = ("assumption", "range", "USD at its low end", "USD at its high end")
    return Section("What matters most", (text,), head, rows)


def _end(cost_usd: float) -> str:
    return f"{cost_usd:,.0f}" if cost_usd < float("inf") else "cannot serve"


def _basis(plan: DeploymentPlan) -> Section:
    where = f" on {plan.measured_on}" if plan.measured_on else ""
    kinds = ", ".join(KINDS)
    return Section(
        "What this rests on",
        (
            f"Times, accuracy, memory and sizes were {plan.choice.profile.kind}{where}. Replicas, "
            f"latency under load and the four costs ({kinds}) are modelled from them, using the "
            "prices and assumptions below.",
        ),
        items=(
            *(f"Doubtful: {each}" for each in plan.doubts),
            *(f"Assumed: {each}" for each in plan.cost.assumptions),
            *(f"Source: {each}" for each in plan.cost.sources),
        ),
    )
