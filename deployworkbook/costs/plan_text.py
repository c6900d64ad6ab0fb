"""A plan's page: its sections in words, as Markdown and as an HTML page that needs nothing else.

Each figure says whether it was measured or modelled.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape

from deployworkbook.costs.advice import Verdict
from deployworkbook.costs.breakdown import KINDS
from deployworkbook.costs.money import as_usd
from deployworkbook.costs.plan import Plan

# A page is read, not searched: what matters most, and as many words as fit.
SWINGS, RUNNERS_UP = 5, 3

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 2rem auto;
       max-width: 52rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
p { margin: .3rem 0; } li { margin: .1rem 0; }
table { border-collapse: collapse; margin: .4rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ccc; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { font-size: .72rem; line-height: 1.3; color: #444; padding-left: 1rem;
     columns: 2; column-gap: 2.5rem; }
@page { size: A4; margin: 12mm; }
@media print {
  body { margin: 0; max-width: none; font-size: 10.5px; line-height: 1.3; }
  h1 { font-size: 17px; } h2 { font-size: 12.5px; margin: .4rem 0 .1rem; }
  p { margin: .1rem 0; } table { margin: .15rem 0; }
  th, td { padding: .08rem .8rem .08rem 0; } ul { font-size: 8.5px; line-height: 1.2; }
}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, sentences, a table, a list."""

    title: str
    text: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    items: tuple[str, ...] = ()


def title_of(plan: Plan) -> str:
    """Name the plan."""
    return f"Deployment plan: {plan.choice.profile.variant} on {plan.choice.machine.name}"


def sections_of(plan: Plan) -> list[Section]:
    """Write the page's sections, the decision first."""
    return [
        _decision(plan),
        _objectives(plan),
        _costs(plan),
        _saved(plan),
        _compared(plan),
        _sureness(plan),
        _basis(plan),
    ]


def as_markdown(plan: Plan) -> str:
    """Lay the plan out as Markdown."""
    lines = [f"# {title_of(plan)}", ""]
    for section in sections_of(plan):
        lines += [f"## {section.title}", ""]
        for sentence in section.text:
            lines += [sentence, ""]
        if section.head:
            lines.append("| " + " | ".join(section.head) + " |")
            columns = range(len(section.head))
            marks = ["---:" if _is_number(section, each) else "---" for each in columns]
            lines.append("| " + " | ".join(marks) + " |")
            lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in section.rows]
            lines.append("")
        if section.items:
            lines += [f"- {item}" for item in section.items]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def as_html(plan: Plan) -> str:
    """Lay the plan out as one HTML page, without scripts and without links to styles or fonts."""
    title = escape(title_of(plan))
    body = [f"<h1>{title}</h1>"]
    for section in sections_of(plan):
        body.append(f"<h2>{escape(section.title)}</h2>")
        body += [f"<p>{escape(sentence)}</p>" for sentence in section.text]
        if section.head:
            classes = [
                ' class="number"' if _is_number(section, column) else ""
                for column in range(len(section.head))
            ]
            head = "".join(
                f'<th scope="col"{mark}>{escape(text)}</th>'
                for mark, text in zip(classes, section.head, strict=True)
            )
            rows = "".join(
                "<tr>"
                + "".join(
                    f"<td{mark}>{escape(text)}</td>"
                    for mark, text in zip(classes, row, strict=True)
                )
                + "</tr>"
                for row in section.rows
            )
            body.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
        if section.items:
            body.append(
                "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in section.items) + "</ul>"
            )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _decision(plan: Plan) -> Section:
    low, high = plan.spread.interval_usd()
    cost, choice = plan.cost, plan.choice
    what = "boards" if plan.deployment.devices else "machines"
    count = f"{cost.replicas_at_peak:,} {what} of the kind {choice.machine.name}"
    million = cost.usd_per_million_predictions
    each = "" if million is None else f", {million:,.2f} USD for a million predictions"
    return Section(
        "Decision",
        (
            f"Serve {choice.profile.variant} with {choice.profile.runtime} on {count}.",
            f"Modelled cost: {as_usd(cost.total_usd_per_month)} a month of 730 hours{each}. With "
            f"the assumptions drawn from their ranges, nine of ten months cost {low:,.0f} to "
            f"{high:,.0f} USD.",
        ),
    )


def _objectives(plan: Plan) -> Section:
    advice, profile, workload = plan.advice, plan.choice.profile, plan.advice.workload
    asked = advice.memory_objective_bytes
    memory = "none" if asked == float("inf") else f"at most {asked / 1e6:,.0f} MB"
    latency = "each board alone holds it"
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
        ("memory of a process", memory, f"{profile.memory_bytes / 1e6:,.0f} MB", profile.kind),
        ("time of a prediction", "", f"{profile.service_ms:.3g} ms", profile.kind),
        ("model on disk", "", f"{profile.model_bytes / 1e3:,.0f} kB", profile.kind),
    )
    text = f"{workload.requests_per_s:,.4g} requests/s on average, {peak:,.4g} in the busiest hour."
    return Section("Objectives", (text,), ("", "asked", "this plan", "how known"), rows)


def _costs(plan: Plan) -> Section:
    total = plan.cost.total_usd_per_month
    rows: list[tuple[str, ...]] = [
        (kind, f"{cost:,.2f}", f"{cost / total:.0%}" if total else "", _largest(plan, kind))
        for kind, cost in plan.cost.by_kind_usd.items()
    ]
    rows.append(("total", f"{total:,.2f}", "100%" if total else "", ""))
    growth_share = plan.advice.workload.growth_share_per_month
    if not growth_share:
        growth = "The requests are taken to stay as they are."
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


def _largest(plan: Plan, kind: str) -> str:
    parts = [part for part in plan.cost.parts if part.kind == kind and part.cost_usd]
    if not parts:
        return ""
    part = max(parts, key=lambda each: each.cost_usd)
    return f"{part.name}: {part.quantity:,.4g} {part.unit}".rstrip()


def _saved(plan: Plan) -> Section:
    reference, choice = plan.reference, plan.choice
    form = choice.profile.variant
    others = {profile.variant for profile in plan.advice.profiles} - {form}
    if reference is None or not others:
        text = "No other form of the model that could serve was measured beside this one."
        return Section("What compression saves", (text,))
    if reference.profile.variant == form:
        text = f"Nothing: no other form that holds the objectives costs less than {form}."
        return Section("What compression saves", (text,))
    saved = reference.cost_usd_per_month - choice.cost_usd_per_month
    smaller = reference.profile.model_bytes / max(choice.profile.model_bytes, 1.0)
    points = (choice.profile.accuracy_share - reference.profile.accuracy_share) * 100
    return Section(
        "What compression saves",
        (
            f"The cheapest deployment of {reference.profile.name}, on {reference.machine.name}, "
            f"costs {as_usd(reference.cost_usd_per_month)} a month (modelled): this plan saves "
            f"{as_usd(saved)} a month. Its file is {smaller:.1f} times smaller and its accuracy "
            f"{points:+.2f} percentage points (both {choice.profile.kind}).",
        ),
    )


def _compared(plan: Plan) -> Section:
    choices = plan.advice.choices()
    lost = Counter(verdict for each in choices for verdict in each.lost_by)
    reasons: dict[Verdict, str] = {
        "price": "hold all objectives and cost as much or more",
        "latency": "cannot hold the latency",
        "accuracy": "are not accurate enough",
        "memory": "need too much memory",
    }
    said = ", ".join(f"{lost[key]:,} {text}" for key, text in reasons.items() if lost[key])
    rows = tuple(
        (each.profile.name, each.machine.name, each.reason) for each in choices[1 : 1 + RUNNERS_UP]
    )
    text = f"All {len(choices):,} combinations were computed: {said or 'there is no other'}."
    head = ("next best", "machine", "why it lost")
    return Section("What was compared", (text,), head if rows else (), rows)


def _sureness(plan: Plan) -> Section:
    rows = tuple(
        (
            swing.name.replace("_", " "),
            f"{swing.range.low:g} to {swing.range.high:g}",
            f"{swing.cost_at_low_usd:,.0f}",
            f"{swing.cost_at_high_usd:,.0f}",
        )
        for swing in plan.swings[:SWINGS]
    )
    text = "One assumption at a time moved through its range, all others as they are."
    head = ("assumption", "range", "USD at its low end", "USD at its high end")
    return Section("What matters most", (text,), head, rows)


def _basis(plan: Plan) -> Section:
    where = f" on {plan.measured_on}" if plan.measured_on else ""
    kinds = ", ".join(KINDS)
    return Section(
        "What this rests on",
        (
            f"Times, accuracy, memory and sizes were {plan.choice.profile.kind}{where}. Replicas, "
            f"latency under load and the four costs ({kinds}) are modelled from them, from the "
            "prices and the assumptions below.",
        ),
        items=(
            *(f"Assumed: {each}" for each in plan.cost.assumptions),
            *(f"Source: {each}" for each in plan.cost.sources),
        ),
    )


def _is_number(section: Section, column: int) -> bool:
    return section.head[column].startswith("USD") or section.head[column] == "share"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
