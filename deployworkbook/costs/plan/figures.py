"""The sections with the figures behind a plan; each says what was measured and what modelled."""

from __future__ import annotations

from collections import Counter

from deployworkbook.costs.advice.result import Verdict
from deployworkbook.costs.capacity.check import CORRELATED
from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.money import as_usd
from deployworkbook.costs.plan import risks
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.section import Section
from deployworkbook.costs.plan.words import assumption_in_words, phrase_of, value_of
from deployworkbook.costs.prices.entries import Assumption

# Keep the page short: only the largest effects, and a few of the others that were compared.
SWINGS, RUNNERS_UP, FRONTIER = 4, 2, 4


def objectives(plan: DeploymentPlan) -> Section:
    """Compare what was asked with what the plan reaches."""
    advice, profile, workload = plan.advice, plan.choice.profile, plan.advice.workload
    asked = advice.memory_objective_bytes
    memory = "none" if asked == float("inf") else f"at most {asked / 1e6:,.0f} MB"
    latency = "met by each board alone" if plan.deployment.devices else "met without a queue"
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


def other_accuracies(plan: DeploymentPlan) -> Section:
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


def savings(plan: DeploymentPlan) -> Section:
    """Compare the cost with that of the reference variant."""
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


def chips(plan: DeploymentPlan) -> Section:
    """Name the microcontrollers that could run the model beside the sensor, without a server."""
    title = "On a microcontroller instead"
    if not plan.chips:
        return Section(title)
    rows = tuple(
        (
            each.form.variant,
            each.form.core,
            f"{each.form.accuracy_share:.2%}",
            f"{each.form.flash_bytes:,} and {each.form.ram_bytes:,}",
            each.chip.name if each.chip else each.reason,
            f"{each.chip.price_usd:,.2f}" if each.chip else "",
        )
        for each in plan.chips
    )
    text = (
        "Where the data is made on a device of your own, a chip can answer there, without requests "
        "or a server. Flash, RAM and accuracy are measured on an emulated core; the rest of the "
        "firmware needs room, too."
    )
    head = ("form", "core", "test accuracy", "flash and RAM, bytes", "cheapest chip", "USD, once")
    return Section(title, (text,), head, rows)


def comparison(plan: DeploymentPlan) -> Section:
    """Count why the others lost, and name the next best."""
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


def sensitivity(plan: DeploymentPlan) -> Section:
    """List the assumptions that move the cost most."""
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


def basis(plan: DeploymentPlan) -> Section:
    """List what the figures rest on: doubts, assumptions, sources."""
    where = f" on {plan.measured_on}" if plan.measured_on else ""
    kinds = ", ".join(KINDS)
    assumed = [
        assumption_in_words(each) if isinstance(each, Assumption) else each
        for each in plan.cost.premises
    ]
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
