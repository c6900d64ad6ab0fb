"""The command ``tokens``: what a language model's tokens cost on a GPU, and on which one least."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deployworkbook.commands.prices import PricesFile

if TYPE_CHECKING:
    from deployworkbook.costs.prices.catalog import Catalog
    from deployworkbook.costs.tokens.advice import TokenAdvice, TokenChoice
    from deployworkbook.costs.tokens.bill import Terms, TokenBill


def tokens(
    model: Annotated[str, typer.Option(help="Language model, as in `prices list`.")],
    gpu: Annotated[
        str | None,
        typer.Option(help="GPU or TPU, as in `prices list` (default: compare all of them)."),
    ] = None,
    batch: Annotated[int, typer.Option(help="With --gpu: answers in progress at once.")] = 1,
    bits: Annotated[
        int | None, typer.Option(help="Bits per weight: 16, 8 or 4 (default: 16, or compare all).")
    ] = None,
    devices: Annotated[int, typer.Option(help="With --gpu: devices that share the model.")] = 1,
    cache_bits: Annotated[
        float, typer.Option(help="Bits per number of the cache of keys and values.")
    ] = 16.0,
    prompt: Annotated[float, typer.Option(help="Mean tokens of a prompt.")] = 500.0,
    answer: Annotated[float, typer.Option(help="Mean tokens of an answer.")] = 200.0,
    utilisation: Annotated[
        float, typer.Option(help="With --gpu: fraction of its capacity that is used.")
    ] = 0.6,
    rps: Annotated[float, typer.Option(help="Without --gpu: average requests per second.")] = 1.0,
    first_token_ms: Annotated[
        float, typer.Option(help="Objective for the p99 time to the first token, in ms.")
    ] = 1000.0,
    between_tokens_ms: Annotated[
        float, typer.Option(help="Objective for the p99 time between tokens, in ms.")
    ] = 50.0,
    terms: Annotated[
        str, typer.Option(help="How machines are paid: on-demand, one-year or three-years.")
    ] = "on-demand",
    prices_file: PricesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Estimate what a language model's tokens cost.

    With --gpu, for one server, and against an API. Without, for all GPUs and TPUs of the
    catalogue: the cheapest that keeps the objectives. Speeds are modelled from data sheets.
    """
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.costs.tokens.advise import advise_tokens
    from deployworkbook.costs.tokens.bill import token_bill
    from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer, precision_of
    from deployworkbook.costs.tokens.workload import TokenWorkload

    catalog = load_catalog(prices_file)
    objectives = (first_token_ms, between_tokens_ms)
    paid = cast("Terms", terms)
    if gpu is None:
        work = TokenWorkload(rps, prompt, answer, *objectives)
        forms = tuple(PRECISIONS) if bits is None else (bits,)
        advice = advise_tokens(
            work, [model], catalog, bits=forms, terms=paid, cache_bits=cache_bits
        )
        print(json.dumps(_advice(advice), indent=1)) if as_json else _print_advice(advice)
        return
    server = TokenServer(
        catalog.language_model(model),
        catalog.accelerator(gpu),
        devices,
        precision_of(16 if bits is None else bits),
        batch,
        cache_bits,
    )
    bill = token_bill(
        server,
        prompt_tokens=prompt,
        answer_tokens=answer,
        utilisation_share=utilisation,
        terms=paid,
        catalog=catalog,
    )
    found = _bill(bill, objectives, catalog)
    print(json.dumps(found, indent=1)) if as_json else _print_bill(bill, found, catalog)


def _bill(bill: TokenBill, objectives: tuple[float, float], catalog: Catalog) -> dict[str, Any]:
    """Return a server's figures by name, with their units."""
    from deployworkbook.costs.tokens.api import break_even, prices_of

    server, speed = bill.server, bill.speed
    first_ms, between_ms = objectives
    return {
        "kind": "modelled",
        "model": server.model.name,
        "accelerator": server.accelerator.name,
        "devices": server.devices,
        "weight_bits": server.precision.weight_bits,
        "weight_gb": server.weight_bytes / 1e9,
        "memory_gb": server.memory_bytes(catalog) / 1e9,
        "batch": server.batch,
        "largest_batch": bill.largest_batch,
        "machine": bill.machine.name,
        "terms": bill.terms,
        "usd_per_hour": bill.usd_per_hour,
        "utilisation_share": bill.utilisation_share,
        "answer_tokens_per_s": float(speed.answer_tokens_per_s),
        "requests_per_s": float(speed.requests_per_s),
        "first_token_ms": float(speed.first_token_s) * 1e3,
        "between_tokens_ms": float(speed.between_tokens_s) * 1e3,
        "keeps_objectives": bill.keeps(first_token_ms=first_ms, between_tokens_ms=between_ms),
        "prompt_usd_per_million": bill.prompt_usd_per_million,
        "answer_usd_per_million": bill.answer_usd_per_million,
        "prompt_joules_per_token": bill.prompt_joules_per_token,
        "answer_joules_per_token": bill.answer_joules_per_token,
        "apis": [
            {
                "api": price.name,
                "prompt_usd_per_million": price.prompt_usd_per_million,
                "answer_usd_per_million": price.answer_usd_per_million,
                "break_even_tokens_per_day": _finite(even.tokens_per_day),
                "capacity_tokens_per_day": even.capacity_tokens_per_day,
            }
            for price in prices_of(server.model.name, catalog)
            for even in [break_even(bill, price, catalog=catalog)]
        ],
    }


def _print_bill(bill: TokenBill, found: dict[str, Any], catalog: Catalog) -> None:
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.commands.live import print_plain
    from deployworkbook.costs.tokens.api import prices_of

    console = Console()
    table = Table("", "USD per million", "J per token", box=None, padding=(0, 2, 0, 0))
    for column in (1, 2):
        table.columns[column].justify = "right"
    for what in ("prompt", "answer"):
        usd, joules = found[f"{what}_usd_per_million"], found[f"{what}_joules_per_token"]
        table.add_row(f"{what}s", f"{usd:,.3g}", f"{joules:,.3g}")
    for each in found["apis"]:
        usd = f"{each['prompt_usd_per_million']:g} and {each['answer_usd_per_million']:g}"
        table.add_row(each["api"], usd, "")
    console.print(table)
    kept = "keeps" if found["keeps_objectives"] else "misses"
    lines = [
        f"{found['model']} with {found['weight_bits']:g} bits per weight on {found['devices']} × "
        f"{found['accelerator']} ({found['machine']}, {bill.terms}), used for "
        f"{bill.utilisation_share:.0%} of its capacity; modelled.",
        f"{found['weight_gb']:,.1f} GB of weights in {found['memory_gb']:,.1f} GB; up to "
        f"{bill.largest_batch:,} answers fit, {found['batch']:,} are in progress.",
        f"{found['answer_tokens_per_s']:,.0f} tokens of answers per second, "
        f"{found['requests_per_s']:,.2f} requests; first token after "
        f"{found['first_token_ms']:,.0f} ms, then one every {found['between_tokens_ms']:,.0f} ms: "
        f"{kept} the objectives.",
    ]
    for each in found["apis"]:
        even, most = each["break_even_tokens_per_day"], each["capacity_tokens_per_day"] / 1e6
        able = f"{most:,.0f} million that {found['machine']} can serve"
        said = f"never cheaper, even with all {able} per day"
        if even is not None:
            said = f"cheaper from {even / 1e6:,.0f} million tokens per day on, of the {able}"
        lines.append(f"Against {each['api']}: {said}.")
    model, chip = bill.server.model, bill.server.accelerator
    sources = [model.source, chip.source, bill.machine.source]
    sources += [price.source for price in prices_of(model.name, catalog)]
    lines += [f"Source: {each}" for each in dict.fromkeys(sources)]
    for line in (*lines, _accuracy(catalog)):
        print_plain(console, line)


def _advice(advice: TokenAdvice) -> dict[str, Any]:
    """Return the advice's figures by name, with their units."""
    return {
        "kind": "modelled",
        "tokens_per_day": advice.workload.tokens_per_day,
        "best": None if advice.best is None else _choice(advice.best),
        "ranking": [_choice(each) for each in advice.ranking()],
        "apis": [{"api": price.name, "cost_usd_per_month": cost} for price, cost in advice.apis()],
    }


def _choice(each: TokenChoice) -> dict[str, Any]:
    return {
        "model": each.server.model.name,
        "bits": each.bits,
        "accelerator": each.server.accelerator.name,
        "machine": each.machine.name,
        "machines": _finite(each.machines),
        "devices": each.server.devices,
        "batch": each.server.batch,
        "cost_usd_per_month": _finite(each.cost_usd_per_month),
        "usd_per_million": _finite(each.usd_per_million),
        "first_token_ms": each.first_token_s * 1e3,
        "between_tokens_ms": each.between_tokens_s * 1e3,
        "lost_by": list(each.lost_by),
        "reason": each.reason,
    }


def _print_advice(advice: TokenAdvice) -> None:
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.commands.live import print_plain

    console = Console()
    heads = ("machine", "devices", "bits", "batch", "USD per month", "per million", "")
    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    for column in (2, 3, 4, 5):
        table.columns[column].justify = "right"
    for each in advice.ranking():
        if not math.isfinite(each.cost_usd_per_month):
            continue
        table.add_row(
            f"{each.machines:,.0f} × {each.machine.name}",
            f"{each.server.devices} × {each.server.accelerator.name}",
            f"{each.bits}",
            f"{each.server.batch}",
            f"{each.cost_usd_per_month:,.2f}",
            f"{each.usd_per_million:,.2f}",
            "; ".join(each.lost_by),
        )
    for price, cost in advice.apis():
        per = cost / advice.workload.requests_per_month if advice.workload.requests_per_s else 0.0
        million = 1e6 * per / (advice.workload.prompt_tokens + advice.workload.answer_tokens)
        table.add_row(price.name, "API", "", "", f"{cost:,.2f}", f"{million:,.2f}", "")
    console.print(table)
    work = advice.workload
    lines = [
        f"{work.tokens_per_day / 1e6:,.1f} million tokens per day, first token within "
        f"{work.first_token_objective_ms:,g} ms, then one every "
        f"{work.between_tokens_objective_ms:,g} ms; modelled.",
    ]
    if advice.best is None:
        lines.append("No machine of the catalogue keeps both objectives.")
    for line in (*lines, _accuracy(advice.catalog)):
        print_plain(console, line)


def _accuracy(catalog: Catalog) -> str:
    from deployworkbook.costs.tokens.published import check_against_published, typical_error

    checks = check_against_published(catalog)
    worst = max(checks, key=lambda each: abs(each.error_share))
    return (
        f"Modelled speeds differ from {len(checks)} published ones by {typical_error(checks):.0%} "
        f"typically, and by {worst.error_share:+.0%} at most ({worst.published.name}). "
        "Most of them were used to choose the assumptions."
    )


def _finite(value: float) -> float | None:
    """Return a number for JSON, which has no infinity."""
    return value if math.isfinite(value) else None
