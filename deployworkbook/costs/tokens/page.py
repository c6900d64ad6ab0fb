"""The advice for tokens as one page: what to rent, what it costs, and what an API would charge."""

from __future__ import annotations

import math

from deployworkbook.costs.plan.section import Section
from deployworkbook.costs.plan.text import html_of, markdown_of
from deployworkbook.costs.plan.words import assumption_in_words
from deployworkbook.costs.prices.entries import Source
from deployworkbook.costs.tokens.advice import TokenAdvice, TokenChoice
from deployworkbook.costs.tokens.published import check_against_published, typical_error

ASSUMED = (
    "reached_compute_share",
    "reached_bandwidth_share",
    "tpu_reached_ratio",
    "layer_call_us",
    "layer_exchange_us",
    "accelerator_memory_share",
    "utilisation_limit_share",
)


def token_plan_as_markdown(advice: TokenAdvice) -> str:
    """Return the advice for tokens as a page of Markdown.

    Args:
        advice: As ``advise_tokens`` returns it.
    """
    return markdown_of(_title(advice), _sections(advice))


def token_plan_as_html(advice: TokenAdvice) -> str:
    """Return the advice for tokens as one HTML page without scripts or external styles.

    Args:
        advice: As ``advise_tokens`` returns it.
    """
    return html_of(_title(advice), _sections(advice))


def _title(advice: TokenAdvice) -> str:
    names = " or ".join(model.name for model in advice.models)
    return f"{names}: {advice.workload.tokens_per_day / 1e6:,.3g} million tokens per day"


def _sections(advice: TokenAdvice) -> list[Section]:
    return [
        Section("Decision", text=tuple(_decision(advice))),
        _alternatives(advice),
        _apis(advice),
        _ground(advice),
        Section("Sources", items=tuple(map(str, _sources(advice))), is_small=True),
    ]


def _decision(advice: TokenAdvice) -> list[str]:
    work, best = advice.workload, advice.best
    asked = (
        f"Asked: {work.requests_per_s:g} requests per second on average, "
        f"{work.peak_requests_per_s:,.3g} in the busiest hour, of {work.prompt_tokens:,g} tokens "
        f"of prompt and {work.answer_tokens:,g} of answer; of 100 requests, 99 have their first "
        f"token within {work.first_token_objective_ms:,g} ms and one more every "
        f"{work.between_tokens_objective_ms:,g} ms."
    )
    if best is None:
        return ["No machine of the catalogue keeps the objectives.", asked]
    each = "with" if best.servers == 1 else "each with"
    said = (
        f"Rent {best.machines:,.0f} × {best.machine.name} ({advice.terms}) for "
        f"{best.cost_usd_per_month:,.2f} USD per month: {best.servers:,.0f} "
        f"{'server' if best.servers == 1 else 'servers'} of {best.server.devices} × "
        f"{best.server.accelerator.name}, {each} {best.server.model.name} in {best.bits} bits "
        f"per weight and up to {best.server.batch} answers at once."
    )
    times = (
        f"In the busiest hour the first token takes {best.first_token_s * 1e3:,.0f} ms at most, "
        f"and each further one {best.between_tokens_s * 1e3:,.0f} ms; on average the servers are "
        f"{best.busy_share:.0%} busy. All of it is modelled."
    )
    sentences = [said, asked, times]
    offered = advice.apis()
    if offered and offered[0][1] < best.cost_usd_per_month:
        price, cost = offered[0]
        sentences.insert(
            1,
            f"The API {price.name} charges {cost:,.2f} USD for the same tokens, which is less: own "
            "machines need another reason, such as data that may not leave the house.",
        )
    return sentences


def _alternatives(advice: TokenAdvice) -> Section:
    rows = [_row(each) for each in advice.ranking(8) if math.isfinite(each.cost_usd_per_month)]
    head = ("machines", "devices", "model", "bits", "at once", "USD per month", "USD per million")
    return Section("Alternatives", head=(*head, "why not"), rows=tuple(rows))


def _row(each: TokenChoice) -> tuple[str, ...]:
    return (
        f"{each.machines:,.0f} × {each.machine.name}",
        f"{each.server.devices} × {each.server.accelerator.name}",
        each.server.model.name,
        f"{each.bits}",
        f"{each.server.batch}",
        f"{each.cost_usd_per_month:,.2f}",
        f"{each.usd_per_million:,.3g}",
        "" if each.lost_by == ("cheapest",) else each.reason,
    )


def _apis(advice: TokenAdvice) -> Section:
    rows = [
        (
            price.name,
            price.model.name,
            f"{price.prompt_usd_per_million:g}",
            f"{price.answer_usd_per_million:g}",
            f"{cost:,.2f}",
        )
        for price, cost in advice.apis()
    ]
    if not rows:
        return Section("APIs", text=("The catalogue has no API for these models.",))
    head = ("API", "model", "USD per million, prompts", "USD per million, answers")
    return Section("APIs", head=(*head, "USD per month"), rows=tuple(rows))


def _ground(advice: TokenAdvice) -> Section:
    checks = check_against_published(advice.catalog)
    worst = max(checks, key=lambda each: abs(each.error_share))
    text = (
        f"The same model of speed differs from {len(checks)} published measurements by "
        f"{typical_error(checks):.0%} typically, and by {worst.error_share:+.0%} at most "
        f"({worst.published.name}); its assumptions were chosen by most of them. "
        "Measure before you commit to machines for a year."
    )
    assumptions = [advice.catalog.assumptions[name] for name in ASSUMED]
    return Section(
        "What it rests on", text=(text,), items=tuple(map(assumption_in_words, assumptions))
    )


def _sources(advice: TokenAdvice) -> list[Source]:
    entries = [each.source for each in advice.models]
    if advice.best is not None:
        entries += [advice.best.server.accelerator.source, advice.best.machine.source]
    entries += [price.source for price, _ in advice.apis()]
    return list(dict.fromkeys(entries))
