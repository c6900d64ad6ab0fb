"""The ``prices`` commands: list the catalogue, and check a file of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployworkbook.commands.examples import examples_of
from deployworkbook.commands.tables import Row, print_table
from deployworkbook.commands.token_tables import known, token_tables

if TYPE_CHECKING:
    from deployworkbook.costs.prices.catalog import Catalog
    from deployworkbook.costs.prices.entries import Assumption, Processor, Tier

app = typer.Typer(
    help="List the catalogue's prices, or check your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PricesFile = Annotated[
    Path | None,
    typer.Option(
        "--prices", metavar="FILE", help="TOML file with your own prices and assumptions."
    ),
]


@app.command(epilog=examples_of("prices check"))
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file of your own.")],
) -> None:
    """Check a file of prices and assumptions, and print what it changes.

    The file has the sections of the workbook's catalogue (machines, microcontrollers, storage,
    archives, balancers, transfer, figures, radios, batteries, accelerators, accelerator_machines,
    language_models, token_prices, token_rates, processors, assumptions, sources) but only the
    entries that differ.
    """
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.costs.prices.changes import changes_between

    found = changes_between(load_catalog(), load_catalog(file))
    if not found:
        print(f"{file} is valid and changes nothing.")
        return
    rows = [(each.section, each.entry, each.field, each.before, each.after) for each in found]
    print_table(("section", "entry", "field", "shipped", "yours"), rows)
    print(f"{file} is valid and changes {len(found)} field{'s'[: len(found) > 1]}.")


@app.command(name="list", epilog=examples_of("prices list"))
def show(
    prices_file: PricesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the catalogue as JSON.")] = False,
) -> None:
    """Print all prices and assumptions with their sources."""
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.costs.prices.plain import catalog_as_dict

    catalog = load_catalog(prices_file)
    if as_json:
        print(json.dumps(catalog_as_dict(catalog), indent=1))
        return
    for title, (head, rows) in (_tables(catalog) | token_tables(catalog)).items():
        print(f"{title}\n")
        print_table(head, rows)
        print()
    sources = [
        each.source
        for entries in (
            catalog.machines,
            catalog.microcontrollers,
            catalog.storage,
            catalog.archives,
            catalog.balancers,
            catalog.transfer,
            catalog.figures,
            catalog.radios,
            catalog.batteries,
            catalog.accelerators,
            catalog.accelerator_machines,
            catalog.language_models,
            catalog.token_prices,
            catalog.token_rates,
        )
        for each in entries.values()
    ]
    sources += [each.device_source for each in catalog.machines.values() if each.device_source]
    sources += [each.device_source for each in catalog.microcontrollers.values()]
    for source in dict.fromkeys(sources):
        print(f"Source: {source}" + (f"\n        {source.url}" if source.url else ""))


def _tables(catalog: Catalog) -> dict[str, tuple[Row, list[Row]]]:
    """Return the headings and rows of each section."""
    machines = [
        (
            each.name,
            each.kind,
            str(each.vcpus),
            f"{each.memory_gib:g}",
            f"{each.devices} × {each.device_memory_gib:g}" if each.devices else "",
            f"{each.price_usd or each.price_usd_per_hour:g}",
            "once" if each.kind == "edge" else "per hour",
            *known(each.source),
        )
        for each in catalog.machines.values()
    ]
    chips = [
        (
            each.name,
            each.core,
            f"{each.clock_mhz:g}",
            f"{each.flash_kib:g}",
            f"{each.ram_kib:g}",
            f"{each.active_ma:g} at {each.supply_volts:g} V",
            f"{each.sleep_ua:g}",
            f"{each.price_usd:g}",
            *known(each.source),
        )
        for each in catalog.microcontrollers.values()
    ]
    storage = [
        (
            each.name,
            _tiers(each.tiers),
            f"{each.write_usd_per_thousand:g}",
            f"{each.read_usd_per_thousand:g}",
            f"{each.retrieval_usd_per_gib:g}",
            *known(each.source),
        )
        for each in (*catalog.storage.values(), *catalog.archives.values())
    ]
    balancers = [
        (
            each.name,
            f"{each.price_usd_per_hour:g}",
            f"{each.unit_usd_per_hour:g}",
            f"{each.unit_new_connections_per_s:g}/s",
            f"{each.unit_open_connections:,g}",
            f"{each.unit_gb_per_hour:g}/h",
            f"{each.unit_rule_evaluations_per_s:,g}/s" if each.unit_rule_evaluations_per_s else "",
            *known(each.source),
        )
        for each in catalog.balancers.values()
    ]
    transfer = [
        (each.name, _tiers(each.tiers), *known(each.source)) for each in catalog.transfer.values()
    ]
    figures = [
        (name, f"{each.value:g}", *known(each.source)) for name, each in catalog.figures.items()
    ]
    radios = [
        (
            each.name,
            f"{each.bits_per_s:,g}",
            f"{each.packet_bytes:g} + {each.header_bytes:g}",
            f"{each.transmit_ma:g}",
            f"{each.receive_ma:g}",
            f"{each.session_mj:g}",
            *known(each.source),
        )
        for each in catalog.radios.values()
    ]
    batteries = [
        (
            each.name,
            f"{each.capacity_mah:,g}",
            f"{each.cell_volts:g}",
            f"{each.self_discharge_share_per_year:.1%}",
            f"{each.most_ma:g}",
            *known(each.source),
        )
        for each in catalog.batteries.values()
    ]
    cores = [
        _assumed(each, each.speed_ratio, each.low_ratio, each.high_ratio)
        for each in catalog.processors.values()
    ]
    assumed = [
        _assumed(each, each.value, each.low, each.high) for each in catalog.assumptions.values()
    ]
    as_of = ("as of", "basis")
    uses = ("1,000 writes", "1,000 reads", "GiB back")
    return {
        "Machines": (
            ("machine", "kind", "vCPUs", "GiB", "devices, GiB", "USD", "", *as_of),
            machines,
        ),
        "Microcontrollers": (
            ("chip", "core", "MHz", "flash, KiB", "RAM, KiB", "mA", "asleep, µA", "USD", *as_of),
            chips,
        ),
        "Storage, USD": (("storage", "per GiB-month", *uses, *as_of), storage),
        "Load balancers, USD; contents of a capacity unit": (
            ("balancer", "per hour", "per unit-hour", "new", "open", "GB", "rules", *as_of),
            balancers,
        ),
        "Transfer, USD": (("way", "per GiB", *as_of), transfer),
        "Figures": (("figure", "value", *as_of), figures),
        "Radios": (
            (
                "radio",
                "bit/s",
                "bytes a packet",
                "sends, mA",
                "receives, mA",
                "session, mJ",
                *as_of,
            ),
            radios,
        ),
        "Batteries": (("battery", "mAh", "V", "lost a year", "at most, mA", *as_of), batteries),
        "Speed of a core, assumed": (("processor", "speed", "range", "reason"), cores),
        "Other assumptions": (("assumption", "value", "range", "reason"), assumed),
    }


def _assumed(entry: Processor | Assumption, value: float, low: float, high: float) -> Row:
    return entry.name, f"{value:g}", f"{low:g} to {high:g}", entry.reason


def _tiers(tiers: tuple[Tier, ...]) -> str:
    said = [
        f"{each.price_usd_per_gib:g}"
        + ("" if each.up_to_gib == float("inf") else f" to {each.up_to_gib:,.0f} GiB")
        for each in tiers
    ]
    return ", ".join(said)
