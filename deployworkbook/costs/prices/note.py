"""One line with the regions and dates of the prices behind a modelled cost."""

from __future__ import annotations

from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.entries import Source


def price_note(
    catalog: Catalog | None = None, *, machine: str = "c7g.large", storage: str = "object"
) -> str:
    """Return a note that figures are modelled, with the region and date of their prices.

    Args:
        catalog: Prices and assumptions; by default the shipped catalogue.
        machine: Catalogue name of the machine that serves.
        storage: Catalogue name of the storage.

    Raises:
        ValueError: The catalogue has no such name.

    >>> price_note().partition("; transfer")[0]
    'Modelled. Machines: us-east-1, 2026-01-19; storage: us-east-1, 2026-09-01'
    """
    book = load_catalog() if catalog is None else catalog
    sources = {
        "Machines": book.machine(machine).source,
        "storage": book.storage_named(storage).source,
        "transfer": find("transfer", book.transfer, "internet").source,
        "wages": find("figure", book.figures, "engineer_wage_usd_per_hour").source,
    }
    said = [f"{what}: {_place_and_day(source)}" for what, source in sources.items()]
    return f"Modelled. {'; '.join(said)}."


def _place_and_day(source: Source) -> str:
    own = " (yours)" if source.basis == "own" else ""
    return f"{source.region}, {source.date:%Y-%m-%d}{own}"
