"""The changes that a learner's own file makes to the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from deployworkbook.costs.prices.catalog import SECTIONS, Catalog
from deployworkbook.costs.prices.entries import Processor, Source
from deployworkbook.costs.prices.token_entries import Accelerator, LanguageModel


@dataclass(frozen=True)
class Change:
    """One field of one entry that differs.

    Args:
        section: Section of the catalogue.
        entry: Name of the entry.
        field: Name of the field; empty if the whole entry is new.
        before: Shipped value; empty for a new entry.
        after: Value in the file.
    """

    section: str
    entry: str
    field: str
    before: str
    after: str


def changes_between(before: Catalog, after: Catalog) -> list[Change]:
    """Return the differences between two catalogues, in the catalogue's order.

    Args:
        before: One catalogue, for example the shipped one.
        after: The other, for example with a learner's file.
    """
    found = []
    for section in SECTIONS:
        old: Mapping[str, Any] = getattr(before, section)
        for name, entry in getattr(after, section).items():
            if name not in old:
                found.append(Change(section, name, "", "", "new"))
                continue
            for each in fields(entry):
                one, other = getattr(old[name], each.name), getattr(entry, each.name)
                if one != other:
                    found.append(Change(section, name, each.name, _shown(one), _shown(other)))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, Processor | Accelerator | LanguageModel):
        return value.name
    if isinstance(value, Source):
        return value.title
    if isinstance(value, tuple):
        return ", ".join(f"{tier.price_usd_per_gib:g} to {tier.up_to_gib:g} GiB" for tier in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
