"""Commands about prices: list them, and check a file of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The prices that `cost` and `plan` take: list them, check a file of your own.",
    no_args_is_help=True,
)

PricesFile = Annotated[
    Path | None,
    typer.Option("--prices", metavar="FILE", help="Prices and assumptions of your own."),
]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file of your own.")],
) -> None:
    """Check a file of prices and assumptions, and print what it changes.

    It has the form of the workbook's catalogue, with what differs: sections machines, storage,
    transfer, figures, processors, assumptions, sources.
    """
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.costs.catalog_file import load_catalog
    from deployworkbook.costs.changes import changes_between

    found = changes_between(load_catalog(), load_catalog(file))
    if not found:
        print(f"{file} is in order, and changes nothing.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("section", "entry", "field", "shipped", "yours"):
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(each.section, each.entry, each.field, each.before, each.after)
    Console().print(table)
    print(f"{file} is in order, and changes {len(found)} field{'s'[: len(found) > 1]}.")


@app.command(name="list")
def show(prices_file: PricesFile = None) -> None:
    """Print the machines and their prices, with the date of each price."""
    from rich.console import Console
    from rich.table import Table

    from deployworkbook.costs.catalog_file import load_catalog

    titles = ("machine", "kind", "vCPUs", "GiB", "USD", "", "as of", "basis")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    for each in load_catalog(prices_file).machines.values():
        bought = each.kind == "edge"
        price, per = (each.price_usd, "once") if bought else (each.price_usd_per_hour, "an hour")
        source = each.source
        size = (str(each.vcpus), f"{each.memory_gib:g}", f"{price:g}", per)
        table.add_row(each.name, each.kind, *size, f"{source.date:%Y-%m-%d}", source.basis)
    Console().print(table)
