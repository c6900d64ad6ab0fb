"""What a file of the learner's own changes in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from deployworkbook.costs.prices.catalog import Catalog, Processor, Source

SECTIONS = ("machines", "storage", "transfer", "figures", "processors", "assumptions")


@dataclass(frozen=True)
class Change:
    """One field of one entry that differs.

    Args:
        section: Of the catalogue.
        entry: Its name.
        field: What differs; empty where the whole entry is new.
        before: As shipped; empty for a new entry.
        after: As the file has it.
    """

    section: str
    entry: str
    field: str
    before: str
    after: str


def changes_between(before: Catalog, after: Catalog) -> list[Change]:
    """List what differs between two catalogues, in the catalogue's order.

    Args:
        before: Such as the shipped one.
        after: Such as the one with a file of the learner's.
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
    if isinstance(value, Processor):
        return value.name
    if isinstance(value, Source):
        return value.title
    if isinstance(value, tuple):
        return ", ".join(f"{tier.price_usd_per_gib:g} to {tier.up_to_gib:g} GiB" for tier in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
