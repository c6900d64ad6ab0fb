"""The wording of a plan's page: its sections, the decision first.

The first five are for whoever decides; the others hold the figures behind them. Each figure says
whether it was measured or modelled.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from deployworkbook.costs.advice.result import Candidate, Verdict
from deployworkbook.costs.capacity.check import CORRELATED
from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.money import as_usd
from deployworkbook.costs.plan import risks
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.serving import serving_commands
from deployworkbook.costs.plan.words import assumption_in_words, phrase_of, value_of

# Keep the page short: only the largest effects, and a few of the others that were compared.
SWINGS, RUNNERS_UP, FRONTIER, TIES = 4, 2, 4, 4


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, a table, a list, commands."""

    title: str
    text: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    items: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    is_small: bool = False

    def is_number(self, column: int) -> bool:
        """Say whether a column of the table holds numbers, which are aligned to the right."""
        return self.head[column].startswith("USD") or self.head[column] == "share"


def title_of(plan: DeploymentPlan) -> str:
    """Return the plan's title."""
    return f"Deployment plan: {plan.choice.profile.variant} on {plan.choice.machine.name}"


def sections_of(plan: DeploymentPlan) -> list[Section]:
    """Return the page's sections, the decision first."""
    found = [
        _decision(plan),
        _costs(plan),
        Section("Risks", items=risks.risks_of(plan)),
        Section("What was not measured", items=risks.unmeasured_in(plan)),
        _next_step(plan),
        _objectives(plan),
        _frontier(plan),
        _saved(plan),
        _compared(plan),
        _sureness(plan),
        _basis(plan),
    ]
    return [each for each in found if each.text or each.rows or each.items or each.commands]


def _decision(plan: DeploymentPlan) -> Section:
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


def _next_step(plan: DeploymentPlan) -> Section:
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


def _objectives(plan: DeploymentPlan) -> Section:
    advice, profile, workload = plan.advice, plan.choice.profile, plan.advice.workload
    asked = advice.memory_objective_bytes
    memory = "none" if asked == float("inf") else f"at most {asked / 1e6:,.0f} MB"
    latency = "met by each board alone"
    if plan.capacity is not None:
        bound = "at least " if risks.correlation_of(plan) > CORRELATED else ""
        latency = f"{bound}{plan.capacity.response_s * 1e3:,.2f} ms"
        latency += f", {plan.capacity.utilisation:.0%} busy"
    peak = workload.rate_per_s() * workload.peak_ratio
    accuracy = f"{profile.accuracy_share:.2%}"
    if profile.accuracy_interval is not None:
        low, high = profile.accuracy_interval
        accuracy += f" (95 %: {low:.2%} to {high:.2%})"
    rows = (
        ("p99 latency", f"at most {workload.latency_objective_ms:g} ms", latency, "modelled"),
        ("accuracy", f"at least {advice.accuracy_objective_share:.2%}", accuracy, profile.kind),
        ("memory per process", memory, f"{profile.memory_bytes / 1e6:,.0f} MB", profile.kind),
        (
            "time per request" if profile.served else "time per prediction",
            "",
            f"{profile.service_ms:.3g} ms",
            profile.kind,
        ),
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


def _frontier(plan: DeploymentPlan) -> Section:
    """List what more accuracy costs, and what less saves: the manager's choice, not a tie."""
    best = plan.choice.cost_usd_per_month
    others = [
        each for each in plan.advice.on_frontier() if each.profile.name != plan.choice.profile.name
    ]
    rows = tuple(
        (
            each.profile.name,
            each.machine.name,
            f"{each.profile.accuracy_share:.2%}",
            f"{each.cost_usd_per_month - best:+,.2f}",
        )
        for each in others[:FRONTIER]
        if round(each.cost_usd_per_month - best, 2)
    )
    if not rows:
        return Section("Other accuracies")
    head = ("form", "machine", "test accuracy (measured)", "USD per month against this plan")
    return Section("Other accuracies", head=head, rows=rows)


def _saved(plan: DeploymentPlan) -> Section:
    title = "What compression saves"
    reference, choice = plan.reference, plan.choice
    form = choice.profile.variant
    others = {profile.variant for profile in plan.advice.profiles} - {form}
    if reference is None and others:
        text = "Not known: the variant to compare with was not measured, or cannot serve."
        return Section(title, (text,))
    if reference is None or not others:
        return Section(title, ("No other variant of the model was measured.",))
    if reference.profile.variant == form:
        text = f"Nothing: no other variant that meets the objectives costs less than {form}."
        return Section(title, (text,))
    if choice.profile.download_bytes >= reference.profile.download_bytes:
        text = f"Nothing: {form} is not a compression; zipped, its file is no smaller than "
        return Section(title, (f"{text}{reference.profile.variant}'s.",))
    there = plan.reference_usd_per_month or 0
    saved = there - plan.cost.total_usd_per_month
    verdict = f"saves {as_usd(saved)} per month" if saved > 0 else "costs the same"
    if saved < 0:
        verdict = f"costs {as_usd(-saved)} per month more"
    ratio = max(reference.profile.download_bytes, 1.0) / max(choice.profile.download_bytes, 1.0)
    # Adding 0 turns -0 into 0.
    points = round((choice.profile.accuracy_share - reference.profile.accuracy_share) * 100, 2) + 0
    return Section(
        title,
        (
            f"The cheapest deployment of {reference.profile.name}, on {reference.machine.name}, "
            f"costs {as_usd(there)} per month (modelled): this plan {verdict}. Zipped, its file is "
            f"{ratio:.1f} times smaller, and its accuracy {points:+.2f} percentage points (both "
            f"{choice.profile.kind}).",
        ),
    )


def _compared(plan: DeploymentPlan) -> Section:
    choices = plan.advice.choices()
    # Each is counted once, under the first reason that applies: the counts add up.
    lost = Counter(each.lost_by[0] for each in choices)
    reasons: tuple[tuple[Verdict, str], ...] = (
        ("server", "have no server"),
        ("accuracy", "miss the accuracy"),
        ("memory", "need too much memory"),
        ("latency", "miss the latency"),
        ("price", "cost more"),
        ("tie", "cost the same"),
    )
    said = ", ".join(f"{lost[key]:,} {words}" for key, words in reasons if lost[key])
    rows = tuple(
        (each.profile.name, each.machine.name, each.reason) for each in choices[1 : 1 + RUNNERS_UP]
    )
    text = (
        f"All {len(choices):,} combinations were computed. Besides this one, {said}; each is "
        "counted once, under the first of these reasons that applies."
    )
    if len(choices) == 1:
        text = "There was only one combination."
    head = ("next best", "machine", "why it lost")
    return Section("What was compared", (text,), head if rows else (), rows)


def _sureness(plan: DeploymentPlan) -> Section:
    rows = tuple(
        (
            phrase_of(swing.name),
            value_of(swing.name, swing.range.low, swing.range.high),
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
    known = plan.advice.catalog.assumptions
    assumed = []
    for text in plan.cost.assumptions:
        name = text.partition(" = ")[0]
        assumed.append(assumption_in_words(known[name]) if name in known else text)
    return Section(
        "What this rests on",
        (
            f"Times, accuracy, memory and sizes were {plan.choice.profile.kind}{where}. Replicas, "
            f"latency under load and the four costs ({kinds}) are modelled from them, using the "
            "prices and assumptions below.",
        ),
        items=(
            *(f"Doubtful: {each}" for each in plan.doubts),
            *(f"Assumed: {each}" for each in assumed),
            *(f"Source: {each}" for each in plan.cost.sources),
        ),
        is_small=True,
    )
