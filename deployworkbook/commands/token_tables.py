"""Tables of ``prices list`` for language models: accelerators, models, prices, measured rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployworkbook.costs.prices.catalog import Catalog
    from deployworkbook.costs.prices.entries import Source

Row = tuple[str, ...]


def known(source: Source) -> Row:
    """Return a source's date and basis, the last two columns of a table of facts."""
    return f"{source.date:%Y-%m-%d}", source.basis


def token_tables(catalog: Catalog) -> dict[str, tuple[Row, list[Row]]]:
    """Return the headings and rows of the sections on language models, by title."""
    as_of = ("as of", "basis")
    chips = [
        (
            each.name,
            f"{each.memory_gib:g}",
            f"{each.memory_gb_per_s:,g}",
            f"{each.dense_16bit_tflops:,g}",
            f"{each.dense_8bit_tflops:,g}",
            f"{each.dense_4bit_tflops:,g}",
            f"{each.power_watts:g}" if each.power_watts else "",
            *known(each.source),
        )
        for each in catalog.accelerators.values()
    ]
    machines = [
        (
            each.name,
            f"{each.devices} × {each.accelerator.name}",
            f"{each.price_usd_per_hour:g}",
            *known(each.source),
        )
        for each in catalog.accelerator_machines.values()
    ]
    models = [
        (
            each.name,
            f"{each.parameters / 1e9:.1f}",
            f"{each.layers}",
            f"{each.width:,}",
            f"{each.heads} / {each.kv_heads}",
            f"{each.active_experts} of {each.experts}" if each.experts > 1 else "",
            *known(each.source),
        )
        for each in catalog.language_models.values()
    ]
    prices = [
        (
            each.name,
            each.model.name,
            f"{each.prompt_usd_per_million:g}",
            f"{each.answer_usd_per_million:g}",
            *known(each.source),
        )
        for each in catalog.token_prices.values()
    ]
    rates = [
        (
            each.name,
            f"{each.prompt_tokens} + {each.answer_tokens}",
            f"{each.sequences or 'all'}",
            f"{each.answer_tokens_per_s:,g}",
            *known(each.source),
        )
        for each in catalog.token_rates.values()
    ]
    return {
        "Accelerators; dense TFLOP/s": (
            ("device", "GiB", "GB/s", "16 bits", "8 bits", "4 bits", "W", *as_of),
            chips,
        ),
        "Further machines with accelerators": (
            ("machine", "devices", "USD per hour", *as_of),
            machines,
        ),
        "Language models": (
            ("model", "10⁹ weights", "layers", "width", "heads", "experts", *as_of),
            models,
        ),
        "APIs, USD per million tokens": (("API", "model", "prompt", "answer", *as_of), prices),
        "Published tokens per second": (
            ("measurement", "tokens", "at once", "per second", *as_of),
            rates,
        ),
    }
