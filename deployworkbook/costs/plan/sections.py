"""The sections of a plan's page, in their order: the decision first, then the figures behind it."""

from __future__ import annotations

from deployworkbook.costs.plan import decision, figures, risks
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.plan.section import Section


def title_of(plan: DeploymentPlan) -> str:
    """Return the plan's title."""
    return f"Deployment plan: {plan.choice.profile.variant} on {plan.choice.machine.name}"


def sections_of(plan: DeploymentPlan) -> list[Section]:
    """Return the page's sections, the decision first."""
    found = [
        decision.decision(plan),
        decision.costs(plan),
        Section("Risks", items=risks.risks_of(plan)),
        Section("What was not measured", items=risks.unmeasured_in(plan)),
        decision.next_step(plan),
        figures.objectives(plan),
        figures.other_accuracies(plan),
        figures.savings(plan),
        figures.comparison(plan),
        figures.chips(plan),
        figures.sensitivity(plan),
        figures.basis(plan),
    ]
    return [each for each in found if each.text or each.rows or each.items or each.commands]
